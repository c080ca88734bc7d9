import PluginModel

@testable import PipelineEngine

/// A run that was never run: its state machine driven by a made-up clock. The same seed gives the same run.
struct ReportSample {
  let graph: WorkflowGraph
  var report: RunReport
  var events: [RunEvent] = []

  var timeline: RunTimeline {
    var timeline = RunTimeline()
    for event in events { timeline.apply(event) }
    return timeline
  }

  /// - Parameter failing: of a hundred attempts.
  init(_ graph: WorkflowGraph, parallel: Int, seed: UInt64, failing: Int, lines: Int = 3) {
    self.graph = graph
    var generator = SeededGenerator(seed: seed)
    var machine = PlacedMachine(graph: graph, run: "r-\(seed)", maximumParallel: parallel)
    var now: Int64 = 0
    var pending: [(time: Int64, event: RunMachine.Event)] = []
    var started: [Int: Int64] = [:]
    var ended: [Int: Int64] = [:]
    var accounts: [Int: NodeAccount] = [:]
    var told: [RunEvent] = []
    var actions = machine.handle(.begin)
    told.append(
      RunEvent(
        milliseconds: 0, node: nil,
        content: .runStarted(run: machine.run, workflow: graph.name, nodes: graph.nodes.map(\.name))))
    while true {
      for action in actions {
        switch action {
        case .start(let node, let call):
          started[node] = started[node] ?? now
          let length = Int64.random(in: 20...4_000, using: &generator)
          let isFailing = Int.random(in: 0..<100, using: &generator) < failing
          told += Self.reports(call.node, from: now, to: now + length, lines: lines)
          let account = Self.account(call, length: length, isFailing: isFailing, &generator)
          pending.append(
            (
              now + length,
              isFailing
                ? .failed(node: node, Self.failure(call, account))
                : .succeeded(node: node, NodeSuccess(outputs: NodeSuccess.everything.outputs, account: account))
            ))
        case .scheduleRetry(let node, let delay, let failure, let memory):
          told.append(
            RunEvent(
              milliseconds: now, node: graph.nodes[node].name,
              content: .nodeRetry(failure, afterMilliseconds: delay, memory: memory)))
          pending.append((now + delay, .retryDelayPassed(node: node)))
        case .announce(let node, let state):
          let name = graph.nodes[node].name
          if state == .failed, let failure = machine.failures[node] {
            told.append(RunEvent(milliseconds: now, node: name, content: .nodeFailed(failure)))
          }
          told.append(
            RunEvent(
              milliseconds: now, node: name, content: .nodeState(state, attempt: machine.attempts[node]),
              skip: machine.skips[node], account: state.isTerminal ? accounts[node] ?? NodeAccount() : NodeAccount()))
        case .cancelRunning, .finish, .enqueue, .withdraw, .giveBack, .lookUp, .announceRestored, .expanded: break
        }
      }
      guard let next = pending.indices.min(by: { pending[$0].time < pending[$1].time }) else { break }
      let (time, event) = pending.remove(at: next)
      now = time
      switch event {
      case .succeeded(let node, let success):
        accounts[node] = (accounts[node] ?? NodeAccount()).followed(by: success.account)
        ended[node] = now
      case .failed(let node, let failure):
        accounts[node] = (accounts[node] ?? NodeAccount()).followed(by: failure.account)
        ended[node] = now
      case .begin, .assigned, .refused, .found, .notFound, .retryDelayPassed, .cancelRequested: break
      }
      actions = machine.handle(event)
    }
    told.append(RunEvent(milliseconds: now, node: nil, content: .runFinished(machine.outcome)))
    report = RunReport(
      run: machine.run, workflow: graph.name, outcome: machine.outcome, milliseconds: now,
      nodes: graph.nodes.enumerated().map { index, node in
        RunReport.Node(
          name: node.name, type: node.type, state: machine.states[index], attempts: machine.attempts[index],
          milliseconds: started[index].flatMap { start in ended[index].map { $0 - start } }, isFallback: index == 3,
          isCached: index == 1, failure: machine.failures[index], skip: machine.skips[index],
          account: accounts[index] ?? NodeAccount())
      }, outputs: [])
    // A node tells while others do: by time, as an observer hears it.
    events = told.enumerated().sorted { ($0.element.milliseconds, $0.offset) < ($1.element.milliseconds, $1.offset) }
      .map(\.element)
  }

  private static func reports(_ node: NodeName, from start: Int64, to end: Int64, lines: Int) -> [RunEvent] {
    var reports: [NodeReport] = [.started]
    for line in 0..<lines {
      reports.append(
        line % 3 == 0
          ? .log(level: .info, message: "step \(line) of \(node)")
          : .output(line: "line \(line)", isError: line % 3 == 2))
    }
    return reports.enumerated().map { index, report in
      RunEvent(milliseconds: min(end, start + Int64(5 * index)), node: node, content: .nodeReport(report))
    }
  }

  private static func account(
    _ call: NodeCall, length: Int64, isFailing: Bool, _ generator: inout SeededGenerator
  ) -> NodeAccount {
    let usage = ResourceUsage(
      processorMicroseconds: UInt64(length) * UInt64.random(in: 100...1_800, using: &generator),
      memoryPeak: .init(bytes: UInt64.random(in: (20 << 20)...(400 << 20), using: &generator), scope: .node))
    return NodeAccount(
      usage: usage, limits: isFailing ? [.memory(limit: 512 << 20, peak: 512 << 20)] : [],
      held: [
        HeldLimits(
          attempt: call.attempt, memory: 512 << 20, memoryOrigin: .node, processors: 2, processorsOrigin: .profile)
      ])
  }

  private static func failure(_ call: NodeCall, _ account: NodeAccount) -> NodeFailure {
    NodeFailure(
      .crash, "the worker of \(call.node.text.quoted) died", cause: "signal 11 (SIGSEGV)", hint: "read its last output",
      traceback: "Traceback (most recent call last):\n  File \"plugin.py\", line 7, in execute",
      lastOutput: ["a", "b"],
      account: account)
  }

  /// `count` nodes in layers of `width`, each reading two of the layer before.
  static func layered(_ count: Int, width: Int, retries: Int = 1) -> WorkflowGraph {
    let source = Demo.specifications[0]
    let join = Demo.specifications[2]
    let output = PortName(unchecked: "output")
    var nodes = (0..<count).map { index in
      let from =
        index < width ? [] : Array(Set([index - width, index - width + (index % width == 0 ? 0 : -1)])).sorted()
      let inputs =
        from.isEmpty
        ? []
        : [
          WorkflowGraph.Input(
            port: PortName(unchecked: "items"), multiple: true,
            source: .connections(from.map { WorkflowGraph.Connection(node: $0, port: output) }))
        ]
      return WorkflowGraph.Node(
        name: NodeName(unchecked: "node_\(index)"),
        type: NodeTypeReference(
          plugin: PluginName(unchecked: "demo"), nodeType: from.isEmpty ? source.nodeType : join.nodeType),
        specification: SharedType(from.isEmpty ? source : join, version: nil), parameters: [], inputs: inputs,
        dependencies: from,
        dependents: [], policy: NodePolicy(retryRules: [RetryRule(maximumRetries: retries, classes: [.crash])]),
        resources: ResourceRequirement(), resourceLocations: [:],
        location: SourceLocation(file: "f", line: 1, column: 1))
    }
    for index in nodes.indices {
      for dependency in nodes[index].dependencies { nodes[dependency].dependents.append(index) }
    }
    return WorkflowGraph(name: "nightly", nodes: nodes, outputs: [])
  }

  /// Of one node that failed at its first attempt, with this text wherever a plugin or a person can put one.
  static func saying(_ text: String) -> ReportSample {
    var graph = layered(1, width: 1)
    var node = graph.nodes[0]
    node.name = NodeName(unchecked: text)
    node.type = NodeTypeReference(plugin: PluginName(unchecked: text), nodeType: NodeTypeName(unchecked: text))
    node.specification.outputs[0].name = PortName(unchecked: text)
    graph = WorkflowGraph(name: text, nodes: [node], outputs: [])
    let failure = NodeFailure(.error, text, cause: text, hint: text, traceback: text, lastOutput: [text, text])
    var sample = ReportSample(graph, parallel: 1, seed: 0, failing: 0)
    sample.report.run = text
    sample.report.nodes[0].state = .failed
    sample.report.nodes[0].failure = failure
    sample.events = [
      RunEvent(milliseconds: 0, node: node.name, content: .nodeState(.queued, attempt: 0)),
      RunEvent(milliseconds: 2, node: node.name, content: .nodeState(.running, attempt: 1)),
      RunEvent(milliseconds: 3, node: node.name, content: .nodeReport(.log(level: .error, message: text))),
      RunEvent(milliseconds: 4, node: node.name, content: .nodeReport(.output(line: text, isError: false))),
      RunEvent(milliseconds: 5, node: node.name, content: .nodeFailed(failure)),
      RunEvent(milliseconds: 5, node: node.name, content: .nodeState(.failed, attempt: 1)),
    ]
    return sample
  }

  /// What pages, XML, JSON and terminals have been broken with.
  static let hostile = [
    "</script><script>alert(1)</script>", "<!--<script>", "]]>", "\"><img src=x onerror=alert(1)>", "a\u{0}b",
    "\u{9B}31m\u{1B}[2J",
    "\u{202E}gpj.exe\u{2066}", "&lt;&#60;&amp;", "\u{2028}\u{2029}", "\r\n\t", "'\"`\\u003c\\",
    "\u{FFFE}\u{FFFF}\u{10FFFF}", "<![CDATA[x", "--><?xml?>",
    "{{constructor}}${x}", "",
  ]
}
