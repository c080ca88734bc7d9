import Testing

@testable import Scheduling

@Suite("Devices that other processes of a host have")
struct HeldDeviceTests {
  private static let one = ResourceRequest(gpu: .devices(count: 1))
  private static let host = HostIdentifier("h")

  private func hold(_ device: String, _ isHeld: Bool = true, in cluster: inout Cluster) {
    cluster.handle(.deviceHeldElsewhere(Self.host, GPUIdentifier(device), isHeld))
  }

  @Test("are given to nobody while others are free, and keep nobody from those")
  func others() {
    var cluster = Cluster.single(gpus: [40, 40])
    hold("gpu0", in: &cluster)
    #expect(cluster.lend(Self.one) == ["gpu1"])
    #expect(cluster.lend(ResourceRequest(gpu: .share(milli: 1))) == [], "the rest is held or taken")
  }

  @Test("make who could only have those wait, not fail, and say who has them")
  func waits() throws {
    var cluster = Cluster.single(gpus: [40, 80])
    hold("gpu1", in: &cluster)
    let large = cluster.ready(ResourceRequest(gpu: .devices(count: 1, memory: 80)))
    let both = cluster.ready(ResourceRequest(gpu: .devices(count: 2)))
    let share = cluster.ready(ResourceRequest(gpu: .share(milli: 500, memory: 41)))
    #expect(cluster.refused.isEmpty)
    #expect(
      cluster.scheduler.why(both)?.text()
        == "waits for 2 GPUs, 1 GPU free of 2 GPUs (another orchestrator has 1 GPU) on the host 'h', which comes nearest"
    )
    let reason = try #require(cluster.scheduler.why(share)?.text())
    #expect(reason.contains("0 of a GPU with 41 B free of 1 of a GPU with 41 B (another orchestrator has 1 of a GPU"))
    hold("gpu1", false, in: &cluster)
    #expect(cluster.devices(large) == ["gpu1"])
    #expect(cluster.isQueued(both) && cluster.isQueued(share))
  }

  @Test("stay theirs when the host changes, until they are given back")
  func hostChanges() {
    var cluster = Cluster.single(gpus: [40])
    hold("gpu0", in: &cluster)
    cluster.host("h", cpu: 1000, gpus: [40, 40])
    #expect(cluster.lend(Self.one) == ["gpu1"])
    let second = cluster.ready(Self.one)
    #expect(cluster.isQueued(second))
    hold("gpu0", false, in: &cluster)
    #expect(cluster.devices(second) == ["gpu0"])
  }

  @Test("don't make a device twice as free, though it is told twice")
  func twice() {
    var cluster = Cluster.single(gpus: [40])
    for isHeld in [true, true, false, false] { hold("gpu0", isHeld, in: &cluster) }
    #expect(cluster.lend(Self.one) == ["gpu0"])
    #expect(cluster.lend(Self.one) == [])
    #expect(cluster.free[Self.host]?.devices.map(\.milli) == [0])
  }

  @Test("a node that can't have what it was given goes back to its own place in the queue, with its age")
  func returned() {
    var cluster = Cluster.single(gpus: [40])
    let first = cluster.ready(Self.one)
    cluster.now = 100
    let others = (0..<3).map { _ in cluster.ready(Self.one) }
    #expect(cluster.devices(first) == ["gpu0"])
    hold("gpu0", in: &cluster)
    cluster.handle(.nodeReturned(first))
    #expect(cluster.isQueued(first) && cluster.scheduler.why(first)?.since == 0)
    hold("gpu0", false, in: &cluster)
    #expect(cluster.devices(first) == ["gpu0"], "it came first")
    cluster.finish(first)
    #expect(cluster.devices(others[0]) == ["gpu0"])
  }

  @Test("a node that can't have what it was given has another device at once, where one is free")
  func anotherDevice() {
    var cluster = Cluster.single(gpus: [40, 40])
    let node = cluster.ready(Self.one)
    #expect(cluster.devices(node) == ["gpu0"])
    hold("gpu0", in: &cluster)
    cluster.handle(.nodeReturned(node))
    #expect(cluster.devices(node) == ["gpu1"])
  }

  @Test("a node whose run has ended doesn't come back")
  func returnedTooLate() {
    var cluster = Cluster.single(gpus: [40])
    let node = cluster.ready(Self.one)
    cluster.handle(.runEnded(RunIdentifier("r")))
    cluster.handle(.nodeReturned(node))
    #expect(cluster.scheduler.nodes.count == 0)
  }
}
