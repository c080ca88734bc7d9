import Testing

@testable import Scheduling

@Suite("What a node says it waits for is true")
struct WaitingPropertyTests {
  @Test(
    "the numbers are those of the books, and without the shortage the node starts or names another", arguments: 0..<48)
  func truth(_ seed: Int) throws {
    var random = RandomCluster(seed: UInt64(seed), reservationDelay: [0, 60, 1_000_000_000][seed % 3])
    for _ in 0..<120 {
      random.step()
      let queued = random.cluster.queued.keys.sorted { $0.description < $1.description }
      for node in Set([queued.first, queued.last].compactMap(\.self)) {
        let reason = try #require(random.cluster.scheduler.why(node))
        for cause in reason.causes { check(cause, of: node, random.cluster) }
        #expect(!reason.causes.isEmpty && !reason.text().isEmpty)
        try remove(try #require(reason.causes.first), of: node, random.cluster)
      }
    }
  }

  @Test("the seeds make nodes wait for everything that there is to wait for")
  func coverage() {
    var seen: [String: Int] = [:]
    for seed in 0..<60 {
      var random = RandomCluster(seed: UInt64(seed), reservationDelay: [0, 60, 1_000_000_000][seed % 3])
      for _ in 0..<120 {
        random.step()
        for node in random.cluster.queued.keys {
          for cause in random.cluster.scheduler.why(node)?.causes ?? [] { seen[name(of: cause), default: 0] += 1 }
        }
      }
    }
    for name in ["impossible", "resources", "semaphores", "reserved", "fairness", "priority"] {
      #expect(seen[name, default: 0] > 20, "\(name): \(seen)")
    }
  }

  private func name(of cause: WaitingReason.Cause) -> String {
    switch cause {
    case .impossible: "impossible"
    case .resources: "resources"
    case .semaphores: "semaphores"
    case .reserved: "reserved"
    case .fairness: "fairness"
    case .priority: "priority"
    }
  }

  /// By the books alone.
  private func check(_ cause: WaitingReason.Cause, of node: NodeReference, _ cluster: Cluster) {
    guard let request = cluster.queued[node] else { return }
    switch cause {
    case .resources(let name, let shortages):
      guard let host = cluster.hosts[name] else {
        Issue.record("there is no host \(name)")
        return
      }
      let bare = ResourceRequest(cpuMilli: request.cpuMilli, memory: request.memory, gpu: request.gpu)
      #expect(!shortages.isEmpty && !cluster.fits(bare, on: host))
      for shortage in shortages { check(shortage, request, host, cluster) }
    case .semaphores(let shortages):
      for shortage in shortages {
        guard case .semaphore(let name) = shortage.resource else { continue }
        #expect(shortage.available == cluster.left(of: name) && shortage.needed > shortage.available)
        #expect(request.semaphores.contains(SemaphoreClaim(name: name, count: shortage.needed)))
      }
    case .reserved(let name, let other, _):
      #expect(cluster.hosts[name].map { cluster.fits(request, on: $0) } == true)
      #expect(cluster.queued.values.contains(other) && other != request)
    case .fairness(let run, let its, let own):
      #expect(its <= own && run != node.run)
      #expect(cluster.queued.contains { $0.key.run == run && $0.value == request })
    case .priority(let other):
      #expect(other.run == node.run && other != node && cluster.queued[other] == request)
    case .impossible:
      let whole = Set(cluster.hosts.values.map(\.name)).count
      #expect(whole == cluster.hosts.count && cluster.scheduler.refusal(of: request) != nil)
    }
  }

  private func check(_ shortage: Shortage, _ request: ResourceRequest, _ host: HostCapacity, _ cluster: Cluster) {
    let left = cluster.left(on: host)
    #expect(shortage.needed > shortage.available)
    switch shortage.resource {
    case .cpu: #expect(shortage.available == left.cpuMilli && shortage.needed == request.cpuMilli)
    case .memory: #expect(shortage.available == left.memory && shortage.needed == request.memory)
    case .gpus(let memory, let profile):
      let free = zip(host.devices, left.devices).count { device, left in
        left.milli == 1000 && device.memory >= memory && (profile == nil || device.profile == profile)
      }
      #expect(shortage.available == free)
    case .gpuShare: #expect(host.devices.contains { $0.profile == nil })
    case .semaphore: Issue.record("a semaphore is nothing of a host")
    }
    for holder in shortage.holders {
      #expect(cluster.running[holder.node]?.host == host.name && holder.amount > 0)
    }
  }

  /// There are as many new hosts as nodes that wait, or units of semaphores: the node must start, or lack something else.
  private func remove(_ cause: WaitingReason.Cause, of node: NodeReference, _ cluster: Cluster) throws {
    var cluster = cluster
    switch cause {
    case .resources, .impossible(.tooLarge), .reserved:
      for index in 0..<(cluster.queued.count + 1) {
        let devices = (0..<4).map { GPUDevice(id: GPUIdentifier("new\($0)"), memory: 8) }
        let instances = (4..<8).map { GPUDevice(id: GPUIdentifier("new\($0)"), memory: 8, profile: MIGProfile("1g")) }
        cluster.handle(
          .hostChanged(
            HostCapacity(
              name: HostIdentifier("new\(index)"), cpuMilli: 10_000, memory: 100, devices: devices + instances)))
      }
    case .semaphores(let shortages):
      for case .semaphore(let name) in shortages.map(\.resource) {
        cluster.handle(.semaphoreChanged(name, count: 10_000))
      }
    case .impossible(.semaphore(let name, _, _)): cluster.handle(.semaphoreChanged(name, count: 10_000))
    case .impossible, .fairness, .priority:
      Issue.record("\(cause) alone")
      return
    }
    guard cluster.isQueued(node) else { return }
    let other = try #require(cluster.scheduler.why(node)?.causes.first)
    switch (cause, other) {
    case (.resources, .semaphores), (.resources, .impossible(.semaphore)), (.reserved, .semaphores): break
    case (.reserved, .reserved), (.resources, .reserved): break
    case (.semaphores, .resources), (.semaphores, .reserved), (.semaphores, .impossible(.tooLarge)): break
    case (.semaphores(let before), .semaphores(let after)):
      #expect(Set(before.map(\.resource)).isDisjoint(with: after.map(\.resource)))
    case (.impossible, .semaphores), (.impossible, .resources), (.impossible, .reserved): break
    case (.impossible(let before), .impossible(let after)): #expect(before != after)
    default: Issue.record("\(cause), and then \(other)")
    }
  }
}
