import CSeccomp
import Foundation
import Testing

@Suite("Every system call is answered as the plan says")
struct SweepTests {
  /// uretprobe and uprobe, x86-64: the kernel answers them before any filter, because its own trampolines make them; from
  /// anywhere else they fail or kill the caller.
  private static let unfiltered: Set = [335, 336]

  /// What no plan may let through, written down a second time: the profile itself is tested by it.
  private static let never = [
    "mount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "statmount", "listmount", "unshare", "setns", "clone3", "openat2", "ptrace",
    "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "add_key", "keyctl", "request_key", "bpf", "perf_event_open", "userfaultfd",
    "seccomp", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "lookup_dcookie",
    "fanotify_init", "fanotify_mark", "name_to_handle_at", "open_by_handle_at", "settimeofday", "clock_settime",
    "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "reboot", "swapon", "swapoff", "acct", "quotactl",
    "quotactl_fd", "syslog", "vhangup", "iopl", "ioperm", "modify_ldt", "setuid", "setgid", "setreuid", "setregid",
    "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset", "mbind", "set_mempolicy", "migrate_pages",
    "move_pages", "landlock_create_ruleset", "mq_open", "msgget", "execveat",
  ]

  @Test("a sweep of all numbers agrees with the plan")
  func agrees() async throws {
    let scratch = try Scratch()
    var workflow = WorkflowText()
    workflow.add("sweep", type: "hostile/sweep", timeout: "\(120 * Program.patience)s")
    let report = try await Report.run(workflow, in: scratch)
    let verdicts = try #require(report.value("sweep") as? [String: String], "\(report.finished.errors)")
    let plan = try await Program.run(
      Program.orchestrator, ["plan", "show", "hostile", "--json", "--plugins", Program.fixtures.path], in: scratch.url
    ).json()
    let seccomp = try #require(plan["seccomp"] as? [String: Any])
    let calls = try #require(seccomp["calls"] as? [[String: Any]])
    var expected: [Int: String] = [:]
    for call in calls {
      let number = try #require(call["number"] as? Int)
      // A call whose arguments decide may be refused for the sweep's, which are all -1.
      expected[number] = call["unless"] == nil ? call["verdict"] as? String : "depends"
    }
    #expect(expected.values.count { $0 == "allow" } > 200)
    #expect(expected.values.count { $0 == "EPERM" } > 50)
    #expect(seccomp["unlisted"] as? String == "ENOSYS")

    var surprises: [String] = []
    for call in Self.never {
      let number = Int(seccomp_syscall_resolve_name(call))
      // Not every architecture has each, and not every libseccomp knows each.
      guard number >= 0 else { continue }
      let verdict = verdicts[String(number)] ?? "absent"
      if !["EPERM", "ENOSYS"].contains(verdict) { surprises.append("\(call) gave \(verdict)") }
      if let planned = expected[number], planned != "EPERM" { surprises.append("the plan answers \(call): \(planned)") }
    }
    for number in 0...1024 where !isExecution(number) && !Self.unfiltered.contains(number) {
      let verdict = verdicts[String(number)] ?? "absent"
      switch expected[number] {
      case "EPERM" where verdict != "EPERM":
        surprises.append("\(name(number)) is denied by the plan, and gave \(verdict)")
      case nil where verdict != "ENOSYS":
        surprises.append("\(name(number)) is in no list, and gave \(verdict)")
      default: break
      }
    }
    #expect(surprises.isEmpty, "\(surprises.joined(separator: "\n"))")
    // The converse: what is allowed reaches the kernel, which refuses the arguments and not the call.
    for call in ["read", "mmap", "newfstatat"] {
      let verdict = verdicts[String(seccomp_syscall_resolve_name(call))]
      #expect(verdict != "ENOSYS" && verdict != "EPERM", "\(call) gave \(verdict ?? "nothing")")
    }
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
