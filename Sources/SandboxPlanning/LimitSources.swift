import PluginModel

/// What one node asks for: its workflow's word, its own estimate where there is one, its plugin's word. Zero is nothing asked
/// for.
package struct ResourceRequest: Hashable, Sendable {
  /// For messages: `the node "clean"`.
  package var subject: String
  /// The workflow's word, completed by the plugin's.
  package var requirement: ResourceRequirement
  /// What of it is the workflow's: no estimate changes that.
  package var fixed: Set<Workflow.ResourcesKey>
  /// What the plugin said of this very call. Its GPUs don't count: a worker has its devices from its start on.
  package var estimate: ResourceRequirement?
  /// Bytes; at least this much, because the attempt before had less and ran out of it.
  package var raisedMemory: UInt64?
  package var memoryLocation: SourceLocation?
  package var cpuLocation: SourceLocation?

  package init(
    subject: String, requirement: ResourceRequirement, fixed: Set<Workflow.ResourcesKey> = [],
    estimate: ResourceRequirement? = nil, raisedMemory: UInt64? = nil, memoryLocation: SourceLocation? = nil,
    cpuLocation: SourceLocation? = nil
  ) {
    self.subject = subject
    self.requirement = requirement
    self.fixed = fixed
    self.estimate = estimate
    self.raisedMemory = raisedMemory
    self.memoryLocation = memoryLocation
    self.cpuLocation = cpuLocation
  }

  /// What counts of one resource: the workflow's word, the estimate, the plugin's word; nil where nobody asks for any.
  fileprivate func amount(
    _ key: Workflow.ResourcesKey, _ resource: (ResourceRequirement) -> Double
  ) -> (value: Double, origin: LimitOrigin)? {
    if !fixed.contains(key), let estimate, resource(estimate) > 0 { return (resource(estimate), .estimate) }
    return resource(requirement) > 0 ? (resource(requirement), .node) : nil
  }
}

/// Where the limits of a worker's cgroup come from, and which of them counts:
///
/// 1. What the host has is the end of everything. A limit above it, whoever wrote it, is a mistake and refused.
/// 2. The operator's `limits` are ceilings. What a node asks for above them is refused, not cut: it would fail later and
///    elsewhere.
/// 3. What the node asks for: the workflow's `resources`, else what its plugin estimates for this call (`estimate_resources`), else
///    what its plugin says of all nodes of the type (`resource_requirements`). For memory and processors each on its own.
/// 4. What the profile says, where the node asks for nothing; never more than the ceiling.
///
/// A node that is run again because it ran out of memory has at least ``ResourceRequest/raisedMemory``, whoever decided before;
/// never more than ``mostMemory``.
///
/// `memory.unlimited` lifts the profile's and the node's memory limit, not the operator's, and nothing else: there is no
/// swap, and the number of tasks stays limited.
package struct LimitSources: Hashable, Sendable {
  package var ceilings: OperatorLimits
  package var asked: ResourceRequest?
  package var profile: SecurityProfile.Resources
  package var isMemoryUnlimited: Bool
  /// Bytes. Nil: unknown.
  package var hostMemory: UInt64?
  /// Nil: unknown.
  package var hostProcessors: Int?

  package init(
    ceilings: OperatorLimits, asked: ResourceRequest?, profile: SecurityProfile.Resources,
    isMemoryUnlimited: Bool = false, host: HostFacts
  ) {
    self.ceilings = ceilings
    self.asked = asked
    self.profile = profile
    self.isMemoryUnlimited = isMemoryUnlimited
    hostMemory = host.memoryBytes
    hostProcessors = host.processorCount
  }

  /// Bytes that a worker can have at most: the operator's ceiling, or what the host has. Nil: unknown.
  package var mostMemory: UInt64? {
    [hostMemory, ceilings.memoryMB.map { UInt64($0.value) << 20 }].compactMap(\.self).min()
  }

  package struct Decision: Hashable, Sendable {
    package var cgroup: CgroupPlan
    package var origins: [CgroupPlan.File: LimitOrigin]
  }

  /// - Throws: every limit that can't be given, with its place and the range that can.
  package func decision() throws(Diagnostics) -> Decision {
    var problems: [Diagnostic] = []
    let memory = self.memory(&problems)
    let cpu = self.cpu(&problems)
    guard problems.isEmpty else { throw Diagnostics(problems) }

    let isLifted = isMemoryUnlimited && memory.origin != .ceiling
    var plan = CgroupPlan(
      memoryMax: isLifted ? nil : UInt64(memory.value),
      memoryHigh: memory.origin == .profile && !isLifted ? profile.memoryHigh : nil,
      cpu: CgroupPlan.CPUQuota(cores: cpu.value), cpuWeight: profile.cpuWeight, tasksMax: profile.tasks,
      ioWeight: profile.ioWeight, io: profile.io, processors: profile.processors)
    plan.forbidsSwap = true
    var origins: [CgroupPlan.File: LimitOrigin] = [:]
    for file in plan.settings.map(\.file) {
      origins[file] =
        switch file {
        case .memoryMax: memory.origin
        case .cpuMax: cpu.origin
        case .swapMax, .endsWhole: .always
        case .memoryHigh, .cpuWeight, .tasksMax, .ioWeight, .ioMax, .processors: .profile
        }
    }
    if isLifted { origins[.memoryMax] = .permission }
    return Decision(cgroup: plan, origins: origins)
  }

  /// Bytes.
  private func memory(_ problems: inout [Diagnostic]) -> Resource.Choice {
    let request = asked.flatMap { asked in
      asked.amount(.memory) { Double($0.memoryMB) * 0x1p20 }.map {
        Resource.Request(subject: asked.subject, amount: $0.value, origin: $0.origin, location: asked.memoryLocation)
      }
    }
    let resource = Resource(
      unit: " of memory", lowest: Double(LimitBounds.memoryMB.lowerBound) * 0x1p20, host: hostMemory.map { Double($0) },
      ceilingKey: SystemConfiguration.LimitsKey.maximumMemory.rawValue,
      ceiling: ceilings.memoryMB.map { Located(Double($0.value) * 0x1p20, at: $0.location) },
      profile: Located(Double(profile.memory.value), at: profile.memory.location), request: request,
      words: { ByteCount(UInt64($0)).description })
    let choice = resource.choice(&problems)
    // With the permission nothing is asked for that could be too small; the operator's ceiling stays.
    if isMemoryUnlimited {
      return resource.ceiling.map { Resource.Choice(value: $0.value, origin: .ceiling) } ?? choice
    }
    let raised = Double(min(asked?.raisedMemory ?? 0, mostMemory ?? .max))
    return raised > choice.value ? Resource.Choice(value: raised, origin: .retry) : choice
  }

  /// Logical processors.
  private func cpu(_ problems: inout [Diagnostic]) -> Resource.Choice {
    let request = asked.flatMap { asked in
      asked.amount(.cpu, \.cpuCores).map {
        Resource.Request(subject: asked.subject, amount: $0.value, origin: $0.origin, location: asked.cpuLocation)
      }
    }
    return Resource(
      unit: " processors", lowest: LimitBounds.cpuCores.lowerBound, host: hostProcessors.map { Double($0) },
      ceilingKey: SystemConfiguration.LimitsKey.maximumCPU.rawValue,
      ceiling: ceilings.cpuPercent.map { Located($0.value / 100, at: $0.location) },
      profile: profile.cpuCores, request: request, words: { coresText($0) }
    ).choice(&problems)
  }
}

/// One resource, with everybody who says something about it, in one unit.
private struct Resource {
  struct Request {
    var subject: String
    var amount: Double
    var origin: LimitOrigin
    var location: SourceLocation?
    var verb: String { origin == .estimate ? "estimates that it needs" : "asks for" }
  }
  struct Choice {
    var value: Double
    var origin: LimitOrigin
  }
  /// After an amount.
  var unit: String
  var lowest: Double
  var host: Double?
  var ceilingKey: String
  var ceiling: Located<Double>?
  var profile: Located<Double>
  var request: Request?
  var words: (Double) -> String

  func choice(_ problems: inout [Diagnostic]) -> Choice {
    if let host {
      if let ceiling, ceiling.value > host {
        problems.append(beyondHost("\(ceilingKey.quoted) is", ceiling.value, host, at: ceiling.location))
      }
      if profile.value > host {
        problems.append(beyondHost("the profile gives a worker", profile.value, host, at: profile.location))
      }
    }
    if let request {
      problems += refusal(of: request).map { [$0] } ?? []
      return Choice(value: request.amount, origin: request.origin)
    }
    if let ceiling, ceiling.value < profile.value { return Choice(value: ceiling.value, origin: .ceiling) }
    return Choice(value: profile.value, origin: .profile)
  }

  private func refusal(of request: Request) -> Diagnostic? {
    let what = "\(request.subject) \(request.verb) \(words(request.amount))\(unit)"
    let most = [host, ceiling?.value].compactMap(\.self).min()
    let range = most.map { "ask for \(words(lowest)) to \(words($0))" } ?? "ask for at least \(words(lowest))"
    if let ceiling, request.amount > ceiling.value {
      return Diagnostic(
        what, why: "the operator allows \(words(ceiling.value)), by \(ceilingKey.quoted) in \(ceiling.location)",
        hint: "\(range), or have the operator raise \(ceilingKey.quoted)", at: request.location)
    }
    if let host, request.amount > host {
      return Diagnostic(what, why: "this host has \(words(host))", hint: range, at: request.location)
    }
    if request.amount < lowest {
      return Diagnostic(
        what, why: "no worker starts with less than \(words(lowest))", hint: range, at: request.location)
    }
    return nil
  }

  private func beyondHost(_ what: String, _ amount: Double, _ host: Double, at location: SourceLocation) -> Diagnostic {
    Diagnostic(
      "\(what) \(words(amount))\(unit)", why: "this host has \(words(host))",
      hint: "write \(words(lowest)) to \(words(host))", at: location)
  }
}

/// A number of processors without a superfluous `.0`.
package func coresText(_ number: Double) -> String {
  let hundredths = (number * 100).rounded() / 100
  return hundredths == hundredths.rounded() ? String(Int(hundredths)) : String(hundredths)
}
