import Testing

@testable import Scheduling

/// SplitMix64: the same seed gives the same test, on every machine.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A scheduler, and books about it that are kept apart from its own.
struct Cluster {
  var scheduler: Scheduler
  var now: Int64 = 0
  private(set) var hosts: [HostIdentifier: HostCapacity] = [:]
  private(set) var semaphores: [SemaphoreName: Int] = [:]
  private(set) var queued: [NodeReference: ResourceRequest] = [:]
  /// Of every node that ever came.
  private(set) var requests: [NodeReference: ResourceRequest] = [:]
  private(set) var running: [NodeReference: Assignment] = [:]
  /// In the order of their starts.
  private(set) var started: [Assignment] = []
  private(set) var startTimes: [NodeReference: Int64] = [:]
  private(set) var refused: [NodeReference: Refusal] = [:]
  private(set) var lost: [NodeReference] = []
  /// What other processes have.
  private(set) var held: [HostIdentifier: Set<GPUIdentifier>] = [:]
  private var nextNode = 0

  init(_ configuration: Scheduler.Configuration = .init(reservationDelay: 1_000_000_000)) {
    scheduler = Scheduler(configuration: configuration)
  }

  @discardableResult
  mutating func handle(_ event: SchedulerEvent) -> [SchedulerAction] {
    switch event {
    case .hostChanged(let host): hosts[host.name] = host
    case .hostRemoved(let name):
      hosts[name] = nil
      held[name] = nil
    case .deviceHeldElsewhere(let host, let device, true): held[host, default: []].insert(device)
    case .deviceHeldElsewhere(let host, let device, false): held[host]?.remove(device)
    case .nodeReturned(let node):
      if running.removeValue(forKey: node) != nil { queued[node] = requests[node] }
    case .semaphoreChanged(let name, let count): semaphores[name] = count
    case .runEnded(let run): queued = queued.filter { $0.key.run != run }
    case .nodeReady(let node, let request, _) where running[node] == nil && queued[node] == nil:
      queued[node] = request
      requests[node] = request
    case .nodeWithdrawn(let node): queued[node] = nil
    case .nodeFinished(let node): running[node] = nil
    case .nodeReady, .runSubmitted, .tick: break
    }
    let actions = scheduler.handle(event, at: now)
    for action in actions {
      switch action {
      case .start(let assignment):
        #expect(queued[assignment.node] != nil, "\(assignment.node) isn't queued")
        queued[assignment.node] = nil
        running[assignment.node] = assignment
        started.append(assignment)
        startTimes[assignment.node] = now
      case .refuse(let node, let refusal):
        if refusal != .duplicate { queued[node] = nil }
        refused[node] = refusal
      case .lost(let node, let host):
        #expect(running[node]?.host == host)
        running[node] = nil
        lost.append(node)
      }
    }
    return actions
  }

  // MARK: Short forms

  mutating func host(_ name: String, cpu: Int = 0, memory: Int = 0, gpus: [Int] = [], mig: [String] = []) {
    let devices =
      gpus.enumerated().map { GPUDevice(id: GPUIdentifier("gpu\($0.offset)"), memory: $0.element) }
      + mig.enumerated().map {
        GPUDevice(id: GPUIdentifier("mig\($0.offset)"), memory: 10, profile: MIGProfile($0.element))
      }
    handle(.hostChanged(HostCapacity(name: HostIdentifier(name), cpuMilli: cpu, memory: memory, devices: devices)))
  }

  mutating func run(_ name: String, weight: Int = 1) { handle(.runSubmitted(RunIdentifier(name), weight: weight)) }

  @discardableResult
  mutating func ready(_ request: ResourceRequest, run: String = "r", rank: Int64 = 0) -> NodeReference {
    let node = NodeReference(run: RunIdentifier(run), node: nextNode)
    nextNode += 1
    handle(.nodeReady(node, request, rank: rank))
    return node
  }

  /// Where it is started; nil: it waits.
  mutating func place(_ request: ResourceRequest, run: String = "r") -> String? {
    let node = ready(request, run: run)
    return hostOf(node)
  }

  /// What it is given; empty: none, or it waits.
  mutating func lend(_ request: ResourceRequest, run: String = "r") -> [String] {
    let node = ready(request, run: run)
    return devices(node)
  }

  mutating func finish(_ node: NodeReference) { handle(.nodeFinished(node)) }
  func hostOf(_ node: NodeReference) -> String? { running[node]?.host.text }
  func devices(_ node: NodeReference) -> [String] { (running[node]?.gpus ?? []).map(\.device.text) }
  func isQueued(_ node: NodeReference) -> Bool { queued[node] != nil }
  func count(run: String) -> Int { running.keys.count { $0.run.text == run } }

  /// One host, one run.
  static func single(cpu: Int = 0, memory: Int = 0, gpus: [Int] = [], mig: [String] = []) -> Cluster {
    var cluster = Cluster()
    cluster.host("h", cpu: cpu, memory: memory, gpus: gpus, mig: mig)
    cluster.run("r")
    return cluster
  }
}

// MARK: The books

extension Cluster {
  /// What is left by the books: capacity less what runs.
  func left(on host: HostCapacity) -> HostFree {
    var free = HostFree(
      cpuMilli: host.cpuMilli, memory: host.memory,
      devices: host.devices.map { HostFree.Device(id: $0.id, milli: 1000, memory: $0.memory) })
    for assignment in running.values where assignment.host == host.name {
      free.cpuMilli -= assignment.cpuMilli
      free.memory -= assignment.memory
      for grant in assignment.gpus {
        for index in free.devices.indices where free.devices[index].id == grant.device {
          free.devices[index].milli -= grant.milli
          free.devices[index].memory -= grant.memory
        }
      }
    }
    for index in free.devices.indices where held[host.name]?.contains(free.devices[index].id) == true {
      free.devices[index].milli = 0
      free.devices[index].memory = 0
    }
    return free
  }

  func left(of semaphore: SemaphoreName) -> Int {
    (semaphores[semaphore] ?? 0)
      - running.values.flatMap(\.semaphores).filter { $0.name == semaphore }.reduce(0) { $0 + $1.count }
  }

  /// Whether it could be started there, by the books.
  func fits(_ request: ResourceRequest, on host: HostCapacity) -> Bool {
    let free = left(on: host)
    guard free.cpuMilli >= request.cpuMilli, free.memory >= request.memory else { return false }
    guard request.semaphores.allSatisfy({ left(of: $0.name) >= $0.count }) else { return false }
    let kind = kind(for: request.gpu, on: host)
    let devices = zip(host.devices, free.devices).filter { $0.0.kind == kind }
    return switch request.gpu {
    case .none: true
    case .devices(let count, let memory, let profile):
      devices.count { device, free in
        free.milli == 1000 && device.memory >= memory && (profile == nil || device.profile == profile)
      } >= count
    case .share(let milli, let memory):
      devices.contains { device, free in device.profile == nil && free.milli >= milli && free.memory >= memory }
    }
  }

  /// The first by name of which there are enough in all.
  private func kind(for gpu: GPURequest, on host: HostCapacity) -> String? {
    Set(host.devices.map(\.kind)).sorted().first { kind in
      let own = host.devices.filter { $0.kind == kind }
      return switch gpu {
      case .none: true
      case .devices(let count, let memory, let profile):
        own.count { $0.memory >= memory && (profile == nil || $0.profile == profile) } >= count
      case .share(_, let memory): own.contains { $0.profile == nil && $0.memory >= memory }
      }
    }
  }

  /// What the scheduler says is free.
  var free: [HostIdentifier: HostFree] {
    Dictionary(uniqueKeysWithValues: scheduler.free.map { ($0.host, $0.free) })
  }
}
