import Testing

@testable import Scheduling

@Suite("Whatever happens")
struct SchedulerPropertyTests {
  private static let delays: [Int64] = [0, 60, 1_000_000_000]

  /// Whoever has something of a host that shrank, or of a semaphore, keeps it: nothing more is given until it fits again.
  @Test("nothing is given that isn't there, and the scheduler's books are right", arguments: 0..<90)
  func neverOvercommits(_ seed: Int) {
    var random = RandomCluster(
      seed: UInt64(seed), reservationDelay: Self.delays[seed % 3], sharesHosts: seed / 3 % 2 == 1)
    for _ in 0..<400 {
      let before = random.cluster
      random.step()
      let cluster = random.cluster
      let new = cluster.started.dropFirst(before.started.count)
      for host in cluster.hosts.values {
        let left = cluster.left(on: host)
        #expect(cluster.free[host.name] == left)
        guard new.contains(where: { $0.host == host.name }) else { continue }
        #expect(left.cpuMilli >= 0 || !new.contains { $0.host == host.name && $0.cpuMilli > 0 })
        #expect(left.memory >= 0 || !new.contains { $0.host == host.name && $0.memory > 0 })
        for device in left.devices {
          let isNew = new.contains { $0.host == host.name && $0.gpus.contains { $0.device == device.id } }
          #expect((0...1000).contains(device.milli) && device.memory >= 0 || !isNew)
          #expect(!isNew || cluster.held[host.name]?.contains(device.id) != true, "another process has it")
        }
      }
      for assignment in new {
        for claim in assignment.semaphores { #expect(cluster.left(of: claim.name) >= 0) }
        #expect(cluster.hosts[assignment.host] != nil)
        let kinds = assignment.gpus.compactMap { grant in
          cluster.hosts[assignment.host]?.devices.first { $0.id == grant.device }?.kind
        }
        #expect(Set(kinds).count <= 1, "a program is made for one kind")
      }
    }
  }

  @Test("everything that was given comes back", arguments: 0..<60)
  func conservation(_ seed: Int) {
    var random = RandomCluster(
      seed: UInt64(seed), reservationDelay: Self.delays[seed % 3], sharesHosts: seed / 3 % 2 == 1)
    for _ in 0..<300 { random.step() }
    for run in 0..<3 { random.cluster.handle(.runEnded(RunIdentifier("run \(run)"))) }
    while !random.cluster.running.isEmpty { random.finish() }
    for (host, devices) in random.cluster.held {
      for device in devices { random.cluster.handle(.deviceHeldElsewhere(host, device, false)) }
    }
    let cluster = random.cluster
    for host in cluster.hosts.values {
      let devices = host.devices.map { HostFree.Device(id: $0.id, milli: 1000, memory: $0.memory) }
      #expect(
        cluster.free[host.name] == HostFree(cpuMilli: host.cpuMilli, memory: host.memory, devices: devices))
    }
    #expect(cluster.scheduler.freeSemaphores.filter { $0.value != cluster.semaphores[$0.key] ?? 0 }.isEmpty)
    #expect(cluster.scheduler.nodes.count == 0 && cluster.scheduler.runs.order.isEmpty)
    #expect(cluster.scheduler.classes.waiting.isEmpty && cluster.scheduler.classes.openCount == 0)
    #expect(cluster.scheduler.reservation == nil)
  }

  @Test("nobody waits for what is free, unless it is kept for another", arguments: 0..<90)
  func workConserving(_ seed: Int) {
    var random = RandomCluster(
      seed: UInt64(seed), reservationDelay: Self.delays[seed % 3], sharesHosts: seed / 3 % 2 == 1)
    for step in 0..<300 {
      random.step()
      let cluster = random.cluster
      let kept = cluster.scheduler.reservation
      for (node, request) in cluster.queued where kept == nil || request.semaphores.isEmpty {
        for host in cluster.hosts.values where cluster.fits(request, on: host) {
          let isKept = kept.map { cluster.scheduler.hosts.capacity($0.hostSlot)?.name == host.name } ?? false
          #expect(isKept, "step \(step): \(node) fits on \(host.name) and waits")
        }
      }
    }
  }

  /// The sum was taken in another process: the order of a dictionary differs between processes.
  @Test("the same events give the same actions, in every process")
  func deterministic() {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    for seed in 0..<20 {
      var random = RandomCluster(seed: UInt64(seed), reservationDelay: Self.delays[seed % 3])
      for _ in 0..<300 { random.step() }
      for assignment in random.cluster.started {
        let text = "\(assignment.node) on \(assignment.host) with \(assignment.gpus.map(\.device))"
        for byte in text.utf8 { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
      }
    }
    #expect(sum == 3800509946477082319)
  }

  /// Every node runs for at most `longest`, nodes come as long as the test runs, and there are never enough hosts. A class whose turn it
  /// is gets a host on which all that ran before has ended after `longest`; before it come those that waited longer.
  @Test("no class waits for ever, however full it is", arguments: 0..<60)
  func boundedWaiting(_ seed: Int) {
    let delay: Int64 = seed % 2 == 0 ? 0 : 100
    let longest: Int64 = 50
    var random = RandomCluster(seed: UInt64(seed), reservationDelay: delay, changesHosts: false)
    var ends: [Int64: [NodeReference]] = [:]
    var known = 0
    var waiting: [ResourceRequest: Int64] = [:]
    var classes: Set<ResourceRequest> = []
    var worst: Int64 = 0
    for now in Int64(0)..<3000 {
      random.cluster.now = now
      for node in ends.removeValue(forKey: now) ?? [] { random.cluster.finish(node) }
      if random.cluster.queued.count < 60 { for _ in 0..<3 { random.ready() } }
      random.cluster.handle(.tick)
      for assignment in random.cluster.started[known...] {
        ends[now + Int64.random(in: 1...longest, using: &random.generator), default: []].append(assignment.node)
      }
      let started = Set(random.cluster.started[known...].compactMap { random.cluster.requests[$0.node] })
      known = random.cluster.started.count
      let queued = Set(random.cluster.queued.values)
      classes.formUnion(queued)
      waiting = waiting.filter { queued.contains($0.key) && !started.contains($0.key) }
      for request in queued where waiting[request] == nil { waiting[request] = now }
      worst = max(worst, waiting.values.map { now - $0 }.max() ?? 0)
    }
    #expect(worst <= delay + Int64(classes.count + 1) * longest, "\(worst) with \(classes.count) classes")
    #expect(known > 100)
  }

  /// Equal nodes, runs that always have more to do, and whatever ends: served per weight, no run is more than one of its own nodes ahead
  /// of any other.
  @Test("runs are served within one node of their fair share", arguments: 0..<60)
  func fairness(_ seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var cluster = Cluster(.init(reservationDelay: Self.delays[seed % 3]))
    let weights = (0..<Int.random(in: 2...5, using: &generator)).map { _ in Int.random(in: 1...4, using: &generator) }
    for (run, weight) in weights.enumerated() { cluster.run("r\(run)", weight: weight) }
    for host in 0..<Int.random(in: 1...3, using: &generator) {
      cluster.host("h\(host)", cpu: 1000 * Int.random(in: 2...12, using: &generator))
    }
    let one = ResourceRequest(cpuMilli: 1000)
    cluster.run("first")
    let all = cluster.hosts.values.reduce(0) { $0 + $1.cpuMilli / 1000 }
    let blockers = (0..<all).map { _ in cluster.ready(one, run: "first") }
    for index in 0..<(all * 40) {
      cluster.ready(one, run: "r\(index % weights.count)", rank: Int64.random(in: 0...500, using: &generator))
    }
    for node in blockers { cluster.finish(node) }
    for _ in 0..<(all * 5) {
      cluster.now += 1
      let running = cluster.running.keys.sorted { $0.description < $1.description }
      if let node = running.randomElement(using: &generator) { cluster.finish(node) }
      #expect(cluster.running.count == all)
      let used = weights.indices.map { cluster.count(run: "r\($0)") }
      for (one, weight) in weights.enumerated() {
        for (other, otherWeight) in weights.enumerated() {
          #expect(
            Double(used[one] - 1) / Double(weight) <= Double(used[other]) / Double(otherWeight) + 1e-9,
            "\(used) of weights \(weights)")
        }
      }
    }
  }

  /// The largest equal share that all could have at once, if nodes could be divided (progressive filling, NSDI 2011), against what whole
  /// nodes of the runs got. What is wasted by them is less than a node of each.
  @Test("dominant shares are near those of divisible nodes", arguments: 0..<60)
  func dominantShares(_ seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let capacity = (cpu: 100_000, memory: 1000)
    var cluster = Cluster()
    cluster.host("h", cpu: capacity.cpu, memory: capacity.memory)
    cluster.run("first")
    let blocker = cluster.ready(ResourceRequest(cpuMilli: capacity.cpu, memory: capacity.memory), run: "first")
    let requests = (0..<Int.random(in: 2...4, using: &generator)).map { _ in
      ResourceRequest(
        cpuMilli: Int.random(in: 100...5000, using: &generator), memory: Int.random(in: 1...50, using: &generator))
    }
    for (run, request) in requests.enumerated() {
      cluster.run("r\(run)")
      for _ in 0..<1000 { cluster.ready(request, run: "r\(run)") }
    }
    cluster.finish(blocker)
    let parts = requests.map {
      (cpu: Double($0.cpuMilli) / Double(capacity.cpu), memory: Double($0.memory) / Double(capacity.memory))
    }
    let dominant = parts.map { max($0.cpu, $0.memory) }
    // At equal dominant shares x, run i has x / dominant[i] nodes.
    let cpu = zip(parts, dominant).reduce(0) { $0 + $1.0.cpu / $1.1 }
    let memory = zip(parts, dominant).reduce(0) { $0 + $1.0.memory / $1.1 }
    let level = 1 / max(cpu, memory)
    let waste = parts.reduce(0) { $0 + max($1.cpu, $1.memory) } + (dominant.max() ?? 0)
    for run in requests.indices {
      let share = Double(cluster.count(run: "r\(run)")) * dominant[run]
      #expect(share >= level - waste, "\(share) of \(level)")
    }
  }
}
