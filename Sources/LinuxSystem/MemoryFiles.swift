import CLinux
import Glibc

/// Files that live in memory whether or not a process maps them: memfds, memfd_create(2), and what lies in a tmpfs, tmpfs(5).
package enum MemoryFiles {
  /// One memfd. All of them lie in one filesystem of the kernel's, in which the inode is its name.
  package struct Memfd: Hashable, Sendable {
    package var inode: UInt64
    /// Bytes that have pages.
    package var bytes: UInt64
  }

  /// Those that a process has open, each as often as it has. What it has only mapped, and what lies in its sockets, isn't among them.
  /// - Parameter limit: how many descriptors are looked at.
  /// - Returns: also how many were.
  package static func memfds(of process: Int32, limit: Int) -> (found: [Memfd], looked: Int) {
    let directory = "/proc/\(process)/fd"
    let names = directoryEntries(directory).prefix(max(0, limit))
    let found = names.compactMap { name -> Memfd? in
      let path = "\(directory)/\(name)"
      // Its name first: stat(2) of what lies on a network might wait.
      return isMemfd(path) ? Memfd(path) : nil
    }
    return (found, names.count)
  }

  /// The memfd behind a descriptor of this process; nil for anything else.
  package static func memfd(_ descriptor: FileDescriptor) -> Memfd? {
    let path = "/proc/self/fd/\(descriptor.number)"
    return isMemfd(path) ? Memfd(path) : nil
  }

  /// Bytes in use of the tmpfs at `path`; 0 where another filesystem is there, or none.
  package static func bytesUsed(ofTemporaryFilesystem path: String) -> UInt64 { linux_tmpfs_used(path) }

  /// proc_pid_fd(5): such a link begins with the name that no file has.
  private static func isMemfd(_ path: String) -> Bool {
    let prefix = "/memfd:".utf8.map { CChar($0) }
    var buffer = [CChar](repeating: 0, count: prefix.count)
    let count = readlink(path, &buffer, buffer.count)
    return count == prefix.count && buffer == prefix
  }
}

extension MemoryFiles.Memfd {
  fileprivate init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_blocks >= 0 else { return nil }
    // st_blocks counts 512 bytes each, inode(7).
    self.init(inode: UInt64(status.st_ino), bytes: UInt64(status.st_blocks) * 512)
  }
}
