import CLinux

/// The calls that the filter asks about. The answer is always no, with the error that the filter would give; what was tried is
/// only told, once for each kind of attempt and before the call returns. However fast a worker tries, no more than a table of
/// fixed size comes of it.
///
/// Where the plan observes, the filter that asks is another one, on top of that which denies: whatever it asks about is allowed, but
/// for the start of another program where there may be none. The call is recorded, and goes on.
struct Refusals {
  /// Of the worker's whole life, as a number in its last report.
  private(set) var executions: UInt32 = 0
  private let table: UnsafeMutablePointer<sandbox_denials>

  private let observations: UnsafeMutableRawPointer?
  private let isAlone: Bool

  init(observations: UnsafeMutableRawPointer?, isAlone: Bool) {
    table = sandbox_denials()
    self.observations = observations
    self.isAlone = isAlone
  }

  var hasAny: Bool { table.pointee.counts.used > 0 || table.pointee.counts.further > 0 }

  /// One call, without waiting: whoever made it may have been killed since, ENOENT.
  mutating func answerNext(_ listener: Int32) {
    var notification = sandbox_notification()
    guard sandbox_notification_receive(listener, &notification) == 0 else { return }
    if let observations, !(isAlone && notification.is_execve) {
      sandbox_observe(observations, &notification, listener)
      _ = sandbox_notification_answer(listener, notification.id, 0)
      return
    }
    note(&notification, listener)
    let error = notification.is_execve ? ErrorNumber.accessDenied : ErrorNumber.notPermitted
    _ = sandbox_notification_answer(listener, notification.id, error)
    if notification.is_execve { executions &+= 1 }
  }

  /// What the memory holds may be changed while it is read, or since: nothing is decided by it.
  private func note(_ notification: inout sandbox_notification, _ listener: Int32) {
    let used = table.pointee.counts.used
    guard let read = sandbox_denial_entry(table, used) else { return }
    sandbox_denial_describe(read, &notification)
    // A call that waits no more was killed, and what was read may be another process's.
    guard sandbox_notification_valid(listener, notification.id) == 0 else { return }
    for slot in 0..<used {
      if let known = sandbox_denial_entry(table, slot), sandbox_denial_equal(known, read) {
        return sandbox_denial_count(table, slot)
      }
    }
    guard used < UInt32(SANDBOX_DENIALS) else { return noteFurther() }
    read.pointee.slot = used
    sandbox_denial_name(read, notification.pid)
    guard sandbox_denial_send(control, read) > 0 else { return noteFurther() }
    table.pointee.counts.used = used + 1
    sandbox_denial_count(table, used)
  }

  private func noteFurther() { table.pointee.counts.further &+= 1 }

  /// How often each was refused. The table is empty afterwards.
  mutating func tell() {
    table.pointee.counts.message = sandbox_message.counted.rawValue
    _ = sandbox_counts_send(control, &table.pointee.counts)
    table.pointee.counts = sandbox_denial_counts()
  }
}
