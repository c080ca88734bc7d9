import CLinux

/// A detached thread of the operating system.
enum Thread {
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs `body` once on a thread of its own, with every signal blocked.
  static func run(named name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    let retained = Unmanaged.passRetained(Body(body))
    let result = linux_thread_start(
      name, { context in context.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() } },
      retained.toOpaque())
    guard result >= 0 else {
      retained.release()
      throw SystemError("pthread_create", name, ErrorCode(rawValue: -result))
    }
  }
}

/// Runs `body` once on a thread of its own, with every signal blocked. For a call that may block for good; what is to be waited for
/// has a ``DedicatedThread``.
package func runOnOwnThread(named name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
  try Thread.run(named: name, body)
}
