import CLinux

/// Gives everything up for good, then asks the kernel whether it is gone. The result holds what was enforced.
func dropPrivileges(_ plan: Plan) throws(StepFailure) -> sandbox_report {
  try checked(.noNewPrivileges, sandbox_no_new_privileges())
  let report = try enforceLandlock(plan)
  try checked(.capabilities, sandbox_drop_capabilities())
  try checked(.verify, sandbox_verify_dropped())
  return report
}

/// A plan that handles no right of files has forgotten Landlock: it is refused, as the kernel refuses a ruleset that handles
/// nothing at all (ENOMSG, landlock_create_ruleset(2)).
private func enforceLandlock(_ plan: Plan) throws(StepFailure) -> sandbox_report {
  let header = plan.header
  guard header.handled_filesystem != 0 else {
    throw StepFailure(step: .landlockRuleset, code: ErrorNumber.noMessage, index: SANDBOX_NO_INDEX)
  }
  let ruleset = try checked(
    .landlockRuleset,
    sandbox_landlock_create(header.handled_filesystem, header.handled_network, header.scoped))
  let rules = try plan.records(header.rules, of: sandbox_rule.self)
  for position in rules.indices {
    let index = UInt32(position)
    let path = try checked(
      .landlockRule, sandbox_open_source(try plan.text(rules[position].path)), index: index)
    try checked(
      .landlockRule, sandbox_landlock_allow(ruleset, path, rules[position].allowed), index: index)
    _ = linux_close(path)
  }
  let ports = try plan.records(header.port_rules, of: sandbox_port_rule.self)
  for position in ports.indices {
    try checked(
      .landlockPort, sandbox_landlock_allow_port(ruleset, ports[position].port, ports[position].allowed),
      index: UInt32(position))
  }
  try checked(.landlockEnforce, sandbox_landlock_enforce(ruleset))
  _ = linux_close(ruleset)
  var report = sandbox_report()
  report.landlock_filesystem = header.handled_filesystem
  report.landlock_network = header.handled_network
  report.landlock_scoped = header.scoped
  return report
}
