import Testing

@testable import SandboxPlanning

@Suite("The watchdog of a worker")
struct WatchdogTests {
  private func use(memory: UInt64 = 0, milliseconds: Int = 0, tasks: UInt64 = 1) -> GroupUse {
    GroupUse(memory: memory, processorTime: .milliseconds(milliseconds), tasks: tasks)
  }

  @Test("watches what the host has no controller for, and nothing else")
  func whatIsWatched() {
    let limits = CgroupPlan(memoryMax: 64 << 20, cpu: CgroupPlan.CPUQuota(cores: 1.5), tasksMax: 20)
    #expect(WatchedLimits(limits, controllers: []) == WatchedLimits(memory: 64 << 20, processors: 1.5, tasks: 20))
    #expect(WatchedLimits(limits, controllers: [.cpu, .pids]) == WatchedLimits(memory: 64 << 20))
    #expect(WatchedLimits(limits, controllers: [.cpu, .memory, .pids]).isEmpty)
    #expect(WatchedLimits(CgroupPlan(), controllers: []).isEmpty)
  }

  @Test("ends a worker with more memory than it may have, and says how much")
  func memory() {
    var watchdog = Watchdog(WatchedLimits(memory: 100))
    #expect(watchdog.look(at: .zero, use(memory: 100)) == nil)
    #expect(watchdog.look(at: .seconds(1), use(memory: 101)) == .countShares)
    #expect(watchdog.look(at: .seconds(1), use(memory: 101), shares: 101) == .end)
    #expect(watchdog.report.excess == .memory(limit: 100, seen: 101))
    #expect(watchdog.report.memoryPeak == 101)
    // Once.
    #expect(watchdog.look(at: .seconds(2), use(memory: 1000)) == nil)
  }

  @Test("doesn't count twice what processes share")
  func sharedMemory() {
    var watchdog = Watchdog(WatchedLimits(memory: 100))
    #expect(watchdog.look(at: .zero, use(memory: 190)) == .countShares)
    #expect(watchdog.look(at: .zero, use(memory: 190), shares: 95) == nil)
    #expect(watchdog.report == WatchReport(memoryPeak: 95))
  }

  @Test("tells the most that was seen since it was asked last, and nothing where it wasn't looked at meanwhile")
  func settledPeak() {
    var watchdog = Watchdog(WatchedLimits(memory: 100))
    #expect(watchdog.settlePeak() == nil && watchdog.memory == nil)
    for memory: UInt64 in [10, 90, 30] { _ = watchdog.look(at: .zero, use(memory: memory)) }
    #expect(watchdog.memory == 30)
    #expect(watchdog.settlePeak() == 90)
    #expect(watchdog.settlePeak() == nil)
    _ = watchdog.look(at: .seconds(1), use(memory: 20))
    #expect(watchdog.settlePeak() == 20)
    #expect(watchdog.report.memoryPeak == 90, "of its whole life")
  }

  @Test("holds a worker to other limits from the next look on, whether they are higher or lower")
  func changedLimits() {
    var watchdog = Watchdog(WatchedLimits(memory: 100))
    watchdog.limits = WatchedLimits(memory: 200)
    #expect(watchdog.look(at: .zero, use(memory: 150)) == nil)
    watchdog.limits = WatchedLimits(memory: 100)
    #expect(watchdog.look(at: .zero, use(memory: 150), shares: 150) == .end)
    #expect(watchdog.report.excess == .memory(limit: 100, seen: 150))
  }

  @Test("counts files that live in memory once, whether they are mapped, open, or both")
  func files() {
    #expect(GroupUse.memory(50, mapped: 0, files: 0) == 50)
    #expect(GroupUse.memory(50, mapped: 0, files: 30) == 80, "nobody maps them")
    #expect(GroupUse.memory(50, mapped: 30, files: 30) == 50, "they are the mapped ones")
    #expect(GroupUse.memory(50, mapped: 40, files: 10) == 50)
    #expect(GroupUse.memory(50, mapped: 60, files: 0) == 60, "two looks at what moves")
    #expect(GroupUse.memory(.max, mapped: 1, files: .max) == .max)
  }

  @Test("ends a worker with more processes and threads than it may have")
  func tasks() {
    var watchdog = Watchdog(WatchedLimits(tasks: 8))
    #expect(watchdog.look(at: .zero, use(tasks: 8)) == nil)
    #expect(watchdog.look(at: .zero, use(tasks: 9)) == .end)
    #expect(watchdog.report.excess == .tasks(limit: 8, seen: 9))
  }

  /// Looks every 100 ms at a worker that takes all it can get on `wanted` processors; what it got, as processors.
  private func pace(limit: Double?, wanted: Double, seconds: Int) -> (
    processors: Double, report: WatchReport, looks: [Watchdog.Action]
  ) {
    var watchdog = Watchdog(WatchedLimits(processors: limit))
    var (used, isHeld) = (Duration.zero, false)
    var actions: [Watchdog.Action] = []
    for look in 1...seconds * 10 {
      if !isHeld { used += .milliseconds(100) * wanted }
      let now = Duration.milliseconds(100) * look
      let action = watchdog.look(at: now, GroupUse(memory: 0, processorTime: used, tasks: 1))
      switch action {
      case .hold: isHeld = true
      case .resume: isHeld = false
      case .countShares, .end, nil: break
      }
      if let action { actions.append(action) }
    }
    return (used / .seconds(seconds), watchdog.report, actions)
  }

  @Test(
    "gives a worker its share of processor time, whatever it would take",
    arguments: [(0.1, 1.0), (0.5, 1), (0.5, 4), (1, 2), (1, 64), (1.5, 2), (3, 3.5)])
  func share(limit: Double, wanted: Double) {
    let (processors, report, _) = pace(limit: limit, wanted: wanted, seconds: 600)
    #expect(processors > limit * 0.97 && processors < limit * 1.03, "\(processors)")
    #expect(report.held > .seconds(1))
    #expect(report.excess == nil)
  }

  @Test("never stops a worker that keeps within its share, nor one without a limit", arguments: [0.2, 0.99, 1])
  func withinShare(wanted: Double) {
    let (processors, report, actions) = pace(limit: 1, wanted: wanted, seconds: 60)
    #expect(abs(processors - wanted) < 0.001 && report.held == .zero && actions.isEmpty)
    #expect(pace(limit: nil, wanted: 8, seconds: 10).looks.isEmpty)
  }

  @Test("holds again and again until it resumes, once, and lets go a worker whose limit is lifted while it is held")
  func turns() {
    let actions = pace(limit: 0.5, wanted: 2, seconds: 60).looks
    #expect(actions.first == .hold && actions.count { $0 == .resume } > 10)
    for (before, now) in zip(actions, actions.dropFirst()) { #expect(before == .hold || now == .hold) }
    var watchdog = Watchdog(WatchedLimits(processors: 0.5))
    #expect(watchdog.look(at: .milliseconds(100), use(milliseconds: 1000)) == .hold)
    #expect(watchdog.look(at: .milliseconds(200), use(milliseconds: 1000)) == .hold)
    watchdog.limits = WatchedLimits()
    #expect(watchdog.look(at: .milliseconds(300), use(milliseconds: 1000)) == .resume)
    #expect(watchdog.look(at: .milliseconds(400), use(milliseconds: 1000)) == nil)
  }

  @Test("goes on counting where the time of processes that have ended is lost")
  func lostTime() {
    var watchdog = Watchdog(WatchedLimits(processors: 0.5))
    #expect(watchdog.look(at: .milliseconds(100), use(milliseconds: 100)) == nil)
    #expect(watchdog.look(at: .milliseconds(200), use(milliseconds: 0)) == nil)
    #expect(watchdog.look(at: .milliseconds(300), use(milliseconds: 1000)) == .hold)
  }
}
