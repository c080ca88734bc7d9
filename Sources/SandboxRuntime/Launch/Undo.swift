import LinuxSystem
import SandboxPlanning

/// What a launch has made so far, and how each of it is unmade: in reverse, each once, whatever else fails.
struct UndoLog: Sendable {
  private var entries: [@Sendable () throws(SystemError) -> Void] = []

  mutating func add(_ undo: @escaping @Sendable () throws(SystemError) -> Void) { entries.append(undo) }

  /// Undoes everything; the errors of the undoing, in its order.
  mutating func unwind() -> [SystemError] {
    var errors: [SystemError] = []
    while let undo = entries.popLast() {
      do throws(SystemError) { try undo() } catch { errors.append(error) }
    }
    return errors
  }
}

/// Carries out the steps of one launch, each with its undo, and turns the first that fails into a ``LaunchError``.
struct LaunchTransaction: Sendable {
  private(set) var undo = UndoLog()

  /// `undo` is kept once `body` has succeeded. When it fails, all before it is undone.
  mutating func perform<Value>(
    _ step: LaunchStep, _ body: () throws(SystemError) -> Value,
    undo makeUndo: (Value) -> (@Sendable () throws(SystemError) -> Void)? = { _ in nil }
  ) throws(LaunchError) -> Value {
    let value: Value
    do throws(SystemError) { value = try body() } catch { throw failure(step, error) }
    if let entry = makeUndo(value) { undo.add(entry) }
    return value
  }

  mutating func failure(_ step: LaunchStep, _ cause: SystemError) -> LaunchError {
    LaunchError(
      step: step.words, cause: cause, remedy: Remedy.of(step, cause.code), cleanupErrors: undo.unwind())
  }

  mutating func failure(_ report: FailureReport, _ plan: SandboxPlan) -> LaunchError {
    LaunchError(
      step: report.step.words(plan, index: report.index),
      cause: SystemError(report.step.systemCall, report.step.target(plan, index: report.index), report.code),
      remedy: Remedy.of(report.step, report.code), cleanupErrors: undo.unwind())
  }
}
