/// A ``TypicalWorkload`` laid out for counting: eight kinds at a time.
struct PlacementScore: Sendable {
  private typealias Lane = SIMD8<Float>

  /// Reciprocals of what one node of each kind needs, and its weight; padded with kinds of weight 0.
  private struct Kinds: Sendable {
    var weight = Lane()
    var cpu = Lane()
    /// Whole devices.
    var devices = Lane()
    /// Shares that a free GPU has room for.
    var perGPU = Lane()
    /// Shares of GPUs that others use too.
    var share = Lane()
  }

  /// What a node would take, as a difference from a host's state.
  struct Trial {
    var cpu = 0
    /// Devices of one's own; GPUs among them.
    var devices = 0
    var gpus = 0
    /// Of one GPU, by its index.
    var shared: (index: Int, milli: Int)?
    /// The devices themselves, where instances of MIG are among those to choose from.
    var chosen: [Int] = []
  }

  private var kinds: [Kinds] = []
  /// Kinds that ask for instances of one size.
  private var instances: [(profile: MIGProfile, count: Int, cpu: Int, weight: Float)] = []

  init(_ workload: TypicalWorkload) {
    let total = Float(max(1, workload.kinds.reduce(0) { $0 + $1.weight }))
    var lane = 8
    for kind in workload.kinds {
      let weight = Float(kind.weight) / total
      let cpu = max(1, kind.request.cpuMilli)
      if case .devices(let count, _, let profile?) = kind.request.gpu {
        instances.append((profile, max(1, count), cpu, weight))
        continue
      }
      if lane == 8 {
        kinds.append(Kinds())
        lane = 0
      }
      let last = kinds.count - 1
      kinds[last].weight[lane] = weight
      kinds[last].cpu[lane] = 1 / Float(cpu)
      switch kind.request.gpu {
      case .none: break
      case .devices(let count, _, _): kinds[last].devices[lane] = 1 / Float(max(1, count))
      case .share(let milli, _):
        kinds[last].perGPU[lane] = Float(1000 / max(1, milli))
        kinds[last].share[lane] = 1 / Float(max(1, milli))
      }
      lane += 1
    }
  }

  /// How many typical nodes `state` could still take, once it had taken `trial`. Memory aside.
  func room(on state: HostState, after trial: Trial = Trial()) -> Float {
    let cpu = state.brief.cpu - trial.cpu
    guard !state.devices.isEmpty, cpu > 0 else { return 0 }
    // What is free of each GPU that isn't free altogether, nor full.
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: state.devices.count) { partial in
      var whole = -trial.gpus
      var count = 0
      for index in state.devices.indices where !state.devices[index].isInstance {
        var milli = state.devices[index].available
        if let shared = trial.shared, shared.index == index { milli -= shared.milli }
        if milli == 1000 {
          whole += 1
        } else if milli > 0 {
          partial[count] = Float(milli) + 0.5
          count += 1
        }
      }
      let byCPU = Float(cpu) + 0.5
      let free = Float(state.brief.freeDevices - trial.devices) + 0.5
      var sum = Lane()
      for kind in kinds {
        var slots = Self.floor(kind.devices * free) + kind.perGPU * Float(whole)
        for index in 0..<count { slots += Self.floor(kind.share * partial[index]) }
        let most = Self.floor(kind.cpu * byCPU)
        sum += kind.weight * slots.replacing(with: most, where: most .< slots)
      }
      return sum.sum() + roomForInstances(on: state, cpu, trial)
    }
  }

  private func roomForInstances(on state: HostState, _ cpu: Int, _ trial: Trial) -> Float {
    guard state.hasInstances else { return 0 }
    return instances.reduce(0) { sum, kind in
      let taken = trial.chosen.count { state.profile(of: $0) == kind.profile }
      return sum + kind.weight * Float(min((state.matching(0, kind.profile, nil) - taken) / kind.count, cpu / kind.cpu))
    }
  }

  /// Rounds down what is from 0 to 2^22 and no whole number: a half was added before. Without the instruction for it, which not every
  /// processor has.
  private static func floor(_ value: Lane) -> Lane { (value - 0.5 + 12_582_912) - 12_582_912 }
}
