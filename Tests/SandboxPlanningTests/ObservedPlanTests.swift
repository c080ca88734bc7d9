import PluginModel
import SandboxPlanning
import Testing

/// The two filters of a worker that is watched, as the kernel would take their answers: seccomp(2).
@Suite("A watched plan") struct ObservedPlanTests {
  /// The lower, the stricter: the order in which the kernel prefers answers.
  private func strictness(_ answer: UInt32) -> Int32 { Int32(bitPattern: answer & 0xFFFF_0000) }

  @Test(
    "lets through and refuses what the plan does, call by call",
    arguments: [[], ["system.exec"], ["system.exec:git"], ["network.http", "filesystem.read"]])
  func neverWider(_ granted: [String]) throws {
    let plain = try plan(granted.map { try Permission($0) })
    let watched = plain.observed()
    let machines = (
      plain: FilterMachine(plain.seccomp.program), beneath: FilterMachine(watched.seccomp.program),
      above: FilterMachine(watched.seccomp.watch)
    )
    for number in 0...1100 {
      for arguments in argumentVariants(of: plain.seccomp.rule(number: number)) {
        func answer(_ machine: FilterMachine) throws -> UInt32 {
          try machine.run(
            FilterMachine.Call(number: UInt32(number), architecture: 0xC000_003E, arguments: arguments))
        }
        let normal = try answer(machines.plain)
        let beneath = try answer(machines.beneath)
        let above = try answer(machines.above)
        let both = strictness(beneath) <= strictness(above) ? beneath : above
        let verdict = plain.seccomp.verdict(number: number, arguments: arguments)
        switch verdict {
        case .allow:
          #expect(beneath == SystemCallVerdict.allow.returnValue && normal == beneath)
          #expect([SystemCallVerdict.notify.returnValue, SystemCallVerdict.allow.returnValue].contains(both))
        case .notify:
          // The start of a program, of which pid 1 refuses all but the first.
          #expect(both == SystemCallVerdict.notify.returnValue && watched.execution == .workerOnly)
        case .refuse, .fail, .kill:
          let error = verdict.error.map { SystemCallVerdict.fail($0).returnValue } ?? normal
          #expect(both == error, "\(number) \(arguments)")
        }
      }
    }
  }

  @Test("kills what is in another architecture's numbering, as ever") func foreign() throws {
    let watched = try plan().observed()
    let foreign = FilterMachine.Call(number: 0x4000_0000, architecture: 0xC000_003E)
    #expect(try FilterMachine(watched.seccomp.program).run(foreign) == SystemCallVerdict.kill.returnValue)
  }

  @Test("is the same plan in everything else") func same() throws {
    let plain = try plan()
    var watched = plain.observed()
    watched.seccomp = plain.seccomp
    #expect(watched == plain)
  }
}
