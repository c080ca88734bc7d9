import CLinux
import Glibc

/// A socket with a path that takes connections: unix(7). Nothing waits for others.
package enum UnixListener {
  package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another process takes connections there.
    case isServed(path: String)
    /// What has the name is no socket.
    case notASocket(path: String)
    case system(SystemError)

    package var description: String {
      switch self {
      case .isServed(let path): "another process takes connections at \(path)"
      case .notASocket(let path): "\(path) is there, and is no socket"
      case .system(let error): error.description
      }
    }
  }

  /// Listens at `path`, in the place of a socket that nobody serves any more.
  ///
  /// The socket has its mode and listens before it gets its name, so that nobody meets one that takes no connections yet, or more than
  /// its mode says; and it takes no name that another has: of two who begin at one time, one is refused.
  /// - Parameter permissions: of the socket, whatever the umask: who may write to it may connect.
  package static func listen(at path: String, permissions: UInt32, backlog: Int32 = 1024) throws(Refusal)
    -> FileDescriptor
  {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let name = parts.last.map(String.init) ?? ""
    let parent = parts.count > 1 ? parts.dropLast().joined(separator: "/") + "/" : "."
    let number = linux_directory_open(parent)
    let directory = FileDescriptor(owning: try call("open", parent, number))
    let draft = try temporaryName()
    let listener = FileDescriptor(
      owning: try call("socket", nil, socket(AF_UNIX, streamType | nonBlocking, 0).orErrorNumber))
    // Linux gives the file no more than the socket has itself: unix_bind() in net/unix/af_unix.c.
    _ = try call("fchmod", path, fchmod(listener.number, 0o600).orErrorNumber)
    let bound = try withAddress(place(directory, draft), path) { bind(listener.number, $0, $1).orErrorNumber }
    _ = try call("bind", path, bound)
    defer { unlinkat(directory.number, draft, 0) }
    _ = try call("fchmodat", path, fchmodat(directory.number, draft, permissions, 0).orErrorNumber)
    _ = try call("listen", path, Glibc.listen(listener.number, backlog).orErrorNumber)
    for _ in 0..<attempts {
      let linked = linkat(directory.number, draft, directory.number, name, 0).orErrorNumber
      if linked >= 0 { return listener }
      guard linked == -EEXIST else { throw .system(SystemError("linkat", path, ErrorCode(rawValue: 0 - linked))) }
      try clear(name, in: directory, path)
    }
    throw .isServed(path: path)
  }

  private static let attempts = 8
  private static let streamType = Int32(SOCK_STREAM.rawValue)
  private static let nonBlocking = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

  /// Takes the name from a socket that nobody serves.
  private static func clear(_ name: String, in directory: FileDescriptor, _ path: String) throws(Refusal) {
    var status = stat()
    let found = fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW).orErrorNumber
    if found == -ENOENT { return }
    _ = try call("fstatat", path, found)
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
    guard try !isServed(name, in: directory, path) else { throw .isServed(path: path) }
    // Taken away before it is looked at once more: meanwhile another may have put its own there.
    let aside = try temporaryName()
    let moved = renameat(directory.number, name, directory.number, aside).orErrorNumber
    if moved == -ENOENT { return }
    _ = try call("renameat", path, moved)
    defer { unlinkat(directory.number, aside, 0) }
    guard try isServed(aside, in: directory, path) else { return }
    linkat(directory.number, aside, directory.number, name, 0)
    throw .isServed(path: path)
  }

  private static func isServed(_ name: String, in directory: FileDescriptor, _ path: String) throws(Refusal) -> Bool {
    let probe = FileDescriptor(
      owning: try call("socket", nil, socket(AF_UNIX, streamType | nonBlocking, 0).orErrorNumber))
    let result = try withAddress(place(directory, name), path) { connect(probe.number, $0, $1).orErrorNumber }
    // EAGAIN: as many wait already as may. EACCES, EPERM: whoever serves it doesn't want this user.
    return result != -ECONNREFUSED && result != -ENOENT
  }

  /// Short however long the path of the directory is.
  private static func place(_ directory: FileDescriptor, _ name: String) -> String {
    "/proc/self/fd/\(directory.number)/\(name)"
  }

  private static func temporaryName() throws(Refusal) -> String {
    do throws(FileError) { return ".\(try RandomBytes.hexadecimal(8))" } catch {
      throw .system(SystemError("getrandom", nil, .invalidArgument))
    }
  }

  private static func withAddress(
    _ path: String, _ shown: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(Refusal) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
      guard bytes.count < room.count else { return false }
      room.copyBytes(from: bytes)
      return true
    }
    guard fits else { throw .system(SystemError("bind", shown, ErrorCode(rawValue: ENAMETOOLONG))) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  private static func call(_ operation: String, _ target: String?, _ result: Int32) throws(Refusal) -> Int32 {
    do throws(SystemError) { return try systemCall(operation, on: target, result) } catch { throw .system(error) }
  }
}
