import PluginModel
import Testing

@Suite("Expressions in parameters")
struct TemplateTests {
  private let inputs: [ParameterName: JSONValue] = [
    ParameterName(unchecked: "path"): "/data", ParameterName(unchecked: "n"): 3,
    ParameterName(unchecked: "x"): .double(0.5),
    ParameterName(unchecked: "on"): true, ParameterName(unchecked: "list"): [1, 2],
    ParameterName(unchecked: "none"): .null,
    ParameterName(unchecked: "evil"): "${{ inputs.path }}",
  ]

  @Test("what an expression yields is a pattern for itself alone, and what stands around it stays one")
  func patterns() throws {
    let scope = ExpressionScope(inputs: [
      ParameterName(unchecked: "a"): "*?[x]**/y", ParameterName(unchecked: "list"): ["*.txt", 1, ["?"]],
    ])
    func evaluated(_ text: String) throws -> JSONValue {
      try JSONValue.array([.string(text)]).evaluated(in: scope, escape: CommandPattern.escaped)
    }
    #expect(try evaluated("dist/*/${{ inputs.a }}-*") == ["dist/*/[*][?][[]x][*][*]/y-*"])
    #expect(try evaluated("${{ inputs.a }}") == ["[*][?][[]x][*][*]/y"])
    #expect(try evaluated("${{ inputs.list }}") == [["[*].txt", 1, ["[?]"]]])
    #expect(CommandPattern.escaped("a.txt") == "a.txt")
  }

  @Test(
    "an expression alone keeps its type, among text it becomes text",
    arguments: [
      ("${{ inputs.list }}", [1, 2]), ("${{inputs.n}}", 3), ("${{ inputs.none }}", .null),
      ("${{ inputs.path }}", "/data"),
      ("${{ inputs.path }}/${{ inputs.n }}.csv", "/data/3.csv"), (" ${{ inputs.n }}", " 3"),
      ("${{ inputs.x }}:${{ inputs.on }}", "0.5:true"),
      ("", ""), ("plain", "plain"), ("$", "$"), ("${", "${"), ("$${", "$${"), ("a } b }}", "a } b }}"),
      ("$${{ inputs.n }}", "${{ inputs.n }}"),
      ("$$${{ inputs.n }}", "$${{ inputs.n }}"), ("${ { inputs.n } }", "${ { inputs.n } }"),
      ("é${{ inputs.n }}ü", "é3ü"), ("${{ inputs['n'] }}", 3), ("${{ inputs.n + 1 }}", 4),
      ("${{ inputs.path + '}}' }}.${{ inputs.n * 2 }}", "/data}}.6"), ("${{ inputs.on ? inputs.path : '' }}", "/data"),
    ] as [(String, JSONValue)])
  func evaluates(text: String, expected: JSONValue) throws {
    #expect(try Template(text).evaluate(inputs: inputs) == expected)
  }

  @Test("what an expression yields is never read as an expression")
  func noSecondPass() throws {
    #expect(try Template("a${{ inputs.evil }}").evaluate(inputs: inputs) == "a${{ inputs.path }}")
    let value: JSONValue = ["k": ["${{ inputs.evil }}"]]
    #expect(try value.evaluated(inputs: inputs) == ["k": ["${{ inputs.path }}"]])
  }

  @Test("keys are no templates")
  func keys() throws {
    let value: JSONValue = ["${{ inputs.n }}": "${{ inputs.n }}"]
    #expect(try value.evaluated(inputs: inputs) == ["${{ inputs.n }}": 3])
  }

  @Test(
    "anything else between the braces is refused",
    arguments: [
      "${{", "${{ inputs.n", "${{ }}", "${{}}", "${{ n }}", "${{ inputs }}", "${{ inputs. }}",
      "${{ inputs.n + }}", "${{ env.PATH }}", "${{ 'a }}", "${{ inputs[inputs.n] }}", "${{ Inputs.n }}",
      "${{ inputs.n }", "${{ ${{ inputs.n }} }}",
      "ok ${{ inputs.n }} ${{ no }}", "${{ inputs.\u{e9} }}",
    ])
  func refused(text: String) {
    #expect(throws: Template.Problem.self) { try Template(text) }
  }

  @Test(
    "a list, a mapping or nothing can't stand within text", arguments: ["a${{ inputs.list }}", "${{ inputs.none }}!"])
  func onlyScalars(text: String) {
    #expect(throws: Template.Problem.self) { try Template(text).evaluate(inputs: inputs) }
  }

  @Test("an unknown input suggests the known one")
  func unknown() {
    do throws(Template.Problem) {
      _ = try Template("${{ inputs.pth }}").evaluate(inputs: inputs)
      Issue.record("accepted")
    } catch {
      #expect(error.hint == "did you mean 'path'?")
    }
  }

  @Test("a small template can't ask for much memory")
  func bounded() throws {
    let big: [ParameterName: JSONValue] = [
      ParameterName(unchecked: "b"): .string(String(repeating: "x", count: 1 << 20))
    ]
    let text = String(repeating: "${{ inputs.b }}", count: 1000)
    #expect(throws: Template.Problem.self) { try Template(text).evaluate(inputs: big) }
  }

  @Test("no text crashes the parser, and text without braces is kept", arguments: [81, 82] as [UInt64])
  func randomText(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let pieces = ["$", "{", "}", "${{", "}}", " ", "inputs.n", "a", "é", "$${{"]
    for _ in 0..<5000 {
      let text = (0..<Int.random(in: 0...10, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }.joined()
      guard let template = try? Template(text) else { continue }
      let value = try? template.evaluate(inputs: inputs)
      #expect(value != nil || template.inputs.contains { inputs[$0] == nil } || text.contains("}}"))
      if !text.contains("${{") { #expect(value == .string(text)) }
    }
  }
}
