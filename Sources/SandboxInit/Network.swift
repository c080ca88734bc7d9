import CLinux

/// Where the plan has an open network: lets the supervisor connect the namespace, and refuses what isn't to be reached.
private func setUpOpenNetwork(_ plan: Plan) throws(StepFailure) {
  let refused = try plan.records(plan.header.refused_networks, of: sandbox_route.self)
  let routes = try checked(.networkSocket, sandbox_open_route_socket())
  try checked(.networkLoopback, sandbox_loopback_up(routes))
  var report = sandbox_report()
  report.message = sandbox_message.network.rawValue
  try checked(.networkAwait, sandbox_send_report(control, &report))
  let received = try checked(.networkAwait, sandbox_receive_report(control, &report, true))
  // The supervisor has ended, or given this launch up.
  if received == 0 { sandbox_end(0) }
  guard report.message == sandbox_message.go.rawValue else {
    throw StepFailure(step: .networkAwait, code: ErrorNumber.invalid, index: SANDBOX_NO_INDEX)
  }
  if let first = refused.baseAddress {
    for position in refused.indices {
      try checked(.networkRefuse, sandbox_refuse_network(routes, first + position), index: UInt32(position))
    }
  }
  _ = linux_close(routes)
}

/// Where the plan has listeners: starts the loopback interface, leads the plan's addresses to it, opens the listeners and hands
/// them to the supervisor. Nothing of it stays open here: what answers the worker's network lies outside of the sandbox.
///
/// The namespace was made together with the user namespace of this process, whose capabilities hold in it and are dropped
/// after this: network_namespaces(7), user_namespaces(7).
func setUpNetwork(_ plan: Plan) throws(StepFailure) {
  let header = plan.header
  if header.flags & SANDBOX_OPEN_NETWORK.rawValue != 0 { return try setUpOpenNetwork(plan) }
  let listeners = try plan.records(header.listeners, of: sandbox_listener.self)
  guard let first = listeners.baseAddress, !listeners.isEmpty else { return }
  let prefixes = try plan.records(header.routes, of: sandbox_route.self)
  guard listeners.count <= Int(SANDBOX_LISTENER_LIMIT), let prefix = prefixes.baseAddress else { throw Plan.invalid() }

  let routes = try checked(.networkSocket, sandbox_open_route_socket())
  try checked(.networkLoopback, sandbox_loopback_up(routes))
  for position in prefixes.indices {
    try checked(.networkRoute, sandbox_route_to_loopback(routes, prefix + position), index: UInt32(position))
  }
  _ = linux_close(routes)

  for position in listeners.indices {
    listeners[position].descriptor = try checked(
      .networkListen, sandbox_open_listener(first + position), index: UInt32(position))
  }
  try checked(.networkHandOver, sandbox_send_listeners(control, first, UInt32(listeners.count)))
  for position in listeners.indices { _ = linux_close(listeners[position].descriptor) }
}
