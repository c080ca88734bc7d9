import Testing

@testable import Scheduling

@Suite("Nothing starves")
struct ReservationTests {
  private static let small = ResourceRequest(cpuMilli: 1000)
  private static let large = ResourceRequest(cpuMilli: 4000)

  /// Small nodes come without end, each runs for 40 ms, and a large one waits.
  /// - Returns: when the large one was started.
  private func wait(delay: Int64, hosts: Int = 1) -> Int64? {
    var cluster = Cluster(.init(reservationDelay: delay))
    for index in 0..<hosts { cluster.host("h\(index)", cpu: 4000) }
    cluster.run("r")
    cluster.run("s")
    var ends: [Int64: [NodeReference]] = [:]
    var large: NodeReference?
    for now in Int64(0)..<1000 {
      cluster.now = now
      for node in ends.removeValue(forKey: now) ?? [] { cluster.finish(node) }
      cluster.handle(.tick)
      if now % 10 == 0 { for _ in 0..<hosts { cluster.ready(Self.small, run: "s") } }
      if now == 100 { large = cluster.ready(Self.large) }
      for (node, start) in cluster.startTimes where start == now { ends[now + 40, default: []].append(node) }
      if let large, let start = cluster.startTimes[large] { return start }
    }
    return nil
  }

  @Test("a large node gets its place though small ones come without end, and only by the reservation")
  func starvation() throws {
    #expect(wait(delay: 10_000) == nil, "the small ones alone would keep it waiting")
    #expect(try #require(wait(delay: 0)) <= 140)
    #expect(try #require(wait(delay: 200)) <= 340)
    #expect(try #require(wait(delay: 50, hosts: 3)) <= 190)
  }

  @Test("says when a tick is due")
  func tick() {
    var cluster = Cluster(.init(reservationDelay: 50))
    cluster.host("h", cpu: 4000)
    cluster.run("r")
    #expect(cluster.scheduler.nextTick == nil)
    cluster.ready(Self.small)
    cluster.now = 7
    cluster.ready(Self.large)
    #expect(cluster.scheduler.nextTick == 57)
    cluster.now = 56
    cluster.handle(.tick)
    #expect(cluster.scheduler.reservation == nil)
    cluster.now = 57
    cluster.handle(.tick)
    #expect(cluster.scheduler.reservation != nil && cluster.scheduler.nextTick == nil)
  }

  @Test("others are started beside a reservation, as far as they don't delay it")
  func backfill() {
    var cluster = Cluster(.init(reservationDelay: 0))
    cluster.host("h", cpu: 8000)
    cluster.run("r")
    let first = cluster.ready(ResourceRequest(cpuMilli: 5000))
    let waiting = cluster.ready(ResourceRequest(cpuMilli: 6000))
    // 2000 are left beside the one that waits.
    let beside = cluster.ready(Self.small)
    let also = cluster.ready(Self.small)
    let tooMany = cluster.ready(Self.small)
    #expect(cluster.hostOf(beside) != nil && cluster.hostOf(also) != nil && cluster.isQueued(tooMany))
    cluster.finish(beside)
    #expect(cluster.hostOf(tooMany) != nil, "what was taken beside it can be taken again")
    #expect(cluster.isQueued(waiting))
    cluster.finish(first)
    #expect(cluster.hostOf(waiting) != nil, "the others still run")
  }

  @Test("GPUs are kept by id, and shares of them")
  func gpus() {
    var cluster = Cluster(.init(reservationDelay: 0))
    cluster.host("h", cpu: 100_000, gpus: [0, 0, 0])
    cluster.run("r")
    let share = ResourceRequest(gpu: .share(milli: 500))
    let first = cluster.ready(share)
    let second = cluster.ready(ResourceRequest(gpu: .devices(count: 1)))
    let waiting = cluster.ready(ResourceRequest(gpu: .devices(count: 2)))
    #expect(cluster.isQueued(waiting))
    // The free one is kept, and one more; the third is anybody's.
    let others = (0..<4).map { _ in cluster.ready(share) }
    let started = others.filter { cluster.hostOf($0) != nil }
    #expect(started.count <= 1, "\(started.flatMap { cluster.devices($0) })")
    cluster.finish(second)
    cluster.finish(first)
    #expect(cluster.devices(waiting).count == 2)
  }

  @Test("semaphores are kept too")
  func semaphores() {
    let name = SemaphoreName("license:matlab")
    var cluster = Cluster(.init(reservationDelay: 0))
    cluster.host("h", cpu: 100_000)
    cluster.run("r")
    cluster.handle(.semaphoreChanged(name, count: 3))
    let one = ResourceRequest(cpuMilli: 1, semaphores: [name: 1])
    let first = [cluster.ready(one), cluster.ready(one)]
    let waiting = cluster.ready(ResourceRequest(cpuMilli: 1, semaphores: [name: 3]))
    #expect(cluster.place(one) == nil, "one unit is free, and kept")
    #expect(cluster.place(ResourceRequest(cpuMilli: 1)) != nil)
    cluster.finish(first[0])
    cluster.finish(first[1])
    #expect(cluster.hostOf(waiting) != nil)
  }

  @Test("the reservation moves to a host that comes nearer")
  func moving() {
    var cluster = Cluster(.init(reservationDelay: 0))
    cluster.host("a", cpu: 4000)
    cluster.host("b", cpu: 4000)
    cluster.run("r")
    let halves = (0..<4).map { _ in cluster.ready(ResourceRequest(cpuMilli: 2000)) }
    let onA = halves.filter { cluster.hostOf($0) == "a" }
    let onB = halves.filter { cluster.hostOf($0) == "b" }
    let waiting = cluster.ready(Self.large)
    #expect(cluster.scheduler.reservation.map { cluster.scheduler.hosts.capacity($0.hostSlot)?.name.text } == "a")
    cluster.finish(onB[0])
    #expect(cluster.scheduler.reservation.map { cluster.scheduler.hosts.capacity($0.hostSlot)?.name.text } == "b")
    cluster.finish(onA[0])
    #expect(cluster.place(ResourceRequest(cpuMilli: 2000)) == "a", "it is kept no more")
    cluster.finish(onB[1])
    #expect(cluster.hostOf(waiting) == "b")
  }

  @Test("where a reservation moves from, and beside it where it moves to, there is room for others at once")
  func roomOnBoth() {
    var cluster = Cluster(.init(reservationDelay: 0))
    cluster.host("a", cpu: 4000)
    cluster.run("r")
    cluster.ready(ResourceRequest(cpuMilli: 3000))
    cluster.host("b", cpu: 5000)
    let most = cluster.ready(ResourceRequest(cpuMilli: 3500))
    cluster.ready(ResourceRequest(cpuMilli: 1500))
    let waiting = cluster.ready(Self.large)
    #expect(cluster.scheduler.reservation.map { cluster.scheduler.hosts.capacity($0.hostSlot)?.name.text } == "a")
    let others = (0..<3).map { _ in cluster.ready(Self.small) }
    #expect(others.allSatisfy { cluster.isQueued($0) })
    cluster.finish(most)
    #expect(Set(others.compactMap { cluster.hostOf($0) }) == ["a", "b"])
    #expect(cluster.isQueued(waiting) && cluster.queued.count == 2)
  }

  @Test("a host or a semaphore that only says again what it has changes nothing")
  func saidAgain() throws {
    let name = SemaphoreName("license:matlab")
    var cluster = Cluster(.init(reservationDelay: 0))
    cluster.host("h", cpu: 4000, gpus: [1])
    cluster.handle(.semaphoreChanged(name, count: 1))
    cluster.run("r")
    cluster.ready(Self.small)
    cluster.ready(Self.large)
    let made = try #require(cluster.scheduler.reservation?.serial)
    cluster.host("h", cpu: 4000, gpus: [1])
    cluster.handle(.semaphoreChanged(name, count: 1))
    #expect(cluster.scheduler.reservation?.serial == made)
    cluster.handle(.semaphoreChanged(name, count: 2))
    #expect(cluster.scheduler.reservation?.serial != made)
  }

  @Test("a reservation ends with the last node that it is for")
  func withdrawn() {
    var cluster = Cluster(.init(reservationDelay: 0))
    cluster.host("h", cpu: 4000)
    cluster.run("r")
    cluster.ready(ResourceRequest(cpuMilli: 3000))
    let waiting = cluster.ready(Self.large)
    let behind = cluster.ready(Self.small)
    #expect(cluster.isQueued(behind))
    cluster.handle(.nodeWithdrawn(waiting))
    #expect(cluster.hostOf(behind) != nil)
  }
}
