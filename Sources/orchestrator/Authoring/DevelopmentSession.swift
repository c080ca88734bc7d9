import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// `plugin dev`: carries out what ``HotReload`` says, and tells it what came of it.
struct DevelopmentSession: Sendable {
  private let command: PluginDevCommand
  private let bootstrap: Bootstrap
  private let system: SystemConfiguration
  private let state: String
  private let plugin: AbsolutePath
  private let snapshots: PluginSnapshots
  private let events: AsyncStream<Happening>
  private let sender: AsyncStream<Happening>.Continuation
  private let clock = ContinuousClock()

  /// What the session's parts tell its loop.
  private enum Happening: Sendable {
    case event(HotReload.Event)
    /// Of the versions that are loaded: its digest, its node types.
    case loaded(DiscoveredPlugin, [NodeSpecification], isSame: Bool)
    case broken([Diagnostic], sources: [Source])
    /// The directory can't be watched any more.
    case blind(Diagnostic)
  }

  private typealias Source = (file: String, bytes: [UInt8])

  init(command: PluginDevCommand, system: SystemConfiguration, _ bootstrap: Bootstrap) async throws(CommandFailure) {
    self.command = command
    self.system = system
    self.bootstrap = bootstrap
    let state = try bootstrap.state(command.state)
    self.state = state
    let directory = command.plugin.directory
    guard let path = ProcessEnvironment.resolve(directory).flatMap({ AbsolutePath($0) }) else {
      throw CommandFailure(
        .invalidInput, "the directory \(directory) doesn't exist",
        hint: "orchestrator plugin new NAME makes a plugin in plugins/NAME")
    }
    plugin = path
    do throws(FileError) {
      snapshots = try await bootstrap.files.run { () throws(FileError) in
        try PluginSnapshots(of: path.text, shown: directory, state: state)
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "the plugin's copies can't be made", why: error.description,
        hint: "name a writable directory with --state-dir")
    }
    (events, sender) = AsyncStream.makeStream(of: Happening.self)
  }

  /// Until a signal ends it.
  func run() async throws(CommandFailure) {
    let result: Result<Void, CommandFailure>
    do throws(CommandFailure) { result = .success(try await watched()) } catch { result = .failure(error) }
    await bootstrap.files.run { snapshots.removeAll() }
    try result.get()
  }

  private func watched() async throws(CommandFailure) {
    await bootstrap.report(system.warnings)
    let setup = try await bootstrap.sandboxSetup(
      command.sandbox, state: state, system: system, decisions: [],
      catalog: PluginCatalog(only: []))
    let sandboxes = try Sandboxes(setup: setup, jobs: 1)
    let run = CurrentRun()
    try await sandboxes.use(onStop: { run.stop() }) { () async throws(CommandFailure) in
      let watcher: TreeWatcher
      do throws(SystemError) {
        watcher = try TreeWatcher(plugin.text) { Self.isIgnored($0) }
      } catch {
        throw CommandFailure(.invalidInput, [Self.blindness(command.plugin.directory, error)])
      }
      let watching = watch(watcher, on: sandboxes.loop)
      let outcome: Result<Void, CommandFailure>
      do throws(CommandFailure) {
        outcome = .success(try await follow(sandboxes, run))
      } catch {
        outcome = .failure(error)
      }
      watching.cancel()
      await watching.value
      run.stop()
      await run.wait()
      try outcome.get()
    }
  }

  // MARK: The loop

  private func follow(_ sandboxes: Sandboxes, _ run: CurrentRun) async throws(CommandFailure) {
    let interval = command.interval ?? system.development.watchInterval ?? DevelopmentSettings.usualInterval
    var machine = HotReload(HotReload.Settings(interval: .seconds(interval), runs: command.workflow != nil))
    let beginning = clock.now
    var work = Work(sandboxes: sandboxes, run: run, beginning: beginning)
    await perform(machine.start(at: .zero), &work)
    for await happening in events {
      let event = try await tell(happening, &work)
      await perform(machine.handle(event, at: clock.now - beginning), &work)
    }
    work.timer?.cancel()
    work.loading?.cancel()
    await work.loading?.value
    // Only an end of this task ends the events.
    throw CommandFailure(.interrupted)
  }

  /// What is under way.
  private struct Work {
    let sandboxes: Sandboxes
    let run: CurrentRun
    let beginning: ContinuousClock.Instant
    var timer: Task<Void, Never>?
    var loading: Task<Void, Never>?
    var loadStart: ContinuousClock.Instant?
    var changed: ContinuousClock.Instant?
    /// Of the version in use.
    var digest: PluginDigest?
    /// The last that was shown.
    var isBroken = false
  }

  private func perform(_ actions: [HotReload.Action], _ work: inout Work) async {
    for action in actions {
      switch action {
      case .wake(let time):
        work.timer?.cancel()
        let moment = work.beginning.advanced(by: time)
        work.timer = Task { [clock, sender] in
          guard (try? await clock.sleep(until: moment, tolerance: .milliseconds(1))) != nil else { return }
          sender.yield(.event(.timer))
        }
      case .load(let version):
        work.loadStart = clock.now
        let (sandboxes, digest) = (work.sandboxes, work.digest)
        work.loading = Task { await load(version, after: digest, sandboxes) }
      case .run(let version): await start(version, work.run)
      case .remove(let version): await bootstrap.files.run { snapshots.remove(version) }
      }
    }
  }

  /// Says what has happened.
  private func tell(_ happening: Happening, _ work: inout Work) async throws(CommandFailure) -> HotReload.Event {
    switch happening {
    case .event(.changed):
      work.changed = work.changed ?? clock.now
      return .changed
    case .event(let event): return event
    case .loaded(let plugin, let specifications, let isSame):
      let time = passed(&work)
      let style = bootstrap.console.outputStyle
      let wasBroken = work.isBroken
      work.isBroken = false
      guard !isSame else {
        if wasBroken {
          await bootstrap.console.print("\(style("✓", .good)) \(plugin.manifest.name) is again the version that stayed")
        }
        return .unchanged
      }
      work.digest = plugin.digest
      let types = specifications.map { "\(plugin.manifest.name)/\($0.nodeType)" }.joined(separator: ", ")
      await bootstrap.console.print(
        "\(style("✓", .good)) \(plugin.manifest.name) \(plugin.manifest.version) is ready after \(time) ms: \(types)")
      return .loaded
    case .broken(let diagnostics, let sources):
      let time = passed(&work)
      work.isBroken = true
      await bootstrap.report(diagnostics, sources: sources)
      let rest = work.digest == nil ? "waiting for a change" : "the version before stays"
      await bootstrap.console.print("\(bootstrap.console.outputStyle("✗", .bad)) not ready after \(time) ms; \(rest)")
      return .broken
    case .blind(let problem): throw CommandFailure(.invalidInput, [problem])
    }
  }

  /// Milliseconds since the first change that was taken up, or since the start.
  private func passed(_ work: inout Work) -> Int64 {
    let start = work.changed ?? work.loadStart ?? clock.now
    work.changed = nil
    return (clock.now - start).wholeMilliseconds
  }

  // MARK: Watching

  private static let leftOut = IgnoreRules()

  /// What editors and Python write beside the files that somebody edits, and large directories that aren't copied either.
  private static func isIgnored(_ name: String) -> Bool {
    if name == IgnoreRules.fileName { return false }
    return name.hasPrefix(".") || name == "4913" || leftOut.ignores(name, isDirectory: true)
  }

  private func watch(_ watcher: sending TreeWatcher, on loop: EventLoop) -> Task<Void, Never> {
    Task { [sender, plugin = command.plugin.directory] in
      do throws(SystemError) {
        while !Task.isCancelled {
          try await loop.wait(until: .readable, watcher.descriptor)
          let changes = try watcher.changes()
          if changes.contains(.gone) {
            sender.yield(
              .blind(Diagnostic("the directory \(plugin) has gone", hint: "start again where the plugin is now")))
          }
          if !changes.isEmpty { sender.yield(.event(.changed)) }
        }
      } catch {
        guard error.code != .cancelled else { return sender.finish() }
        sender.yield(.blind(Self.blindness(plugin, error)))
      }
      sender.finish()
    }
  }

  private static func blindness(_ plugin: String, _ error: SystemError) -> Diagnostic {
    Diagnostic(
      "the directory \(plugin) can't be watched", why: error.description,
      hint: "it may have more directories than this user may watch: sysctl fs.inotify.max_user_watches")
  }

  // MARK: Versions

  private func load(_ version: HotReload.Version, after digest: PluginDigest?, _ sandboxes: Sandboxes) async {
    do throws(Diagnostics) {
      try await bootstrap.files.run { () throws(Diagnostics) in try snapshots.take(version) }
    } catch {
      sender.yield(.broken(error.items, sources: []))
      return
    }
    do throws(CommandFailure) {
      let found = try await bootstrap.plugin(in: snapshots.path(version), shown: command.plugin.directory)
      guard found.digest != digest else {
        sender.yield(.loaded(found, [], isSame: true))
        return
      }
      let loaded = await sandboxes.loader(state: state, files: bootstrap.files).load([found])
      guard let specifications = loaded.specifications[found.manifest.name] else {
        sender.yield(.broken(loaded.diagnostics, sources: []))
        return
      }
      sender.yield(.loaded(found, specifications, isSame: false))
    } catch {
      sender.yield(.broken(error.diagnostics, sources: error.sources))
    }
  }

  /// The first behind the standard streams.
  private static let lockNumber: Int32 = 3

  /// `orchestrator run` of this very program, which tells of itself.
  private func start(_ version: HotReload.Version, _ run: CurrentRun) async {
    guard let workflow = command.workflow, let program = ProcessEnvironment.executable else { return }
    var options = ["--plugins", snapshots.path(version), "--state-dir", state, "--no-consent"]
    if let config = command.system.config { options += ["--config", config] }
    if let python = command.sandbox.python { options += ["--python", python] }
    options += command.sandbox.profiles.flatMap { ["--profile", $0] }
    do throws(SystemError) {
      let child = try ChildProgram(
        [program, "run", workflow] + options + command.arguments, in: ProcessEnvironment.workingDirectory ?? "/",
        passing: (snapshots.lock, Self.lockNumber), isOwnGroup: true)
      run.follow(child) { [sender] in sender.yield(.event(.runEnded)) }
    } catch {
      await bootstrap.report([Diagnostic("the workflow can't be run", why: error.description)])
      sender.yield(.event(.runEnded))
    }
  }
}

/// The run that is under way.
private final class CurrentRun: Sendable {
  private let current = Lock<(child: ChildProgram, ended: Task<Void, Never>, isAsked: Bool)?>(nil)

  func follow(_ child: ChildProgram, ended: @escaping @Sendable () -> Void) {
    let task = Task {
      // How it ended, it has said itself.
      _ = try? await child.ending()
      ended()
    }
    current.withLock { $0 = (child, task, false) }
  }

  /// Asks once: a second time would be to insist, which ends nodes without asking them.
  func stop() {
    let child = current.withLock { current in
      defer { current?.isAsked = true }
      return current?.isAsked == false ? current?.child : nil
    }
    child?.send(.interrupt)
  }

  func wait() async { await current.withLock { $0?.ended }?.value }
}
