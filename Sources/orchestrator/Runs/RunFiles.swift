import LinuxSystem
import PipelineEngine
import PluginModel
import Scheduling

/// Keeps when what happened in a run, where somebody asked for it.
actor TimelineRecorder {
  private(set) var timeline = RunTimeline()
  private let isNeeded: Bool

  init(isNeeded: Bool) { self.isNeeded = isNeeded }

  func add(_ event: RunEvent) {
    if isNeeded { timeline.apply(event) }
  }
}

/// The files that the operator asked for.
struct RunFiles: Sendable {
  /// The run as a page.
  let page: String?
  /// The run as trace events.
  let trace: String?
  let files: DedicatedThread

  /// - Returns: what couldn't be written: the run itself is over.
  func write(_ graph: WorkflowGraph, _ report: RunReport, _ timeline: RunTimeline) async -> [Diagnostic] {
    var problems: [Diagnostic] = []
    if let page {
      let html = HTMLReport.html(
        graph: graph, report: report, timeline: timeline, suggestions: Self.suggestions(graph, report))
      if let problem = await write(html, to: page, "--report") { problems.append(problem) }
    }
    if let trace {
      let json = TraceEvents.json(report: report, timeline: timeline)
      if let problem = await write(json, to: trace, "--trace") { problems.append(problem) }
    }
    return problems
  }

  private func write(_ bytes: [UInt8], to path: String, _ option: String) async -> Diagnostic? {
    await files.run {
      let split = path.lastIndex(of: "/").map { (String(path[..<$0]), String(path[path.index(after: $0)...])) }
      let (parent, name) = split.map { ($0.isEmpty ? "/" : $0, $1) } ?? (".", path)
      do throws(FileError) {
        try Directory(opening: parent).replace(name, with: bytes)
        return nil
      } catch {
        return Diagnostic(
          "\(path) can't be written", why: error.description, hint: "name a file in a writable directory with \(option)"
        )
      }
    }
  }

  /// What node types ask for and didn't use, or used beyond what they ask for.
  static func suggestions(_ graph: WorkflowGraph, _ report: RunReport) -> [String] {
    var history = EstimateHistory()
    var declared: [String: Scheduling.ResourceRequest] = [:]
    let nodes = Dictionary(graph.nodes.map { ($0.name, $0) }) { first, _ in first }
    for ran in report.nodes where ran.state == .succeeded {
      guard let node = nodes.entry(of: ran.name), let usage = ran.account.usage,
        let peak = usage.memoryPeak?.bytes, let milliseconds = ran.milliseconds
      else {
        continue
      }
      let type = node.type.description
      let processor = Int(clamping: (usage.processorMicroseconds ?? 0) / UInt64(max(1, milliseconds)))
      history.record(nodeType: type, inputBytes: 0, peakMemory: Int(clamping: peak), cpuMilli: processor)
      declared[type] = Scheduling.ResourceRequest(
        cpuMilli: Int(node.resources.cpuCores * 1000), memory: node.resources.memoryMB << 20)
    }
    return declared.sorted { $0.key < $1.key }.flatMap { history.suggestions(for: $0, declared: $1).map(\.text) }
  }
}
