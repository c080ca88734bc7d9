import Glibc

/// What is read from a FIFO or a pipe that a path leads to, `/dev/fd/3` and a shell's `<(…)` among them.
package enum PipeReading {
  /// - Parameters:
  ///   - limit: bytes; more are refused.
  ///   - milliseconds: until its last writer has closed it.
  /// - Returns: nil: what the path leads to is no pipe.
  package static func bytes(
    of path: String, limit: Int, milliseconds: Int64
  ) throws(FileError) -> [UInt8]? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return nil }
    guard !isOwn(path) else { throw .system(SystemError("open", path, .notFound)) }
    // Without a writer open(2) would wait for one.
    let number = try demand(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC).orErrorNumber, "open", path)
    let file = FileDescriptor(owning: number)
    // It may be another by now.
    guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return nil }
    let end = ContinuousClock.now + .milliseconds(milliseconds)
    var bytes: [UInt8] = []
    while true {
      // Says so of a pipe that has ended; of one that nobody has opened yet it says nothing.
      try wait(for: file, until: end, path)
      do throws(SystemError) {
        guard let read = try file.read(atMost: limit + 1 - bytes.count) else { continue }
        guard !read.isEmpty else { return bytes }
        bytes += read
      } catch {
        throw .system(error)
      }
      guard bytes.count <= limit else { throw .tooLarge(path: path, limit: limit) }
    }
  }

  /// Whether it is a descriptor that this process opened for itself. What it was started with it keeps on exec.
  private static func isOwn(_ path: String) -> Bool {
    let prefix = ["/dev/fd/", "/proc/self/fd/"].first { path.utf8.starts(with: $0.utf8) }
    guard let prefix, let number = Int32(path.dropFirst(prefix.count)) else { return false }
    return fcntl(number, F_GETFD) & FD_CLOEXEC != 0
  }

  private static func wait(
    for file: FileDescriptor, until end: ContinuousClock.Instant, _ path: String
  ) throws(FileError) {
    while true {
      let left = (end - .now).components
      let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
      guard milliseconds > 0 else { throw .system(SystemError("read", path, .timedOut)) }
      var watched = pollfd(fd: file.number, events: Int16(POLLIN), revents: 0)
      let result = poll(&watched, 1, Int32(clamping: milliseconds)).orErrorNumber
      if result == -EINTR { continue }
      guard try demand(result, "poll", path) == 0 else { return }
    }
  }
}
