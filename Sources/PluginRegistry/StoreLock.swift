import LinuxSystem

/// The lock of a directory in which installed things lie: shared by who uses some, held alone by who removes some.
enum StoreLock {
  static let name = ".lock"

  /// - Parameter directory: is there already.
  /// - Returns: nil: another has a lock that this one doesn't go with.
  static func take(_ mode: FileLock.Mode, in directory: String) throws(FileError) -> FileLock? {
    do throws(SystemError) { return try FileLock("\(directory)/\(name)", mode) } catch { throw .system(error) }
  }
}
