import Foundation
import Testing

@testable import LinuxSystem

@Suite("Threads and locks")
struct ThreadTests {
  private struct Refusal: Error, Equatable {}

  /// How many threads of this process have this name.
  private func threads(named name: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count { task in
      // One that ends meanwhile can't be read.
      (try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)) == name + "\n"
    }
  }

  /// The name of the calling thread.
  private static func name() -> String? { try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8) }

  @Test("a lock lets one thread at a time touch its value")
  func exclusion() async {
    let sum = Lock(0)
    await withDiscardingTaskGroup { group in
      for _ in 0..<4 { group.addTask { for _ in 0..<50_000 { sum.withLock { $0 += 1 } } } }
    }
    #expect(sum.withLock { $0 } == 200_000)
  }

  @Test("a lock is free again after its body throws")
  func throwing() {
    let lock = Lock(0)
    #expect(throws: Refusal()) { try lock.withLock { _ throws(Refusal) in throw Refusal() } }
    #expect(lock.withLock { $0 } == 0)
  }

  @Test("a dedicated thread runs everything that it is given, on itself")
  func runs() async throws {
    let thread = try DedicatedThread(name: "test-runs")
    let names = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<200 { group.addTask { await thread.run { Self.name() } } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(names == Array(repeating: "test-runs\n", count: 200))
  }

  @Test("a dedicated thread hands on what its work throws")
  func failure() async throws {
    let thread = try DedicatedThread(name: "test-throws")
    await #expect(throws: Refusal()) { try await thread.run { () throws(Refusal) in throw Refusal() } }
  }

  @Test("a dedicated thread is there until nobody has it, and ends after its last work")
  func ends() async throws {
    let done = Lock(false)
    do {
      let thread = try DedicatedThread(name: "test-ends")
      await thread.run {}
      #expect(try threads(named: "test-ends") == 1)
      Task { await thread.run { done.withLock { $0 = true } } }
    }
    for _ in 0..<400 where try threads(named: "test-ends") > 0 { try await Task.sleep(for: .milliseconds(5)) }
    #expect(try threads(named: "test-ends") == 0)
    #expect(done.withLock { $0 })
  }

  @Test("an actor whose executor is a dedicated thread never leaves it")
  func executor() async throws {
    actor Resident {
      let thread: DedicatedThread
      nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
      init(_ thread: DedicatedThread) { self.thread = thread }
      func name() async -> String? {
        await Task.yield()
        return ThreadTests.name()
      }
    }
    let resident = Resident(try DedicatedThread(name: "test-actor"))
    for _ in 0..<20 { #expect(await resident.name() == "test-actor\n") }
  }
}
