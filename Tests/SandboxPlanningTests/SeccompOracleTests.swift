import CSeccomp
import Foundation
import PluginModel
import SandboxPlanning
import Testing

/// libseccomp builds a filter from the same rules, in its own way; both must answer alike.
@Suite("system-call filter against libseccomp") struct SeccompOracleTests {
  private struct Refused: Error { var call: String, code: Int32 }

  private func oracle(_ plan: SeccompPlan) throws -> FilterMachine {
    let context = try #require(seccomp_init(SystemCallVerdict.fail(.notImplemented).returnValue))
    defer { seccomp_release(context) }
    seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SystemCallVerdict.kill.returnValue)
    if plan.architecture.auditToken != seccomp_arch_native() {
      seccomp_arch_remove(context, seccomp_arch_native())
      seccomp_arch_add(context, plan.architecture.auditToken)
    }
    for call in plan.calls {
      for cell in call.cells where cell.verdict != .fail(.notImplemented) {
        let arguments = cell.matches.map { argument, match in
          scmp_arg_cmp(
            arg: UInt32(argument), op: SCMP_CMP_MASKED_EQ, datum_a: UInt64(match.mask), datum_b: UInt64(match.value))
        }
        let code = seccomp_rule_add_array(
          context, cell.verdict.returnValue, Int32(call.number), UInt32(arguments.count), arguments)
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
    return FilterMachine([UInt8](try Data(contentsOf: file)))
  }

  private static let grants: [[Permission]] = [[], [.systemExec(programs: [])], [.systemExec(programs: ["git"])]]

  @Test("both answer every number, architecture and argument alike", arguments: grants, ["default", "strict"])
  func agreement(granted: [Permission], profile: String) throws {
    let plan = try SandboxPlanner.plan(request(granted, profile: shippedProfile(profile)), host: debianHost()).seccomp
    let ours = FilterMachine(plan.program)
    let theirs = try oracle(plan)
    let numbers =
      (0...1100).map { UInt32($0) } + [0x3FFF_FFFF, 0x4000_0000, 0x4000_0001, 0x4000_003B, 0x7FFF_FFFF, .max]
    for token: UInt32 in [0xC000_003E, 0x4000_0003, 0xC000_00B7] {
      for number in numbers {
        for arguments in argumentVariants(of: plan.rule(number: Int(number))) {
          let call = FilterMachine.Call(number: number, architecture: token, arguments: arguments)
          let answers = (try ours.run(call), try theirs.run(call))
          if answers.0 != answers.1 { Issue.record("\(token) \(number) \(arguments): \(answers)") }
        }
      }
    }
  }
}
