import PluginModel

/// Who decided a limit, and who enforces it on this host.
package struct LimitNote: Hashable, Sendable {
  package var origin: LimitOrigin
  package var enforcement: Enforcement

  package enum Enforcement: Hashable, Sendable {
    case kernel
    /// The host offers no controller for it: the supervisor has to watch the worker, and to end it.
    case watched
    /// Without its controller it has no effect, and nobody can watch it: a share, or the order of reclaim.
    case absent
  }

  package init(origin: LimitOrigin, enforcement: Enforcement) {
    self.origin = origin
    self.enforcement = enforcement
  }
}

extension CgroupPlan {
  /// Which limits a host with these controllers enforces by itself.
  package func enforcement(controllers: Set<Controller>) -> [File: LimitNote.Enforcement] {
    let pairs = settings.map(\.file).map { file in
      (file, controllers.contains(file.controller) ? LimitNote.Enforcement.kernel : file.withoutController)
    }
    return Dictionary(pairs) { first, _ in first }
  }
}

extension CgroupPlan.File {
  fileprivate var withoutController: LimitNote.Enforcement {
    switch self {
    case .memoryMax, .cpuMax, .tasksMax, .endsWhole: .watched
    case .memoryHigh, .swapMax, .cpuWeight, .ioWeight, .ioMax, .processors: .absent
    }
  }
}

extension HostFacts {
  /// Those of `cgroupControllers` that limits are set with; none where this process may make no cgroups.
  package var limitControllers: Set<CgroupPlan.Controller> {
    cgroupRoot == nil ? [] : Set(cgroupControllers.compactMap(CgroupPlan.Controller.init))
  }
}

extension LimitSources.Decision {
  package func notes(controllers: Set<CgroupPlan.Controller>) -> [CgroupPlan.File: LimitNote] {
    let enforcement = cgroup.enforcement(controllers: controllers)
    let pairs = origins.map { file, origin in
      (file, LimitNote(origin: origin, enforcement: enforcement[file] ?? .absent))
    }
    return Dictionary(uniqueKeysWithValues: pairs)
  }
}

extension SandboxPlan {
  /// The same worker with other limits of its cgroup.
  package func limited(by decision: LimitSources.Decision, controllers: Set<CgroupPlan.Controller>) -> SandboxPlan {
    var plan = self
    plan.cgroup = decision.cgroup
    plan.limitNotes = decision.notes(controllers: controllers)
    return plan
  }
}

// MARK: Words

extension LimitNote.Enforcement {
  var words: String {
    switch self {
    case .kernel: ""
    case .watched: "not enforced by this host's kernel: left to the supervisor to watch"
    case .absent: "without effect on this host"
    }
  }

  var name: String {
    switch self {
    case .kernel: "kernel"
    case .watched: "watched"
    case .absent: "absent"
    }
  }
}

extension SandboxPlan {
  /// `file`, amount, who decided it, who enforces it.
  var groupLimitRows: [[String]] {
    CgroupPlan.File.allCases.compactMap { file in
      guard let note = limitNotes[file] else { return nil }
      let isLifted = note.origin == .permission
      return [
        file.rawValue, isLifted ? "no limit" : cgroup.words(for: file), note.origin.words,
        isLifted ? "" : note.enforcement.words,
      ]
    }
  }

  var groupLimitsJSON: JSONValue {
    let values = Dictionary(cgroup.settings.map { ($0.file, $0.value) }) { first, _ in first }
    return .array(
      CgroupPlan.File.allCases.compactMap { file in
        guard let note = limitNotes[file] else { return nil }
        return [
          "file": .string(file.rawValue), "value": .string(values[file] ?? file.unlimited),
          "origin": .string(note.origin.rawValue),
          "enforcement": .string(values[file] == nil ? "none" : note.enforcement.name),
        ]
      })
  }
}

extension CgroupPlan {
  /// For people: `512Mi`, `1.5 processors`.
  func words(for file: File) -> String {
    switch file {
    case .memoryMax: memoryMax.map { ByteCount($0).description } ?? ""
    case .memoryHigh: memoryHigh.map { ByteCount($0).description } ?? ""
    case .swapMax: "no swap"
    case .endsWhole: "ends all of the worker"
    case .cpuMax: cpu.map { $0.cores == 1 ? "1 processor" : "\(coresText($0.cores)) processors" } ?? ""
    case .cpuWeight: cpuWeight.map(String.init) ?? ""
    case .tasksMax: tasksMax.map { "\($0) processes and threads" } ?? ""
    case .ioWeight: ioWeight.map(String.init) ?? ""
    case .ioMax: io?.words ?? ""
    case .processors: Self.ranges(processors)
    }
  }
}
