import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

/// The state directory's database and store of results, as runs use them.
struct RunStore: Sendable {
  let state: String
  let database: StateDatabase
  let artifacts: ArtifactStore
  let results: StoredResults
  let files: DedicatedThread

  /// Makes both where they are missing.
  init(making state: String, files: DedicatedThread) async throws(CommandFailure) {
    let database: StateDatabase
    do throws(StateStoreError) {
      database = try await StateDatabase(making: state, on: files)
    } catch {
      throw CommandFailure(error)
    }
    try await self.init(state, database, files: files)
  }

  init(_ state: String, _ database: StateDatabase, files: DedicatedThread) async throws(CommandFailure) {
    do throws(ArtifactError) {
      artifacts = try await ArtifactStore(making: state)
    } catch {
      throw CommandFailure(error)
    }
    self.state = state
    self.database = database
    self.files = files
    results = StoredResults(artifacts)
  }

  /// Writes down that a run begins, before anything of it does.
  /// - Parameter records: of what is done of it already.
  func begin(_ run: StoredRun, _ records: [JournalRecord] = []) async throws(CommandFailure) -> KeptRun {
    let lock = try await lock(run.identifier)
    try await asking { database throws(StateStoreError) in try await database.add(run, records) }
    return KeptRun(
      store: self, identifier: run.identifier, lock: lock, history: records.isEmpty ? nil : RunHistory(records))
  }

  /// A run that was cut off or failed, to be gone on with.
  func resume(_ run: StoredRun) async throws(CommandFailure) -> KeptRun {
    let lock = try await lock(run.identifier)
    var history = try await asking { database throws(StateStoreError) in
      try await database.history(of: run.identifier)
    }
    guard history.outcome != .succeeded else {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) has succeeded: there is nothing to go on with",
        hint: "see it: orchestrator runs show \(run.identifier)")
    }
    history.goOn()
    return KeptRun(store: self, identifier: run.identifier, lock: lock, history: history)
  }

  @discardableResult
  func asking<Value>(
    _ body: (StateDatabase) async throws(StateStoreError) -> Value
  ) async throws(CommandFailure) -> Value {
    do throws(StateStoreError) { return try await body(database) } catch { throw CommandFailure(error) }
  }

  /// What nodes of the types of a run used before. Who can't tell suggests less.
  func earlierMeasurements(like report: RunReport) async -> [NodeMeasurement] {
    (try? await database.measurements(of: Set(report.nodes.map(\.type)))) ?? []
  }

  /// Keeps what the nodes of a run used, for the suggestions of later ones.
  func keepMeasurements(of report: RunReport) async { try? await database.add(report.measurements) }

  func directory(of run: String) -> String { "\(state)/runs/\(run)" }

  /// - Throws: also where another process has it.
  func lock(_ run: String) async throws(CommandFailure) -> RunLock {
    let directory = directory(of: run)
    let lock: RunLock?
    do {
      lock = try await files.run {
        _ = try Directory(making: directory, permissions: 0o700)
        return try RunLock(directory)
      }
    } catch {
      throw CommandFailure(.invalidInput, "the run \(run) can't be locked", why: "\(error)")
    }
    guard let lock else {
      let holder = await files.run { RunLock.holder(of: directory) }
      throw CommandFailure(
        .invalidInput, "the run \(run) is still running",
        why: holder.map { "the process \($0) carries it out" },
        hint: "wait for it, or end it: orchestrator runs cancel \(run)")
    }
    return lock
  }
}

/// One run that this process carries out and keeps.
struct KeptRun: Sendable {
  let store: RunStore
  let identifier: String
  /// Held while the run goes on.
  private let lock: RunLock
  /// Of one that is gone on with.
  let history: RunHistory?
  /// In place of the usual one.
  var journal: (any RunJournal)?

  fileprivate init(store: RunStore, identifier: String, lock: RunLock, history: RunHistory?) {
    self.store = store
    self.identifier = identifier
    self.lock = lock
    self.history = history
  }

  /// - Parameter identities: of the nodes whose results may be reused; nil: every node runs.
  func keeping(_ identities: [NodeName: CacheIdentity]?, clock runClock: any RunClock) -> RunKeeping {
    let clock = SystemWallClock()
    let index = StoredCacheIndex(store.database, results: store.results, clock: clock)
    return RunKeeping(
      journal: journal ?? StoredRunJournal(store.database, run: identifier), results: store.results, clock: clock,
      cache: identities.map { ResultCache(index: index, identities: $0, clock: runClock) })
  }

  /// How long the nodes of a workflow took before, milliseconds. Who can't tell knows nothing: it decides on an order alone.
  func durations(of workflow: String) async -> [NodeName: Int64] {
    (try? await store.database.durations(ofWorkflow: workflow)) ?? [:]
  }

  /// What need not be done again.
  func restored(_ graph: WorkflowGraph) async -> RestoredRun {
    guard let history else { return [:] }
    var values: [NodeName: [(port: PortName, values: [NodeValue])]] = [:]
    for (name, node) in history.nodes {
      guard case .succeeded(let result) = node.standing else { continue }
      values[name] = await store.results.values(of: result.outputs)
    }
    return history.restored(graph) { name, _ in values[name] }
  }

  /// It was refused before anything of it began: there is nothing to keep. One that had begun before stays.
  func discard() async {
    guard history == nil else { return }
    try? await store.remove([identifier], workspaces: false)
  }

  /// Where the run's log lies, and how much of it there is.
  func log() async -> RunLog {
    let directory = store.directory(of: identifier)
    let bytes = await store.files.run {
      (try? Directory(opening: directory).status(RunLog.name)).map { Int(clamping: $0.size) } ?? 0
    }
    return RunLog(directory: directory, bytes: bytes, files: store.files)
  }
}

/// Real time.
struct SystemWallClock: WallClock {
  func now() -> Int64 { ProcessEnvironment.millisecondsSince1970() }
}
