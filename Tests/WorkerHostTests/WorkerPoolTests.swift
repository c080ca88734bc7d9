import Foundation
import LinuxSystem
import PluginModel
import SandboxRuntime
import Testing

@testable import WorkerHost

@Suite("The worker pool", .serialized)
struct WorkerPoolTests {
  private let reference: String
  private let hostile: String

  init() throws {
    reference = try Fixture.referenceClient.program()
    hostile = try Fixture.hostile.program()
  }

  private func withPool(
    maximum: Int = 2, crashes: WorkerSettings.CrashRule? = nil,
    stopped: @escaping @Sendable (CrashRule.Stop) -> Void = { _ in },
    _ body: (WorkerPool, PlainLauncher) async throws -> Void
  ) async throws {
    let loop = try EventLoop()
    let launcher = PlainLauncher()
    let pool = WorkerPool(
      launcher: launcher, loop: loop, limits: quickLimits, maximumWorkers: maximum, crashes: crashes, stopped: stopped)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(pool, launcher))
    } catch {
      result = .failure(error)
    }
    await pool.shutdown()
    #expect(launcher.living().isEmpty)
    try result.get()
  }

  @Test("reuses an idle worker of the same configuration, and no other's")
  func reuses() async throws {
    let echo = try execution("echo")
    try await withPool { pool, launcher in
      for _ in 0..<3 {
        _ = try await pool.execute(echo, on: try configuration([reference]), limit: nil, report: { _ in })
      }
      #expect(launcher.launches == 1)
      _ = try await pool.execute(
        echo, on: try configuration([reference], digest: "another"), limit: nil, report: { _ in })
      #expect(launcher.launches == 2)
      #expect(try await pool.describe(configuration([reference]), limit: nil)["node_types"] != nil)
      #expect(launcher.launches == 2)
    }
  }

  @Test("a worker that was told a secret serves no other call")
  func secrets() async throws {
    var execution = try execution("echo")
    execution.secrets = [try Secret(SecretName(unchecked: "TOKEN"), "value-of-it")]
    try await withPool { pool, launcher in
      for launches in 1...2 {
        _ = try await pool.execute(execution, on: try configuration([reference]), limit: nil, report: { _ in })
        #expect(launcher.launches == launches && launcher.living().isEmpty)
      }
    }
  }

  @Test("keeps a worker whose plugin raised, and none that failed otherwise")
  func keepsTheWell() async throws {
    try await withPool { pool, launcher in
      for _ in 0..<2 {
        await #expect(throws: WorkerFailure.self) {
          _ = try await pool.execute(
            try execution("raise"), on: try configuration([reference]), limit: nil, report: { _ in })
        }
      }
      #expect(launcher.launches == 1)
      await #expect(throws: WorkerFailure.self) {
        _ = try await pool.execute(
          try execution("wait"), on: try configuration([reference]), limit: .milliseconds(50), report: { _ in })
      }
      #expect(launcher.living().isEmpty)
      _ = try await pool.execute(
        try execution("echo"), on: try configuration([reference]), limit: nil, report: { _ in })
      #expect(launcher.launches == 2)
    }
  }

  private func failure(
    of mode: String, in pool: WorkerPool, digest: String = "0", plugin: PluginName? = nil
  ) async throws -> WorkerFailure? {
    var configuration = try configuration([hostile, mode], digest: digest)
    if let plugin { configuration.plan.plugin = plugin }
    let any = try execution("any")
    do throws(WorkerFailure) {
      _ = try await pool.execute(
        any, on: configuration, limit: .milliseconds(100), report: { _ in })
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "starts no worker of a plugin any more whose workers keep crashing, and says so once",
    arguments: ["segfaults", "exits-in-call", "garbage", "segfaults-at-initialize", "fails-to-load"])
  func stopsTheCrashing(mode: String) async throws {
    let told = Lock(0)
    try await withPool(crashes: WorkerSettings().crashes, stopped: { _ in told.withLock { $0 += 1 } }) {
      pool, launcher in
      for _ in 0..<3 {
        let failure = try #require(try await failure(of: mode, in: pool))
        if case .stopped = failure { Issue.record("stopped too early") }
      }
      for _ in 0..<3 {
        guard case .stopped(let stop) = try await failure(of: mode, in: pool) else {
          Issue.record("started once more")
          return
        }
        #expect(stop.crashes == 3 && stop.plugin.text == "test")
      }
      #expect(launcher.launches == 3 && told.withLock { $0 } == 1)
      #expect(await pool.stops.map(\.plugin.text) == ["test"])
      // Another version of it, and the same once somebody says that it is mended.
      _ = try await failure(of: mode, in: pool, digest: "1")
      #expect(launcher.launches == 4)
      await pool.set(crashes: WorkerSettings().crashes)
      #expect(await pool.stops.isEmpty)
      _ = try await failure(of: mode, in: pool)
      #expect(launcher.launches == 5)
    }
  }

  @Test("what takes too long, and what a command does, stops no plugin")
  func startsTheOthers() async throws {
    try await withPool(crashes: WorkerSettings().crashes) { pool, launcher in
      for _ in 0..<4 { _ = try await failure(of: "heeds-sigterm", in: pool) }
      for _ in 0..<4 { _ = try await failure(of: "segfaults", in: pool, plugin: NodeTypeReference.command.plugin) }
      #expect(launcher.launches == 8)
      #expect(await pool.stops.isEmpty)
    }
  }

  @Test("ends workers that no call has had for so long, and starts new ones when they are needed")
  func idles() async throws {
    let echo = try execution("echo")
    try await withPool { pool, launcher in
      _ = try await pool.execute(echo, on: try configuration([reference]), limit: nil, report: { _ in })
      await pool.endIdle(unusedFor: .seconds(3600))
      #expect(launcher.living().count == 1)
      #expect(await pool.workers == (busy: 0, idle: 1))
      await pool.endIdle(unusedFor: .zero)
      #expect(launcher.living().isEmpty)
      #expect(await pool.workers == (busy: 0, idle: 0))
      _ = try await pool.execute(echo, on: try configuration([reference]), limit: nil, report: { _ in })
      #expect(launcher.launches == 2)
    }
  }

  @Test("never has more workers than allowed, and serves every call")
  func maximum() async throws {
    let echo = try execution("echo")
    try await withPool(maximum: 3) { pool, launcher in
      let configurations = try (0..<5).map { try configuration([reference], digest: "\($0)") }
      try await withThrowingTaskGroup(of: Int.self) { group in
        for index in 0..<40 {
          group.addTask {
            _ = try await pool.execute(echo, on: configurations[index % 5], limit: .seconds(10), report: { _ in })
            return launcher.living().count
          }
        }
        for try await living in group { #expect(living <= 3) }
      }
    }
  }

  @Test("gives the call of a worker that died while it was idle to a new one")
  func replacesTheDead() async throws {
    let echo = try execution("echo")
    try await withPool { pool, launcher in
      _ = try await pool.execute(echo, on: try configuration([reference]), limit: nil, report: { _ in })
      let pid = try #require(launcher.living().first)
      kill(pid, SIGKILL)
      _ = try await pool.execute(echo, on: try configuration([reference]), limit: nil, report: { _ in })
      #expect(launcher.launches == 2)
    }
  }

  @Test("frees the place of a cancelled call that waited for one")
  func cancelledInTheQueue() async throws {
    try await withPool(maximum: 1) { pool, launcher in
      let (started, start) = AsyncStream<Void>.makeStream()
      let configuration = try configuration([reference])
      let wait = try execution("wait")
      let first = Task {
        try await pool.execute(wait, on: configuration, limit: nil) { if $0 == .started { start.finish() } }
      }
      for await _ in started {}
      let second = Task { try await pool.execute(wait, on: configuration, limit: nil, report: { _ in }) }
      second.cancel()
      await #expect(throws: WorkerFailure.self) { _ = try await second.value }
      first.cancel()
      await #expect(throws: WorkerFailure.self) { _ = try await first.value }
      #expect(launcher.living().isEmpty)
      _ = try await pool.execute(try execution("echo"), on: configuration, limit: nil, report: { _ in })
    }
  }

  @Test("ends busy and starting workers when it is shut down, and takes no more calls")
  func shutdown() async throws {
    let loop = try EventLoop()
    let launcher = PlainLauncher()
    let pool = WorkerPool(launcher: launcher, loop: loop, limits: quickLimits, maximumWorkers: 4)
    let (started, start) = AsyncStream<Void>.makeStream()
    let configurations = [
      try configuration([hostile, "ignores-cancel"]), try configuration([hostile, "silent"]),
      try configuration([hostile, "hangs-at-initialize"]),
    ]
    let any = try execution("any")
    let calls = configurations.map { configuration in
      Task {
        try await pool.execute(any, on: configuration, limit: nil) { if $0 == .started { start.finish() } }
      }
    }
    for await _ in started {}
    await pool.shutdown()
    #expect(launcher.living().isEmpty)
    for call in calls { await #expect(throws: WorkerFailure.self) { _ = try await call.value } }
    let failure = await #expect(throws: WorkerFailure.self) {
      _ = try await pool.execute(any, on: configurations[0], limit: nil, report: { _ in })
    }
    #expect(failure?.message == "the supervisor is shutting down")
  }

  @Test("tells which program could not be started")
  func refusedLaunch() async throws {
    try await withPool { pool, _ in
      let failure = await #expect(throws: WorkerFailure.self) {
        _ = try await pool.execute(
          try execution("any"), on: try configuration(["/nonexistent"]), limit: nil, report: { _ in })
      }
      #expect(
        failure?.cause == "start the program: posix_spawn /nonexistent: No such file or directory (ENOENT)")
    }
  }

  @Test("leaves no descriptor behind after 200 calls of which a tenth is killed")
  func leaks() async throws {
    let echo = try execution("echo")
    let before = openDescriptors().count
    try await withPool(maximum: 4) { pool, launcher in
      let configurations = try (0..<4).map { try configuration([reference], digest: "\($0)") }
      var generator = SplitMix64(seed: 42)
      let victims = Set((0..<20).map { _ in Int.random(in: 0..<200, using: &generator) })
      await withTaskGroup(of: Void.self) { group in
        for index in 0..<200 {
          group.addTask {
            _ = try? await pool.execute(echo, on: configurations[index % 4], limit: .seconds(10), report: { _ in })
            if victims.contains(index), let victim = launcher.living().first { kill(victim, SIGKILL) }
          }
        }
      }
    }
    for _ in 0..<100 where openDescriptors().count > before { try await Task.sleep(for: .milliseconds(20)) }
    #expect(openDescriptors().count <= before)
  }
}
