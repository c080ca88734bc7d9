import Testing

@testable import Scheduling

@Suite("A node goes where it fits best")
struct PlacementTests {
  @Test("gives exactly what was asked for, and takes it back")
  func exact() throws {
    var cluster = Cluster.single(cpu: 4000, memory: 1000, gpus: [80, 80])
    let node = cluster.ready(ResourceRequest(cpuMilli: 1500, memory: 300, gpu: .devices(count: 1, memory: 40)))
    let assignment = try #require(cluster.running[node])
    #expect(assignment.host.text == "h")
    #expect(assignment.cpuMilli == 1500 && assignment.memory == 300)
    #expect(assignment.gpus == [GPUGrant(device: GPUIdentifier("gpu0"), milli: 1000, memory: 80)])
    let host = try #require(cluster.hosts.values.first)
    #expect(cluster.free[host.name] == cluster.left(on: host))
    cluster.finish(node)
    #expect(cluster.free[host.name] == cluster.left(on: host))
    #expect(cluster.free[host.name]?.cpuMilli == 4000)
  }

  @Test("takes the host on which least is left")
  func bestFit() {
    var cluster = Cluster()
    cluster.host("large", cpu: 16_000, memory: 100)
    cluster.host("small", cpu: 4000, memory: 100)
    cluster.run("r")
    #expect(cluster.place(ResourceRequest(cpuMilli: 2000)) == "small")
    #expect(cluster.place(ResourceRequest(cpuMilli: 3000)) == "large")
    #expect(cluster.place(ResourceRequest(cpuMilli: 2000)) == "small")
  }

  @Test("leaves hosts with GPUs to those who need them")
  func noGPU() {
    var cluster = Cluster()
    cluster.host("gpu", cpu: 4000, gpus: [80])
    cluster.host("plain", cpu: 4000)
    cluster.run("r")
    #expect(cluster.place(ResourceRequest(cpuMilli: 1000)) == "plain")
  }

  @Test("puts shares onto a GPU that is shared already, and never beyond 1000 thousandths or its memory")
  func shares() {
    var cluster = Cluster.single(cpu: 64_000, gpus: [80, 80])
    let share = ResourceRequest(cpuMilli: 100, gpu: .share(milli: 400, memory: 10))
    let nodes = (0..<5).map { _ in cluster.ready(share) }
    #expect(cluster.devices(nodes[0]) == cluster.devices(nodes[1]))
    #expect(cluster.devices(nodes[2]) == cluster.devices(nodes[3]))
    #expect(cluster.devices(nodes[0]) != cluster.devices(nodes[2]))
    #expect(cluster.isQueued(nodes[4]), "200 thousandths are left of each")
    let hungry = ResourceRequest(gpu: .share(milli: 100, memory: 61))
    #expect(cluster.place(hungry) == nil, "60 bytes are left of each")
  }

  @Test("shares don't add up over GPUs")
  func sharesOfOne() {
    var cluster = Cluster.single(cpu: 64_000, gpus: [80, 80])
    let most = ResourceRequest(gpu: .share(milli: 501))
    let nodes = (0..<3).map { _ in cluster.ready(most) }
    #expect(cluster.devices(nodes[0]) != cluster.devices(nodes[1]) && cluster.isQueued(nodes[2]))
  }

  @Test("a whole GPU is one that nobody shares, with as much memory as was asked for; the smallest that does")
  func whole() {
    var cluster = Cluster.single(cpu: 64_000, gpus: [80, 40, 40])
    #expect(cluster.lend(ResourceRequest(gpu: .devices(count: 1, memory: 30))) == ["gpu1"])
    #expect(cluster.lend(ResourceRequest(gpu: .share(milli: 10, memory: 50))) == ["gpu0"])
    #expect(cluster.place(ResourceRequest(gpu: .devices(count: 1, memory: 50))) == nil)
    #expect(cluster.lend(ResourceRequest(gpu: .devices(count: 1))) == ["gpu2"])
  }

  @Test("instances of MIG are devices: by their size, or any; never shared")
  func instances() {
    var cluster = Cluster.single(cpu: 64_000, mig: ["1g.10gb", "3g.40gb", "1g.10gb"])
    let large = ResourceRequest(gpu: .devices(count: 1, profile: MIGProfile("3g.40gb")))
    #expect(cluster.lend(large) == ["mig1"])
    #expect(cluster.place(large) == nil)
    #expect(cluster.lend(ResourceRequest(gpu: .devices(count: 2))) == ["mig0", "mig2"])
    let shared = cluster.ready(ResourceRequest(gpu: .share(milli: 100)))
    #expect(cluster.refused[shared] != nil)
  }

  @Test("keeps room for what nodes usually ask for")
  func room() {
    let four = ResourceRequest(cpuMilli: 1000, gpu: .devices(count: 4))
    var cluster = Cluster(
      .init(reservationDelay: 1_000_000_000, workload: TypicalWorkload([.init(request: four, weight: 1)])))
    // By best fit alone, the fuller host would be taken, and no host would have four GPUs any more.
    cluster.host("four", cpu: 8000, gpus: [80, 80, 80, 80])
    cluster.host("seven", cpu: 64_000, gpus: [80, 80, 80, 80, 80, 80, 80])
    cluster.run("r")
    #expect(cluster.place(ResourceRequest(cpuMilli: 1000, gpu: .devices(count: 1))) == "seven")
  }

  @Test("what is typical is learned from what comes")
  func learning() {
    var history = WorkloadHistory()
    let common = ResourceRequest(cpuMilli: 1000, memory: 5, gpu: .share(milli: 500))
    let rare = ResourceRequest(cpuMilli: 2000, gpu: .devices(count: 2))
    var learned: [TypicalWorkload] = []
    for index in 0..<32 {
      if let workload = history.record(index % 4 == 0 ? rare : common) { learned.append(workload) }
      #expect(history.record(ResourceRequest(cpuMilli: 1)) == nil, "it needs no GPU")
    }
    #expect(learned.count == 2)
    #expect(learned.last?.kinds.map(\.weight) == [24, 8])
    #expect(learned.last?.kinds.first?.request == ResourceRequest(cpuMilli: 1000, gpu: .share(milli: 500)))
  }

  @Test("what is learned stays bounded, however many different nodes come")
  func boundedLearning() {
    var history = WorkloadHistory()
    for index in 0..<200_000 {
      let request = ResourceRequest(cpuMilli: index, gpu: .devices(count: 1))
      if let workload = history.record(request) { #expect(workload.kinds.count <= TypicalWorkload.mostKinds) }
    }
    let common = ResourceRequest(cpuMilli: 7, gpu: .devices(count: 1))
    var last: TypicalWorkload?
    for _ in 0..<200_000 { last = history.record(common) ?? last }
    #expect(last?.kinds.first?.request == common)
  }

  @Test("counts how many typical nodes a host could still take")
  func score() {
    let workload = TypicalWorkload([
      .init(request: ResourceRequest(cpuMilli: 1000, gpu: .share(milli: 300)), weight: 3),
      .init(request: ResourceRequest(cpuMilli: 2000, gpu: .devices(count: 2)), weight: 1),
    ])
    let score = PlacementScore(workload)
    let devices = (0..<4).map { GPUDevice(id: GPUIdentifier("\($0)"), memory: 0) }
    var state = HostState(HostCapacity(name: HostIdentifier("h"), cpuMilli: 10_000, memory: 0, devices: devices))
    // Ten shares by the processors, twelve by the GPUs; two pairs.
    #expect(abs(score.room(on: state) - (0.75 * 10 + 0.25 * 2)) < 1e-5)
    state.take(HostClaim(ResourceRequest(cpuMilli: 1500, gpu: .share(milli: 500)), chosen: [1], on: state))
    // Eight by the processors, ten by the GPUs; one pair.
    #expect(abs(score.room(on: state) - (0.75 * 8 + 0.25 * 1)) < 1e-5)
  }

  @Test("instances of MIG count as room too")
  func instanceRoom() {
    let small = ResourceRequest(cpuMilli: 1000, gpu: .devices(count: 1, profile: MIGProfile("1g")))
    var cluster = Cluster(
      .init(reservationDelay: 1_000_000_000, workload: TypicalWorkload([.init(request: small, weight: 1)])))
    cluster.host("small", cpu: 4000, mig: ["1g", "1g"])
    cluster.host("large", cpu: 64_000, mig: ["2g", "2g", "2g"])
    cluster.run("r")
    #expect(cluster.place(ResourceRequest(cpuMilli: 100, gpu: .devices(count: 1))) == "large")
  }
}
