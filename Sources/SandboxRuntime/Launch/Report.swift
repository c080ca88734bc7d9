import CLinux
import LinuxSystem

/// What failed inside the sandbox, by its own account.
struct FailureReport: Sendable {
  var step: sandbox_step
  var code: ErrorCode
  /// Of the operation, rule or limit.
  var index: Int?
}

/// A message of the control socket that makes sense at this point, read defensively: until the worker is started, the
/// other side is our own code, but nothing here depends on that.
enum SandboxReport: Sendable {
  case failed(FailureReport)
  /// The sockets of its network that the supervisor answers.
  case listening([FileDescriptor])
  /// Its network namespace is there, and waits to be connected.
  case network
  case ready(sandbox_report)
  case ended(status: SandboxExit.Status, deniedExecutions: UInt32)

  init?(_ report: sandbox_report, _ descriptors: [FileDescriptor] = []) {
    guard let message = sandbox_message(checking: report.message) else { return nil }
    switch message {
    case .failed:
      guard let step = sandbox_step(checking: report.step) else { return nil }
      let index = report.index == SANDBOX_NO_INDEX ? nil : Int(report.index)
      self = .failed(FailureReport(step: step, code: ErrorCode(rawValue: report.error), index: index))
    case .listening: self = .listening(descriptors)
    case .network: self = .network
    case .ready: self = .ready(report)
    case .ended:
      self = .ended(
        status: SandboxExit.Status(waitStatus: report.status), deniedExecutions: report.denied_executions)
    case .go, .terminate, .hold, .resume, .denied, .count, .counted: return nil
    }
  }
}

extension SandboxExit.Status {
  /// As waitpid(2) encodes it: the low seven bits are the signal, 0 for an exit with the code above them.
  init(waitStatus: Int32) {
    let signal = waitStatus & 0x7F
    self = signal == 0 ? .exited(code: (waitStatus >> 8) & 0xFF) : .signalled(number: signal)
  }
}

// The importer's `init(rawValue:)` of a C enumeration accepts every number, and a switch then traps.

extension sandbox_message {
  fileprivate init?(checking number: UInt32) {
    guard (sandbox_message.go.rawValue...sandbox_message.counted.rawValue).contains(number) else { return nil }
    self.init(rawValue: number)
  }
}

extension sandbox_step {
  fileprivate init?(checking number: UInt32) {
    guard (sandbox_step.descriptors.rawValue...sandbox_step.workerExecute.rawValue).contains(number) else {
      return nil
    }
    self.init(rawValue: number)
  }
}
