import Foundation

/// A directory that lives as long as a test.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "orchestrator-registry-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and the directories above it.
  func write(_ relative: String, _ text: String, executable: Bool = false) throws {
    let target = path + "/" + relative
    let parent = (target as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: target))
    try FileManager.default.setAttributes(
      [.posixPermissions: executable ? 0o755 : 0o644], ofItemAtPath: target)
  }

  func link(_ relative: String, to destination: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path + "/" + relative, withDestinationPath: destination)
  }

  func fifo(_ relative: String) throws {
    guard mkfifo(path + "/" + relative, 0o644) == 0 else { throw POSIXError(.EIO) }
  }

  /// A plugin that could be loaded.
  func plugin(_ directory: String, name: String, extra: String = "") throws {
    try write(
      directory + "/plugin.yaml",
      """
      name: \(name)
      version: 1.2.3
      author: Somebody
      description: A plugin of a test
      license: MIT
      node_types: [work]
      permissions: [filesystem.read]
      entry_point: ./main.py
      min_engine_version: 1.0.0
      \(extra)
      """)
    try write(directory + "/main.py", "print('never run')\n")
  }
}
