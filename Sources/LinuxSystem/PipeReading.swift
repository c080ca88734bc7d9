import Glibc

/// What is read from a FIFO or a pipe that a path leads to, `/dev/fd/3` and a shell's `<(…)` among them.
package enum PipeReading {
  /// Blocks.
  /// - Parameters:
  ///   - limit: bytes; more are refused.
  ///   - end: until then its last writer has to have closed it.
  ///   - isCancelled: asked ten times a second.
  /// - Returns: nil: what the path leads to is no pipe.
  package static func bytes(
    of path: String, limit: Int, until end: ContinuousClock.Instant, isCancelled: () -> Bool = { false }
  ) throws(FileError) -> [UInt8]? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return nil }
    // Without a writer open(2) would wait for one.
    let number = try demand(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC).orErrorNumber, "open", path)
    let file = FileDescriptor(owning: number)
    // It may be another by now.
    guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return nil }
    guard !isOwn(file, status) else { throw .system(SystemError("open", path, .notFound)) }
    var bytes: [UInt8] = []
    while true {
      // Says so of a pipe that has ended; of one that nobody has opened yet it says nothing.
      try wait(for: file, until: end, isCancelled, path)
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

  /// Whether this process made the pipe for itself, whatever the path says. What it was started with is open on exec, and what it opens
  /// isn't: so there is another descriptor of the same pipe that isn't.
  private static func isOwn(_ file: FileDescriptor, _ status: stat) -> Bool {
    // What proc_pid_fd(5) says of a pipe that has no name elsewhere.
    let name = [CChar](unsafeUninitializedCapacity: 5) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      count = max(0, readlink("/proc/self/fd/\(file.number)", start, buffer.count))
    }
    guard name.elementsEqual("pipe:".utf8.map { CChar($0) }) else { return false }
    guard let names = try? Directory(opening: "/proc/self/fd").names(limit: 1 << 20) else { return true }
    return names.compactMap { Int32($0) }.contains { number in
      var other = stat()
      return number != file.number && fcntl(number, F_GETFD) & FD_CLOEXEC != 0 && fstat(number, &other) == 0
        && other.st_dev == status.st_dev && other.st_ino == status.st_ino
    }
  }

  private static func wait(
    for file: FileDescriptor, until end: ContinuousClock.Instant, _ isCancelled: () -> Bool, _ path: String
  ) throws(FileError) {
    while true {
      if isCancelled() { throw .system(SystemError("read", path, .cancelled)) }
      let left = (end - .now).wholeMilliseconds
      guard left > 0 else { throw .system(SystemError("read", path, .timedOut)) }
      do throws(SystemError) {
        if try LinuxKernel().awaitReadable(file, milliseconds: UInt32(min(100, left))) { return }
      } catch {
        throw .system(error)
      }
    }
  }
}
