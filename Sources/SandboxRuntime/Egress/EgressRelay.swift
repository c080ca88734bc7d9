import LinuxSystem
import PluginModel
import SandboxPlanning

/// Stands between one worker's network and the host's: takes the worker's connections from the listeners that `sandbox-init`
/// made, has a ``RelayMachine`` decide about each, and copies what is allowed.
///
/// All of it runs on one thread of the worker's own, in a loop that never waits for a peer: whatever a worker does with its
/// connections, no other worker's are kept waiting.
package final class EgressRelay: Sendable {
  /// What the loop and its owner share.
  final class Shared: Sendable {
    let poller: SocketPoller
    private let state = Lock(State())

    struct State: Sendable {
      var use = EgressUse()
      var isStopped = false
      /// The loop has ended: nobody answers any more.
      var isOver = false
      var settling: [CheckedContinuation<EgressUse, Never>] = []
      /// Of lookups, by connection.
      var resolved: [(connection: UInt64, result: NameLookups.Result)] = []
    }

    init() throws(SystemError) { poller = try SocketPoller() }

    func withLock<Result>(_ body: (inout State) -> Result) -> Result { state.withLock(body) }

    /// What was counted so far goes to who asked for it.
    func settle(ending: Bool = false) {
      let (use, waiting) = withLock { state in
        if ending { state.isOver = true }
        guard !state.settling.isEmpty else { return (EgressUse(), state.settling) }
        defer {
          state.use = EgressUse()
          state.settling = []
        }
        return (state.use, state.settling)
      }
      for (position, continuation) in waiting.enumerated() {
        continuation.resume(returning: position == 0 ? use : EgressUse())
      }
    }

    func stop() {
      withLock { $0.isStopped = true }
      poller.wake()
    }
  }

  private let shared: Shared
  private let running: Task<Void, Never>

  /// - Parameter listeners: of the plan, in its order. They are the relay's from here on.
  package init(
    _ plan: EgressPlan, listeners: [FileDescriptor], resolver: any HostResolver, budget: RelayBudget
  ) throws(SystemError) {
    let shared = try Shared()
    let thread = try DedicatedThread(name: "egress")
    let services = Array(zip(plan.listeners, listeners)).map { RelayListener(descriptor: $1, isStream: $0.isStream) }
    self.shared = shared
    running = Task.detached {
      await thread.run {
        let loop = RelayLoop(plan.policy, services, NameLookups(resolver), budget, shared)
        loop.run()
      }
    }
  }

  /// What was counted since this was asked last, or since the start: all that the worker has seen by now.
  package func settle() async -> EgressUse {
    await withCheckedContinuation { continuation in
      let last = shared.withLock { state -> EgressUse? in
        guard state.isOver else {
          state.settling.append(continuation)
          return nil
        }
        defer { state.use = EgressUse() }
        return state.use
      }
      if let last { continuation.resume(returning: last) } else { shared.poller.wake() }
    }
  }

  /// Ends every connection, without waiting for that.
  package func stop() { shared.stop() }

  /// Ends every connection, and returns when nothing of the relay is open any more.
  package func close() async {
    stop()
    await running.value
  }
}

/// How many connections the relays of one supervisor may have together, of the descriptors that it may open.
///
/// Each relay may have as many as are left over: the first may take half, and there is always room for one more worker's.
package final class RelayBudget: Sendable {
  private let limit: Int
  private let used = Lock(0)

  /// - Parameter limit: connections; each takes two descriptors.
  package init(limit: Int) { self.limit = limit }

  /// Half of the descriptors that this process may open.
  package convenience init(openFileLimit: UInt64) { self.init(limit: max(16, Int(clamping: openFileLimit) / 4)) }

  /// - Parameter own: how many the relay has already.
  /// - Returns: false where it may have no more now.
  func take(having own: Int) -> Bool {
    used.withLock { used in
      guard own < limit - used else { return false }
      used += 1
      return true
    }
  }

  func giveBack(_ count: Int = 1) { used.withLock { $0 -= count } }
}

/// A socket of the worker's network that the relay answers.
struct RelayListener: Sendable {
  var descriptor: FileDescriptor
  var isStream: Bool
}
