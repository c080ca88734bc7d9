import Testing

@testable import Scheduling

@Suite("Who is next")
struct OrderTests {
  private static let one = ResourceRequest(cpuMilli: 1000)

  @Test("within a run, the longest path comes first")
  func rank() {
    var cluster = Cluster.single(cpu: 1000)
    let first = cluster.ready(Self.one)
    let short = cluster.ready(Self.one, rank: 10)
    let long = cluster.ready(ResourceRequest(cpuMilli: 900), rank: 20)
    cluster.finish(first)
    #expect(cluster.hostOf(long) != nil && cluster.isQueued(short))
  }

  @Test("whoever waits longer comes first in the end, whatever its rank")
  func age() {
    var cluster = Cluster.single(cpu: 1000)
    let first = cluster.ready(Self.one)
    let old = cluster.ready(Self.one, rank: 0)
    cluster.now = 1000
    let urgent = cluster.ready(Self.one, rank: 999)
    cluster.finish(first)
    #expect(cluster.hostOf(old) != nil && cluster.isQueued(urgent))
  }

  @Test("between runs, the one with less comes first, whatever the ranks")
  func fairness() {
    var cluster = Cluster.single(cpu: 4000)
    cluster.run("s")
    let mine = (0..<8).map { _ in cluster.ready(Self.one, rank: 1_000_000) }
    let other = (0..<8).map { _ in cluster.ready(Self.one, run: "s") }
    #expect(cluster.count(run: "r") == 4)
    cluster.finish(mine[0])
    cluster.finish(mine[1])
    #expect(cluster.count(run: "r") == 2 && cluster.count(run: "s") == 2)
    cluster.finish(other[0])
    #expect(cluster.count(run: "s") == 2, "its own place is its own again")
  }

  @Test("a run of twice the weight gets twice as much")
  func weights() {
    var cluster = Cluster()
    cluster.run("r", weight: 2)
    cluster.run("s")
    cluster.host("h", cpu: 9000)
    let blocker = cluster.ready(ResourceRequest(cpuMilli: 9000))
    for _ in 0..<9 {
      cluster.ready(Self.one, run: "s")
      cluster.ready(Self.one)
    }
    cluster.finish(blocker)
    #expect(cluster.count(run: "r") == 6 && cluster.count(run: "s") == 3)
  }

  /// The example of the paper (Ghodsi et al., NSDI 2011, section 4.1).
  @Test("shares are of the resource of which a run uses most")
  func dominantResource() {
    var cluster = Cluster.single(cpu: 9000, memory: 18)
    cluster.run("s")
    let blocker = cluster.ready(ResourceRequest(cpuMilli: 9000, memory: 18))
    for _ in 0..<9 {
      cluster.ready(ResourceRequest(cpuMilli: 1000, memory: 4))
      cluster.ready(ResourceRequest(cpuMilli: 3000, memory: 1), run: "s")
    }
    cluster.finish(blocker)
    #expect(cluster.count(run: "r") == 3 && cluster.count(run: "s") == 2)
  }

  /// Both wait for the same, and one of them gets it.
  /// - Parameter first: what run `r` has; run `s` has 4 of 10 processors.
  private func next(
    against first: ResourceRequest, _ change: (inout Cluster) -> Void = { _ in }
  ) -> [RunIdentifier] {
    var cluster = Cluster.single(cpu: 10_000, memory: 100, gpus: [10, 10])
    cluster.handle(.semaphoreChanged(SemaphoreName("license:matlab"), count: 4))
    cluster.run("s")
    cluster.run("t")
    cluster.ready(first)
    cluster.ready(ResourceRequest(cpuMilli: 4000), run: "s")
    let blocker = cluster.ready(ResourceRequest(cpuMilli: 2000), run: "t")
    let waiting = ["r", "s"].map { cluster.ready(ResourceRequest(cpuMilli: 5000), run: $0) }
    change(&cluster)
    cluster.finish(blocker)
    return waiting.filter { cluster.hostOf($0) != nil }.map(\.run)
  }

  @Test("memory, GPUs, their memory and semaphores are resources too")
  func otherDominants() {
    let (r, s) = (RunIdentifier("r"), RunIdentifier("s"))
    #expect(next(against: ResourceRequest(cpuMilli: 1, memory: 30)) == [r])
    #expect(next(against: ResourceRequest(cpuMilli: 1, memory: 50)) == [s])
    #expect(next(against: ResourceRequest(cpuMilli: 1, gpu: .share(milli: 700))) == [r])
    #expect(next(against: ResourceRequest(cpuMilli: 1, gpu: .devices(count: 1))) == [s])
    #expect(next(against: ResourceRequest(cpuMilli: 1, gpu: .share(milli: 1, memory: 9))) == [s])
    let semaphore = SemaphoreName("license:matlab")
    #expect(next(against: ResourceRequest(cpuMilli: 1, semaphores: [semaphore: 1])) == [r])
    #expect(next(against: ResourceRequest(cpuMilli: 1, semaphores: [semaphore: 2])) == [s])
  }

  @Test("shares are of what there is now")
  func otherWhole() {
    let thirty = ResourceRequest(cpuMilli: 1, memory: 30)
    let half = HostCapacity(name: HostIdentifier("h"), cpuMilli: 10_000, memory: 50)
    #expect(next(against: thirty) { $0.handle(.hostChanged(half)) } == [RunIdentifier("s")])
    let semaphore = SemaphoreName("license:matlab")
    let one = ResourceRequest(cpuMilli: 1, semaphores: [semaphore: 1])
    #expect(next(against: one) { $0.handle(.semaphoreChanged(semaphore, count: 2)) } == [RunIdentifier("s")])
  }

  @Test("of runs with equally much, the one that was submitted first comes first")
  func ties() {
    var cluster = Cluster.single(cpu: 1000)
    cluster.run("s")
    cluster.run("t")
    let first = cluster.ready(Self.one)
    cluster.ready(Self.one, run: "t")
    let next = cluster.ready(Self.one, run: "s")
    cluster.finish(first)
    #expect(cluster.hostOf(next) != nil)
  }

  @Test("the upward rank is the length of the longest path to the end")
  func upwardRank() {
    let ranks = UpwardRank.ranks(durations: [1, 2, 30, 4], dependents: [[1, 2], [3], [3], []])
    #expect(ranks == [35, 6, 34, 4])
    #expect(
      UpwardRank.ranks(durations: [1, -5, 7], dependents: [[1], [0, 9]]) == [1, 0, 7], "a cycle, and no node 9")
  }

  @Test("the longest path through 200,000 nodes is found without a deep call")
  func longChain() {
    let count = 200_000
    let ranks = UpwardRank.ranks(
      durations: Array(repeating: 1, count: count), dependents: (0..<count).map { $0 + 1 < count ? [$0 + 1] : [] })
    #expect(ranks.first == Int64(count) && ranks.last == 1)
  }
}
