import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime
import Testing

@testable import WorkerHost

/// What a worker answers to `estimate` is as untrusted as everything else that it says.
@Suite("An estimate", .serialized)
struct EstimationTests {
  private let hostile: String

  init() throws { hostile = try Fixture.hostile.program() }

  private static let base = CgroupPlan(memoryMax: 512 << 20, tasksMax: 32)

  private static func limits(_ mebibytes: Int) -> CgroupPlan {
    CgroupPlan(memoryMax: UInt64(mebibytes) << 20, tasksMax: 32)
  }

  /// The limits that the tests' rule makes: at most a gibibyte.
  private static let estimation = Estimation { (estimate) throws(Diagnostics) in
    guard let estimate, estimate.memoryMB > 0 else { return base }
    guard estimate.memoryMB <= 1024 else {
      throw Diagnostics([Diagnostic("it estimates too much", why: "there is no more", hint: "ask for less")])
    }
    return limits(estimate.memoryMB)
  }

  private func configuration(_ answer: String, mode: String = "estimates") throws -> WorkerConfiguration {
    var configuration = try WorkerHostTests.configuration([hostile, mode, answer])
    configuration.plan.cgroup = Self.base
    return configuration
  }

  private func withPool(_ body: (WorkerPool, PlainLauncher) async throws -> Void) async throws {
    let launcher = PlainLauncher()
    var limits = quickLimits
    limits.estimate = .milliseconds(300)
    let pool = WorkerPool(launcher: launcher, loop: try EventLoop(), limits: limits, maximumWorkers: 2)
    let result: Result<Void, any Error>
    do { result = .success(try await body(pool, launcher)) } catch { result = .failure(error) }
    await pool.shutdown()
    #expect(launcher.living().isEmpty)
    try result.get()
  }

  private func call(
    _ pool: WorkerPool, _ configuration: WorkerConfiguration, limit: Duration? = nil
  ) async throws -> WorkerFailure? {
    do {
      _ = try await pool.execute(
        try execution("any"), on: configuration, limit: limit, report: { _ in }, estimation: Self.estimation)
      return nil
    } catch let failure as WorkerFailure {
      return failure
    }
  }

  @Test("is the limit of the living worker until the node's answer, and its plan's limit after it")
  func enforced() async throws {
    try await withPool { pool, launcher in
      let small = try configuration(#"{"resources":{"memory_mb":64}}"#)
      #expect(try await call(pool, small) == nil)
      #expect(try await call(pool, small) == nil)
      #expect(launcher.launches == 1, "the worker serves the next call too")
      let changes = launcher.sandboxes[0].limits.withLock(\.changes)
      #expect(changes == [Self.limits(64), Self.base, Self.limits(64), Self.base])
    }
  }

  @Test(
    "that is none leaves the limits as they are",
    arguments: [#"{"resources":null}"#, #"{"resources":{}}"#, #"{"resources":{"memory_mb":0,"gpu_count":9}}"#])
  func nothing(_ answer: String) async throws {
    try await withPool { pool, launcher in
      let configuration = try configuration(answer)
      #expect(try await call(pool, configuration) == nil)
      #expect(launcher.sandboxes[0].limits.withLock(\.changes).allSatisfy { $0 == Self.base })
    }
  }

  @Test(
    "that is no amount, or can't be had, fails the node before it runs and says why",
    arguments: [
      (#"{"memory_mb":-1}"#, "must be from 0 to"), (#"{"memory_mb":1e30}"#, "must be"),
      (#"{"memory_mb":9223372036854775807}"#, "must be from 0 to"), (#"{"memory_mb":"256"}"#, "must be a whole number"),
      (#"{"memory_mb":0.5}"#, "must be a whole number"), (#"{"cpu_cores":1e308}"#, "must be from 0 to 4096"),
      (#"{"cpu_cores":-0.1}"#, "must be from 0 to 4096"), (#"{"disk":1}"#, "unknown key 'disk'"), ("7", "must be"),
      ("[]", "must be"), (#"{"memory_mb":2048}"#, "it estimates too much: there is no more"),
    ])
  func refused(_ resources: String, why: String) async throws {
    try await withPool { pool, launcher in
      let failure = try #require(try await call(pool, try configuration(#"{"resources":\#(resources)}"#)))
      guard case .estimateRefused = failure else {
        Issue.record("\(failure)")
        return
      }
      #expect(failure.cause?.contains(why) == true, "\(failure)")
      #expect(failure.hint?.contains("the workflow's word counts before the estimate") == true)
      #expect(launcher.sandboxes[0].limits.withLock(\.changes).allSatisfy { $0 == Self.base })
      #expect(launcher.living().count == 1, "the worker is well")
    }
  }

  @Test(
    "that breaks the protocol ends the worker",
    arguments: ["{}", #"{"resource":{}}"#, "[]", #"{"resources":NaN}"#, #"{"resources":{"cpu_cores":Infinity}}"#])
  func violations(_ answer: String) async throws {
    try await withPool { pool, launcher in
      let failure = try await call(pool, try configuration(answer))
      guard case .protocolViolation = failure else {
        Issue.record("\(String(describing: failure))")
        return
      }
      #expect(launcher.living().isEmpty)
    }
  }

  @Test("that doesn't come has a deadline: its own, or the node's where that is sooner", arguments: [nil, 100])
  func deadline(_ milliseconds: Int?) async throws {
    try await withPool { pool, launcher in
      let start = ContinuousClock.now
      let failure = try await call(
        pool, try configuration("", mode: "ignores-cancel"), limit: milliseconds.map { .milliseconds($0) })
      guard case .estimateTimedOut(let limit) = failure else {
        Issue.record("\(String(describing: failure))")
        return
      }
      #expect(limit == .milliseconds(milliseconds ?? 300))
      #expect(ContinuousClock.now - start < .seconds(5))
      #expect(launcher.living().isEmpty)
    }
  }

  @Test("below what a used worker still has goes to a new one, which has nothing of earlier calls")
  func outgrown() async throws {
    try await withPool { pool, launcher in
      let small = try configuration(#"{"resources":{"memory_mb":64}}"#)
      #expect(try await call(pool, small) == nil)
      launcher.sandboxes[0].limits.withLock { $0.memory = 100 << 20 }
      #expect(try await call(pool, small) == nil)
      #expect(launcher.launches == 2)
      #expect(launcher.living() == [launcher.sandboxes[1].processIdentifier])
      // The new one is held to the estimate, however much it has.
      #expect(launcher.sandboxes[1].limits.withLock(\.changes).first == Self.limits(64))
    }
  }

  @Test("above the plan's limit doesn't leave a worker that has outgrown that one to the next call")
  func restored() async throws {
    try await withPool { pool, launcher in
      let large = try configuration(#"{"resources":{"memory_mb":1024}}"#)
      launcher.limits.withLock { $0.memory = 600 << 20 }
      #expect(try await call(pool, large) == nil)
      #expect(launcher.living().isEmpty)
    }
  }

  @Test("that can't be enforced fails the node, and ends the worker")
  func unenforceable() async throws {
    try await withPool { pool, launcher in
      let small = try configuration(#"{"resources":{"memory_mb":64}}"#)
      launcher.limits.withLock { $0.refuses = true }
      guard case .system(let error) = try await call(pool, small) else {
        Issue.record("it ran without its limit")
        return
      }
      #expect(error.code == .accessDenied)
      #expect(launcher.living().isEmpty)
    }
  }
}
