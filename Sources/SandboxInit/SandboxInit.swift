import CLinux

/// pid 1 of a sandbox: carries out the flat plan, starts the worker, waits for it.
///
/// Embedded Swift without a heap: everything lives in the mapped plan and on the stack. It makes no choices: each
/// step is mandatory, and the first that fails is reported over the control socket and ends the sandbox. When this
/// process ends, the kernel ends every other process of its pid namespace: pid_namespaces(7).
@main
struct SandboxInit {
  static func main() {
    do throws(StepFailure) {
      let plan = try Plan.mapped()
      try buildRoot(plan)
      try setUpNetwork(plan)
      let enforced = try dropPrivileges(plan)
      let worker = try startWorker(plan)
      var report = enforced
      report.message = sandbox_message.ready.rawValue
      report.seccomp_instructions = plan.header.filter.count
      _ = sandbox_send_report(control, &report)
      supervise(worker)
    } catch {
      error.report()
      sandbox_end(1)
    }
  }
}

let control = Int32(SANDBOX_FD_CONTROL)

/// errno(3) values; there is no C library to import them from.
enum ErrorNumber {
  static let notPermitted: Int32 = 1
  static let notFound: Int32 = 2
  static let accessDenied: Int32 = 13
  static let exists: Int32 = 17
  static let noDevice: Int32 = 19
  static let notADirectory: Int32 = 20
  static let invalid: Int32 = 22
  static let noMessage: Int32 = 42
}

/// The step that failed, its errno and, where there are several of a kind, which one.
struct StepFailure: Error {
  var step: sandbox_step
  var code: Int32
  var index: UInt32

  func report() {
    var report = sandbox_report()
    report.message = sandbox_message.failed.rawValue
    report.step = step.rawValue
    report.error = code
    report.index = index
    _ = sandbox_send_report(control, &report)
  }
}

/// `result` unless it is a negated errno.
@discardableResult
func checked(
  _ step: sandbox_step, _ result: Int32, index: UInt32 = SANDBOX_NO_INDEX
) throws(StepFailure) -> Int32 {
  if result < 0 { throw StepFailure(step: step, code: -result, index: index) }
  return result
}
