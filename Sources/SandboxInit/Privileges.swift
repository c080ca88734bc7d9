import CLinux

/// Gives everything up for good, then asks the kernel whether it is gone. The result holds what was enforced.
func dropPrivileges(_ plan: Plan) throws(StepFailure) -> sandbox_report {
  try checked(.noNewPrivileges, sandbox_no_new_privileges())
  let header = plan.header
  var report = sandbox_report()
  if header.handled_filesystem != 0 || header.handled_network != 0 || header.scoped != 0 {
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
    try checked(.landlockEnforce, sandbox_landlock_enforce(ruleset))
    _ = linux_close(ruleset)
    report.landlock_filesystem = header.handled_filesystem
    report.landlock_network = header.handled_network
    report.landlock_scoped = header.scoped
  }
  try checked(.capabilities, sandbox_drop_capabilities())
  try checked(.verify, sandbox_verify_dropped())
  return report
}
