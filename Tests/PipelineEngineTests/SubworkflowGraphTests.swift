import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A graph of several workflows")
struct SubworkflowGraphTests {
  private static let part = (
    nodes: """
    make: {type: demo/source, with: {count: "${{ inputs.count }}", mode: "${{ inputs.mode }}"}}
    read: {type: demo/step, in: {input: inputs.text}}
    both: {type: demo/join, in: {items: [make.output, read.output]}}
    """,
    more: """
    inputs: {count: {type: integer, default: 2}, mode: {type: string, default: standard}, text: {type: string}}
    outputs: {made: make.output, all: both.output, size: read.size}
    """
  )

  private func dependencies(_ graph: WorkflowGraph) -> [String: [String]] {
    Dictionary(
      uniqueKeysWithValues: graph.nodes.map { node in
        (node.name.text, node.dependencies.map { graph.nodes[$0].name.text })
      })
  }

  @Test("has the nodes of each file, with the inputs of that file, connected from node to node")
  func inlined() throws {
    let graph = try Demo.graph(
      """
      first: {type: demo/source}
      sub: {workflow: part.yaml, with: {count: "${{ inputs.n + 1 }}"}, in: {text: first.output}}
      last: {type: demo/step, in: {input: sub.made}}
      done: {type: demo/source, needs: [sub]}
      """, more: "inputs: {n: {type: integer, default: 4}}\noutputs: {made: sub.made, last: last.output}",
      files: ["part.yaml": Self.part])
    #expect(graph.nodes.map(\.name.text) == ["first", "sub/make", "sub/read", "sub/both", "last", "done"])
    #expect(graph.nodes[1].parameters.map(\.value) == ["standard", 5])
    #expect(
      dependencies(graph) == [
        "first": [], "sub/make": ["first"], "sub/read": ["first"], "sub/both": ["sub/make", "sub/read"],
        "last": ["sub/make"], "done": ["sub/make", "sub/read", "sub/both"],
      ])
    #expect(graph.outputs.map { $0.sources.map { graph.nodes[$0.node].name.text } } == [["sub/make"], ["last"]])
    #expect(graph.outputs.map(\.isList) == [false, false])
    #expect(graph.nodes[1].location.file == "part.yaml" && graph.nodes[0].location.file == "main.yaml")
    let drawing = WorkflowDrawing(graph)
    #expect(drawing.text.contains("sub/read") && drawing.svg.contains(">sub/read<"))
  }

  @Test("an input with a value is a constant at a port, in any workflow")
  func constants() throws {
    let graph = try Demo.graph(
      """
      step: {type: demo/step, in: {input: inputs.text}}
      join: {type: demo/join, in: {items: [inputs.text, inputs.list], limit: inputs.n}}
      sub: {workflow: part.yaml, in: {text: inputs.text}}
      twice: {workflow: part.yaml, with: {text: given}}
      """,
      more: "inputs: {text: {type: string, default: hello}, list: {type: list}, n: {type: number, default: 1.5}}",
      files: ["part.yaml": Self.part], inputs: [("list", [1, 2])])
    func constants(_ node: String) throws -> [JSONValue] {
      try #require(graph.nodes.first { $0.name.text == node }).inputs.compactMap {
        if case .defaultValue(let value) = $0.source { value } else { nil }
      }
    }
    #expect(try constants("step") == ["hello"])
    #expect(try constants("join") == [["hello", [1, 2]], .double(1.5)])
    #expect(try constants("sub/read") == ["hello"] && (try constants("twice/read")) == ["given"])
  }

  @Test("a matrix makes a whole workflow of each instance, and matrices within it read its inputs")
  func matrices() throws {
    let graph = try Demo.graph(
      """
      first: {type: demo/source}
      sub: {workflow: part.yaml, matrix: {n: [1, 2]}, with: {counts: "${{ [matrix.n, 5] }}"}, in: {text: first.output}}
      join: {type: demo/join, in: {items: sub.made}}
      each: {type: demo/join, in: {items: sub.last}}
      """, more: "outputs: {made: sub.made}",
      files: [
        "part.yaml": (
          """
          make: {type: demo/source, matrix: {c: "${{ inputs.counts }}"}, with: {count: "${{ matrix.c }}"}}
          step: {type: demo/step, in: {input: inputs.text}}
          """,
          "inputs: {counts: {type: list}, text: {type: string}}\noutputs: {made: make.output, last: step.output}"
        )
      ])
    #expect(
      graph.nodes.map(\.name.text) == [
        "first", "sub[0]/make[0]", "sub[0]/make[1]", "sub[0]/step", "sub[1]/make[0]", "sub[1]/make[1]", "sub[1]/step",
        "join", "each",
      ])
    #expect(graph.nodes[1...5].compactMap { $0.parameters.last?.value } == [1, 5, 2, 5])
    #expect(
      graph.nodes.map(\.label) == [nil, "n=1, c=1", "n=1, c=5", "n=1", "n=2, c=2", "n=2, c=5", "n=2", nil, nil])
    #expect(dependencies(graph)["join"] == ["sub[0]/make[0]", "sub[0]/make[1]", "sub[1]/make[0]", "sub[1]/make[1]"])
    #expect(dependencies(graph)["each"] == ["sub[0]/step", "sub[1]/step"])
    #expect(graph.outputs[0].sources.map(\.node) == [1, 2, 4, 5] && graph.outputs[0].isList)
  }

  @Test("a node within a workflow with a matrix reads its own neighbour as one value, and others as many")
  func neighbours() {
    let files: [String: (nodes: String, more: String)] = [
      "part.yaml": (
        "make: {type: demo/source}\nnext: {type: demo/step, in: {input: make.output}}", "outputs: {made: make.output}"
      ),
      "one.yaml": ("next: {type: demo/step, in: {input: inputs.text}}", "inputs: {text: {type: any}}"),
    ]
    let sub = "sub: {workflow: part.yaml, matrix: {n: [1, 2]}}\n"
    #expect(Demo.refusals(sub, files: files) == [])
    #expect(
      Demo.refusals(sub + "last: {type: demo/step, in: {input: sub.made}}", files: files) == [
        "main.yaml:8:34: error: the input 'input' of the node 'last' has 2 sources: it takes one value, and 'sub' has a matrix: its outputs are always many"
      ])
    #expect(
      Demo.refusals(sub + "one: {workflow: one.yaml, in: {text: sub.made}}", files: files) == [
        "one.yaml:7:34: error: the input 'input' of the node 'one/next' has 2 sources: it takes one value, and 'sub' has a matrix: its outputs are always many"
      ])
  }

  @Test("what a node with 'workflow' says holds for the nodes of that, as far as these don't say otherwise")
  func policies() throws {
    let graph = try Demo.graph(
      """
      sub: {workflow: part.yaml, timeout: 5m, retry: {max: 4, on: [error]}, cache: never, continue-on-error: true}
      other: {workflow: part.yaml}
      """, more: "defaults: {timeout: 1h, retry: {max: 9}}",
      files: [
        "part.yaml": (
          "a: {type: demo/source}\nb: {type: demo/source, timeout: 10s, retry: {max: 1}}", "defaults: {retry: {max: 2}}"
        )
      ])
    #expect(graph.nodes.map(\.policy.timeoutMilliseconds) == [300_000, 10_000, 3_600_000, 10_000])
    #expect(graph.nodes.map { $0.policy.retryRules?.map(\.maximumRetries) } == [[2], [1], [2], [1]])
    #expect(
      graph.nodes.map { $0.policy.retryRules?[0].classes } == [
        [.error], [.error], [.crash, .timeout], [.crash, .timeout],
      ])
    #expect(graph.nodes.map(\.isReusable) == [false, false, true, true])
    #expect(graph.nodes.map(\.continuesOnError) == [true, true, false, false])
  }

  @Test("foreach works within, over what the workflow is connected to")
  func foreach() throws {
    let graph = try Demo.graph(
      "split: {type: demo/split}\nsub: {workflow: part.yaml, in: {words: split.output}}\nall: {type: demo/gather, in: {list: sub.each}}",
      files: [
        "part.yaml": (
          "each: {type: demo/step, in: {input: inputs.words}, foreach: input}",
          "inputs: {words: {type: list}}\noutputs: {each: each.output}"
        )
      ])
    #expect(graph.nodes[1].foreach?.port.text == "input" && graph.nodes[2].dependencies == [1])
  }

  @Test("workflows lie in each other, and inputs and outputs pass through them")
  func nested() throws {
    let graph = try Demo.graph(
      "a: {type: demo/source}\nb: {workflow: p/outer.yaml, in: {x: a.output, y: inputs.mode}}\nc: {type: demo/step, in: {input: b.z}}",
      more: "inputs: {mode: {type: string, default: advanced}}",
      files: [
        "p/outer.yaml": (
          "in1: {workflow: q/inner.yaml, in: {x: inputs.x, y: inputs.y}}",
          "inputs: {x: {type: string}, y: {type: string}}\noutputs: {z: in1.z}"
        ),
        "p/q/inner.yaml": (
          "m: {type: demo/source, with: {mode: \"${{ inputs.y }}\"}}\ns: {type: demo/step, in: {input: inputs.x}, needs: [m]}",
          "inputs: {x: {type: string}, y: {type: string}}\noutputs: {z: s.output}"
        ),
      ])
    #expect(
      dependencies(graph) == ["a": [], "b/in1/m": ["a"], "b/in1/s": ["a", "b/in1/m"], "c": ["b/in1/s"]])
    #expect(graph.nodes[1].parameters.first?.value == "advanced")
  }

  @Test(
    "is refused with the file and the line of each mistake",
    arguments: [
      (
        "{workflow: part.yaml, with: {cuont: 1, text: a}}",
        ["main.yaml:7:46: error: the workflow 'part.yaml' has no input 'cuont'"]
      ),
      (
        "{workflow: part.yaml}",
        [
          "main.yaml:7:5: error: the node 'sub' gives no value to the input 'text' of the workflow 'part.yaml': it has no default"
        ]
      ),
      (
        "{workflow: part.yaml, with: {text: 1}}",
        [
          "main.yaml:7:45: error: the node 'sub' must give text to the input 'text' of the workflow 'part.yaml': it is '1'"
        ]
      ),
      (
        "{workflow: part.yaml, with: {text: a}, in: {text: first.output}}",
        ["main.yaml:7:54: error: the node 'sub' gives the input 'text' with both 'with' and 'in'"]
      ),
      (
        "{workflow: part.yaml, in: {text: first.output, count: first.output}}",
        [
          "main.yaml:7:64: error: the node 'sub' must connect a whole number to the input 'count' of the workflow 'part.yaml': 'first.output' is of type 'string'"
        ]
      ),
      (
        "{workflow: part.yaml, in: {text: frist.output}}",
        ["main.yaml:7:43: error: the input 'text' of the node 'sub' is connected to 'frist', which there is no node of"]
      ),
      (
        "{workflow: part.yaml, in: {text: inputs.nmae}}", ["main.yaml:7:43: error: the workflow has no input 'nmae'"]
      ),
      (
        "{workflow: part.yaml, in: {text: [inputs.name, first.output]}}",
        [
          "main.yaml:7:44: error: the input 'text' of the node 'sub' gets both values and outputs of nodes: 'inputs.name' is a value, known before the run"
        ]
      ),
      (
        "{workflow: part.yaml, with: {text: a, count: 11}}",
        ["part.yaml:8:45: error: the parameter 'count' of the node 'sub/make' must be at most 10: it is 11"]
      ),
      (
        "{workflow: part.yaml, with: {text: \"${{ inputs.list[7] }}\"}}",
        [
          "main.yaml:7:45: error: the input 'text' of the node 'sub': 'inputs.list[7]' has no value: the list has 0 items, counted from 0, and the index is 7"
        ]
      ),
      (
        "{workflow: part.yaml, with: {text: a}, needs: [frist]}",
        ["main.yaml:7:57: error: the node 'sub' needs 'frist', which there is none of"]
      ),
      (
        "{workflow: part.yaml, with: {text: a}, needs: [sub]}",
        ["part.yaml:8:5: error: the nodes wait for each other: sub/make → sub/make: none of them could ever start"]
      ),
      (
        "{workflow: part.yaml, with: {text: a}, needs: [last]}\n    last: {type: demo/source, needs: [sub]}",
        [
          "part.yaml:8:5: error: the nodes wait for each other: sub/make → last → sub/make: none of them could ever start"
        ]
      ),
      (
        "{workflow: part.yaml, with: {text: a}}\n    last: {type: demo/step, in: {input: sub.mode}}",
        ["main.yaml:8:41: error: the node 'sub' has no output 'mode': the workflow 'part.yaml' has made, all, size"]
      ),
      (
        "{workflow: part.yaml, with: {text: a}, matrix: {n: [1, 2]}, needs: [nobody]}",
        ["main.yaml:7:78: error: the node 'sub[0]' needs 'nobody', which there is none of"]
      ),
      (
        "{workflow: part.yaml, with: {text: a}, if: needs.first.state == 'failed'}",
        [
          "main.yaml:7:53: error: the condition of the node 'sub': it reads 'first', which the node doesn't wait for: it may not have ended by then"
        ]
      ),
      (
        "{workflow: part.yaml, with: {text: a}}\n    last: {type: demo/step, in: {input: sub.made}, if: needs.sub.outputs.all != null}",
        [
          "main.yaml:8:56: error: the condition of the node 'last': it reads 'sub', and the node doesn't wait for all of that: it stands for a workflow, whose other nodes may not have ended by then"
        ]
      ),
      (
        "{workflow: part.yaml, with: {text: a}}\n    last: {type: demo/source, needs: [sub], if: needs.sub.outputs.mad == null}",
        [
          "main.yaml:8:49: error: the condition of the node 'last': it reads 'needs.sub.outputs.mad', but 'sub' has no such output"
        ]
      ),
    ])
  func mistakes(node: String, expected: [String]) {
    // 'make' waits for the rest here, so that a circle is through it.
    let found = Demo.refusals(
      "sub: \(node)".replacing("\n    ", with: "\n") + "\nfirst: {type: demo/source}",
      more: "inputs: {name: {type: string, default: x}, list: {type: list, default: []}}",
      files: ["part.yaml": Self.part])
    #expect(found.first == expected.first)
  }

  @Test("an input that is connected has no value for expressions, and each that reads it says what to do")
  func connected() {
    let files: [String: (nodes: String, more: String)] = [
      "part.yaml": (
        """
        a: {type: demo/source, with: {mode: "${{ inputs.x }}"}}
        b: {type: demo/source, if: "inputs.x == 'a'"}
        c: {workflow: leaf.yaml, with: {x: "${{ inputs.x }}"}}
        """, "inputs: {x: {type: any}}"
      ), "leaf.yaml": ("a: {type: demo/source}", "inputs: {x: {type: any}}"),
    ]
    let main = "first: {type: demo/source}\nsub: {workflow: part.yaml, in: {x: first.output}}"
    #expect(
      Demo.refusals(main, files: files) == [
        "part.yaml:9:40: error: the input 'x' of the node 'c': it reads the input 'x': that is connected to 'first.output', and has no value before the run"
      ])
    var others = files
    others["part.yaml"]?.nodes = String(
      files["part.yaml"]?.nodes.split(separator: "\n").prefix(2).joined(separator: "\n") ?? "")
    #expect(
      Demo.refusals(main, files: others) == [
        "part.yaml:7:41: error: the parameter 'mode' of the node 'sub/a': it reads the input 'x': that is connected to 'first.output', and has no value before the run",
        "part.yaml:8:32: error: the condition of the node 'sub/b': it reads the input 'x': that is connected to 'first.output', and has no value before the run",
      ])
    others["part.yaml"]?.nodes = "a: {type: demo/source, matrix: {m: \"${{ inputs.x }}\"}}"
    #expect(
      Demo.refusals(main, files: others) == [
        "part.yaml:7:40: error: the axis 'm' of the node 'a' reads the input 'x': it is connected to 'first.output', and has no value before the run"
      ])
    others["part.yaml"]?.nodes = "a: {type: demo/step, in: {input: inputs.y}}"
    #expect(
      Demo.refusals(main, files: others) == [
        "part.yaml:7:38: error: the input 'input' of the node 'sub/a' is connected to 'inputs.y', and the workflow has no input 'y'"
      ])
  }

  @Test("a value at a port that can't take it is refused")
  func constantMistakes() {
    func found(_ node: String, _ type: String = "type: list, default: [1]") -> [String] {
      Demo.refusals("s: {type: demo/source}\nn: \(node)", more: "inputs: {x: {\(type)}}", files: [:])
    }
    #expect(
      found("{type: demo/step, in: {input: inputs.x}}") == [
        "main.yaml:8:38: error: the input 'input' of the node 'n' takes 'string': 'inputs.x' is [1]"
      ])
    #expect(
      found("{type: demo/step, in: {input: inputs.x}, foreach: input}") == [
        "main.yaml:8:38: error: the input 'input' of the node 'n' takes 'string': 'inputs.x' is 1"
      ])
    #expect(
      found("{type: demo/step, in: {input: inputs.x}, foreach: input}", "type: string, default: a") == [
        "main.yaml:8:38: error: the input 'input' of the node 'n' has 'foreach' over a non-list: 'inputs.x' is \"a\""
      ])
    #expect(
      found("{type: demo/join, in: {items: [s.output, inputs.x]}}") == [
        "main.yaml:8:39: error: the input 'items' of the node 'n' gets both values and outputs of nodes: an input of the workflow is a value, known before the run"
      ])
    #expect(
      found("{type: demo/step, in: {input: inputs.y}}") == [
        "main.yaml:8:38: error: the input 'input' of the node 'n' is connected to 'inputs.y', and the workflow has no input 'y'"
      ])
  }

  @Test("all files' versions of plugins must be had, and a workflow is checked without its inputs as far as that goes")
  func versionsAndOutlines() throws {
    #expect(
      Demo.refusals(
        "sub: {workflow: part.yaml}",
        files: ["part.yaml": ("a: {type: demo/source}", "plugins: {demo: \">=2\"}")]) == [
          "part.yaml:5:19: error: the plugin 'demo' has version 1.2.0: the workflow asks for >=2.0.0"
        ])
    let workflow = try Demo.workflow(
      "sub: {workflow: part.yaml, with: {count: \"${{ inputs.n }}\", text: \"${{ inputs.t }}\"}}",
      more: "inputs: {n: {type: integer}, t: {type: string}}", files: ["part.yaml": Self.part])
    let outline = try WorkflowOutline(checking: workflow, catalog: Demo.catalog)
    #expect(outline.nodeCount == 3 && outline.unboundInputs.map(\.text) == ["n", "t"])
  }

  @Test("at most 10,000 nodes come of all files, and how many there would be is told before any is made")
  func size() throws {
    var files: [String: (nodes: String, more: String)] = [
      "8.yaml": ("a: {type: demo/source}\nb: {type: demo/source}", "")
    ]
    for level in 1..<8 { files["\(level).yaml"] = ("s: {workflow: \(level + 1).yaml, matrix: {n: [1, 2, 3]}}", "") }
    let refusal =
      "main.yaml:7:21: error: the workflow has 13122 nodes, with those of the workflows that its nodes stand for: a workflow may have 10000"
    #expect(Demo.refusals("sub: {workflow: 1.yaml, matrix: {n: [1, 2, 3]}}", files: files) == [refusal])
    #expect(try Demo.graph("sub: {workflow: 1.yaml, matrix: {n: [1, 2]}}", files: files).nodes.count == 8748)
    for level in 1..<8 {
      files["\(level).yaml"] = (
        "s: {workflow: \(level + 1).yaml, matrix: {n: [\((0..<256).map(String.init).joined(separator: ","))]}}", ""
      )
    }
    #expect(
      Demo.refusals("sub: {workflow: 1.yaml, matrix: {n: \((0..<256).map { $0 })}}", files: files)[0]
        .contains("the workflow has more nodes than can be counted"))
    // What the inputs say is found while the nodes are made.
    for level in 1..<8 {
      files["\(level).yaml"] = (
        "s: {workflow: \(level + 1).yaml, matrix: {n: \"${{ range(inputs.n) }}\"}, with: {n: \"${{ inputs.n }}\"}}",
        "inputs: {n: {type: integer}}"
      )
    }
    files["8.yaml"] = ("a: {type: demo/source}", "inputs: {n: {type: integer}}")
    #expect(
      Demo.refusals("sub: {workflow: 1.yaml, with: {n: 200}}", files: files) == [
        "main.yaml:7:21: error: the workflow has more than 10000 nodes, with those of the workflows that its nodes stand for: a workflow may have 10000"
      ])
  }

  @Test("connections between workflows are bounded")
  func connections() {
    let files: [String: (nodes: String, more: String)] = [
      "part.yaml": ((0..<600).map { "n\($0): {type: demo/source}" }.joined(separator: "\n"), "")
    ]
    #expect(
      Demo.refusals("a: {workflow: part.yaml}\nb: {workflow: part.yaml, needs: [a]}", files: files).map {
        $0.contains("the workflow has more than 262144 connections between its nodes")
      } == [true])
  }
}
