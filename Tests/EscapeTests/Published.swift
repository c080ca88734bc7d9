import Testing

/// A way out of another sandbox that was published, and what shows that this one doesn't have it.
///
/// `SECURITY.md` has the same list for its readers: ``PublishedTests`` compares the two.
struct PublishedEscape: Sendable, CustomTestStringConvertible {
  let cves: [String]
  let what: String
  /// Of `Tests/Fixtures/hostile`. Each is denied in real sandboxes, without a grant and with all of them.
  var attempts: [String] = []
  /// `File.function` of tests elsewhere, for what no plugin could try by itself.
  var tests: [String] = []

  var testDescription: String { "\(cves.joined(separator: ", ")): \(what)" }

  init(_ cves: [String], _ what: String, attempts: [String] = [], tests: [String] = []) {
    self.cves = cves
    self.what = what
    self.attempts = attempts
    self.tests = tests
  }

  static let all = [
    PublishedEscape(
      ["CVE-2024-21626", "CVE-2016-9962"], "a descriptor or the working directory leads to the host",
      attempts: [
        "leave-through-working-directory", "leave-through-descriptor", "leaked-descriptors", "descriptor-leads-out",
      ]),
    PublishedEscape(
      ["CVE-2019-5736"], "the program that starts sandboxes is overwritten through /proc/self/exe",
      attempts: [
        "overwrite-init-executable", "overwrite-own-executable", "overwrite-executable-through-descriptor",
      ], tests: ["PublishedRunTests.programsStay"]),
    PublishedEscape(
      ["CVE-2017-5226", "CVE-2019-10063", "CVE-2023-28100"],
      "TIOCSTI and TIOCLINUX type into the operator's terminal, high bits hide them",
      attempts: [
        "type-into-terminal", "type-into-terminal-high-bits", "paste-into-console", "paste-into-console-high-bits",
        "call-high-bits-in-prctl",
      ]),
    PublishedEscape(
      ["CVE-2021-30465", "CVE-2024-45310", "CVE-2026-87766"],
      "the source or the target of a mount is exchanged for a link while the sandbox starts",
      tests: ["SwapRaceTests.source", "SwapRaceTests.parentOfSource", "SwapRaceTests.target"]),
    PublishedEscape(
      ["CVE-2019-19921", "CVE-2025-52881"], "a false /proc takes what is written to the true one",
      attempts: ["fake-procfs", "write-procfs"], tests: ["ScopedPathTests.reserved"]),
    PublishedEscape(
      ["CVE-2025-31133", "CVE-2025-52565"], "/dev/null or the console is a link when it is mounted",
      attempts: ["exchange-devices", "open-console", "fake-devices", "open-devices"],
      tests: ["RefusalTests.wrongDevice", "RefusalTests.linkInTarget"]),
    PublishedEscape(
      ["CVE-2024-42472"], "a link that was planted in a writable directory leads the next mount out of it",
      tests: [
        "PublishedRunTests.plantedLink", "PublishedRunTests.linkAsWorkspace", "StagedWriteTests.hostile",
        "RefusalTests.linkInSource",
      ]),
    PublishedEscape(
      ["CVE-2024-32462"], "a name that begins with -- becomes an option of the program that starts the sandbox",
      attempts: ["options-in-own-command"],
      tests: ["PublishedRunTests.optionsAsNames", "PublishedRunTests.optionsAsScopes"]),
    PublishedEscape(
      ["CVE-2021-41133"], "a system call newer than the filter is let through",
      attempts: ["call-unknown-numbers"], tests: ["SweepTests.agrees", "SeccompFilterTests.unknownNumbers"]),
    PublishedEscape(
      ["CVE-2022-27650", "CVE-2022-29162"], "the inheritable capabilities aren't empty",
      attempts: ["gain-capabilities"], tests: ["LaunchTests.privileges"]),
    PublishedEscape(
      ["CVE-2014-8989"], "leaving a group gives what the group was denied",
      attempts: ["regain-groups", "write-procfs"], tests: ["ConfinementTests.supplementaryGroups"]),
    PublishedEscape(
      ["CVE-2022-0492"], "release_agent names a program that the host runs as root",
      attempts: ["mount-cgroup", "see-cgroup", "unshare-cgroup", "unshare-user"]),
    PublishedEscape(
      ["CVE-2023-25809"], "the cgroup tree can be written from inside",
      attempts: ["see-cgroup"], tests: ["GuestGroupTests.kept"]),
    PublishedEscape(
      ["CVE-2020-15257"], "abstract sockets of the host can be reached", attempts: ["connect-to-abstract-socket"]),
    PublishedEscape(
      ["CVE-2022-0811"], "a setting of the kernel, core_pattern, names a program that runs as root",
      attempts: ["change-kernel-settings", "allow-core-dump", "change-core-limit"]),
    PublishedEscape(
      ["CVE-2025-23266"], "a hook of a GPU's description runs on the host with the worker's environment",
      tests: ["GPUTests.assigned", "GPUPlanTests.reservedVariables"]),
    PublishedEscape(
      ["CVE-2025-66479"], "an empty list allows everything",
      tests: ["PublishedRunTests.emptyLists", "PublishedRunTests.emptyConfiguration"]),
    PublishedEscape(
      ["CVE-2026-25725"], "a file that isn't there yet can be made, and counts from the next start on",
      attempts: ["plant-startup-files"], tests: ["PublishedRunTests.plantedPlugin"]),
    PublishedEscape(
      ["CVE-2022-0185"], "fsconfig(2) in a user namespace of one's own",
      attempts: ["configure-file-system", "unshare-user", "call-open-file-system"]),
    PublishedEscape(
      ["CVE-2024-1086"], "nf_tables in a user namespace of one's own",
      attempts: ["reach-packet-filter", "socket-netlink", "unshare-network"]),
    PublishedEscape(
      ["CVE-2022-0847"], "what a pipe took from a read-only file is overwritten in the page cache",
      attempts: ["overwrite-page-cache"]),
  ]
}
