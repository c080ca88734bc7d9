@testable import Scheduling

/// A cluster to which anything happens, as the seed says.
struct RandomCluster {
  var cluster: Cluster
  var generator: SeededGenerator
  private let runs = (0..<3).map { RunIdentifier("run \($0)") }
  private let semaphores = (0..<2).map { SemaphoreName("s\($0)") }
  private var hostCount = 0
  private let mostHosts: Int
  private var requests: [ResourceRequest] = []
  private let changesHosts: Bool
  /// There are other processes, which take devices and give them back, and devices of two kinds.
  private let sharesHosts: Bool

  init(seed: UInt64, reservationDelay: Int64, changesHosts: Bool = true, sharesHosts: Bool = false) {
    self.sharesHosts = sharesHosts
    generator = SeededGenerator(seed: seed)
    self.changesHosts = changesHosts
    cluster = Cluster(.init(reservationDelay: reservationDelay))
    mostHosts = Int.random(in: 1...5, using: &generator)
    for run in runs {
      cluster.handle(.runSubmitted(run, weight: Int.random(in: 1...3, using: &generator)))
    }
    for name in semaphores { cluster.handle(.semaphoreChanged(name, count: Int.random(in: 1...4, using: &generator))) }
    for _ in 0..<mostHosts { addHost() }
    // One that fits on every host, however small.
    requests = [ResourceRequest(cpuMilli: 500)] + (0..<Int.random(in: 1...7, using: &generator)).map { _ in request() }
  }

  mutating func step() {
    if sharesHosts, Int.random(in: 0..<4, using: &generator) == 0 { return stepOfOthers() }
    cluster.now += Int64.random(in: 0...20, using: &generator)
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<45: ready()
    case 45..<85: finish()
    case 85..<89:
      if let node = pick(cluster.queued.keys) { cluster.handle(.nodeWithdrawn(node)) }
    case 89..<92 where changesHosts:
      if let host = pick(cluster.hosts.keys), cluster.hosts.count > 1 { cluster.handle(.hostRemoved(host)) }
    case 92..<95 where changesHosts:
      if cluster.hosts.count < mostHosts { addHost() } else if let name = pick(cluster.hosts.keys) { change(name) }
    case 95 where changesHosts:
      guard let name = semaphores.randomElement(using: &generator) else { return }
      cluster.handle(.semaphoreChanged(name, count: Int.random(in: 0...5, using: &generator)))
    case 96:
      guard let run = runs.randomElement(using: &generator) else { return }
      cluster.handle(.runEnded(run))
      cluster.handle(.runSubmitted(run, weight: 1))
    default: cluster.handle(.tick)
    }
  }

  /// As a process finds it out: what it has itself nobody else has.
  private mutating func stepOfOthers() {
    if Int.random(in: 0..<4, using: &generator) == 0 {
      guard let node = pick(cluster.running.keys) else { return }
      guard let assignment = cluster.running[node] else { return }
      for device in assignment.gpus.map(\.device) where Bool.random(using: &generator) {
        let host = assignment.host
        let users = cluster.running.values.count { $0.host == host && $0.gpus.contains { $0.device == device } }
        if users == 1 { cluster.handle(.deviceHeldElsewhere(host, device, true)) }
      }
      cluster.handle(.nodeReturned(node))
      return
    }
    guard let name = pick(cluster.hosts.keys), let host = cluster.hosts[name],
      let device = host.devices.randomElement(using: &generator)?.id
    else { return }
    if cluster.held[name]?.contains(device) == true {
      cluster.handle(.deviceHeldElsewhere(name, device, false))
    } else if !cluster.running.values.contains(where: { $0.host == name && $0.gpus.contains { $0.device == device } }) {
      cluster.handle(.deviceHeldElsewhere(name, device, true))
    }
  }

  mutating func ready() {
    guard let request = requests.randomElement(using: &generator), let run = runs.randomElement(using: &generator)
    else { return }
    cluster.ready(request, run: run.text, rank: Int64.random(in: 0...200, using: &generator))
  }

  mutating func finish() {
    if let node = pick(cluster.running.keys) { cluster.finish(node) }
  }

  /// The order of a dictionary isn't the same in every process.
  mutating func pick<Value: Hashable>(_ values: some Collection<Value>) -> Value? where Value: CustomStringConvertible {
    values.sorted { $0.description < $1.description }.randomElement(using: &generator)
  }

  private mutating func addHost() {
    cluster.handle(.hostChanged(host(HostIdentifier("h\(hostCount)"))))
    hostCount += 1
  }

  private mutating func change(_ name: HostIdentifier) { cluster.handle(.hostChanged(host(name))) }

  private mutating func host(_ name: HostIdentifier) -> HostCapacity {
    let isDivided = Int.random(in: 0..<4, using: &generator) == 0
    let devices = (0..<Int.random(in: 0...4, using: &generator)).map { index in
      GPUDevice(
        id: GPUIdentifier("gpu\(index)"), memory: Int.random(in: 2...8, using: &generator),
        profile: isDivided && index % 2 == 0 ? MIGProfile("1g") : nil,
        kind: sharesHosts && Bool.random(using: &generator) ? "b" : "a")
    }
    return HostCapacity(
      name: name, cpuMilli: 500 * Int.random(in: 1...16, using: &generator),
      memory: Int.random(in: 1...64, using: &generator), devices: devices)
  }

  private mutating func request() -> ResourceRequest {
    let gpu: GPURequest =
      switch Int.random(in: 0..<8, using: &generator) {
      case 0, 1:
        .share(
          milli: [250, 300, 334, 501, 667, 1000].randomElement(using: &generator) ?? 1,
          memory: Int.random(in: 0...4, using: &generator))
      case 2, 3:
        .devices(
          count: Int.random(in: 1...3, using: &generator), memory: Int.random(in: 0...6, using: &generator))
      case 4: .devices(count: 1, profile: MIGProfile("1g"))
      default: .none
      }
    let name = semaphores.randomElement(using: &generator)
    let claims = Int.random(in: 0..<5, using: &generator) == 0 ? name.map { [$0: 1] } ?? [:] : [:]
    return ResourceRequest(
      cpuMilli: 250 * Int.random(in: 0...20, using: &generator), memory: Int.random(in: 0...24, using: &generator),
      gpu: gpu, semaphores: claims)
  }
}
