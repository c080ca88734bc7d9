import PluginModel

/// The paths of a sandbox that no scoped grant may touch. A scoped path is shown inside under its own name, so it may
/// neither be one of these, nor lie beneath one, nor contain one: it would replace, uncover or hide what the sandbox
/// is made of.
struct ReservedPaths {
  private let structure: [(path: AbsolutePath, reason: String)]
  private let code: [AbsolutePath]

  init(request: SandboxRequest, host: HostFacts) {
    var structure = Self.fixed.compactMap { text, reason in AbsolutePath(text).map { ($0, reason) } }
    structure += host.libraryDirectories.map { ($0, "every sandbox has it, read-only") }
    structure += host.binaryDirectories.map { ($0, "the host's programs are shown by system.exec") }
    structure += host.rootLinks.map { ($0.path, "it is a symbolic link to \($0.destination); name the path itself") }
    structure += host.supportFiles.compactMap { AbsolutePath($0.rawValue) }.map {
      ($0, "every sandbox has it, read-only")
    }
    structure.append((request.interpreter.prefix ?? request.interpreter.executable, "the interpreter is there"))
    self.structure = structure
    code = [request.pluginDirectory, request.sdkDirectory]
  }

  /// `/run` and `/var/run` hold the sockets of the host's daemons: whoever reaches Docker's is root.
  private static let fixed = [
    ("/proc", "the sandbox has its own"), ("/sys", "it shows and steers the kernel"),
    ("/dev", "the sandbox has its own"),
    ("/tmp", "the sandbox has its own"), ("/etc", "the sandbox has its own"), ("/plugin", "the plugin is shown there"),
    ("/sdk", "the Python package is shown there"), ("/workspace", "the run's workspace is shown there"),
    ("/run", "the sockets of the host's daemons are there"),
    ("/var/run", "the sockets of the host's daemons are there"),
    ("/boot", "the kernel is there"),
  ]

  func refusal(of path: AbsolutePath, _ access: Bind.Access) -> Diagnostic? {
    let name: Permission = access == .readOnly ? .filesystemRead(path) : .filesystemWrite(path)
    if let hit = structure.first(where: { overlaps(path, $0.path) }) {
      let relation =
        path == hit.path
        ? "is reserved" : path.isEqualToOrBeneath(hit.path) ? "lies beneath \(hit.path)" : "contains \(hit.path)"
      return Diagnostic(
        "\(name) can't be granted: \(path) \(relation)", why: hit.reason,
        hint: "grant a directory that holds only data, such as /srv/data")
    }
    if access == .readWrite, let own = code.first(where: { overlaps(path, $0) }) {
      return Diagnostic(
        "\(name) can't be granted: it covers \(own)", why: "a plugin could change its own code for the runs to come",
        hint: "grant a directory that holds only data, such as /srv/data")
    }
    return nil
  }

  private func overlaps(_ path: AbsolutePath, _ other: AbsolutePath) -> Bool {
    path.isEqualToOrBeneath(other) || other.isEqualToOrBeneath(path)
  }
}
