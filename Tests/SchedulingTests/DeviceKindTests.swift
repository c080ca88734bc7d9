import Testing

@testable import Scheduling

@Suite("Kinds of devices")
struct DeviceKindTests {
  private func cluster(_ kinds: [String]) -> Cluster {
    var cluster = Cluster()
    let devices = kinds.enumerated().map { GPUDevice(id: GPUIdentifier("g\($0.offset)"), memory: 8, kind: $0.element) }
    cluster.handle(
      .hostChanged(HostCapacity(name: HostIdentifier("h"), cpuMilli: 0, memory: 0, devices: devices)))
    cluster.run("r")
    return cluster
  }

  @Test("one node has devices of one kind: of the first by name that has enough in all")
  func oneKind() {
    var cluster = cluster(["nvidia", "amd", "nvidia", "nvidia"])
    #expect(cluster.lend(ResourceRequest(gpu: .devices(count: 2))) == ["g0", "g2"])
    #expect(cluster.lend(ResourceRequest(gpu: .share(milli: 500))) == ["g1"])
    let one = cluster.ready(ResourceRequest(gpu: .devices(count: 1)))
    #expect(cluster.isQueued(one), "an equal node had one of amd before, and the next will have")
    let four = cluster.ready(ResourceRequest(gpu: .devices(count: 4)))
    #expect(cluster.refused[four]?.text.contains("has 3 GPUs") == true)
  }

  @Test("an instance is never shared, whether its size is known or not")
  func instances() {
    var cluster = Cluster()
    let devices = [GPUDevice(id: GPUIdentifier("0:1"), memory: 8, isInstance: true)]
    cluster.handle(
      .hostChanged(HostCapacity(name: HostIdentifier("h"), cpuMilli: 0, memory: 0, devices: devices)))
    cluster.run("r")
    let share = cluster.ready(ResourceRequest(gpu: .share(milli: 1)))
    #expect(cluster.refused[share] != nil)
    #expect(cluster.lend(ResourceRequest(gpu: .devices(count: 1))) == ["0:1"])
  }
}
