import LinuxSystem
import PluginModel
import SandboxPlanning

/// The supervisor's end of the control socket of a sandbox that runs. Whoever reads it first keeps what it finds for all.
final class ControlChannel: Sendable {
  /// How long pid 1 may take to count: it does nothing else, but its host may be busy, or have frozen it.
  private static let patience = Duration.milliseconds(500)

  private struct State {
    var status: SandboxExit.Status?
    var deniedExecutions: UInt32 = 0
    var isClosed = false
    var error: SystemError?
    /// Told of and not counted yet, in the order of their coming.
    var uncounted: [DeniedCall] = []
    var record = DenialRecord()
  }

  private let control: FileDescriptor
  private let seccomp: SeccompPlan
  private let context: LaunchContext
  private let state = Lock(State())

  init(_ control: FileDescriptor, _ seccomp: SeccompPlan, _ context: LaunchContext) {
    self.control = control
    self.seccomp = seccomp
    self.context = context
  }

  func send(_ message: SandboxMessage) throws(SystemError) { try context.kernel.send(message, on: control) }

  /// How often it was, where anything was denied. pid 1 told what it was before the call returned.
  func collectDenials() async {
    drain()
    guard mustCount else { return }
    do throws(SystemError) { try send(.count) } catch { return }
    let waiting = Task.detached { [self] in
      while mustCount {
        do throws(SystemError) { try await context.loop.wait(until: .readable, control) } catch { return }
        drain()
      }
    }
    let timer = Task.detached {
      guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
      waiting.cancel()
    }
    await waiting.value
    timer.cancel()
  }

  func takeDenials() -> DenialRecord {
    drain()
    return state.withLock { state in
      for call in state.uncounted { state.record.add(Denial(call, times: nil, seccomp)) }
      state.uncounted = []
      defer { state.record = DenialRecord() }
      return state.record
    }
  }

  /// Of a sandbox whose first process has ended; what it said stays readable.
  func lastWords() -> SandboxExit {
    drain()
    return state.withLock { state in
      SandboxExit(
        status: state.status ?? .killed, deniedExecutions: state.deniedExecutions,
        cleanupErrors: state.error.map { [$0] } ?? [])
    }
  }

  private var mustCount: Bool { state.withLock { !$0.isClosed && !$0.uncounted.isEmpty } }

  /// Everything that is there, without waiting.
  private func drain() {
    state.withLock { state in
      while !state.isClosed {
        do throws(SystemError) {
          guard let message = try context.kernel.receive(on: control) else { return }
          take(message, &state)
        } catch {
          state.error = error
          state.isClosed = true
        }
      }
    }
  }

  private func take(_ message: ReceivedMessage, _ state: inout State) {
    switch message {
    case .end: state.isClosed = true
    case .report(let report, _):
      guard case .ended(let status, let denied) = SandboxReport(report) else { return }
      state.status = status
      state.deniedExecutions = denied
    // pid 1 is our code. Were it not, this would still end.
    case .denial(let call): if state.uncounted.count < DenialRecord.limit { state.uncounted.append(call) }
    case .counts(let counts):
      for call in state.uncounted {
        let times = counts.bySlot.indices.contains(call.slot) ? counts.bySlot[call.slot] : nil
        state.record.add(Denial(call, times: times, seccomp))
      }
      state.uncounted = []
      state.record.add(DenialRecord(further: counts.further))
    }
  }
}

extension Denial {
  /// - Parameter times: nil: at least once.
  init(_ call: DeniedCall, times: UInt64?, _ seccomp: SeccompPlan) {
    let attempt: Attempt
    var permission: Permission?
    switch call.kind {
    case .execution:
      let path = call.path.map { UntrustedBytes($0, isCut: !call.isPathWhole) }
      attempt = .execution(path)
      permission = .starting(path)
    case .socket, .call:
      let family = call.arguments.first.map { UInt32(truncatingIfNeeded: $0) } ?? 0
      if call.kind == .socket, let name = SocketFamily.names[family] {
        attempt = .socket(family: name)
        if SocketFamily.ofTheInternet.contains(family) { permission = .networkHTTP(hosts: []) }
      } else {
        let rule = seccomp.rule(number: call.number)
        let name = rule?.name ?? "number \(call.number)"
        let meaning = rule?.rules.first { $0.conditions.allSatisfy { $0.holds(for: call.arguments) } }?.meaning
        attempt = .systemCall(name: name, meaning: meaning, why: ForbiddenCalls.reason(for: name))
      }
    }
    self.init(
      attempt, count: times ?? 1, isCountExact: times != nil,
      process: call.process.isEmpty ? nil : UntrustedBytes(call.process), evidence: .certain, permission: permission)
  }
}

/// AF_* of address_families(7).
private enum SocketFamily {
  static let names: [UInt32: String] = [
    0: "AF_UNSPEC", 1: "AF_UNIX", 2: "AF_INET", 3: "AF_AX25", 9: "AF_X25", 10: "AF_INET6", 15: "AF_KEY",
    16: "AF_NETLINK", 17: "AF_PACKET", 21: "AF_RDS", 29: "AF_CAN", 30: "AF_TIPC", 31: "AF_BLUETOOTH", 38: "AF_ALG",
    40: "AF_VSOCK", 44: "AF_XDP",
  ]
  /// NETLINK: getaddrinfo(3) asks it first which addresses this host has.
  static let ofTheInternet: Set<UInt32> = [2, 10, 16]
}
