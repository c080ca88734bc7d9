import PluginModel

/// The paths of a sandbox that no scoped grant may touch. A scoped path is shown inside under its own name, so it may
/// neither be one of these, nor lie beneath one, nor contain one: it would replace, uncover or hide what the sandbox
/// is made of.
package struct ReservedPaths {
  private let structure: [(path: AbsolutePath, reason: String)]
  private let code: [AbsolutePath]
  private let control: [AbsolutePath]

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
    code = [request.pluginDirectory, request.sdkDirectory] + [request.environment].compactMap(\.self)
    control = request.controlPaths
  }

  /// `/run` and `/var/run` hold the sockets of the host's daemons: whoever reaches Docker's is root.
  private static let fixed = [
    ("/proc", "the sandbox has its own"), ("/sys", "it shows and steers the kernel"),
    ("/dev", "the sandbox has its own"),
    ("/tmp", "the sandbox has its own"), ("/etc", "the sandbox has its own"), ("/plugin", "the plugin is shown there"),
    ("/sdk", "the Python package is shown there"), ("/environment", "the plugin's Python packages are shown there"),
    ("/gpu", "the libraries of GPUs are shown there"),
    ("/workspace", "the run's workspace is shown there"),
    ("/run", "the sockets of the host's daemons are there"),
    ("/var/run", "the sockets of the host's daemons are there"),
    ("/boot", "the kernel is there"),
  ]

  /// Why no plugin of any host can be granted this path; nil where that depends.
  package static func reason(against path: AbsolutePath) -> String? {
    fixed.first { text, _ in
      AbsolutePath(text).map { path.isEqualToOrBeneath($0) || $0.isEqualToOrBeneath(path) } ?? false
    }?.1
  }

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
    guard access == .readWrite, let refusal = writing(path) else { return nil }
    return Diagnostic(
      "\(name) can't be granted: it covers \(refusal.path)", why: refusal.why,
      hint: "grant a directory that holds only data, such as /srv/data")
  }

  /// The workspace is shown under a name of its own, so that only what lies there on the host matters.
  func refusal(ofWritableWorkspace path: AbsolutePath, to plugin: PluginName) -> Diagnostic? {
    guard let refusal = writing(path) else { return nil }
    return Diagnostic(
      "\(plugin) can't write to the workspace \(path): it covers \(refusal.path)", why: refusal.why,
      hint: "name another directory with --workspace, one that holds only data")
  }

  /// All of the installation that an interpreter lies in is shown to every worker.
  static func refusal(ofInterpreterPrefix prefix: AbsolutePath, control: [AbsolutePath]) -> Diagnostic? {
    let others = fixed.compactMap { AbsolutePath($0.0) } + control
    guard let hit = others.first(where: { $0.isEqualToOrBeneath(prefix) }) else { return nil }
    return Diagnostic(
      "the Python in \(prefix) can't be used: \(prefix) also holds \(hit)",
      why: "the whole installation of the interpreter is shown to every plugin",
      hint: "use the system's Python, or one in a directory of its own, such as /opt/python3.12")
  }

  private func writing(_ path: AbsolutePath) -> (path: AbsolutePath, why: String)? {
    if let own = code.first(where: { overlaps(path, $0) }) {
      return (own, "a plugin could change its own code for the runs to come")
    }
    if let hit = control.first(where: { overlaps(path, $0) }) {
      return (hit, "whoever writes there decides what other plugins are and may do")
    }
    return nil
  }

  private func overlaps(_ path: AbsolutePath, _ other: AbsolutePath) -> Bool {
    path.isEqualToOrBeneath(other) || other.isEqualToOrBeneath(path)
  }
}
