import CLinux

/// The worker, once it runs its own program.
struct RunningWorker {
  var pid: Int32
  /// Where the filter's notifications arrive, or -1.
  var listener: Int32
  var signals: Int32
  /// Memory for what it does, where that is recorded.
  var observations: UnsafeMutableRawPointer?
  /// No program but its own may be started.
  var isAlone: Bool
}

/// Starts the worker with descriptors 0 to 3 and no other.
func startWorker(_ plan: Plan) throws(StepFailure) -> RunningWorker {
  let header = plan.header
  let limits = try plan.records(header.limits, of: sandbox_limit.self)
  // `struct sock_filter`: 8 bytes.
  let filter = try plan.records(header.filter, of: UInt64.self)
  let arguments = try plan.stringList(header.arguments)
  let environment = try plan.stringList(header.environment)
  guard let path = arguments[0], filter.count > 0, filter.count <= UInt16.max else { throw Plan.invalid() }

  let flags = header.flags
  let observes = flags & SANDBOX_OBSERVES.rawValue != 0
  var observations: UnsafeMutableRawPointer?
  if observes {
    let memory = Int32(SANDBOX_FD_TREES) + Int32(bitPattern: header.trees)
    try checked(.readPlan, sandbox_map_observations(memory, &observations))
  }
  guard try checked(.workerInput, sandbox_empty_input()) == 0 else { throw Plan.invalid() }
  try checked(.workerInput, sandbox_close_on_exec_from(UInt32(SANDBOX_FD_CONTROL)))
  let signals = try checked(.workerSignals, sandbox_child_signals())
  var stack = sandbox_stack()
  try checked(.workerClone, sandbox_stack_create(&stack))

  var worker = sandbox_worker()
  worker.path = UnsafePointer(path)
  worker.arguments = arguments
  worker.environment = environment
  worker.limits = UnsafePointer(limits.baseAddress)
  worker.limit_count = header.limits.count
  worker.filter = UnsafeRawPointer(filter.baseAddress)
  worker.filter_length = UInt16(filter.count)
  let watch = try plan.records(header.watch, of: UInt64.self)
  guard watch.count <= UInt16.max, observes != watch.isEmpty else { throw Plan.invalid() }
  worker.watch = UnsafeRawPointer(watch.baseAddress)
  worker.watch_length = UInt16(watch.count)
  let isAlone = flags & SANDBOX_WORKER_ONLY.rawValue != 0
  worker.notifies = isAlone || observes || flags & SANDBOX_NOTIFIES.rawValue != 0
  let asksForFirst = isAlone || observes

  // The child runs on these two while this function waits: their addresses must be one and the same throughout.
  var running = try withUnsafeMutablePointer(to: &worker) { worker throws(StepFailure) in
    try withUnsafeMutablePointer(to: &stack) { stack throws(StepFailure) in
      try start(worker, stack, signals, asksForFirst: asksForFirst)
    }
  }
  running.observations = observations
  running.isAlone = isAlone
  // The sockets and pipes end when the worker closes them, not when this process does.
  for descriptor in Int32(0)..<Int32(SANDBOX_FD_CONTROL) { _ = linux_close(descriptor) }
  return running
}

private func start(
  _ worker: UnsafeMutablePointer<sandbox_worker>, _ stack: UnsafeMutablePointer<sandbox_stack>, _ signals: Int32,
  asksForFirst: Bool
) throws(StepFailure) -> RunningWorker {
  let pid = try checked(.workerClone, sandbox_worker_start(worker, stack))
  var listener: Int32 = -1
  if worker.pointee.notifies {
    listener = sandbox_worker_await_listener(worker, stack)
    if listener >= 0, asksForFirst { try permitFirstExecution(of: pid, listener) }
  }
  sandbox_stack_await(stack)
  guard worker.pointee.error == 0 else {
    throw StepFailure(
      step: sandbox_step(rawValue: worker.pointee.step) ?? .workerExecute, code: worker.pointee.error,
      index: worker.pointee.index)
  }
  return RunningWorker(pid: pid, listener: listener, signals: signals, observations: nil, isAlone: true)
}

/// The worker's own execve, which no code but ours can have asked for yet: it is the one that goes on.
private func permitFirstExecution(of pid: Int32, _ listener: Int32) throws(StepFailure) {
  var notification = sandbox_notification()
  try checked(.workerNotification, sandbox_notification_receive(listener, &notification))
  guard notification.pid == UInt32(pid), notification.is_execve else {
    throw StepFailure(step: .workerNotification, code: ErrorNumber.notPermitted, index: SANDBOX_NO_INDEX)
  }
  try checked(.workerNotification, sandbox_notification_answer(listener, notification.id, 0))
}

/// Waits for the worker's end, answers every call that the filter asks about, reaps what is left to pid 1, and ends when the
/// supervisor does.
func supervise(_ worker: RunningWorker) -> Never {
  var listener = worker.listener
  var refusals = Refusals(observations: worker.observations, isAlone: worker.isAlone)
  while true {
    let ready = sandbox_poll(control, listener, worker.signals)
    if ready < 0 { sandbox_end(1) }
    if ready & 2 != 0 { refusals.answerNext(listener) }
    if ready & 8 != 0 {
      _ = linux_close(listener)
      listener = -1
    }
    if ready & 1 != 0 { obey(worker, &refusals) }
    if ready & 4 != 0 { reap(worker, &refusals) }
  }
}

private func obey(_ worker: RunningWorker, _ refusals: inout Refusals) {
  var report = sandbox_report()
  let received = sandbox_receive_report(control, &report, false)
  if received == 0 { sandbox_end(0) }
  guard received == Int32(MemoryLayout<sandbox_report>.size) else { return }
  if report.message == sandbox_message.terminate.rawValue { _ = sandbox_signal(worker.pid, sigterm) }
  // One that isn't stopped yet may be waking one that is: with SIGCONT, which takes a pending SIGSTOP back. Each time anew, it has
  // to win that race.
  if report.message == sandbox_message.hold.rawValue { for _ in 0..<holds { _ = sandbox_signal(everyOther, sigstop) } }
  if report.message == sandbox_message.resume.rawValue { _ = sandbox_signal(everyOther, sigcont) }
  if report.message == sandbox_message.count.rawValue { refusals.tell() }
}

private func reap(_ worker: RunningWorker, _ refusals: inout Refusals) {
  _ = sandbox_drain_signals(worker.signals)
  while true {
    var status: Int32 = 0
    let pid = sandbox_reap(&status)
    if pid <= 0 { return }
    if pid == worker.pid {
      if refusals.hasAny { refusals.tell() }
      var report = sandbox_report()
      report.message = sandbox_message.ended.rawValue
      report.status = status
      report.denied_executions = refusals.executions
      _ = sandbox_send_report(control, &report)
      sandbox_end(0)
    }
  }
}

/// Every process of this namespace but pid 1: kill(2).
private let everyOther: Int32 = -1
private let holds = 64
private let sigterm: Int32 = 15
private let sigcont: Int32 = 18
private let sigstop: Int32 = 19
