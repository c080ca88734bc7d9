import ArgumentParser
import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import StateStore

/// `orchestrator runs show`
struct RunsShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows a run: what it was started with and where each node stands.",
    discussion: "What nodes were denied: orchestrator explain. What they said: orchestrator runs logs.")

  @OptionGroup var chosen: RunArgument
  @OptionGroup var state: StateOptions
  @Option(help: "How to write it: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let (store, run) = try await bootstrap.chosenRun(chosen.run, state)
    let history = try await store.asking { database throws(StateStoreError) in
      try await database.history(of: run.identifier)
    }
    let report = RunHistoryReport(
      run: ListedRun(run, holder: await store.holder(of: run.identifier)), settings: RunSettings(run.settings),
      history: history, state: state.stateDir)
    let console = bootstrap.console
    switch output {
    case .json: await console.print(report.json.text(.pretty))
    case .text: for line in report.lines(style: console.outputStyle) { await console.print(line) }
    }
  }
}

/// A run as its journal tells it.
struct RunHistoryReport: Sendable {
  let run: ListedRun
  /// Nil where another version wrote them.
  let settings: RunSettings?
  let history: RunHistory
  /// As it was named; nil: the usual.
  let state: String?

  private var nodes: [(name: NodeName, node: RunHistory.Node)] {
    history.nodes.sorted { $0.key.sortKey < $1.key.sortKey }.map { ($0.key, $0.value) }
  }

  func lines(style: Style) -> [String] {
    var lines = [run.line(style: style), "  file       \(SafeText.line(run.run.file))"]
    if let settings {
      lines += settings.inputs.sorted { $0.key < $1.key }.map { name, value in
        "  input      \(name) = \(SafeText.line(value.text(), limit: 200))"
      }
      lines.append("  workspace  \(SafeText.line(settings.workspace.text))")
      lines += settings.uploads.map { file in
        "  given      \(SafeText.line(file.path.text)), \(file.bytes) bytes, \(DigestText.short(file.digest.description))"
      }
    }
    lines += nodes.flatMap { name, node in node.lines(name, style: style) }
    // Instances of nodes with `foreach` come on top of what the workflow names.
    let named = nodes.count { name, _ in name.matrixNode.map { history.nodes[$0] == nil } ?? true }
    let notBegun = run.run.nodeCount - named
    if notBegun > 0 { lines.append(style("  \(SafeText.nodes(notBegun)) never began", .faint)) }
    switch run.standing {
    case .cutOff, .ended(.failed), .ended(.interrupted), .ended(.deadlineExceeded), .ended(.stateLost),
      .ended(.sandboxUnavailable):
      let option = state.map { " --state-dir \($0.quoted)" } ?? ""
      lines.append("go on with it: orchestrator runs resume \(run.run.identifier)\(option)")
    case .running, .ended(.succeeded): break
    }
    return lines
  }

  var json: JSONValue {
    guard case .object(let members) = run.json else { return run.json }
    let inputs = settings.map { settings in
      JSONValue.object(settings.inputs.sorted { $0.key < $1.key }.map { .init($0.key.text, $0.value) })
    }
    return .object(
      members + [
        .init("inputs", inputs ?? .null),
        .init("workspace", settings.map { .string($0.workspace.text) } ?? .null),
        .init("given_files", .array(settings?.uploads.map(\.jsonValue) ?? [])),
        .init("nodes", .array(nodes.map { $1.json($0) })),
      ])
  }
}

extension RunHistory.Node {
  fileprivate var word: String {
    switch standing {
    case .open: isRunning ? "running" : attempts > 0 ? "retrying" : "waiting"
    case .succeeded: "succeeded"
    case .failed: "failed"
    case .skipped: "skipped"
    case .cancelled: "cancelled"
    }
  }

  private var mark: (String, Style.Look) {
    switch standing {
    case .open: ("●", .accent)
    case .succeeded: ("✓", .good)
    case .failed: ("✗", .bad)
    case .skipped: ("↷", .faint)
    case .cancelled: ("■", .warning)
    }
  }

  fileprivate func lines(_ name: NodeName, style: Style) -> [String] {
    var notes: [String] = []
    switch standing {
    case .succeeded(let result):
      if result.isCached { notes.append("from the cache") }
      if result.isFallback { notes.append("the plugin's fallback") }
      if let milliseconds = result.milliseconds { notes.append("in \(DurationText.short(milliseconds: milliseconds))") }
    case .failed(let failure):
      notes.append(SafeText.line(failure.message))
      if let cause = failure.cause { notes.append(SafeText.line(cause, limit: 300)) }
    case .skipped(let reason): notes.append(reason.description)
    case .open, .cancelled: break
    }
    if attempts > 1 { notes.append("\(attempts) attempts") }
    let (sign, look) = mark
    let text = notes.isEmpty ? "" : ": " + notes.joined(separator: ", ")
    return ["  \(style(sign, look)) \(name) \(word)\(text)"]
  }

  fileprivate func json(_ name: NodeName) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("node", .string(name.text)), .init("state", .string(word)),
      .init("attempts", .integer(Int64(attempts))),
    ]
    switch standing {
    case .succeeded(let result):
      members += [
        .init("cached", .bool(result.isCached)), .init("fallback", .bool(result.isFallback)),
        .init("duration_ms", result.milliseconds.map(JSONValue.integer) ?? .null),
      ]
    case .failed(let failure): members.append(.init("error", failure.jsonValue))
    case .skipped(let reason): members.append(.init("skipped_because", reason.jsonValue))
    case .open, .cancelled: break
    }
    return .object(members)
  }
}

extension NodeName {
  /// Instances by their number.
  fileprivate var sortKey: (String, Int) {
    (matrixNode?.text ?? text, instanceIndex ?? -1)
  }
}
