/// Where on one host a request goes best, and how good that is.
struct Placement: Sendable {
  let score: PlacementScore
  let fit: BestFit

  /// Infinite where it doesn't fit. Less is better: how many typical nodes lose their room; and where that is equal, how badly the host
  /// would be filled.
  /// - Parameter room: what ``PlacementScore/room(on:after:)`` says of `state`.
  func cost(of request: ResourceRequest, on state: HostState, room: Float) -> Float {
    guard state.fits(request), let best = bestTrial(of: request, on: state) else { return .infinity }
    return room - best.room + fit.left(on: state.brief, after: request)
  }

  /// The devices that it gets; empty where it needs none. The host is one that it fits on.
  func devices(for request: ResourceRequest, on state: HostState) -> [Int] {
    switch request.gpu {
    case .none: []
    case .devices(let count, let memory, let profile): state.choose(count: count, memory: memory, profile: profile)
    case .share: bestTrial(of: request, on: state)?.trial.shared.map { [$0.index] } ?? []
    }
  }

  private func bestTrial(
    of request: ResourceRequest, on state: HostState
  ) -> (room: Float, trial: PlacementScore.Trial)? {
    var trial = PlacementScore.Trial(cpu: request.cpuMilli)
    switch request.gpu {
    case .none: break
    case .devices(let count, let memory, let profile):
      trial.devices = count
      if state.hasInstances {
        trial.chosen = state.choose(count: count, memory: memory, profile: profile)
        trial.gpus = trial.chosen.count { !state.devices[$0].isInstance }
      } else {
        trial.gpus = count
      }
    case .share(let milli, let memory): return bestShare(milli, memory, trial, state)
    }
    return (score.room(on: state, after: trial), trial)
  }

  /// Of GPUs that have as much free, the first stands for all.
  private func bestShare(
    _ milli: Int, _ memory: Int, _ trial: PlacementScore.Trial, _ state: HostState
  ) -> (room: Float, trial: PlacementScore.Trial)? {
    let kind = state.kind(for: .share(milli: milli, memory: memory))
    var best: (room: Float, trial: PlacementScore.Trial)?
    for index in state.devices.indices where state.canShare(index, milli, memory, kind) {
      let device = state.devices[index]
      let isKnown = state.devices[..<index].indices.contains { other in
        state.devices[other].milli == device.milli && state.devices[other].memory == device.memory
          && state.canShare(other, milli, memory, kind)
      }
      guard !isKnown else { continue }
      var trial = trial
      trial.shared = (index, milli)
      if device.isFree { trial.devices = 1 }
      let room = score.room(on: state, after: trial)
      if let known = best, known.room >= room { continue }
      best = (room, trial)
    }
    return best
  }
}

/// Best fit: the host on which least is left. Each part is of the largest host, and all together weigh less than the room of one
/// typical node in some thousand.
struct BestFit: Sendable {
  private let cpu: Float
  private let memory: Float
  private let devices: Float

  /// - Parameter hosts: as if nothing ran there.
  init(_ hosts: [HostState]) {
    var largest = (cpu: 1, memory: 1, devices: 1)
    for host in hosts {
      largest.cpu = max(largest.cpu, host.brief.cpu)
      largest.memory = max(largest.memory, host.brief.memory)
      largest.devices = max(largest.devices, host.brief.deviceMilli)
    }
    cpu = Self.weight / Float(largest.cpu)
    memory = Self.weight / Float(largest.memory)
    devices = Self.weight / Float(largest.devices)
  }

  private static let weight: Float = 0.001

  func left(on state: HostBrief, after request: ResourceRequest) -> Float {
    Float(state.cpu - request.cpuMilli) * cpu + Float(state.memory - request.memory) * memory
      + Float(state.deviceMilli - request.gpu.milli) * devices
  }
}
