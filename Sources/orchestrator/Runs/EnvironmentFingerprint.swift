import LinuxSystem
import PipelineEngine
import PluginModel
import SandboxPlanning

/// What workers run with beside their plugin's own files: the interpreter, its libraries, the system's. Not every byte of it is read:
/// a package that is installed, removed or changed by a package manager changes a name, a size or a time that is looked at. Blocks.
struct EnvironmentFingerprint: Sendable {
  let digest: ContentDigest

  /// - Parameter sdk: the directory that holds the Python package `pipeline`.
  init(_ interpreter: Interpreter, sdk: AbsolutePath) {
    var facts = ["engine \(engineVersion)", Self.fact(interpreter.executable.text)]
    // Names here hold the versions of what is installed.
    for directory in Self.libraries(of: interpreter) { facts += Self.facts(in: directory) }
    facts += Self.facts(in: sdk.text + "/pipeline")
    // What dpkg(1), rpm(8) and apk(8) have installed.
    for database in ["/var/lib/dpkg/status", "/var/lib/rpm", "/lib/apk/db/installed", "/usr/lib"] {
      facts.append(Self.fact(database))
    }
    digest = ContentDigest(of: facts.joined(separator: "\n").utf8)
  }

  private static func libraries(of interpreter: Interpreter) -> [String] {
    guard let prefix = interpreter.prefix else {
      return packages(beneath: "/usr/lib") + packages(beneath: "/usr/local/lib")
    }
    return packages(beneath: prefix.text + "/lib")
  }

  /// `LIB/python3.12` and what is installed there.
  private static func packages(beneath directory: String) -> [String] {
    let versions = (try? Directory(opening: directory).names(limit: 10_000)) ?? []
    return versions.filter { $0.hasPrefix("python3") }.sorted().flatMap { version in
      ["", "/site-packages", "/dist-packages"].map { "\(directory)/\(version)\($0)" }
    }
  }

  private static func facts(in directory: String) -> [String] {
    guard let names = try? Directory(opening: directory).names(limit: 100_000) else { return ["\(directory) none"] }
    return names.filter { $0 != "__pycache__" }.sorted().map { fact("\(directory)/\($0)") }
  }

  private static func fact(_ path: String) -> String {
    guard let path = AbsolutePath(path), let parent = path.parent,
      let status = try? Directory(opening: parent.text).status(path.lastComponent)
    else { return "\(path) none" }
    return "\(path) \(status.size) \(status.modified)"
  }
}
