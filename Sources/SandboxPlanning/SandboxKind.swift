import PluginModel

/// Which system a worker finds in its root, and what is started there: `security.sandbox_type` of plugin_system.yaml.
///
/// All else of a plan is the same whatever the kind: namespaces, filter, limits, what is granted. A kind that brings its own system, such
/// as a container's image, adds its files in place of the host's; one with its own run time, such as WebAssembly, another command.
protocol SandboxKind: Sendable {
  /// The libraries, before all else.
  func addSystem(to root: inout FilesystemPlanner)
  /// What may be started, after the plugin's own files.
  /// - Parameter command: the program that is started first.
  func addPrograms(to root: inout FilesystemPlanner, command: AbsolutePath)
  /// What is started; the program is an absolute path inside.
  func command(of request: SandboxRequest) -> [String]
}

/// `process`: the host's own system, read-only, and its Python.
struct HostSystem: SandboxKind {
  func addSystem(to root: inout FilesystemPlanner) {
    let (host, grants) = (root.host, root.grants)
    for directory in host.libraryDirectories.sorted() where !root.isBound(directory) {
      root.bind(directory, kind: .directory, executable: true)
      // Libraries are mapped, not executed: only the loader is, unless every program may be.
      root.allow(directory, host.loader == nil || grants.execution == .everything ? [.read, .execute] : .read)
    }
    if let loader = host.loader { root.allow(loader, [.readFile, .execute], .file) }
    for link in host.rootLinks.sorted(by: { $0.path < $1.path }) where !root.isBound(link.path) {
      root.link(link.path, to: link.destination)
    }
    for file in Set(host.supportFiles).sorted(by: { $0.rawValue < $1.rawValue }) {
      guard let path = AbsolutePath(file.rawValue), !root.isBound(path) else { continue }
      if file == .loaderCache, root.gpus.loaderCache != nil { continue }
      root.bind(path, kind: file.isDirectory ? .directory : .regularFile)
      root.allow(path, .read, file.isDirectory ? .directory : .file)
    }
  }

  /// The interpreter, the command where that is another program, and what `system.exec` grants.
  func addPrograms(to root: inout FilesystemPlanner, command: AbsolutePath) {
    let host = root.host
    if root.grants.execution == .everything {
      for directory in host.binaryDirectories.sorted() where !root.isBound(directory) {
        root.bind(directory, kind: .directory, executable: true)
        root.allow(directory, [.read, .execute])
      }
    }
    let interpreter = root.request.interpreter
    if let prefix = interpreter.prefix, !root.isBound(prefix) {
      root.bind(prefix, kind: .directory, executable: true)
      root.allow(prefix, .read)
    }
    addProgram(interpreter.executable, to: &root)
    // A command that isn't the interpreter is one of the plugin's own programs, or the host's.
    addProgram(command, to: &root)
    for path in root.request.programs { addProgram(path, to: &root) }
    guard let directory = host.binaryDirectories.first else { return }
    for path in root.grants.programs.compactMap(directory.appending) { addProgram(path, to: &root) }
  }

  private func addProgram(_ path: AbsolutePath, to root: inout FilesystemPlanner) {
    let target = root.host.resolvingRootLinks(path)
    if !root.isBound(target) { root.bind(path, at: target, kind: .regularFile, executable: true) }
    root.allow(target, [.readFile, .execute], .file)
  }

  /// Isolated (-I), without byte code (-B: nothing is writable beside the sources), UTF-8 whatever the locale.
  func command(of request: SandboxRequest) -> [String] {
    request.command ?? [
      request.interpreter.executable.text, "-I", "-B", "-X", "utf8", "\(Inside.sdk)/pipeline_worker.py",
    ]
  }
}
