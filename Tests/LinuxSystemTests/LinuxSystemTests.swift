import Foundation
import Glibc
import Testing

@testable import LinuxSystem

/// The descriptors of this process that are of this kind, such as `/memfd:` or `socket:`.
private func count(_ kind: String) -> Int {
  (0..<256).count { number in
    var buffer = [CChar](repeating: 0, count: 256)
    let length = readlink("/proc/self/fd/\(number)", &buffer, buffer.count - 1)
    guard length > 0 else { return false }
    return buffer.prefix(length).map { UInt8(bitPattern: $0) }.starts(with: kind.utf8)
  }
}

@Suite("Sockets that pass descriptors", .serialized)
struct UnixSocketTests {
  @Test("hand over memfds with the bytes they were sent with, closed on exec")
  func passes() throws {
    let (left, right) = try UnixSocket.pair()
    let memory = try SealedMemory(copying: [1, 2, 3])
    #expect(try left.send([9], descriptors: [memory.descriptor, memory.descriptor]) == 1)
    let received = try #require(try right.receive(atMost: 100))
    #expect(received.bytes == [9] && received.refused == 0 && !received.isTruncated)
    try #require(received.descriptors.count == 2)
    for descriptor in received.descriptors {
      #expect(fcntl(descriptor.number, F_GETFD) & FD_CLOEXEC != 0)
      #expect(try SealedMemory(adopting: descriptor, claimedByteCount: 3).prefix(10) == [1, 2, 3])
    }
  }

  @Test("keep nothing but memfds of what they are sent")
  func refuses() async throws {
    let (left, right) = try UnixSocket.pair()
    let pipe = try FileDescriptor.pipe()
    let memory = try SealedMemory(copying: [1])
    #expect(try left.send([0], descriptors: [pipe.reading, memory.descriptor, pipe.writing]) == 1)
    let received = try #require(try right.receive(atMost: 1))
    #expect(received.refused == 2 && received.descriptors.count == 1)
    pipe.writing.close()
    // The writing end that was sent is closed, on a thread of its own: the pipe comes to its end.
    try pipe.reading.setNonblocking()
    var end: [UInt8]?
    for _ in 0..<200 where end == nil {
      end = try pipe.reading.read(atMost: 1)
      if end == nil { try await Task.sleep(for: .milliseconds(10)) }
    }
    #expect(end == [])
  }

  @Test("never wait: nothing to read, nobody to write to, no room")
  func neverWaits() throws {
    let (left, right) = try UnixSocket.pair()
    #expect(try right.receive(atMost: 1) == nil)
    var sent = 0
    while let count = try left.send([UInt8](repeating: 0, count: 65_536)) { sent += count }
    #expect(sent > 0)
    right.descriptor.close()
    // EPIPE and no signal: this process would be gone otherwise.
    #expect(throws: SystemError("sendmsg", nil, .brokenPipe)) { try left.send([1]) }
  }
}

@Suite("Sealed memory")
struct SealedMemoryTests {
  @Test("can't be written, grown or shrunk, nor unsealed")
  func sealed() throws {
    let memory = try SealedMemory(copying: Array("hello".utf8))
    #expect(memory.byteCount == 5)
    #expect(pwrite(memory.descriptor.number, "x", 1, 0) < 0 && errno == EPERM)
    #expect(ftruncate(memory.descriptor.number, 4) < 0 && errno == EPERM)
    #expect(ftruncate(memory.descriptor.number, 6) < 0 && errno == EPERM)
    #expect(try memory.prefix(3) == Array("hel".utf8))
    #expect(try memory.prefix(100) == Array("hello".utf8))
  }

  @Test("is taken over only when it is a memfd with every seal and the claimed size")
  func adoption() throws {
    let sealed = try SealedMemory(copying: [1, 2, 3]).descriptor
    #expect(throws: SealedMemory.Refusal.wrongSize(actual: 3, claimed: 4)) {
      try SealedMemory(adopting: sealed, claimedByteCount: 4)
    }
    #expect(throws: SealedMemory.Refusal.wrongSize(actual: 3, claimed: .max)) {
      try SealedMemory(adopting: sealed, claimedByteCount: .max)
    }
    let file = FileDescriptor(owning: open("/proc/self/exe", O_RDONLY | O_CLOEXEC))
    #expect(throws: SealedMemory.Refusal.notMemory) { try SealedMemory(adopting: file, claimedByteCount: 3) }
    let other = try FileDescriptor.pipe().reading
    #expect(throws: SealedMemory.Refusal.notMemory) { try SealedMemory(adopting: other, claimedByteCount: 0) }
    // A file of tmpfs has the same operations as a memfd, and can't be sealed.
    let temporary = FileDescriptor(owning: open("/dev/shm", 0o20000000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600))
    #expect(throws: SealedMemory.Refusal.self) { try SealedMemory(adopting: temporary, claimedByteCount: 0) }
  }
}

@Suite("The event loop", .serialized)
struct EventLoopTests {
  private func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
    let loop = try EventLoop()
    try await body(loop)
  }

  @Test("wakes the reader when bytes come, and the writer when there is room")
  func wakes() async throws {
    try await withLoop { loop in
      let (left, right) = try UnixSocket.pair()
      while try left.send([UInt8](repeating: 0, count: 65_536)) != nil {}
      async let writable: Void = loop.wait(until: .writable, left.descriptor)
      async let readable: Void = loop.wait(until: .readable, left.descriptor)
      while try right.receive(atMost: 1 << 20) != nil {}
      try await writable
      #expect(try right.send([1]) == 1)
      try await readable
      #expect(try left.receive(atMost: 10)?.bytes == [1])
    }
  }

  @Test("runs the tasks that prefer it on its own thread, whoever wakes them, and loses none")
  func executes() async throws {
    try await withLoop { loop in
      let seen = Lock<[String: Int]>([:])
      let tasks = (0..<200).map { number in
        Task(executorPreference: loop) {
          for _ in 0..<20 {
            let name = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? "?"
            seen.withLock { $0[name, default: 0] += 1 }
            // Woken by itself, and by another thread once the loop sleeps.
            if number % 10 == 0 { try? await Task.sleep(for: .microseconds(50)) } else { await Task.yield() }
          }
        }
      }
      for task in tasks { await task.value }
      #expect(seen.withLock { $0 } == ["events\n": 4000])
    }
  }

  @Test("gives who waits for a descriptor a turn, however much there is to run")
  func fair() async throws {
    try await withLoop { loop in
      let (left, right) = try UnixSocket.pair()
      let isOver = Lock(false)
      let busy = Task(executorPreference: loop) { while !isOver.withLock({ $0 }) { await Task.yield() } }
      let reader = Task(executorPreference: loop) { try await loop.wait(until: .readable, left.descriptor) }
      while loop.waiters == 0 { await Task.yield() }
      _ = try right.send([1])
      try await reader.value
      isOver.withLock { $0 = true }
      await busy.value
    }
  }

  @Test("wakes the reader when the other end is gone")
  func hangUp() async throws {
    try await withLoop { loop in
      let (left, right) = try UnixSocket.pair()
      async let readable: Void = loop.wait(until: .readable, left.descriptor)
      right.descriptor.close()
      try await readable
      #expect(try left.receive(atMost: 1)?.bytes == [])
    }
  }

  @Test("ends a wait when its task is cancelled, before or after it began", arguments: [0, 20])
  func cancels(milliseconds: Int) async throws {
    try await withLoop { loop in
      let (left, right) = try UnixSocket.pair()
      let task = Task { try await loop.wait(until: .readable, left.descriptor) }
      if milliseconds > 0 { try await Task.sleep(for: .milliseconds(milliseconds)) }
      task.cancel()
      await #expect(throws: SystemError("epoll_wait", nil, .cancelled)) { try await task.value }
      // The descriptor serves the next wait.
      _ = try right.send([1])
      try await loop.wait(until: .readable, left.descriptor)
    }
  }

  @Test("ends a wait when the descriptor is closed, and never mistakes its number for the next one's")
  func closes() async throws {
    try await withLoop { loop in
      for _ in 0..<100 {
        let (left, right) = try UnixSocket.pair()
        let task = Task { try await loop.wait(until: .readable, left.descriptor) }
        while loop.waiters == 0 { await Task.yield() }
        loop.close(left.descriptor)
        await #expect(throws: SystemError("epoll_wait", nil, .badDescriptor)) { try await task.value }
        right.descriptor.close()
      }
    }
  }

  @Test("lets one task wait for each direction")
  func oneWaiter() async throws {
    try await withLoop { loop in
      let (left, right) = try UnixSocket.pair()
      let task = Task { try await loop.wait(until: .readable, left.descriptor) }
      while loop.waiters == 0 { await Task.yield() }
      await #expect(throws: SystemError("epoll_wait", nil, .busy)) {
        try await loop.wait(until: .readable, left.descriptor)
      }
      task.cancel()
      _ = await task.result
      withExtendedLifetime(right) {}
    }
  }

  @Test("takes its descriptors with it when nobody has it any more")
  func ends() async throws {
    // Many: a few others may come or go meanwhile.
    let before = count("anon_inode:[eventpoll]")
    do {
      let loops = try (0..<20).map { _ in try EventLoop() }
      let (left, right) = try UnixSocket.pair()
      _ = try right.send([1])
      for loop in loops { try await loop.wait(until: .readable, left.descriptor) }
      #expect(count("anon_inode:[eventpoll]") > before + 10)
    }
    for _ in 0..<400 where count("anon_inode:[eventpoll]") > before + 5 { try await Task.sleep(for: .milliseconds(5)) }
    #expect(count("anon_inode:[eventpoll]") <= before + 5)
  }

  @Test("carries a million bytes through a hundred sockets at once")
  func many() async throws {
    try await withLoop { loop in
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<100 {
          let (left, right) = try UnixSocket.pair()
          group.addTask {
            var sent = 0
            let bytes = [UInt8](repeating: 1, count: 10_000)
            while sent < bytes.count {
              if let count = try left.send(bytes, from: sent) {
                sent += count
              } else {
                try await loop.wait(until: .writable, left.descriptor)
              }
            }
            left.descriptor.close()
            return 0
          }
          group.addTask {
            var total = 0
            while true {
              guard let received = try right.receive(atMost: 777) else {
                try await loop.wait(until: .readable, right.descriptor)
                continue
              }
              if received.bytes.isEmpty { return total }
              total += received.bytes.count
            }
          }
        }
        #expect(try await group.reduce(0, +) == 1_000_000)
      }
    }
  }
}
