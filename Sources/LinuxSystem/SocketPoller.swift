import CLinux

/// Waits for many sockets on the one thread that calls ``wait(milliseconds:)``: epoll(7), level-triggered.
///
/// For a loop that reads and writes in place. ``EventLoop`` wakes tasks, which is dearer than a small transfer itself.
package final class SocketPoller: Sendable {
  package struct Event: Sendable {
    package var token: UInt64
    package var isReadable: Bool
    package var isWritable: Bool
    /// Both directions are over, or the connection is broken; reported whether or not anything was asked for.
    package var isBroken: Bool
  }

  package struct Interest: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let readable = Interest(rawValue: LINUX_EVENT_READABLE)
    package static let writable = Interest(rawValue: LINUX_EVENT_WRITABLE)
  }

  /// No descriptor may have it.
  package static let wakeToken = UInt64.max
  private static let capacity = 64
  private let epoll: FileDescriptor
  private let waking: (reading: FileDescriptor, writing: FileDescriptor)

  package init() throws(SystemError) {
    epoll = FileDescriptor(owning: try systemCall("epoll_create1", linux_epoll_create()))
    waking = try FileDescriptor.pipe()
    try waking.reading.setNonblocking()
    try waking.writing.setNonblocking()
    try add(waking.reading, .readable, token: Self.wakeToken)
  }

  package func add(_ descriptor: FileDescriptor, _ interest: Interest, token: UInt64) throws(SystemError) {
    try systemCall(
      "epoll_ctl",
      linux_poller_watch(epoll.number, LINUX_POLLER_ADD, descriptor.number, interest.rawValue, token))
  }

  package func change(_ descriptor: FileDescriptor, _ interest: Interest, token: UInt64) throws(SystemError) {
    try systemCall(
      "epoll_ctl",
      linux_poller_watch(epoll.number, LINUX_POLLER_CHANGE, descriptor.number, interest.rawValue, token))
  }

  /// A descriptor that is closed is removed by that.
  package func remove(_ descriptor: FileDescriptor) { _ = linux_epoll_remove(epoll.number, descriptor.number) }

  /// Blocks until something is ready, someone calls ``wake()`` or the time is up; nil: without a limit.
  /// - Returns: at most 64 events; of a wake, the one with ``wakeToken``.
  package func wait(milliseconds: Int32?) throws(SystemError) -> [Event] {
    try withUnsafeTemporaryAllocation(of: linux_event.self, capacity: Self.capacity) { buffer throws(SystemError) in
      let count = try systemCall(
        "epoll_wait",
        linux_poller_wait(epoll.number, buffer.baseAddress, Int32(Self.capacity), milliseconds ?? -1))
      return buffer[..<Int(count)].map { event in
        if event.token == Self.wakeToken { _ = try? waking.reading.read(atMost: 512) }
        return Event(
          token: event.token, isReadable: event.ready & LINUX_EVENT_READABLE != 0,
          isWritable: event.ready & LINUX_EVENT_WRITABLE != 0, isBroken: event.ready & LINUX_EVENT_BROKEN != 0)
      }
    }
  }

  /// From any thread. A pipe that is full wakes all the same.
  package func wake() { _ = try? waking.writing.write([1]) }
}
