import Testing

@testable import Scheduling

@Suite("Every queued node says what it waits for")
struct WaitingTests {
  @Test("what is missing, how much, where it comes nearest, and who has it")
  func resources() throws {
    var cluster = Cluster()
    cluster.host("full", cpu: 4000, memory: 1 << 30, gpus: [0, 0])
    cluster.host("nearer", cpu: 4000, memory: 1 << 30, gpus: [0, 0])
    cluster.run("r")
    let big = cluster.ready(ResourceRequest(cpuMilli: 4000, gpu: .devices(count: 2)))
    let half = cluster.ready(ResourceRequest(cpuMilli: 2500, gpu: .devices(count: 1)))
    let waiting = cluster.ready(ResourceRequest(cpuMilli: 2000, memory: 1 << 29, gpu: .devices(count: 2)))
    #expect(cluster.hostOf(big) == "full" && cluster.hostOf(half) == "nearer")
    let reason = try #require(cluster.scheduler.why(waiting))
    #expect(
      reason.causes == [
        .resources(
          host: HostIdentifier("nearer"),
          [
            Shortage(
              resource: .cpu, needed: 2000, available: 1500, capacity: 4000, holders: [.init(node: half, amount: 2500)]),
            Shortage(
              resource: .gpus(memory: 0, profile: nil), needed: 2, available: 1, capacity: 2,
              holders: [.init(node: half, amount: 1)]),
          ])
      ])
    #expect(
      reason.text { "node \($0.node)" }
        == "waits for 2 CPU, 1.5 CPU free of 4 CPU (node 1 has 2.5 CPU) and 2 GPUs, 1 GPU free of 2 GPUs (node 1 has 1 GPU)"
        + " on the host 'nearer', which comes nearest")
    #expect(cluster.scheduler.why(big) == nil, "it runs")
  }

  @Test("shares of GPUs, and instances")
  func devices() throws {
    var cluster = Cluster.single(cpu: 8000, gpus: [1 << 30], mig: ["1g"])
    let shared = cluster.ready(ResourceRequest(gpu: .share(milli: 700, memory: 1 << 29)))
    cluster.ready(ResourceRequest(gpu: .devices(count: 1, profile: MIGProfile("1g"))))
    let share = cluster.ready(ResourceRequest(gpu: .share(milli: 500, memory: 1 << 28)))
    let instance = cluster.ready(ResourceRequest(gpu: .devices(count: 1, profile: MIGProfile("1g"))))
    #expect(
      cluster.scheduler.why(share)?.causes == [
        .resources(
          host: HostIdentifier("h"),
          [
            Shortage(
              resource: .gpuShare(memory: 1 << 28), needed: 500, available: 300, capacity: 1000,
              holders: [.init(node: shared, amount: 700)])
          ])
      ])
    let text = try #require(cluster.scheduler.why(instance)?.text())
    #expect(text.hasPrefix("waits for 1 MIG '1g', 0 MIG '1g' free of 1 MIG '1g' ('r' node 1 has 1 MIG '1g')"))
  }

  @Test("semaphores")
  func semaphores() throws {
    let name = SemaphoreName("license:matlab")
    var cluster = Cluster.single(cpu: 8000)
    cluster.handle(.semaphoreChanged(name, count: 2))
    let holder = cluster.ready(ResourceRequest(semaphores: [name: 2]))
    let waiting = cluster.ready(ResourceRequest(semaphores: [name: 1]))
    #expect(
      cluster.scheduler.why(waiting)?.causes == [
        .semaphores([
          Shortage(
            resource: .semaphore(name), needed: 1, available: 0, capacity: 2,
            holders: [.init(node: holder, amount: 2)])
        ])
      ])
    #expect(
      cluster.scheduler.why(waiting)?.text { "node \($0.node)" }
        == "waits for 1 of 'license:matlab', 0 of 'license:matlab' free of 2 of 'license:matlab'"
        + " (node 0 has 2 of 'license:matlab')")
  }

  @Test("a reservation")
  func reservation() {
    var cluster = Cluster(.init(reservationDelay: 0))
    cluster.host("h", cpu: 4000)
    cluster.run("r")
    cluster.ready(ResourceRequest(cpuMilli: 2000))
    cluster.ready(ResourceRequest(cpuMilli: 4000))
    let behind = cluster.ready(ResourceRequest(cpuMilli: 1000))
    let cause = WaitingReason.Cause.reserved(
      host: HostIdentifier("h"), for: ResourceRequest(cpuMilli: 4000), since: 0)
    #expect(cluster.scheduler.why(behind)?.causes == [cause])
    #expect(
      cluster.scheduler.why(behind)?.text()
        == "there is room on the host 'h', which is kept for a node that has waited longer and needs 4 CPU")
  }

  @Test("who of the same class comes before it")
  func turn() {
    var cluster = Cluster.single(cpu: 2000)
    cluster.run("s")
    let one = ResourceRequest(cpuMilli: 1000)
    cluster.ready(one)
    cluster.ready(one)
    let late = cluster.ready(one, rank: 1)
    let urgent = cluster.ready(one, rank: 2)
    #expect(cluster.scheduler.why(urgent)?.causes.count == 1)
    #expect(cluster.scheduler.why(late)?.causes.last == .priority(ahead: urgent))
    let other = cluster.ready(one, run: "s")
    #expect(cluster.scheduler.why(other)?.causes.count == 1)
    #expect(
      cluster.scheduler.why(urgent)?.causes.last
        == .fairness(ahead: RunIdentifier("s"), itsShare: 0, ownShare: 1))
    #expect(
      cluster.scheduler.why(urgent)?.text().hasSuffix(
        "the run 's' comes first: it has 0.0 % of its share, this one 100.0 %") == true)
  }

  @Test("that the host that could hold it has gone")
  func impossible() {
    var cluster = Cluster.single(cpu: 1000)
    cluster.host("large", cpu: 4000)
    let holder = cluster.ready(ResourceRequest(cpuMilli: 4000))
    let waiting = cluster.ready(ResourceRequest(cpuMilli: 2000))
    #expect(cluster.hostOf(holder) == "large")
    cluster.handle(.hostRemoved(HostIdentifier("large")))
    guard case .impossible(.tooLarge(let nearest, _)) = cluster.scheduler.why(waiting)?.causes.first else {
      Issue.record("\(String(describing: cluster.scheduler.why(waiting)))")
      return
    }
    #expect(nearest.text == "h")
    cluster.host("large", cpu: 4000)
    #expect(cluster.hostOf(waiting) == "large")
  }

  @Test("amounts are written as people write them, and names harmlessly")
  func text() {
    #expect(Resource.thousandths(-1050) == "-1.05" && Resource.thousandths(2000) == "2")
    #expect(Resource.bytes(512 << 20) == "512Mi" && Resource.bytes(100) == "100 B" && Resource.bytes(0) == "0Mi")
    let request = ResourceRequest(
      cpuMilli: 500, memory: 1 << 30, gpu: .share(milli: 250, memory: 1 << 30),
      semaphores: [SemaphoreName("a\u{1B}[2J"): 2])
    #expect(request.text == "0.5 CPU, 1024Mi, 0.25 of a GPU with 1024Mi, 2 of 'a\\u{1b}[2J'")
    #expect(ResourceRequest().text == "nothing")
  }
}
