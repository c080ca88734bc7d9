import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import SandboxRuntime

/// Finds the Python that runs plugins. It is never started outside of a sandbox.
enum InterpreterSearch {
  /// `--python` if it is given; otherwise the system's python3, then the first in PATH that is a program: version
  /// managers put scripts there, which find nothing inside a sandbox.
  static func find(option: String?, path: String?) throws(Diagnostic) -> Interpreter {
    if let option {
      guard let resolved = ProcessEnvironment.resolve(option), let executable = AbsolutePath(resolved) else {
        throw Diagnostic("--python \(option) doesn't exist", hint: "name the file of a Python 3.9 or newer")
      }
      guard HostProgram.isProgram(executable) else {
        throw Diagnostic(
          "--python \(option) is not a program", why: "scripts that choose a Python find nothing inside a sandbox",
          hint: "name the program itself: python3 -c 'import sys; print(sys.executable)'")
      }
      return interpreter(executable)
    }
    let directories = ["/usr/bin"] + (path ?? "").split(separator: ":").filter { $0.hasPrefix("/") }.map(String.init)
    for directory in directories {
      if let resolved = ProcessEnvironment.resolve(directory + "/python3"), let executable = AbsolutePath(resolved),
        HostProgram.isProgram(executable)
      {
        return interpreter(executable)
      }
    }
    throw Diagnostic(
      "no Python was found", why: "plugins are written in Python 3.9 or newer",
      hint: "install it (Debian: apt install python3) or name one with --python")
  }

  /// The system's own lies among the system's libraries; any other brings its whole installation.
  private static func interpreter(_ executable: AbsolutePath) -> Interpreter {
    let bin = executable.parent
    let isOfSystem = bin?.text == "/usr/bin" || bin?.text == "/bin"
    return Interpreter(executable: executable, prefix: isOfSystem ? nil : bin?.parent)
  }
}

/// Programs of this host. Blocks while it looks for them.
enum HostProgram {
  /// It starts with the magic number of elf(5).
  static func isProgram(_ path: AbsolutePath) -> Bool {
    guard let parent = path.parent, let directory = try? Directory(opening: parent.text) else { return false }
    return (try? directory.start(path.lastComponent, count: 4)) == [0x7F, 0x45, 0x4C, 0x46]
  }

  /// The Python that a name or a path leads to; nil: none, or a script that chooses one.
  static func python(_ name: String) -> AbsolutePath? {
    let places = name.contains("/") ? [name] : path.map { "\($0)/\(name)" }
    let found = places.lazy.compactMap { ProcessEnvironment.resolve($0).flatMap { AbsolutePath($0) } }.first
    return found.flatMap { isProgram($0) ? $0 : nil }
  }

  private static var path: [Substring] {
    ProcessEnvironment.variable("PATH")?.split(separator: ":").filter { $0.hasPrefix("/") } ?? []
  }

  /// The one that the operator names, or the first in PATH; nil: there is none.
  /// - Throws: the one that is named isn't there.
  static func uv(_ settings: PythonSettings) throws(Diagnostic) -> AbsolutePath? {
    let candidates = settings.uv.map { [$0.text] } ?? path.map { $0 + "/uv" }
    let found = candidates.lazy.compactMap { ProcessEnvironment.resolve($0).flatMap { AbsolutePath($0) } }
      .first(where: isProgram)
    if found == nil, let named = settings.uv {
      throw Diagnostic(
        "plugins.python.uv names \(named), which is not a program", hint: "name uv's own file, or leave the key out")
    }
    return found
  }
}

extension PythonIdentity {
  /// Of the Python that runs plugins on this host. Blocks.
  init(_ interpreter: Interpreter) {
    let program = interpreter.executable
    let status = program.parent.flatMap { try? Directory(opening: $0.text).status(program.lastComponent) }
    self.init(
      program: program, architecture: HostInspector.architecture.rawValue,
      fact: status.map { "\($0.size) \($0.modified)" } ?? "unknown")
  }
}
