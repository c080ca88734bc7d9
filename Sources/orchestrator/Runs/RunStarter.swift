import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

/// Begins a run, or goes on with one: decides which, and refuses to go on with what has changed.
struct RunStarter: Sendable {
  let session: WorkflowSession
  let checked: CheckedWorkflow<WorkflowGraph>
  /// Of the command.
  let arguments: [String]
  /// That the operator named.
  let workspace: String?
  let store: RunStore
  /// Of a run that a server was asked for; nil: a command begins it.
  var origin: Origin?

  /// Whom a run of a server comes from.
  struct Origin: Sendable {
    /// Whose token it was.
    var submitter: String
    /// What the workflow is called, in place of the path of a file.
    var file: String
    /// The run that it repeats.
    var parent: String?
    /// Files that are to be in its workspace.
    var uploads: [RunUpload] = []
  }

  /// - Parameters:
  ///   - run: the one to go on with.
  ///   - orLast: the last run of the same file, where no run is named and that hasn't succeeded.
  func start(_ run: StoredRun?, orLast: Bool) async throws(CommandFailure) -> (KeptRun, RunDirectory) {
    var run = run
    if run == nil, orLast { run = try await last() }
    guard let run else { return try await begin([], packages: try await packages()) }
    let settings = try RunSettings(of: run)
    try checkUnchanged(run, settings)
    if let before = settings.packages, case let packages = try await packages(),
      let name = Set(before.keys).union(packages.keys).sorted().first(where: { before[$0] != packages[$0] })
    {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) can't be gone on with",
        why: "the Python packages of \(name) changed since it began", hint: Self.anew)
    }
    let directory = try await session.directory(resuming: run.identifier, workspace: settings.workspace)
    return (try await store.resume(run), directory)
  }

  /// - Parameters:
  ///   - records: of what is done of it already.
  ///   - packages: nil: a server gets them once it has accepted the run, which may take long.
  func begin(
    _ records: [JournalRecord], packages: [PluginName: String]?
  ) async throws(CommandFailure) -> (KeptRun, RunDirectory) {
    let directory = try await session.makeDirectory(workspace: workspace)
    let uploads = origin?.uploads ?? []
    var settings = RunSettings(
      arguments: arguments, directory: ProcessEnvironment.workingDirectory ?? "/", inputs: try session.boundInputs(),
      plugins: checked.decisions.mapValues(\.digest), packages: packages, workspace: directory.workspace)
    settings.uploads = uploads
    var run = StoredRun(
      identifier: directory.identifier, workflow: checked.content.name, file: origin?.file ?? filePath,
      source: checked.file.bytes, files: checked.file.others, settings: settings.jsonValue,
      nodeCount: checked.content.nodes.count, created: ProcessEnvironment.millisecondsSince1970())
    run.submitter = origin?.submitter
    run.parent = origin?.parent
    run.uploads = Set(uploads.map(\.upload))
    do throws(CommandFailure) {
      try await place(uploads, in: directory)
      let kept = try await store.begin(run, records)
      if !uploads.isEmpty { await store.files.run { [store] in try? store.endPlacing(in: directory.identifier) } }
      return (kept, directory)
    } catch {
      if !uploads.isEmpty { try? await store.remove([directory.identifier], workspaces: true) }
      throw error
    }
  }

  private func place(_ uploads: [RunUpload], in directory: RunDirectory) async throws(CommandFailure) {
    guard !uploads.isEmpty else { return }
    do throws(FileError) {
      try await store.files.run { [store] () throws(FileError) in
        try store.beginPlacing(in: directory.identifier)
        try store.place(uploads, in: directory.workspace)
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "the run's files can't be put into its workspace", why: error.description,
        hint: "look whether the disk is full")
    }
  }

  func packages() async throws(CommandFailure) -> [PluginName: String] {
    var found: [PluginName: String] = [:]
    for plugin in checked.plugins {
      let environment = try await session.sandboxes.setup.environments.present(for: plugin)
      found[plugin.manifest.name] = environment?.digest.hexadecimal
    }
    return found
  }

  private static let anew = "begin a new run: what the change doesn't concern is taken from the cache where it may be"

  /// The same for one file, whatever it is called.
  private var filePath: String { ProcessEnvironment.resolve(checked.file.path) ?? checked.file.path }

  private func last() async throws(CommandFailure) -> StoredRun? {
    let path = filePath
    return try await store.asking { database throws(StateStoreError) in
      guard let last = try await database.runs().last(where: { $0.file == path }), last.outcome != .succeeded else {
        return nil
      }
      return try await database.run(last.identifier)
    }
  }

  private func checkUnchanged(_ run: StoredRun, _ settings: RunSettings) throws(CommandFailure) {
    let anew = Self.anew
    func refuse(_ what: String, _ hint: String) throws(CommandFailure) {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) can't be gone on with", why: "\(what) changed since it began",
        hint: hint)
    }
    if run.source != checked.file.bytes {
      try refuse(
        "the workflow", "\(anew); or go on with the workflow as it was: orchestrator runs resume \(run.identifier)")
    }
    if let changed = firstChanged(since: run) {
      try refuse(
        "the workflow \(changed.quoted), which is a part of it,",
        "\(anew); or go on with the workflow as it was: orchestrator runs resume \(run.identifier)")
    }
    if let workspace, ProcessEnvironment.resolve(workspace) != settings.workspace.text {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) can't be gone on with in another workspace",
        why: "its own is \(settings.workspace)", hint: "leave --workspace out")
    }
    if settings.inputs != (try session.boundInputs()) {
      try refuse("its inputs", "give those that it had: orchestrator runs show \(run.identifier)")
    }
    for (name, decision) in checked.decisions.sorted(by: { $0.key < $1.key })
    where settings.plugins[name] != decision.digest {
      try refuse("the plugin \(name.text.quoted)", anew)
    }
  }
}

extension RunStarter {
  /// Of the files that the workflow is made of beside its own.
  private func firstChanged(since run: StoredRun) -> String? {
    Set(run.files.keys).union(checked.file.others.keys).sorted().first { run.files[$0] != checked.file.others[$0] }
  }
}

extension Diagnostic {
  init(_ failure: StateFailure) { self.init(failure.message, why: failure.cause, hint: failure.hint) }
}

extension CommandFailure {
  init(_ error: ArtifactError) {
    self.init(.invalidInput, "the results of runs can't be kept", why: error.description, hint: error.hint)
  }
}
