import CSeccomp
import Foundation
import PluginModel
import SandboxPlanning
import Testing

/// libseccomp builds a filter from the same rules, in its own way; both must answer alike.
@Suite("system-call filter against libseccomp") struct SeccompOracleTests {
  @Test("libseccomp numbers the calls of both architectures as the plan does")
  func numbers() throws {
    for filter in Self.filters {
      var host = try debianHost()
      host.architecture = filter.architecture
      let plan = try SandboxPlanner.plan(request([], profile: shippedProfile(filter.profile)), host: host).seccomp
      let numbers = Dictionary(uniqueKeysWithValues: plan.calls.map { ($0.name, $0.number) })
      // openat(2) of <asm/unistd_64.h> and of <asm-generic/unistd.h>, which is aarch64's.
      #expect(numbers["openat"] == (filter.architecture == .aarch64 ? 56 : 257))
      #expect((numbers["open"] == nil) == (filter.architecture == .aarch64))
    }
  }

  private struct Refused: Error { var call: String, code: Int32 }

  /// - Returns: also the numbers that it couldn't be told: those of calls newer than itself, on another architecture.
  private func oracle(_ plan: SeccompPlan) throws -> (filter: FilterMachine, untold: Set<Int>) {
    let context = try #require(seccomp_init(SystemCallVerdict.fail(.notImplemented).returnValue))
    defer { seccomp_release(context) }
    seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SystemCallVerdict.kill.returnValue)
    if plan.architecture.auditToken != seccomp_arch_native() {
      seccomp_arch_remove(context, seccomp_arch_native())
      seccomp_arch_add(context, plan.architecture.auditToken)
    }
    var untold: Set<Int> = []
    for call in plan.calls {
      // It takes this machine's numbers and translates them.
      let isForeign = plan.architecture.auditToken != seccomp_arch_native()
      let number = isForeign ? seccomp_syscall_resolve_name(call.name) : Int32(call.number)
      // __NR_SCMP_ERROR
      if number == -1 {
        untold.insert(call.number)
        continue
      }
      for cell in call.cells where cell.verdict != .fail(.notImplemented) {
        let arguments = cell.matches.map { argument, match in
          scmp_arg_cmp(
            arg: UInt32(argument), op: SCMP_CMP_MASKED_EQ, datum_a: UInt64(match.mask), datum_b: UInt64(match.value))
        }
        let code = seccomp_rule_add_array(
          context, cell.verdict.returnValue, number, UInt32(arguments.count), arguments)
        if code != 0 { throw Refused(call: call.name, code: code) }
      }
    }
    let file = FileManager.default.temporaryDirectory.appending(path: "filter-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(FileManager.default.createFile(atPath: file.path, contents: nil))
    let handle = try FileHandle(forWritingTo: file)
    let code = seccomp_export_bpf(context, handle.fileDescriptor)
    if code != 0 { throw Refused(call: "export", code: code) }
    try handle.close()
    return (FilterMachine([UInt8](try Data(contentsOf: file))), untold)
  }

  private struct Filter: Sendable, CustomTestStringConvertible {
    var profile: String
    var architecture: HostFacts.Architecture
    var testDescription: String { "\(profile), \(architecture)" }
  }

  private static let grants: [[Permission]] = [[], [.systemExec(programs: [])], [.systemExec(programs: ["git"])]]
  private static let filters = ["default", "strict"].flatMap { profile in
    [HostFacts.Architecture.x86_64, .aarch64].map { Filter(profile: profile, architecture: $0) }
  }

  @Test("both answer every number, architecture and argument alike", arguments: grants, filters)
  private func agreement(granted: [Permission], filter: Filter) throws {
    var host = try debianHost()
    host.architecture = filter.architecture
    let plan = try SandboxPlanner.plan(
      request(granted, profile: shippedProfile(filter.profile, capped: false)), host: host
    ).seccomp
    let ours = FilterMachine(plan.program)
    let (theirs, untold) = try oracle(plan)
    // Numbers are the same everywhere since Linux 5.1, whose first new one was 424.
    #expect(untold.allSatisfy { $0 > 424 })
    let numbers =
      (0...1100).map { UInt32($0) } + [0x3FFF_FFFF, 0x4000_0000, 0x4000_0001, 0x4000_003B, 0x7FFF_FFFF, .max]
    for token: UInt32 in [0xC000_003E, 0x4000_0003, 0xC000_00B7] {
      for number in numbers where token != plan.architecture.auditToken || !untold.contains(Int(number)) {
        for arguments in argumentVariants(of: plan.rule(number: Int(number))) {
          let call = FilterMachine.Call(number: number, architecture: token, arguments: arguments)
          let answers = (try ours.run(call), try theirs.run(call))
          if answers.0 != answers.1 { Issue.record("\(token) \(number) \(arguments): \(answers)") }
        }
      }
    }
  }
}
