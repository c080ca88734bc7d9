import Testing

@testable import Scheduling

@Suite("Hosts and semaphores come and go")
struct HostTests {
  private static let one = ResourceRequest(cpuMilli: 1000)

  @Test("refuses what no host could ever hold, and says what comes nearest")
  func tooLarge() throws {
    var cluster = Cluster()
    cluster.host("cpu", cpu: 8000, memory: 100)
    cluster.host("gpu", cpu: 4000, memory: 100, gpus: [40, 40])
    cluster.run("r")
    let node = cluster.ready(ResourceRequest(cpuMilli: 2000, gpu: .devices(count: 3)))
    #expect(
      cluster.refused[node]
        == .tooLarge(
          nearest: HostIdentifier("gpu"),
          shortages: [Shortage(resource: .gpus(memory: 0, profile: nil), needed: 3, available: 2, capacity: 2)]))
    #expect(
      cluster.refused[node]?.text
        == "no host has 3 GPUs, however empty: the host 'gpu', which comes nearest, has 2 GPUs")
    // Each is somewhere, but not both on one host.
    #expect(cluster.scheduler.refusal(of: ResourceRequest(cpuMilli: 8000, gpu: .devices(count: 1))) != nil)
    #expect(cluster.scheduler.refusal(of: ResourceRequest(gpu: .devices(count: 1, memory: 41))) != nil)
    #expect(cluster.scheduler.refusal(of: ResourceRequest(gpu: .share(milli: 1, memory: 41))) != nil)
    #expect(cluster.scheduler.refusal(of: ResourceRequest(cpuMilli: 4000, memory: 100, gpu: .devices(count: 2))) == nil)
  }

  @Test("refuses amounts that mean nothing")
  func invalid() {
    let cluster = Cluster.single(cpu: 8000, memory: 100, gpus: [40])
    let requests: [(ResourceRequest, Resource)] = [
      (ResourceRequest(cpuMilli: -1), .cpu), (ResourceRequest(cpuMilli: .max), .cpu),
      (ResourceRequest(memory: .min), .memory), (ResourceRequest(memory: .max), .memory),
      (ResourceRequest(gpu: .devices(count: 0)), .gpus(memory: 0, profile: nil)),
      (ResourceRequest(gpu: .devices(count: .max)), .gpus(memory: 0, profile: nil)),
      (ResourceRequest(gpu: .share(milli: 0)), .gpuShare(memory: 0)),
      (ResourceRequest(gpu: .share(milli: 1001)), .gpuShare(memory: 0)),
      (ResourceRequest(gpu: .share(milli: 1, memory: -1)), .gpuShare(memory: -1)),
      (ResourceRequest(semaphores: [SemaphoreName("s"): -1]), .semaphore(SemaphoreName("s"))),
    ]
    for (request, resource) in requests { #expect(cluster.scheduler.refusal(of: request) == .invalid(resource)) }
  }

  @Test("refuses without hosts, without a run, and the same node twice")
  func others() {
    var cluster = Cluster()
    cluster.run("r")
    #expect(cluster.refused[cluster.ready(Self.one)] == nil)
    #expect(cluster.refused.values.first == .noHosts)
    cluster.host("h", cpu: 1000)
    let stranger = cluster.ready(Self.one, run: "stranger")
    #expect(cluster.refused[stranger] == .unknownRun)
    let node = cluster.ready(Self.one)
    cluster.handle(.nodeReady(node, Self.one, rank: 0))
    #expect(cluster.refused[node] == .duplicate)
    #expect(cluster.hostOf(node) == "h", "it goes on")
  }

  @Test("semaphores: refused beyond what there is, waited for within it")
  func semaphores() {
    let name = SemaphoreName("license:matlab")
    var cluster = Cluster.single(cpu: 8000)
    let undeclared = cluster.ready(ResourceRequest(semaphores: [name: 1]))
    #expect(cluster.refused[undeclared] == .semaphore(name, needed: 1, capacity: 0))
    cluster.handle(.semaphoreChanged(name, count: 2))
    let many = cluster.ready(ResourceRequest(semaphores: [name: 3]))
    #expect(cluster.refused[many] == .semaphore(name, needed: 3, capacity: 2))
    let nodes = (0..<3).map { _ in cluster.ready(ResourceRequest(semaphores: [name: 1])) }
    #expect(cluster.hostOf(nodes[1]) != nil && cluster.isQueued(nodes[2]))
    cluster.finish(nodes[0])
    #expect(cluster.hostOf(nodes[2]) != nil)
    let next = cluster.ready(ResourceRequest(semaphores: [name: 2]))
    cluster.handle(.semaphoreChanged(name, count: 4))
    #expect(cluster.hostOf(next) != nil)
  }

  @Test("a unit of a semaphore that is given back on one host is taken on another")
  func semaphoresElsewhere() {
    let name = SemaphoreName("license:matlab")
    var cluster = Cluster.single(cpu: 1000)
    cluster.handle(.semaphoreChanged(name, count: 1))
    let holder = cluster.ready(ResourceRequest(cpuMilli: 500, semaphores: [name: 1]))
    cluster.host("other", cpu: 4000)
    let waiting = cluster.ready(ResourceRequest(cpuMilli: 2000, semaphores: [name: 1]))
    #expect(cluster.isQueued(waiting))
    cluster.finish(holder)
    #expect(cluster.hostOf(waiting) == "other")
  }

  @Test("a new host takes what waits")
  func added() {
    var cluster = Cluster.single(cpu: 1000)
    cluster.ready(Self.one)
    let waiting = cluster.ready(Self.one)
    #expect(cluster.isQueued(waiting))
    cluster.host("other", cpu: 1000)
    #expect(cluster.hostOf(waiting) == "other")
  }

  @Test("what ran on a host that has gone is lost, and its place isn't given back anywhere")
  func removed() {
    var cluster = Cluster.single(cpu: 2000)
    cluster.host("other", cpu: 2000)
    let nodes = (0..<4).map { _ in cluster.ready(Self.one) }
    let waiting = cluster.ready(Self.one)
    let gone = nodes.filter { cluster.hostOf($0) == "h" }
    cluster.handle(.hostRemoved(HostIdentifier("h")))
    #expect(cluster.lost == gone && gone.count == 2)
    for node in gone { cluster.finish(node) }
    #expect(cluster.isQueued(waiting))
    #expect(cluster.free[HostIdentifier("other")]?.cpuMilli == 0 && cluster.free.count == 1)
    cluster.host("new", cpu: 1000)
    #expect(cluster.hostOf(waiting) == "new")
  }

  @Test("a host that shrinks gets nothing until enough has ended, and one that grows gets more")
  func changed() {
    var cluster = Cluster.single(cpu: 4000, gpus: [1, 2, 3])
    let nodes = (0..<3).map { _ in cluster.ready(ResourceRequest(cpuMilli: 1000, gpu: .devices(count: 1))) }
    #expect(cluster.devices(nodes[1]) == ["gpu1"])
    // gpu1 comes first now, and the others are gone.
    let left = HostCapacity(
      name: HostIdentifier("h"), cpuMilli: 2000, memory: 0,
      devices: [GPUDevice(id: GPUIdentifier("gpu1"), memory: 2)])
    cluster.handle(.hostChanged(left))
    #expect(cluster.free[left.name]?.cpuMilli == -1000)
    #expect(cluster.free[left.name]?.devices.map(\.milli) == [0])
    let waiting = cluster.ready(ResourceRequest(cpuMilli: 1000, gpu: .devices(count: 1)))
    cluster.finish(nodes[0])
    cluster.finish(nodes[2])
    #expect(cluster.isQueued(waiting), "its GPU is taken")
    cluster.finish(nodes[1])
    #expect(cluster.devices(waiting) == ["gpu1"])
  }

  @Test("the end of a run withdraws what is queued; what runs is counted until it has ended")
  func endOfRun() {
    var cluster = Cluster.single(cpu: 1000)
    cluster.run("s")
    let running = cluster.ready(Self.one)
    cluster.ready(Self.one)
    let other = cluster.ready(Self.one, run: "s")
    cluster.handle(.runEnded(RunIdentifier("r")))
    #expect(cluster.isQueued(other))
    let late = cluster.ready(Self.one)
    #expect(cluster.refused[late] == .unknownRun)
    cluster.finish(running)
    #expect(cluster.hostOf(other) != nil && cluster.queued.isEmpty)
    cluster.run("r")
    #expect(cluster.refused[cluster.ready(Self.one)] == nil)
  }

  @Test("a node that is withdrawn is never started, and its place in the queue is nobody's")
  func withdrawn() {
    var cluster = Cluster.single(cpu: 1000)
    let running = cluster.ready(Self.one)
    let nodes = (0..<5).map { cluster.ready(Self.one, rank: Int64(10 - $0)) }
    for index in [0, 1, 3] { cluster.handle(.nodeWithdrawn(nodes[index])) }
    cluster.finish(running)
    #expect(cluster.hostOf(nodes[2]) != nil)
    cluster.finish(nodes[2])
    #expect(cluster.hostOf(nodes[4]) != nil)
    // One that runs isn't withdrawn.
    cluster.scheduler.handle(.nodeWithdrawn(nodes[4]), at: 0).forEach { Issue.record("\($0)") }
    #expect(cluster.free.values.first?.cpuMilli == 0)
  }

  @Test("thousands of different requests leave no trace of themselves")
  func boundedClasses() {
    var cluster = Cluster.single(cpu: 100_000)
    for index in 0..<5000 {
      let node = cluster.ready(ResourceRequest(cpuMilli: index + 1))
      cluster.finish(node)
    }
    #expect(cluster.scheduler.classes.count <= 600)
    #expect(cluster.scheduler.nodes.count == 0)
    #expect(cluster.started.count == 5000)
  }
}
