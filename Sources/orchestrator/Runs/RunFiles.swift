import LinuxSystem
import PipelineEngine
import PluginModel
import Scheduling

/// Keeps when what happened in a run, where somebody asked for it.
actor TimelineRecorder {
  private(set) var timeline: RunTimeline
  private nonisolated let isNeeded: Bool

  init(isNeeded: Bool, bounds: RunTimeline.Bounds = RunTimeline.Bounds()) {
    self.isNeeded = isNeeded
    timeline = RunTimeline(bounds: bounds)
  }

  nonisolated func add(_ events: [RunEvent]) async {
    if isNeeded { await apply(events) }
  }

  private func apply(_ events: [RunEvent]) {
    for event in events { timeline.apply(event) }
  }
}

/// The files that the operator asked for.
struct RunFiles: Sendable {
  /// The page of a server's run, in the run's directory.
  static let keptPage = "report.html"

  /// The run as a page.
  let page: String?
  /// The run as trace events.
  let trace: String?
  let files: DedicatedThread

  /// - Parameter earlier: what nodes of the same types used in earlier runs.
  /// - Returns: what couldn't be written: the run itself is over.
  func write(
    _ graph: WorkflowGraph, _ report: RunReport, _ timeline: RunTimeline, earlier: [NodeMeasurement]
  ) async -> [Diagnostic] {
    var problems: [Diagnostic] = []
    if let page {
      let html = HTMLReport.html(
        graph: graph, report: report, timeline: timeline, suggestions: Self.suggestions(graph, report, earlier))
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
      let (parent, name) = path.directoryAndName
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

  /// What node types ask for and didn't use, or used beyond what they ask for. A suggestion, for whoever wrote the workflow or the plugin:
  /// no limit follows from what was measured, for plugins would set their own.
  static func suggestions(_ graph: WorkflowGraph, _ report: RunReport, _ earlier: [NodeMeasurement]) -> [String] {
    var history = EstimateHistory()
    history.record(earlier + report.measurements)
    var declared: [String: Scheduling.ResourceRequest] = [:]
    let ran = Set(report.nodes.lazy.filter { $0.inputBytes != nil }.map(\.type))
    for node in graph.nodes where ran.contains(node.type) {
      declared[node.type.description] = Scheduling.ResourceRequest(
        cpuMilli: Int(node.resources.cpuCores * 1000), memory: node.resources.memoryMB << 20)
    }
    return declared.sorted { $0.key < $1.key }.flatMap { history.suggestions(for: $0, declared: $1).map(\.text) }
  }
}

extension String {
  /// Of a path: the directory, `.` where none is named, and what is in it. By bytes: a mark may join with the slash before it.
  var directoryAndName: (directory: String, name: String) {
    guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", self) }
    return (slash == startIndex ? "/" : String(self[..<slash]), String(self[utf8.index(after: slash)...]))
  }
}
