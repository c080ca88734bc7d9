import LinuxSystem
import PluginModel
import PluginRegistry
import RegistryClient

/// A plugin of the registry that was fetched and verified, and isn't installed yet.
struct FetchedPlugin: Sendable {
  var step: RegistryResolution.Step
  var content: PackageContent
  var manifest: PluginManifest
  /// The ids of the trusted keys that have signed it.
  var signers: [String]
  var warnings: [Diagnostic]
}

/// Finds, fetches and verifies a plugin of the operator's registry, with what it needs of others.
struct RegistryFetch: Sendable {
  let bootstrap: Bootstrap
  let system: SystemConfiguration
  let state: String
  /// What is there already.
  let catalog: PluginCatalog
  let sandbox: SandboxOptions
  let choice: RegistryChoice
  /// That the package has to have; nil: any.
  let checksum: String?

  /// Bytes of all packages of one installation, and of what is in them: both are kept in memory until all of them are verified.
  private static let maximumBytes = 1 << 30

  /// - Returns: in the order in which they are to be installed, all of them verified.
  func packages(for wish: RegistryWish) async throws(CommandFailure) -> [FetchedPlugin] {
    let packages = try await bootstrap.withRegistry(system) { registry throws(CommandFailure) in
      let plan = try await plan(wish, registry)
      var packages: [(RegistryResolution.Step, PackageFile)] = []
      for step in plan {
        packages.append((step, try await package(step, registry)))
        try await asking { () throws(Diagnostic) in
          try FetchedPackages.demandRoom(for: packages.map(\.1), maximum: Self.maximumBytes)
        }
      }
      return packages
    }
    var fetched: [FetchedPlugin] = []
    for (step, package) in packages { fetched.append(try await verified(step, package)) }
    return fetched
  }

  private func plan(
    _ wish: RegistryWish, _ registry: RegistryClient
  ) async throws(CommandFailure) -> [RegistryResolution.Step] {
    let versions = try await bootstrap.installedPlugins(state: state)
    let current = versions.filter { $0.standing == .current }.map { ($0.name, $0.version) }
    let present = Dictionary(
      grouping: (catalog.plugins + catalog.alternatives).map(\.manifest), by: \.name
    ).mapValues { $0.map(\.version) }
    var resolution = RegistryResolution(
      wish, choice: choice, present: present, installed: Dictionary(current) { first, _ in first })
    return try await asking { () throws(Diagnostic) in
      while true {
        switch try resolution.next() {
        case .ask(let name):
          let (plugin, bytes) = try await registry.description(of: name)
          resolution.add(plugin, bytes: bytes)
        case .plan(let steps):
          guard checksum == nil || steps.count == 1 else {
            throw Diagnostic(
              "--checksum is that of one package, and \(steps.count) would be installed",
              why: "\(wish.name) needs \(steps.filter { $0.neededBy != nil }.map(\.name.text).joined(separator: ", "))",
              hint: "install what it needs before it, each with its own --checksum")
          }
          let size = steps.reduce(0) { $0 + $1.version.size }
          guard size <= Self.maximumBytes else {
            throw Diagnostic(
              "\(wish) and what it needs have \(size) bytes, and at most \(Self.maximumBytes) are installed at one time",
              hint: "install what it needs before it: \(steps.map(\.name.text).joined(separator: ", "))")
          }
          return steps
        }
      }
    }
  }

  private func package(
    _ step: RegistryResolution.Step, _ registry: RegistryClient
  ) async throws(CommandFailure) -> PackageFile {
    let memory = try await asking { () throws(Diagnostic) in try await registry.package(step.name, step.version) }
    let package = try await asking { () throws(Diagnostic) in
      try await bootstrap.files.run { () throws(Diagnostic) in
        try PackageFile(memory, of: step.name, step.version, from: registry.address.origin.description)
      }
    }
    guard step.neededBy == nil, let checksum, checksum != package.checksum.description else { return package }
    throw CommandFailure(
      .invalidInput, "\(package.path) is another package than the one that is wanted",
      why: "its checksum is \(package.checksum), and \(checksum) was asked for")
  }

  private func verified(
    _ step: RegistryResolution.Step, _ package: PackageFile
  ) async throws(CommandFailure) -> FetchedPlugin {
    let verified = try await bootstrap.verified(package, sandbox, system, state: state)
    // What was planned by is what is installed.
    if let difference = step.version.difference(from: verified.manifest) {
      throw CommandFailure(
        .invalidInput, "the registry describes \(package.path) wrongly",
        why: "its manifest says otherwise about \(difference)", hint: "tell whoever runs the registry")
    }
    return FetchedPlugin(
      step: step, content: verified.content, manifest: verified.manifest, signers: verified.signers,
      warnings: verified.warnings)
  }
}

extension CommandFailure {
  /// One of several couldn't be installed.
  /// - Parameter installed: those before it.
  func after(_ installed: [String]) -> CommandFailure {
    guard !installed.isEmpty else { return self }
    var told = self
    told.diagnostics.append(
      Diagnostic(
        "what was installed before stays: \(installed.joined(separator: ", "))",
        hint: "remove it with: orchestrator plugin remove", severity: .warning))
    return told
  }
}
