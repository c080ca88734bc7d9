import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime
import Testing

@testable import WorkerHost

@Suite("Of the limits of a node is told")
struct LimitFindingsTests {
  private func plan(memory: LimitOrigin = .node, processors: LimitOrigin = .node) throws -> SandboxPlan {
    var plan = try configuration(["/none"]).plan
    plan.cgroup = CgroupPlan(memoryMax: 64 << 20, cpu: .init(cores: 0.5), tasksMax: 32)
    plan.limitNotes = [
      .memoryMax: LimitNote(origin: memory, enforcement: .kernel),
      .cpuMax: LimitNote(origin: processors, enforcement: .kernel),
    ]
    plan.limits = [ResourceLimit(.openFiles, 1024)]
    plan.filesystem = [
      .temporaryFilesystem(Inside.scratch, TemporaryFilesystem(sizeBytes: 256 << 20, inodes: 1, mode: 0o1777)),
      .temporaryFilesystem(Inside.sharedMemory, TemporaryFilesystem(sizeBytes: 16 << 20, inodes: 1, mode: 0o1777)),
      .temporaryFilesystem(Inside.devices, TemporaryFilesystem(sizeBytes: 4096, inodes: 1, mode: 0o755)),
    ]
    return plan
  }

  private func end(_ edit: (inout CgroupUsage) -> Void = { _ in }) -> WorkerEnd {
    var usage = CgroupUsage(controllers: []) { _ in nil }
    edit(&usage)
    return WorkerEnd(exit: SandboxExit(status: .signalled(number: 9), usage: usage), lastOutput: [])
  }

  private func claim(_ limit: ClaimedLimit?, hint: String? = nil) -> WorkerFailure {
    .pluginError(PluginError(.error, type: "E", message: "m", hint: hint, limit: limit), lastOutput: [])
  }

  @Test(
    "that memory ran out: the limit, the peak, who decided it and what to write",
    arguments: [
      (LimitOrigin.node, "asked for by the node", "resources: {memory: 128Mi}"),
      (.profile, "by the profile", "resources: {memory: 128Mi}"),
      (.estimate, "by its estimate", "let estimate_resources ask for more"),
      (.retry, "raised because the attempt before ran out of memory", "resources: {memory: 128Mi}"),
      (.ceiling, "by plugin_system.yaml", "have the operator raise 'max_memory_mb'"),
      (.permission, "by memory.unlimited", "the host has no more to give"),
    ])
  func memory(origin: LimitOrigin, who: String, hint: String) throws {
    let end = end {
      $0.memoryLimit = 64 << 20
      $0.memoryPeak = (60 << 20) + 1
      $0.outOfMemoryKills = 1
    }
    let findings = LimitFindings(of: .outOfMemory(end), usage: nil, plan: try plan(memory: origin))
    #expect(findings.reached == [.memory(limit: 64 << 20, peak: (60 << 20) + 1)])
    #expect(findings.cause == "it used 61Mi, its limit is 64Mi, \(who)")
    #expect(findings.hint?.contains(hint) == true, "\(findings.hint ?? "")")
  }

  @Test("nothing that the kernel didn't say: a worker that was killed is no worker that ran out of memory")
  func killed() throws {
    let findings = LimitFindings(of: .crashed(end()), usage: ResourceUsage(), plan: try plan())
    #expect(findings.reached.isEmpty)
    #expect(findings.cause == WorkerFailure.crashed(end()).cause)
  }

  @Test("that it was held back, from a quarter of the time and a tenth of a second on, whether it failed or not")
  func heldBack() throws {
    func reached(_ used: UInt64, _ throttled: UInt64, _ failure: WorkerFailure? = nil) throws -> LimitFindings {
      LimitFindings(
        of: failure, usage: ResourceUsage(processorMicroseconds: used, throttledMicroseconds: throttled),
        plan: try plan())
    }
    #expect(try reached(380_000, 620_000).reached == [.processors(limit: 0.5, heldBack: 0.62)])
    #expect(try reached(380_000, 620_000).hint == nil, "no error, no hint")
    #expect(try reached(750_000, 250_000).reached.isEmpty)
    #expect(try reached(1_000, 99_999).reached.isEmpty)
    let late = try reached(380_000, 620_000, .timedOut(.milliseconds(1500)))
    #expect(late.reached == [.processors(limit: 0.5, heldBack: 0.62), .deadline(1500)])
    #expect(late.cause == "it used 380 ms of processor time until then")
    #expect(late.hint?.contains("held back 62 % of the time: give the node more processors") == true)
  }

  @Test("that processes were refused: the kernel's word before the plugin's, and once")
  func tasks() throws {
    let counted = ResourceUsage(refusedTasks: 3)
    for (failure, usage, expected) in [
      (claim(.tasks), counted, LimitReached.tasks(limit: 32, refused: 3)),
      (claim(nil), counted, .tasks(limit: 32, refused: 3)),
      (claim(.tasks), ResourceUsage(refusedTasks: 0), .tasks(limit: 32, refused: nil)),
    ] {
      let findings = LimitFindings(of: failure, usage: usage, plan: try plan())
      #expect(findings.reached == [expected])
      #expect(findings.hint?.ranges(of: "may have 32 of them").count == 1, "\(findings.hint ?? "")")
    }
    #expect(LimitFindings(of: nil, usage: counted, plan: try plan()).reached == [.tasks(limit: 32, refused: 3)])
    #expect(LimitFindings(of: claim(nil), usage: ResourceUsage(refusedTasks: 0), plan: try plan()).reached.isEmpty)
  }

  @Test("which files and which space a plugin says it lacks, after its own hint, with the plan's numbers")
  func claims() throws {
    let files = LimitFindings(of: claim(.openFiles, hint: "own"), usage: nil, plan: try plan())
    #expect(files.reached == [.openFiles(limit: 1024)])
    #expect(files.hint?.hasPrefix("own; a worker may have 1024 files open") == true)

    let full = LimitFindings(of: claim(.space(full: ["/dev/shm"])), usage: nil, plan: try plan())
    #expect(full.reached == [.scratch(path: Inside.sharedMemory, size: 16 << 20)])
    #expect(full.hint?.hasPrefix("/dev/shm is full: it holds 16Mi") == true)
  }

  @Test("no limit at places that aren't the worker's to fill, whatever a plugin says")
  func inventions() throws {
    for full in [[], ["/dev"], ["/etc", "/"], ["/workspace"]] {
      let findings = LimitFindings(of: claim(.space(full: full)), usage: nil, plan: try plan())
      #expect(findings.reached.isEmpty, "\(full)")
      let words = full == ["/workspace"] ? "the disk of the workspace is full" : "/tmp holds 256Mi, /dev/shm holds 16Mi"
      #expect(findings.hint?.contains(words) == true, "\(findings.hint ?? "")")
    }
  }

  @Test("what an error frame claims, if it is one of the table's, and nothing that breaks the frame's bounds")
  func wire() throws {
    func decoded(_ rest: String) throws(ProtocolViolation) -> ClaimedLimit? {
      try Message.error(Array(#"{"class":"error","type":"","message":"m"\#(rest)}"#.utf8)).limit
    }
    #expect(try decoded("") == nil)
    #expect(try decoded(#","limit":null"#) == nil)
    #expect(try decoded(#","limit":"tasks""#) == .tasks)
    #expect(try decoded(#","limit":"open_files""#) == .openFiles)
    #expect(try decoded(#","limit":"space","full":["/tmp"]"#) == .space(full: ["/tmp"]))
    #expect(try decoded(#","limit":"space""#) == .space(full: []))
    #expect(try decoded(#","limit":"of a later version""#) == nil)
    let long = String(repeating: "x", count: 257)
    for rest in [
      #","limit":3"#, #","limit":"space","full":"/tmp""#, #","limit":"space","full":[1]"#,
      #","limit":"space","full":["\#(long)"]"#, #","limit":"space","full":["","","","","","","","",""]"#,
    ] {
      #expect(throws: ProtocolViolation.self, "\(rest)") { try decoded(rest) }
    }
  }
}
