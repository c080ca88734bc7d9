import CLinux

/// A new file that has no name until it is whole: O_TMPFILE in open(2), and where a filesystem has no such files, one of a random
/// name. Goes without a trace unless it is published. Every call blocks.
package final class DraftFile {
  package let descriptor: FileDescriptor
  /// Where it is written.
  private let place: Directory
  /// Its name there, until it is published; nil while it has none.
  private var temporary: String?

  /// - Parameter isUnnamed: false: as where O_TMPFILE is not known.
  package init(in place: Directory, isUnnamed: Bool = true) throws(FileError) {
    self.place = place
    let lacking: [ErrorCode] = [.notSupported, .isDirectory, .invalidArgument]
    let number = isUnnamed ? linux_draft_open(place.descriptor.number) : -ErrorCode.notSupported.rawValue
    if lacking.contains(ErrorCode(rawValue: -number)) {
      let name = try Self.temporaryName()
      descriptor = FileDescriptor(
        owning: try demand(linux_draft_create(place.descriptor.number, name), "open", "\(place.path)/\(name)"))
      temporary = name
    } else {
      descriptor = FileDescriptor(owning: try demand(number, "open", place.path))
    }
  }

  deinit {
    if let temporary { _ = linux_file_remove(place.descriptor.number, temporary) }
  }

  private static let temporaryPrefix = ".draft-"
  package static func temporaryName() throws(FileError) -> String {
    temporaryPrefix + (try RandomBytes.hexadecimal(16))
  }

  /// Whether a file of that name was left by one who was killed while a draft had a name.
  package static func isTemporary(_ name: String) -> Bool { name.hasPrefix(temporaryPrefix) }

  /// Appends.
  package func write(_ bytes: [UInt8]) throws(FileError) { try Output(descriptor, name: place.path).write(bytes) }

  /// Takes the content of an open file, into this one, which is empty: shares its blocks where the filesystem can
  /// (ioctl_ficlone(2)), or else copies them, in the kernel where that can (copy_file_range(2)); holes stay holes.
  ///
  /// What is changed while it is copied may be there as it was before, or after, or partly.
  /// - Parameter count: how many bytes to take where blocks are copied; shared are all.
  package func copy(_ source: FileDescriptor, count: Int) throws(FileError) {
    // Whatever the reason that it can't be done, EXDEV, EOPNOTSUPP, EINVAL, …: copying says what is really wrong.
    if linux_file_clone(source.number, descriptor.number) >= 0 { return }
    _ = try demand(
      linux_tree_copy_first(source.number, descriptor.number, Int64(count)), "copy_file_range", place.path)
  }

  /// fchmod(2), whatever the umask.
  package func set(permissions: UInt32) throws(FileError) {
    _ = try demand(linux_tree_set_permissions(descriptor.number, permissions), "fchmod", place.path)
  }

  package func set(owner: FileOwner) throws(FileError) {
    _ = try demand(linux_tree_set_owner(descriptor.number, owner.user, owner.group), "fchownat", place.path)
  }

  /// Waits until all of it is on the disk: fsync(2).
  package func synchronise() throws(FileError) {
    _ = try demand(linux_file_synchronise(descriptor.number), "fsync", place.path)
  }

  /// Gives it its name, at once, in the place of any file or link of that name; it was changed now. An error where a directory
  /// has the name.
  /// - Parameter directory: on the same filesystem.
  package func publish(as name: String, in directory: Directory) throws(FileError) {
    let target = "\(directory.path)/\(name)"
    _ = try demand(linux_file_touch(descriptor.number), "futimens", target)
    if temporary == nil {
      let result = linux_draft_link(descriptor.number, directory.descriptor.number, name)
      if result >= 0 { return }
      guard ErrorCode(rawValue: -result) == .exists else {
        _ = try demand(result, "linkat", target)
        return
      }
      // No link takes the place of another: it gets a name beside, and is moved.
      let beside = try Self.temporaryName()
      _ = try demand(
        linux_draft_link(descriptor.number, place.descriptor.number, beside), "linkat", "\(place.path)/\(beside)")
      temporary = beside
    }
    guard let from = temporary else { return }
    _ = try demand(
      linux_tree_rename(place.descriptor.number, from, directory.descriptor.number, name), "rename", target)
    temporary = nil
  }
}

/// A lock among processes and threads, on a file that is made for it: flock(2). The kernel gives it back when its holder dies.
package final class DirectoryLock: Sendable {
  private let descriptor: FileDescriptor
  private let path: String

  /// Opens or makes the file, through no link. Two objects exclude each other; one must not be used by two threads.
  package init(_ name: String, in directory: Directory) throws(FileError) {
    path = "\(directory.path)/\(name)"
    descriptor = FileDescriptor(owning: try demand(linux_lock_open(directory.descriptor.number, name), "open", path))
  }

  /// Blocks until it is had, and while `body` runs.
  package func hold<Result>(
    _ mode: FileLock.Mode, _ body: () throws(FileError) -> Result
  ) throws(FileError) -> Result {
    _ = try demand(linux_lock_wait(descriptor.number, mode == .exclusive ? 1 : 0), "flock", path)
    defer { _ = linux_lock_release(descriptor.number) }
    return try body()
  }
}

extension Directory {
  /// A regular file for reading, and what it is. Neither waits for a FIFO nor follows a link.
  package func file(_ name: String) throws(FileError) -> (descriptor: FileDescriptor, status: FileStatus) {
    let target = "\(path)/\(name)"
    // Said as such before open(2) words it.
    if try status(name).kind != .regular { throw .notRegular(path: target) }
    let file = FileDescriptor(owning: try demand(linux_beneath_open_file(descriptor.number, name), "openat2", target))
    var raw = linux_file_status()
    _ = try demand(linux_file_status(file.number, &raw), "fstat", target)
    let status = FileStatus(raw)
    guard status.kind == .regular else { throw .notRegular(path: target) }
    return (file, status)
  }

  /// Waits until the names in it are on the disk: fsync(2).
  package func synchronise() throws(FileError) {
    _ = try demand(linux_file_synchronise(descriptor.number), "fsync", path)
  }
}
