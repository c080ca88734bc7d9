import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// Unpacks packages in a sandbox: libarchive runs in a worker that is granted nothing, has no network, and is bounded in memory and time.
/// What comes back is a block of sealed memory; it counts for nothing until every file in it has the size and the SHA-256 of the index.
struct PackageUnpacker: Sendable {
  private static let port = (
    package: PortName(unchecked: "package"), content: PortName(unchecked: "content"),
    size: ParameterName(unchecked: "size")
  )
  /// Mebibytes of memory beside what comes out: the interpreter, libarchive, its buffers.
  private static let ownMemory = 96

  private let service: DiscoveredPlugin
  private let sandboxes: Sandboxes
  private let files: DedicatedThread

  /// - Parameter sandboxes: one place is enough; made with a catalog in which nothing has to be.
  init(_ bootstrap: Bootstrap, sandboxes: Sandboxes) async throws(CommandFailure) {
    service = try await bootstrap.service(.unpacker)
    self.sandboxes = sandboxes
    files = bootstrap.files
  }

  /// The files of a package, compared with its index. Cancelling the task ends the sandbox.
  func content(of package: PackageFile) async throws(CommandFailure) -> PackageContent {
    let mebibytes = package.index.totalSize >> 20 + 1
    let resources = ResourceRequest(
      subject: "unpacking \(package.path)",
      requirement: ResourceRequirement(cpuCores: 1, memoryMB: Self.ownMemory + mebibytes))
    let configuration: WorkerConfiguration
    do throws(PlanRefusal) {
      configuration = try await sandboxes.setup.configuration(
        for: service, granted: [], workspace: nil, resources: resources)
    } catch {
      throw CommandFailure(error)
    }
    let execution = NodeExecution(
      run: "package", node: NodeName(unchecked: "unpack"), nodeType: NodeTypeName(unchecked: "unpack"),
      parameters: [(Self.port.size, .integer(Int64(package.index.totalSize)))],
      inputs: [
        NodeExecution.Input(
          port: Self.port.package,
          values: [NodeValue(codec: .file, content: .shared(package.memory), label: "package.zip")], isMultiple: false)
      ], attempt: 1)
    let outcome: NodeOutcome
    do throws(WorkerFailure) {
      // Of what is decompressed, a slow machine makes ten megabytes a second.
      outcome = try await sandboxes.pool.execute(
        execution, on: configuration, limit: .seconds(30 + mebibytes / 8), report: { _ in })
    } catch {
      throw Self.failure(package, error)
    }
    return try await checked(outcome, package)
  }

  private func checked(
    _ outcome: NodeOutcome, _ package: PackageFile
  ) async throws(CommandFailure) -> PackageContent {
    guard let output = outcome.outputs.first, outcome.outputs.count == 1, output.port == Self.port.content,
      let value = output.values.first, output.values.count == 1
    else {
      throw CommandFailure(
        .invalidInput, "\(package.path) can't be unpacked", why: "the unpacker gave something else back")
    }
    do {
      return try await files.run {
        switch value.content {
        case .inline(let bytes): try PackageContent(package, unpacked: SealedMemory(copying: bytes))
        case .shared(let memory as SealedMemory): try PackageContent(package, unpacked: memory)
        case .shared(let other):
          try PackageContent(package, unpacked: SealedMemory(copying: other.prefix(package.index.totalSize)))
        }
      }
    } catch let flaw as PackageFlaw {
      throw CommandFailure(.invalidInput, [flaw.diagnostic(of: package.path)])
    } catch {
      throw CommandFailure(.invalidInput, "\(package.path) can't be unpacked", why: "\(error)")
    }
  }

  private static func failure(_ package: PackageFile, _ failure: WorkerFailure) -> CommandFailure {
    let status: ExitStatus
    switch failure {
    case .launchRefused: status = .sandboxUnavailable
    case .cancelled, .poolClosed: status = .interrupted
    default: status = .invalidInput
    }
    return CommandFailure(status, "\(package.path) can't be unpacked", why: failure.summary, hint: failure.hint)
  }
}

extension PackageUnpacker {
  /// The shared library that the unpacker loads, where Linux distributions have it; nil: in none of these places. Blocks.
  static func findLibrary() -> String? {
    let triplets = ["x86_64-linux-gnu", "aarch64-linux-gnu"].flatMap { ["/usr/lib/\($0)", "/lib/\($0)"] }
    let places = triplets + ["/usr/lib64", "/lib64", "/usr/lib", "/lib", "/usr/local/lib"]
    return places.lazy.map { $0 + "/libarchive.so.13" }.first { ProcessEnvironment.resolve($0) != nil }
  }
}

extension Bootstrap {
  /// Everything that unpacking takes, for as long as `work` lasts.
  func withUnpacker<Success: Sendable>(
    _ options: SandboxOptions, state: String, system: SystemConfiguration,
    _ work: @escaping @Sendable (PackageUnpacker) async throws(CommandFailure) -> Success
  ) async throws(CommandFailure) -> Success {
    // It is granted nothing. That it is named brings its profile.
    let decision = GrantDecision(plugin: ProgramService.unpacker.name, digest: "")
    // What the operator wants for plugins isn't for the program's own.
    var options = options
    options.profiles = []
    let setup = try await sandboxSetup(
      options, state: state, system: system, decisions: [decision], catalog: PluginCatalog(only: []))
    let sandboxes = try Sandboxes(setup: setup, jobs: 1)
    return try await sandboxes.use { () async throws(CommandFailure) -> Success in
      try await work(try await PackageUnpacker(self, sandboxes: sandboxes))
    }
  }
}
