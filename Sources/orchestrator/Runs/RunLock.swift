import LinuxSystem
import PluginModel

/// Held by the process that carries out a run, for as long as it does: the file `lock` in the run's directory. The kernel gives it back
/// when the process dies, however it dies. Blocks while it works on files.
struct RunLock: Sendable {
  private let lock: FileLock

  /// Nil: another process holds it.
  init?(_ directory: String) throws(SystemError) {
    guard let lock = try FileLock(Self.path(directory), .exclusive) else { return nil }
    try lock.write("\(currentProcessIdentifier())\n")
    self.lock = lock
  }

  /// The process that holds the lock of a run; nil: none does.
  static func holder(of directory: String) -> Int32? {
    guard let opened = try? Directory(opening: directory), (try? opened.status(name)) != nil,
      isHeld(path(directory)), let bytes = try? opened.contents(name, limit: 32).bytes
    else { return nil }
    return Int32(String(decoding: bytes, as: UTF8.self).filter(\.isNumber))
  }

  private static func isHeld(_ path: String) -> Bool {
    do throws(SystemError) {
      // Shared: two that look at one time don't take each other for the holder.
      return try FileLock(path, .shared) == nil
    } catch {
      return false
    }
  }

  static let name = "lock"
  private static func path(_ directory: String) -> String { "\(directory)/\(name)" }
}
