import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// Resolves and installs Python packages: uv or pip runs in a sandbox that reaches the operator's index and nothing else, and writes to one
/// directory of its own.
struct EnvironmentBuilder: Sendable {
  private static let parameter = (
    uv: ParameterName(unchecked: "uv"), index: ParameterName(unchecked: "index"),
    wheelsOnly: ParameterName(unchecked: "wheels_only"), hasWheels: ParameterName(unchecked: "has_wheels")
  )
  private static let port = (
    requirements: PortName(unchecked: "requirements"), lock: PortName(unchecked: "lock")
  )
  /// A large package over a slow line.
  private static let limit = Duration.seconds(3600)

  let bootstrap: Bootstrap
  let sandbox: SandboxOptions
  let system: SystemConfiguration
  let state: String
  /// For whom, in messages.
  let plugin: PluginName
  /// The program uv; nil: pip of the Python that runs plugins.
  let uv: AbsolutePath?
  let report: @Sendable (String) async -> Void

  private var settings: PythonSettings { system.python }

  /// Chooses the versions.
  func lock(_ requirements: [PythonRequirement], in place: AbsolutePath) async throws(CommandFailure) -> PythonLock {
    let wanted = requirements.map { $0.text + "\n" }.joined()
    let outcome = try await run("resolve", (Self.port.requirements, wanted), in: place)
    do {
      guard let value = outcome.outputs.first(where: { $0.port == Self.port.lock })?.values.first else {
        throw Diagnostic("the resolver gave none")
      }
      return try PythonLock(text: Self.bytes(of: value), file: "what was resolved")
    } catch let problems as Diagnostics {
      throw failure(problems.items.first?.what ?? "the lock can't be read", why: problems.items.first?.why)
    } catch {
      throw failure("what was resolved is no lock", why: "\(error)")
    }
  }

  private static func bytes(of value: NodeValue) throws -> [UInt8] {
    switch value.content {
    case .inline(let bytes): bytes
    case .shared(let memory): try memory.prefix(PythonRequirements.maximumBytes + 1)
    }
  }

  /// Installs it in `place/packages`.
  func install(_ lock: PythonLock, in place: AbsolutePath) async throws(CommandFailure) {
    _ = try await run("install", (Self.port.lock, lock.text), in: place)
  }

  private func run(
    _ type: String, _ input: (PortName, String), in place: AbsolutePath
  ) async throws(CommandFailure) -> NodeOutcome {
    let decision = GrantDecision(plugin: ProgramService.environments.name, digest: "")
    // What the operator wants for plugins isn't for the program's own.
    var options = sandbox
    options.profiles = []
    var setup = try await bootstrap.sandboxSetup(
      options, state: state, system: system, decisions: [decision], catalog: PluginCatalog(only: []))
    // What it writes is looked at before it is used: it may write it where it stays.
    setup.controlPaths.removeAll { place.isEqualToOrBeneath($0) }
    // Where packages come from is the operator's to say, and was: no ceiling of a profile.
    setup.profiles.byPlugin[ProgramService.environments.name]?.ceiling = nil
    setup.host.overlays = .unavailable(why: "what is built isn't kept apart")
    setup.service = SandboxSetup.ServiceNeeds(
      programs: [uv ?? setup.interpreter.executable, setup.interpreter.executable], shown: settings.wheels)
    let service = try await bootstrap.service(.environments)
    let configuration: WorkerConfiguration
    do throws(PlanRefusal) {
      configuration = try await setup.configuration(
        for: service, granted: granted(on: setup.host), workspace: place,
        resources: ResourceRequest(
          subject: "getting Python packages", requirement: ResourceRequirement(cpuCores: 2, memoryMB: 1024)))
    } catch {
      throw CommandFailure(error)
    }
    let sandboxes = try Sandboxes(setup: setup, jobs: 1)
    return try await sandboxes.useAmongOthers { () async throws(CommandFailure) in
      try await run(execution(type, input), on: configuration, in: place, sandboxes)
    }
  }

  private func granted(on host: HostFacts) -> [Permission] {
    // Builds start whatever they like, and older kernels can't be held to a list.
    let startsAll = !settings.takesWheelsOnly || !host.canListPrograms
    return [.filesystemWrite(nil)] + settings.permissions + (startsAll ? [.systemExec(programs: [])] : [])
  }

  private func execution(_ type: String, _ input: (port: PortName, text: String)) -> NodeExecution {
    // Not a parameter: a lock may be larger than one may be.
    let value = NodeValue(codec: .bytes, content: .inline(Array(input.text.utf8)))
    return NodeExecution(
      run: "environment", node: NodeName(unchecked: type), nodeType: NodeTypeName(unchecked: type),
      parameters: [
        (Self.parameter.uv, .string(uv?.text ?? "")),
        (Self.parameter.index, .string(settings.index?.description ?? "")),
        (Self.parameter.wheelsOnly, .bool(settings.takesWheelsOnly)),
        (Self.parameter.hasWheels, .bool(settings.wheels != nil)),
      ], inputs: [NodeExecution.Input(port: input.port, values: [value], isMultiple: false)], attempt: 1)
  }

  private func run(
    _ execution: NodeExecution, on configuration: WorkerConfiguration, in place: AbsolutePath, _ sandboxes: Sandboxes
  ) async throws(CommandFailure) -> NodeOutcome {
    let seen = Lock(CallAccount())
    let (lines, sender) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(100))
    let telling = Task { for await line in lines { await report(line) } }
    let excess = Lock<EnvironmentTreeError?>(nil)
    let result: Result<NodeOutcome, WorkerFailure> = await withTaskGroup(of: Result<NodeOutcome, WorkerFailure>?.self) {
      group in
      group.addTask {
        do throws(WorkerFailure) {
          return .success(
            try await sandboxes.pool.execute(
              execution, on: configuration, limit: Self.limit,
              report: { if case .log(_, _, let message) = $0 { sender.yield(message) } },
              account: { account in seen.withLock { $0.add(account) } }))
        } catch {
          return .failure(error)
        }
      }
      group.addTask { [files = bootstrap.files] in
        // A disk has no limit of its own.
        while (try? await Task.sleep(for: .seconds(1))) != nil {
          // Of what is downloaded and what is unpacked of it.
          if let found = await files.run({ EnvironmentTree.excess(in: place, limit: 2 * limitInBytes) }) {
            excess.withLock { $0 = found }
            return nil
          }
        }
        return nil
      }
      var outcome: Result<NodeOutcome, WorkerFailure> = .failure(.cancelled)
      while let ended = await group.next() {
        if let ended { outcome = ended }
        group.cancelAll()
      }
      return outcome
    }
    sender.finish()
    await telling.value
    switch result {
    case .success(let outcome): return outcome
    case .failure(let error):
      switch excess.withLock({ $0 }) {
      case .tooLarge:
        throw failure(
          "they hold more than \(settings.maximumMebibytes) MiB",
          hint: "raise plugins.python.max_size_mb of plugin_system.yaml")
      case .some(let other): throw failure(other.description)
      case nil: break
      }
      throw failure(error, seen.withLock { $0.egress?.denials ?? [] })
    }
  }

  var limitInBytes: Int64 { Int64(settings.maximumMebibytes) << 20 }

  /// The first line has the cause.
  private func failure(_ failure: WorkerFailure, _ denials: [EgressUse.Denial]) -> CommandFailure {
    switch failure {
    case .launchRefused:
      return CommandFailure(.sandboxUnavailable, failure.message, why: failure.cause, hint: failure.hint)
    case .cancelled, .poolClosed: return CommandFailure(.interrupted)
    case .pluginError(let error, _):
      let lines = error.message.split(separator: "\n").map(String.init)
      if let denial = denials.first {
        return self.failure(
          "\(denial.destination) may not be reached", why: ([denial.why] + lines).joined(separator: "\n"),
          hint: denial.hint)
      }
      return self.failure(
        lines.first ?? failure.summary, why: lines.count > 1 ? lines.dropFirst().joined(separator: "\n") : nil,
        hint: error.hint)
    default: return self.failure(failure.summary, hint: failure.hint)
    }
  }

  private func failure(_ cause: String, why: String? = nil, hint: String? = nil) -> CommandFailure {
    CommandFailure(
      .invalidInput, "the Python packages of \(plugin) can't be had: \(cause)", why: why,
      hint: hint ?? "where packages come from says plugins.python of plugin_system.yaml: orchestrator config show")
  }
}
