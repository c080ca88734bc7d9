import PluginModel
import Testing

@testable import SandboxPlanning

/// Who decides a limit, and what is refused.
@Suite("The sources of limits")
struct LimitSourcesTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var file: String
    var ceilings = OperatorLimits()
    var asked: ResourceRequirement?
    var fixed: Set<Workflow.ResourcesKey> = []
    var estimate: ResourceRequirement?
    var raisedMemory: UInt64?
    var granted: [Permission] = []
    var profile = "default"
    var controllers = ["cpu", "io", "memory", "pids"]
    var testDescription: String { file }
  }

  static let cases = [
    Case(file: "profile"),
    Case(file: "profile-strict", profile: "strict"),
    Case(file: "ceiling", ceilings: ceilings()),
    Case(file: "node", asked: ResourceRequirement(cpuCores: 2.5, memoryMB: 1024)),
    Case(
      file: "node-below-ceiling", ceilings: ceilings(), asked: ResourceRequirement(cpuCores: 0.25, memoryMB: 96),
      profile: "strict"),
    Case(
      file: "unlimited", asked: ResourceRequirement(memoryMB: 64), granted: [.memoryUnlimited], profile: "strict"),
    Case(file: "unlimited-below-ceiling", ceilings: ceilings(), granted: [.memoryUnlimited]),
    Case(
      file: "estimate", asked: ResourceRequirement(cpuCores: 1, memoryMB: 1024),
      estimate: ResourceRequirement(cpuCores: 0.5, memoryMB: 256, gpuCount: 4)),
    Case(
      file: "estimate-below-workflow", asked: ResourceRequirement(cpuCores: 1, memoryMB: 1024), fixed: [.memory],
      estimate: ResourceRequirement(cpuCores: 0.5, memoryMB: 256)),
    Case(
      file: "retry", ceilings: ceilings(memoryMB: 400), asked: ResourceRequirement(memoryMB: 64),
      estimate: ResourceRequirement(memoryMB: 200), raisedMemory: 512 << 20),
    Case(file: "no-controllers", profile: "strict", controllers: []),
    Case(file: "no-memory-controller", profile: "strict", controllers: ["cpu", "pids"]),
  ]

  static func ceilings(memoryMB: Int = 128, percent: Double = 50) -> OperatorLimits {
    OperatorLimits(
      memoryMB: Located(memoryMB, at: place(22)), cpuPercent: Located(percent, at: place(23)))
  }

  private static func place(_ line: Int, file: String = "plugin_system.yaml") -> PluginModel.SourceLocation {
    PluginModel.SourceLocation(file: file, line: line, column: 20)
  }

  private static func asking(_ requirement: ResourceRequirement) -> ResourceRequest {
    ResourceRequest(
      subject: "the node \"clean\"", requirement: requirement, memoryLocation: place(7, file: "w.yaml"),
      cpuLocation: place(8, file: "w.yaml"))
  }

  private func plan(_ example: Case) throws -> SandboxPlan {
    var host = try debianHost()
    host.cgroupControllers = example.controllers
    let asked = try request(
      example.granted, profile: shippedProfile(example.profile), ceilings: example.ceilings,
      resources: example.asked.map {
        var request = Self.asking($0)
        request.fixed = example.fixed
        request.estimate = example.estimate
        request.raisedMemory = example.raisedMemory
        return request
      })
    return try SandboxPlanner.plan(asked, host: host)
  }

  @Test("make the limits that were reviewed", arguments: cases)
  func golden(_ example: Case) throws {
    let plan = try plan(example)
    let text = try #require(
      plan.text.components(separatedBy: "\nlimits of all processes together\n").last?.components(separatedBy: "\n\n")
        .first)
    let settings = plan.cgroup.settings.map { "\($0.file.rawValue) = \($0.value)" }.joined(separator: "\n")
    let oci = JSONValue.object(plan.cgroup.ociMembers).text(.pretty)
    let json = try #require(plan.jsonValue["groupLimits"]).text(.pretty)
    try compare([text, settings, json, oci].joined(separator: "\n\n") + "\n", with: "limits/\(example.file).txt")
  }

  @Test("say the same in the plan and in the OCI configuration", arguments: cases)
  func openContainers(_ example: Case) throws {
    let plan = try plan(example)
    let resources = try #require(plan.ociConfiguration()["linux"]?["resources"])
    var found: [String: String] = [:]
    if let limit = resources["memory"]?["limit"]?.text() {
      found["memory.max"] = limit
      #expect(resources["memory"]?["swap"]?.text() == limit)
      found["memory.swap.max"] = "0"
    }
    if let cpu = resources["cpu"], let quota = cpu["quota"]?.text(), let period = cpu["period"]?.text() {
      found["cpu.max"] = "\(quota) \(period)"
    }
    found["pids.max"] = resources["pids"]?["limit"]?.text()
    if case .object(let members) = resources["unified"] {
      for member in members { found[member.key] = member.value.stringValue }
    }
    #expect(found == Dictionary(uniqueKeysWithValues: plan.cgroup.settings.map { ($0.file.rawValue, $0.value) }))
  }

  @Test("are refused where the operator allows less, or the host has less, with the line and the range")
  func refused() throws {
    let host = try debianHost()
    let profile = try shippedProfile().resources
    func problems(_ ceilings: OperatorLimits, _ cpu: Double, _ memory: Int) -> [String] {
      do throws(Diagnostics) {
        _ = try LimitSources(
          ceilings: ceilings, asked: Self.asking(ResourceRequirement(cpuCores: cpu, memoryMB: memory)),
          profile: profile, host: host
        ).decision()
        return []
      } catch {
        return error.items.map(\.description)
      }
    }
    #expect(
      problems(Self.ceilings(), 1, 512) == [
        """
        w.yaml:7:20: error: the node "clean" asks for 512Mi of memory: the operator allows 128Mi, by 'max_memory_mb' in \
        plugin_system.yaml:22:20
          hint: ask for 16Mi to 128Mi, or have the operator raise 'max_memory_mb'
        """,
        """
        w.yaml:8:20: error: the node "clean" asks for 1 processors: the operator allows 0.5, by 'max_cpu_percent' in \
        plugin_system.yaml:23:20
          hint: ask for 0.01 to 0.5, or have the operator raise 'max_cpu_percent'
        """,
      ])
    #expect(
      problems(OperatorLimits(), 4.5, 9000) == [
        "w.yaml:7:20: error: the node \"clean\" asks for 9000Mi of memory: this host has 8Gi\n"
          + "  hint: ask for 16Mi to 8Gi",
        "w.yaml:8:20: error: the node \"clean\" asks for 4.5 processors: this host has 4\n"
          + "  hint: ask for 0.01 to 4",
      ])
    #expect(problems(OperatorLimits(), 0.001, 1).count == 2)
    #expect(problems(OperatorLimits(), 4, 8192).isEmpty)
    #expect(problems(Self.ceilings(), 0.5, 128).isEmpty)
    let beyond = problems(Self.ceilings(memoryMB: 16_384, percent: 800), 0, 0)
    #expect(beyond.count == 2)
    #expect(beyond.allSatisfy { $0.hasPrefix("plugin_system.yaml:2") && $0.contains("hint: write ") }, "\(beyond)")
  }

  @Test("are an estimate's where the workflow says nothing, and the plugin's own where that estimates nothing")
  func precedence() throws {
    func memory(
      fixed: Set<Workflow.ResourcesKey> = [], estimate: Int?, raised: UInt64? = nil, plugin: Int = 100,
      granted: [Permission] = []
    ) throws -> (UInt64?, LimitOrigin?) {
      let plan = try plan(
        Case(
          file: "", asked: ResourceRequirement(memoryMB: plugin), fixed: fixed,
          estimate: estimate.map { ResourceRequirement(memoryMB: $0) }, raisedMemory: raised, granted: granted))
      return (plan.cgroup.memoryMax.map { $0 >> 20 }, plan.limitNotes[.memoryMax]?.origin)
    }
    #expect(try memory(estimate: 300) == (300, .estimate))
    #expect(try memory(estimate: 50) == (50, .estimate), "also where it is less")
    #expect(try memory(fixed: [.memory], estimate: 300) == (100, .node))
    #expect(try memory(fixed: [.cpu], estimate: 300) == (300, .estimate), "each on its own")
    #expect(try memory(estimate: 0) == (100, .node))
    #expect(try memory(estimate: nil) == (100, .node))
    #expect(try memory(estimate: 0, plugin: 0).1 == .profile)
    #expect(try memory(estimate: 300, raised: 200 << 20) == (300, .estimate), "never less than it says now")
    #expect(try memory(estimate: 100, raised: 200 << 20) == (200, .retry))
    #expect(try memory(fixed: [.memory], estimate: nil, raised: 200 << 20) == (200, .retry))
    #expect(try memory(estimate: nil, raised: 1 << 50) == (8192, .retry), "the host is the end of everything")
    #expect(try memory(estimate: 300, raised: 200 << 20, granted: [.memoryUnlimited]) == (nil, .permission))
  }

  @Test("that an estimate names are refused as any other, and called an estimate")
  func estimateRefused() throws {
    let host = try debianHost()
    func refusals(_ memory: Int, _ cpu: Double, ceilings: OperatorLimits = OperatorLimits()) throws -> [String] {
      var request = Self.asking(ResourceRequirement())
      request.estimate = ResourceRequirement(cpuCores: cpu, memoryMB: memory)
      let sources = LimitSources(
        ceilings: ceilings, asked: request, profile: try shippedProfile().resources, host: host)
      do throws(Diagnostics) {
        _ = try sources.decision()
        return []
      } catch {
        return error.items.map(\.description)
      }
    }
    #expect(
      try refusals(9000, 0) == [
        "w.yaml:7:20: error: the node \"clean\" estimates that it needs 9000Mi of memory: this host has 8Gi\n"
          + "  hint: ask for 16Mi to 8Gi"
      ])
    #expect(try refusals(256, 0, ceilings: Self.ceilings()).first?.contains("the operator allows 128Mi") == true)
    #expect(try refusals(0, 5).first?.contains("estimates that it needs 5 processors") == true)
    #expect(try refusals(1, 0).first?.contains("no worker starts with less than 16Mi") == true)
    #expect(try refusals(8192, 4).isEmpty)
  }

  @Test("of a profile are held against the host too")
  func profileBeyondHost() throws {
    var host = try debianHost()
    host.memoryBytes = 128 << 20
    let refusal = try #require(try refusal(of: request(), host: host))
    #expect(refusal.host.isEmpty)
    #expect(refusal.request.first?.location?.file == "profiles/default.yaml")
    #expect(refusal.request.first?.hint == "write 16Mi to 128Mi")
  }

  @Test("leave the number of tasks and the want of swap as they are when memory is unlimited, and the ceiling in force")
  func unlimited() throws {
    let lifted = try plan(try #require(Self.cases.first { $0.file == "unlimited" })).cgroup
    #expect(lifted.memoryMax == nil && lifted.memoryHigh == nil)
    #expect(lifted.settings.contains(.init(.swapMax, "0")))
    #expect(lifted.settings.contains(.init(.endsWhole, "1")))
    #expect(lifted.tasksMax == 128)
    let held = try plan(try #require(Self.cases.first { $0.file == "unlimited-below-ceiling" })).cgroup
    #expect(held.memoryMax == 128 << 20)
  }

  @Test("are compared one by one when a plan is held against another")
  func compared() throws {
    let strict = try plan(Case(file: "", profile: "strict"))
    let words = try plan(Case(file: "", profile: "default")).widenings(over: strict)
    for file: CgroupPlan.File in [.memoryMax, .memoryHigh, .cpuMax, .cpuWeight, .tasksMax, .ioWeight] {
      #expect(words.contains("limit: \(file.rawValue)"), "\(words)")
    }
    let lifted = try plan(Case(file: "", granted: [.memoryUnlimited]))
    #expect(lifted.widenings(over: try plan(Case(file: ""))) == ["limit: memory.max"])
    var pinned = strict
    pinned.cgroup.processors = [0, 1]
    #expect(strict.widenings(over: pinned) == ["limit: cpuset.cpus"])
    #expect(pinned.widenings(over: strict).isEmpty)
    var swapping = strict
    swapping.cgroup = CgroupPlan()
    #expect(swapping.widenings(over: strict).contains("limit: memory.swap.max"))
  }

  @Test("that no controller enforces are said to be watched, never left out")
  func enforcement() throws {
    let bare = try plan(try #require(Self.cases.first { $0.file == "no-controllers" }))
    let full = try plan(try #require(Self.cases.first { $0.file == "profile-strict" }))
    #expect(bare.cgroup == full.cgroup)
    let watched = bare.limitNotes.filter { $0.value.enforcement == .watched }.keys
    #expect(Set(watched) == [.memoryMax, .endsWhole, .cpuMax, .tasksMax])
    #expect(full.limitNotes.allSatisfy { $0.value.enforcement == .kernel })
    var host = try debianHost()
    host.cgroupRoot = nil
    #expect(host.limitControllers.isEmpty)
  }
}
