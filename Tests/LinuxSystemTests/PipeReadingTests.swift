import Foundation
import Glibc
import Testing

@testable import LinuxSystem

@Suite("What is read from a pipe")
final class PipeReadingTests {
  private let path = "/var/tmp/pipe-\(UUID().uuidString)"

  init() throws { try #require(mkfifo(path, 0o600) == 0) }
  deinit { unlink(path) }

  /// Opens the FIFO for writing, which waits for a reader, and writes.
  private func write(_ texts: [String], then: @escaping @Sendable () -> Void = {}) throws {
    let path = path
    try runOnOwnThread(named: "writer") {
      let number = open(path, O_WRONLY | O_CLOEXEC)
      for text in texts {
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
        usleep(2_000)
      }
      then()
      close(number)
    }
  }

  @Test("is all that is written until the last writer has closed it, in however many parts")
  func whole() throws {
    try write(["one ", "two ", "three"])
    #expect(try PipeReading.bytes(of: path, limit: 13, until: .now + .seconds(60)) == Array("one two three".utf8))
  }

  @Test("is what a descriptor has that the process was started with, and none that it opened for itself")
  func descriptors() throws {
    let (reading, writing) = try FileDescriptor.pipe()
    _ = try writing.write(Array("text".utf8))
    // Now: as long as it is open, this process has the pipe for itself.
    writing.close()
    let place = "/dev/fd/\(reading.number)"
    for path in [place, "/proc/self/fd/\(reading.number)", "/proc/thread-self/fd/\(reading.number)", "/" + place] {
      #expect { _ = try PipeReading.bytes(of: path, limit: 9, until: .now + .seconds(60)) } throws: { error in
        (error as? FileError)?.isAbsence == true
      }
    }
    try #require(fcntl(reading.number, F_SETFD, 0) == 0)
    #expect(try PipeReading.bytes(of: place, limit: 9, until: .now + .seconds(60)) == Array("text".utf8))
  }

  @Test("is refused where it is too long, however much more there would be")
  func tooLong() throws {
    try write([String(repeating: "x", count: 11)])
    let path = path
    #expect(throws: FileError.tooLarge(path: path, limit: 10)) {
      try PipeReading.bytes(of: path, limit: 10, until: .now + .seconds(60))
    }
  }

  @Test("has a time to come in: without a writer, and with one that never ends")
  func never() throws {
    func isTimedOut() -> Bool {
      do throws(FileError) { _ = try PipeReading.bytes(of: path, limit: 10, until: .now + .milliseconds(50)) } catch {
        if case .system(let cause) = error { return cause.code == .timedOut }
      }
      return false
    }
    #expect(isTimedOut())
    let end = DispatchSemaphore(value: 0)
    try write(["x"]) { end.wait() }
    #expect(isTimedOut())
    end.signal()
  }

  @Test("isn't waited for any more once that is cancelled")
  func cancelled() throws {
    let asked = Lock(0)
    #expect {
      _ = try PipeReading.bytes(of: path, limit: 9, until: .now + .seconds(600)) {
        asked.withLock { asked in
          asked += 1
          return asked > 2
        }
      }
    } throws: { error in
      if case .system(let cause)? = error as? FileError { cause.code == .cancelled } else { false }
    }
  }

  @Test("is nothing of what is no pipe")
  func others() throws {
    for path in ["/etc/passwd", "/dev/null", "/", "/nowhere"] {
      #expect(try PipeReading.bytes(of: path, limit: 1, until: .now + .milliseconds(1)) == nil)
    }
  }
}
