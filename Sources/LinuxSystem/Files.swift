import CLinux

/// A time of a file's, by the kernel's clock, which ticks every few milliseconds: inode(7).
package struct FileTime: Hashable, Comparable, Sendable {
  /// Since 1970, UTC.
  package var seconds: Int64
  /// 0 to 999 999 999.
  package var nanoseconds: Int64

  package init(seconds: Int64, nanoseconds: Int64 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}

/// What an inode is and how large.
package struct FileStatus: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case regular
    case directory
    case symbolicLink
    /// A FIFO, a socket or a device.
    case special
  }
  package var kind: Kind
  /// The low twelve bits of st_mode.
  package var permissions: UInt32
  package var owner: UInt32
  /// Bytes.
  package var size: UInt64
  /// When its content last changed, or it was said to have.
  package var modified: FileTime
  /// Nil for everything else.
  package var characterDevice: (major: UInt32, minor: UInt32)? { isCharacterDevice ? (major, minor) : nil }
  /// This user's or root's.
  package var isOwn: Bool { owner == 0 || owner == ProcessEnvironment.effectiveUser }
  /// By its group, or by everybody.
  package var isWritableByOthers: Bool { permissions & 0o022 != 0 }
  private var isCharacterDevice: Bool
  private var major: UInt32
  private var minor: UInt32

  init(_ status: linux_file_status) {
    switch UInt32(status.kind) {
    case LINUX_FILE_REGULAR.rawValue: kind = .regular
    case LINUX_FILE_DIRECTORY.rawValue: kind = .directory
    case LINUX_FILE_LINK.rawValue: kind = .symbolicLink
    default: kind = .special
    }
    permissions = status.permissions
    owner = status.owner
    size = status.size
    modified = FileTime(seconds: status.modified_seconds, nanoseconds: status.modified_nanoseconds)
    isCharacterDevice = status.is_character_device != 0
    major = status.device_major
    minor = status.device_minor
  }
}

/// Why a file was not read or written.
package enum FileError: Error, Hashable, Sendable, CustomStringConvertible {
  case system(SystemError)
  /// It is a FIFO, a socket, a device, a directory or a link where a regular file is wanted.
  case notRegular(path: String)
  /// More than `limit` bytes.
  case tooLarge(path: String, limit: Int)
  /// A directory of more than `limit` entries.
  case tooManyEntries(path: String, limit: Int)

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .notRegular(let path): "\(path) is not a regular file"
    case .tooLarge(let path, let limit): "\(path) is larger than \(limit) bytes"
    case .tooManyEntries(let path, let limit): "\(path) has more than \(limit) entries"
    }
  }

  /// True where the path leads nowhere.
  package var isAbsence: Bool {
    if case .system(let error) = self { error.code == .notFound || error.code == .notADirectory } else { false }
  }
}

extension ErrorCode {
  /// EILSEQ: a name that isn't UTF-8.
  static let illegalSequence = ErrorCode(rawValue: 84)
}

/// Throws the call's own error, or returns its result.
func demand<Number: FixedWidthInteger & SignedInteger>(
  _ result: Number, _ operation: String, _ target: String
) throws(FileError) -> Number {
  guard result >= 0 else { throw .system(SystemError(operation, target, ErrorCode(rawValue: Int32(-result)))) }
  return result
}

/// An open directory. Everything below it is reached without following links, openat2(2) with RESOLVE_BENEATH, so that
/// what a stranger left in a tree can't lead out of it.
package struct Directory: Sendable {
  package let path: String
  let descriptor: FileDescriptor

  private init(path: String, descriptor: FileDescriptor) {
    self.path = path
    self.descriptor = descriptor
  }

  /// Follows links in `path`: it is the operator's word, not a plugin's.
  package init(opening path: String) throws(FileError) {
    self.init(path: path, descriptor: FileDescriptor(owning: try demand(linux_directory_open(path), "open", path)))
  }

  /// Makes `path` and what is missing above it, and opens it.
  package init(making path: String, permissions: UInt32 = 0o755) throws(FileError) {
    var made = path.utf8.first == 0x2F ? "" : "."
    for component in path.split(separator: "/") where component != "." {
      made += "/" + component
      let result = linux_directory_make(Self.workingDirectoryNumber, made, permissions)
      if result < 0, ErrorCode(rawValue: -result) != .exists { _ = try demand(result, "mkdir", made) }
    }
    try self.init(opening: path)
  }

  /// AT_FDCWD.
  private static let workingDirectoryNumber: Int32 = -100

  /// The names in it, sorted by their bytes, without `.` and `..`. A name that isn't UTF-8 is an error: no path of ours
  /// could name it.
  package func names(limit: Int) throws(FileError) -> [String] {
    var names: [String] = []
    var buffer = [UInt8](repeating: 0, count: 32_768)
    // A description of its own: the position of the one behind `descriptor` is at the end after the first listing.
    let listing = FileDescriptor(
      owning: try demand(linux_beneath_open_directory(descriptor.number, "."), "openat2", path))
    while true {
      let size = buffer.withUnsafeMutableBytes { linux_directory_read(listing.number, $0.baseAddress, $0.count) }
      guard try demand(size, "getdents64", path) > 0 else { break }
      let batch: [String?] = buffer.withUnsafeBytes { bytes in
        var batch: [String?] = []
        var offset = 0
        while let name = linux_directory_next(bytes.baseAddress, size, &offset) {
          batch.append(String(validatingCString: name))
        }
        return batch
      }
      for name in batch {
        guard let name else { throw .system(SystemError("getdents64", path, .illegalSequence)) }
        if name != ".", name != ".." { names.append(name) }
      }
      guard names.count <= limit else { throw .tooManyEntries(path: path, limit: limit) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  package func status(_ name: String) throws(FileError) -> FileStatus {
    var status = linux_file_status()
    _ = try demand(linux_file_status_at(descriptor.number, name, &status), "fstatat", "\(path)/\(name)")
    return FileStatus(status)
  }

  package func directory(_ name: String) throws(FileError) -> Directory {
    let target = "\(path)/\(name)"
    let number = try demand(linux_beneath_open_directory(descriptor.number, name), "openat2", target)
    return Directory(path: target, descriptor: FileDescriptor(owning: number))
  }

  /// A regular file's bytes and status. Neither waits for a FIFO nor follows a link.
  package func contents(_ name: String, limit: Int) throws(FileError) -> (bytes: [UInt8], status: FileStatus) {
    let target = "\(path)/\(name)"
    // EXDEV, ELOOP: a link stands in the way. Said as such before open(2) words it.
    if try self.status(name).kind != .regular { throw .notRegular(path: target) }
    let number = try demand(linux_beneath_open_file(descriptor.number, name), "openat2", target)
    let file = FileDescriptor(owning: number)
    var raw = linux_file_status()
    _ = try demand(linux_file_status(file.number, &raw), "fstat", target)
    let status = FileStatus(raw)
    guard status.kind == .regular else { throw .notRegular(path: target) }
    guard status.size <= UInt64(limit) else { throw .tooLarge(path: target, limit: limit) }
    return (try Self.read(file, target: target, expected: Int(status.size), limit: limit), status)
  }

  /// At most the first `count` bytes of a regular file.
  package func start(_ name: String, count: Int) throws(FileError) -> [UInt8] {
    let target = "\(path)/\(name)"
    if try status(name).kind != .regular { throw .notRegular(path: target) }
    let number = try demand(linux_beneath_open_file(descriptor.number, name), "openat2", target)
    let file = FileDescriptor(owning: number)
    do throws(SystemError) {
      return try file.read(atMost: count) ?? []
    } catch {
      throw .system(error)
    }
  }

  private static func read(
    _ file: FileDescriptor, target: String, expected: Int, limit: Int
  ) throws(FileError) -> [UInt8] {
    // One more than expected, so that a file that doesn't grow is read in two calls.
    var bytes = [UInt8](repeating: 0, count: min(expected, limit) + 1)
    var filled = 0
    while true {
      if filled == bytes.count { bytes.append(contentsOf: [UInt8](repeating: 0, count: max(4096, filled))) }
      let count = bytes.withUnsafeMutableBytes { buffer in
        linux_read(file.number, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
      }
      guard try demand(count, "read", target) > 0 else { break }
      filled += Int(count)
      guard filled <= limit else { throw .tooLarge(path: target, limit: limit) }
    }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  /// Where a link points, as written in it.
  package func linkDestination(_ name: String) throws(FileError) -> String {
    let target = "\(path)/\(name)"
    var buffer = [CChar](repeating: 0, count: 4097)
    let length = try demand(linux_link_read(descriptor.number, name, &buffer, buffer.count - 1), "readlinkat", target)
    guard let text = String(validating: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    else { throw .system(SystemError("readlinkat", target, .illegalSequence)) }
    return text
  }

  /// What `relative` leads to when links are followed, as long as no step leaves this directory; an error otherwise.
  package func find(_ relative: String) throws(FileError) -> FileStatus {
    let target = "\(path)/\(relative)"
    let found = FileDescriptor(owning: try demand(linux_beneath_find(descriptor.number, relative), "openat2", target))
    var status = linux_file_status()
    _ = try demand(linux_file_status(found.number, &status), "fstat", target)
    return FileStatus(status)
  }

  /// Writes beside `name`, makes it durable, and puts it in the place of `name`: a reader sees the old content or the
  /// new, also after a crash.
  package func replace(_ name: String, with bytes: [UInt8], permissions: UInt32 = 0o644) throws(FileError) {
    let temporary = ".\(name).\(try RandomBytes.hexadecimal(8))"
    do throws(FileError) {
      try create(temporary, bytes, permissions: permissions)
      _ = try demand(linux_file_rename(descriptor.number, temporary, name), "rename", "\(path)/\(name)")
      _ = try demand(linux_file_synchronise(descriptor.number), "fsync", path)
    } catch {
      _ = linux_file_remove(descriptor.number, temporary)
      throw error
    }
  }

  /// Makes a new file; EEXIST where there is one.
  package func create(_ name: String, _ bytes: [UInt8], permissions: UInt32 = 0o644) throws(FileError) {
    let target = "\(path)/\(name)"
    let number = try demand(linux_file_create(descriptor.number, name, permissions), "open", target)
    let file = FileDescriptor(owning: number)
    try Output(file, name: target).write(bytes)
    _ = try demand(linux_file_synchronise(file.number), "fsync", target)
  }

  /// Makes a new directory; EEXIST where there is one.
  package func makeDirectory(_ name: String, permissions: UInt32 = 0o755) throws(FileError) -> Directory {
    _ = try demand(linux_directory_make(descriptor.number, name, permissions), "mkdirat", "\(path)/\(name)")
    return try directory(name)
  }

  /// Makes a symbolic link with any text as its destination; EEXIST where the name is taken.
  package func makeLink(_ name: String, to destination: String) throws(FileError) {
    _ = try demand(linux_link_make(descriptor.number, name, destination), "symlinkat", "\(path)/\(name)")
  }

  /// fchmod(2) of the directory itself, whatever the umask.
  package func setPermissions(_ permissions: UInt32) throws(FileError) {
    _ = try demand(linux_directory_permit(descriptor.number, permissions), "fchmod", path)
  }

  /// Gives a name in another directory of the same filesystem, in the place of any file that has it there.
  package func move(_ name: String, to other: Directory) throws(FileError) {
    _ = try demand(
      linux_tree_rename(descriptor.number, name, other.descriptor.number, name), "rename", "\(other.path)/\(name)")
  }

  package func remove(_ name: String) throws(FileError) {
    _ = try demand(linux_file_remove(descriptor.number, name), "unlinkat", "\(path)/\(name)")
  }

  /// Removes an empty directory.
  package func removeDirectory(_ name: String) throws(FileError) {
    _ = try demand(linux_directory_remove(descriptor.number, name), "unlinkat", "\(path)/\(name)")
  }
}

/// A descriptor that is written to whole, blocking.
package struct Output: Sendable {
  private let descriptor: FileDescriptor
  private let name: String

  package init(_ descriptor: FileDescriptor, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  package func write(_ bytes: [UInt8]) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        linux_write(descriptor.number, $0.baseAddress?.advanced(by: written), $0.count - written)
      }
      written += Int(try demand(count, "write", name))
    }
  }
}

/// From getrandom(2).
package enum RandomBytes {
  /// Twice `count` lower-case hexadecimal digits.
  package static func hexadecimal(_ count: Int) throws(FileError) -> String {
    var bytes = [UInt8](repeating: 0, count: count)
    _ = try demand(linux_random(&bytes, count), "getrandom", "\(count) bytes")
    return bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
