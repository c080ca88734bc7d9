import CSeccomp
import Foundation
import Testing

@Suite("Every system call is answered as the plan says")
struct SweepTests {
  @Test("a sweep of all numbers agrees with the plan")
  func agrees() async throws {
    let scratch = try Scratch()
    var workflow = WorkflowText()
    workflow.add("sweep", type: "hostile/sweep", timeout: "120s")
    let report = try await Report.run(workflow, in: scratch)
    let verdicts = try #require(report.value("sweep") as? [String: String], "\(report.finished.errors)")
    let plan = try await Program.run(
      Program.orchestrator, ["plan", "show", "hostile", "--json", "--plugins", Program.fixtures.path], in: scratch.url
    ).json()
    let seccomp = try #require(plan["seccomp"] as? [String: Any])
    let allowed = try numbers(seccomp["allowed"])
    let denied = try numbers(seccomp["denied"])
    #expect(allowed.count > 200)
    #expect(denied.count > 50)

    var surprises: [String] = []
    for number in 0...600 {
      let verdict = verdicts[String(number)] ?? "absent"
      if denied.contains(number) {
        if verdict != "EPERM" { surprises.append("\(name(number)) is denied by the plan, and gave \(verdict)") }
      } else if !allowed.contains(number), !isExecution(number) {
        if verdict != "ENOSYS" { surprises.append("\(name(number)) is in no list, and gave \(verdict)") }
      }
    }
    #expect(surprises.isEmpty, "\(surprises.joined(separator: "\n"))")
    // The converse: what is allowed reaches the kernel, which refuses the arguments and not the call.
    for call in ["read", "openat", "mmap", "futex", "newfstatat"] {
      let verdict = verdicts[String(seccomp_syscall_resolve_name(call))]
      #expect(verdict != "ENOSYS" && verdict != "EPERM", "\(call) gave \(verdict ?? "nothing")")
    }
  }

  private func numbers(_ list: Any?) throws -> Set<Int> {
    Set(try #require(list as? [String]).map { Int(seccomp_syscall_resolve_name($0)) })
  }

  private func isExecution(_ number: Int) -> Bool {
    ["execve", "execveat"].contains { (call: String) in Int(seccomp_syscall_resolve_name(call)) == number }
  }

  private func name(_ number: Int) -> String {
    guard let text = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), Int32(number)) else {
      return "system call \(number)"
    }
    defer { free(text) }
    return String(cString: text)
  }
}
