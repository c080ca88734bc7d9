import PluginModel

/// What one node asks for: its workflow's word, completed by its plugin's. Zero is nothing asked for.
package struct ResourceRequest: Hashable, Sendable {
  /// For messages: `the node "clean"`.
  package var subject: String
  package var requirement: ResourceRequirement
  package var memoryLocation: SourceLocation?
  package var cpuLocation: SourceLocation?

  package init(
    subject: String, requirement: ResourceRequirement, memoryLocation: SourceLocation? = nil,
    cpuLocation: SourceLocation? = nil
  ) {
    self.subject = subject
    self.requirement = requirement
    self.memoryLocation = memoryLocation
    self.cpuLocation = cpuLocation
  }
}

/// Who decided a limit.
package enum LimitOrigin: Hashable, Sendable {
  /// The node, or its plugin for it.
  case node
  case profile
  /// `limits` of plugin_system.yaml.
  case ceiling
  /// `memory.unlimited`.
  case permission
  /// Every worker has it.
  case always
}

/// Where the limits of a worker's cgroup come from, and which of them counts:
///
/// 1. What the host has is the end of everything. A limit above it, whoever wrote it, is a mistake and refused.
/// 2. The operator's `limits` are ceilings. What a node asks for above them is refused, not cut: it would fail later and
///    elsewhere.
/// 3. What the node asks for.
/// 4. What the profile says, where the node asks for nothing; never more than the ceiling.
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
      asked.requirement.memoryMB > 0
        ? Resource.Request(
          subject: asked.subject, amount: Double(asked.requirement.memoryMB) * 0x1p20, location: asked.memoryLocation)
        : nil
    }
    let resource = Resource(
      unit: " of memory", lowest: Double(LimitBounds.memoryMB.lowerBound) * 0x1p20, host: hostMemory.map { Double($0) },
      ceilingKey: SystemConfiguration.LimitsKey.maximumMemory.rawValue,
      ceiling: ceilings.memoryMB.map { Located(Double($0.value) * 0x1p20, at: $0.location) },
      profile: Located(Double(profile.memory.value), at: profile.memory.location), request: request,
      words: { ByteCount(UInt64($0)).description })
    let choice = resource.choice(&problems)
    // With the permission nothing is asked for that could be too small; the operator's ceiling stays.
    guard isMemoryUnlimited, let ceiling = resource.ceiling else { return choice }
    return Resource.Choice(value: ceiling.value, origin: .ceiling)
  }

  /// Logical processors.
  private func cpu(_ problems: inout [Diagnostic]) -> Resource.Choice {
    let request = asked.flatMap { asked in
      asked.requirement.cpuCores > 0
        ? Resource.Request(
          subject: asked.subject, amount: asked.requirement.cpuCores, location: asked.cpuLocation) : nil
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
    var location: SourceLocation?
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
      return Choice(value: request.amount, origin: .node)
    }
    if let ceiling, ceiling.value < profile.value { return Choice(value: ceiling.value, origin: .ceiling) }
    return Choice(value: profile.value, origin: .profile)
  }

  private func refusal(of request: Request) -> Diagnostic? {
    let what = "\(request.subject) asks for \(words(request.amount))\(unit)"
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
