import Foundation
import SandboxRuntime
import Testing

@Suite("The supervisor's capabilities") struct CapabilityTests {
  @Test("are those that the kernel reports of this process")
  func current() throws {
    let capabilities = try #require(ProcessCapabilities.current())
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("CapEff:") })
    let mask = try #require(UInt64(line.split(separator: "\t")[1], radix: 16))
    #expect(capabilities.effective.count == mask.nonzeroBitCount)
    // Numbers of linux/capability.h.
    for (name, number) in [("cap_chown", 0), ("cap_setuid", 7), ("cap_sys_admin", 21)] {
      #expect(capabilities.effective.contains(name) == (mask >> UInt64(number) & 1 == 1))
    }
    let last = try String(contentsOfFile: "/proc/sys/kernel/cap_last_cap", encoding: .utf8)
    let known = try #require(Int(last.trimmingCharacters(in: .whitespacesAndNewlines))) + 1
    #expect(capabilities.effective.count + capabilities.absent.count == known)
  }

  @Test(
    "decide how workers start",
    arguments: [
      (0, ["cap_setgid", "cap_setuid", "cap_sys_admin"], HostReport.Severity.ok, "each plugin as its own user"),
      (0, ["cap_setgid", "cap_setuid"], .degraded, "without cap_sys_admin"),
      (0, ["cap_setgid", "cap_sys_admin"], .missing, "without cap_setuid root"),
      (0, [], .missing, "none: without cap_setgid and cap_setuid root"), (1000, [], .ok, "rootless, as user 1000"),
      (1000, ["cap_net_raw"], .ok, "cap_net_raw; none is needed"),
    ] as [(UInt32, [String], HostReport.Severity, String)])
  func mode(user: UInt32, names: [String], severity: HostReport.Severity, words: String) {
    let finding = HostReport.launchMode(user: user, ProcessCapabilities(effective: names, absent: ["cap_chown"]))
    #expect(finding.severity == severity)
    #expect(finding.detail.contains(words))
    #expect(finding.isOK == (finding.remedy == nil))
  }

  @Test("can't be guessed where the kernel won't tell them")
  func unreadable() { #expect(HostReport.launchMode(user: 0, nil).severity == .missing) }
}
