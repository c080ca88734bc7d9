import ArgumentParser
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

/// `orchestrator runs list`
struct RunsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the runs that are kept, the latest first.")

  @Option(help: ArgumentHelp("Only the latest so many.", valueName: "number")) var limit = 20
  @OptionGroup var state: StateOptions
  @Option(help: "How to write the list: text or json.") var output: OutputFormat = .text

  func validate() throws {
    if limit < 1 { throw ValidationError("--limit must be at least 1.") }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    var listed: [ListedRun] = []
    if let store = try await bootstrap.runStore(state) {
      let runs = try await store.asking { database throws(StateStoreError) in try await database.runs(limit: limit) }
      for run in runs.reversed() { listed.append(ListedRun(run, holder: await store.holder(of: run.identifier))) }
    }
    let console = bootstrap.console
    switch output {
    case .json: await console.print(JSONValue.object([.init("runs", .array(listed.map(\.json)))]).text(.pretty))
    case .text:
      if listed.isEmpty { await console.print("there are no runs in \(SafeText.line(try bootstrap.state(state)))") }
      for run in listed { await console.print(run.line(style: console.outputStyle)) }
    }
  }
}

extension RunStore {
  /// The process that carries out a run; nil: none does.
  func holder(of run: String) async -> Int32? {
    let directory = directory(of: run)
    return await files.run { RunLock.holder(of: directory) }
  }
}

/// A run, with whether it goes on.
struct ListedRun: Sendable {
  enum Standing: Sendable {
    case ended(RunOutcome)
    case running(process: Int32)
    /// The process that carried it out died.
    case cutOff
  }

  let run: StoredRun
  let standing: Standing

  init(_ run: StoredRun, holder: Int32?) {
    self.run = run
    standing =
      if let holder { .running(process: holder) } else if let outcome = run.outcome { .ended(outcome) } else { .cutOff }
  }

  /// As `--output json` has it.
  var word: String {
    switch standing {
    case .ended(let outcome): outcome.rawValue
    case .running: "running"
    case .cutOff: "cutOff"
    }
  }

  var words: String {
    switch standing {
    case .ended(.succeeded): "✓ succeeded"
    case .ended(.failed): "✗ failed"
    case .ended(.sandboxUnavailable): "✗ no sandbox"
    case .ended(.deadlineExceeded): "✗ the deadline passed"
    case .ended(.interrupted): "■ interrupted"
    case .ended(.stateLost), .cutOff: "■ cut off"
    case .running(let process): "● running (process \(process))"
    }
  }

  var look: Style.Look {
    switch standing {
    case .ended(.succeeded): .good
    case .ended(.failed), .ended(.sandboxUnavailable), .ended(.deadlineExceeded): .bad
    case .ended(.interrupted), .ended(.stateLost), .cutOff: .warning
    case .running: .accent
    }
  }

  /// From its beginning to its end, whoever carried it out; nil: it hasn't ended.
  var milliseconds: Int64? { run.ended.map { max(0, $0 - run.created) } }

  func line(style: Style) -> String {
    let time = milliseconds.map { " in \(DurationText.short(milliseconds: $0))" } ?? ""
    return "\(style(run.identifier, .strong))  \(ProcessEnvironment.readableTime(run.created))  "
      + "\(SafeText.line(run.workflow)), \(SafeText.nodes(run.nodeCount)): \(style(words, look))\(time)"
  }

  var json: JSONValue {
    .object([
      .init("run", .string(run.identifier)), .init("workflow", .string(run.workflow)),
      .init("file", .string(run.file)), .init("state", .string(word)),
      .init("nodes_count", .integer(Int64(run.nodeCount))), .init("created_ms", .integer(run.created)),
      .init("ended_ms", run.ended.map(JSONValue.integer) ?? .null),
    ])
  }
}
