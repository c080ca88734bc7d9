import LinuxSystem
import PluginModel

/// A directory that this process alone uses, and removes when it is done. What one that was killed has left is removed by the next: it
/// holds no lock on it any more. Blocks while it works on files.
struct HeldDirectory: Sendable {
  let path: AbsolutePath
  /// Held as long as anybody has the descriptor: a program to which it is passed keeps the directory beyond this one's end.
  let lock: FileDescriptor

  private static let mostLeftovers = 1000

  /// - Parameter parent: made where it is missing, for this user alone.
  init(in parent: String) throws(FileError) {
    let directory = try Directory(making: parent, permissions: 0o700)
    guard let resolved = ProcessEnvironment.resolve(parent).flatMap({ AbsolutePath($0) }) else {
      throw .system(SystemError("realpath", parent, .notFound))
    }
    for name in (try? directory.names(limit: Self.mostLeftovers)) ?? [] { Self.removeLeftover("\(resolved)/\(name)") }
    var attempts = 0
    while true {
      attempts += 1
      let name = "\(ProcessEnvironment.timestamp())-\(try RandomBytes.hexadecimal(4))"
      guard let path = resolved.appending(name) else { throw .system(SystemError("mkdir", name, .notFound)) }
      do throws(SystemError) {
        lock = try LinuxKernel().makeLockedDirectory(path.text)
        self.path = path
        return
      } catch {
        // EWOULDBLOCK, ESTALE: another that begins just now took it for a leftover.
        guard attempts < 5, error.code == .wouldBlock || error.code == .stale else { throw .system(error) }
      }
    }
  }

  /// Nothing where somebody still has it.
  private static func removeLeftover(_ path: String) {
    guard let lock = try? LinuxKernel().lockDirectory(path) else { return }
    try? LinuxKernel().removeTree(path)
    lock.close()
  }

  /// What can't be removed now is removed by the next.
  func remove() {
    try? LinuxKernel().removeTree(path.text)
    lock.close()
  }
}
