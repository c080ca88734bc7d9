import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime
import Testing

@testable import WorkerHost

@Suite("Lending GPUs", .serialized)
struct GPULenderTests {
  private let plugin = PluginName(unchecked: "demo")

  private static func gpu(_ name: String) -> GPU {
    GPU(
      reference: CDIDeviceReference(kind: .nvidiaGPU, device: CDIDeviceName(unchecked: name)),
      source: "/etc/cdi/a.yaml",
      nodes: [])
  }

  private let inventory = GPUInventory(gpus: ["0", "1"].map(Self.gpu))

  @Test("has two workers never share one, whatever the number of those that wait")
  func exclusive() async throws {
    let lender = GPULender(inventory)
    let held = Lock<[String: Int]>([:])
    let most = Lock(0)
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<60 {
        group.addTask {
          guard let gpus = try? await lender.borrow(GPUDemand(count: 1 + index % 2), for: plugin) else { return }
          let names = gpus.map(\.reference.device.text)
          held.withLock { held in
            for name in names { held[name, default: 0] += 1 }
            most.withLock { $0 = max($0, held.values.max() ?? 0) }
          }
          try? await Task.sleep(for: .milliseconds(1))
          held.withLock { held in for name in names { held[name, default: 0] -= 1 } }
          await lender.giveBack(gpus)
        }
      }
    }
    #expect(most.withLock(\.self) == 1)
    #expect(held.withLock { Set($0.keys) } == ["0", "1"])
  }

  @Test("whoever is cancelled while it waits leaves the line, and those behind it go on")
  func cancelled() async throws {
    let lender = GPULender(inventory)
    let first = try #require(try await lender.borrow(GPUDemand(count: 1), for: plugin))
    let waiting = Task { try await lender.borrow(GPUDemand(count: 2), for: plugin) }
    try await Task.sleep(for: .milliseconds(20))
    let behind = Task { try await lender.borrow(GPUDemand(count: 1), for: plugin) }
    try await Task.sleep(for: .milliseconds(20))
    waiting.cancel()
    #expect(try await waiting.value == nil)
    #expect(try await behind.value?.map(\.reference.device.text) == ["1"])
    await lender.giveBack(first)
  }

  @Test("an idle worker that still holds a device is gone before another worker has it; others stay")
  func idleWorkers() async throws {
    let program = try Fixture.referenceClient.program()
    let loop = try EventLoop()
    let launcher = PlainLauncher()
    let pool = WorkerPool(launcher: launcher, loop: loop, limits: quickLimits, maximumWorkers: 4)
    func run(_ digest: String, _ names: [String]) async throws {
      var made = try configuration([program], digest: digest)
      made.plan.devices = names.map { PlannedDevice(Self.gpu($0)) }
      _ = try await pool.execute(try execution("echo"), on: made, limit: nil, report: { _ in })
    }
    let result = await Result { () async throws in
      try await run("a", ["0"])
      try await run("b", ["1"])
      try await run("c", [])
      #expect(launcher.living().count == 3)
      try await run("a", ["0"])
      #expect(launcher.launches == 3)
      try await run("d", ["0"])
      #expect(launcher.launches == 4)
      #expect(launcher.living().count == 3)
      // The same plugin on other devices has another worker.
      try await run("d", ["1"])
      #expect(launcher.launches == 5)
      #expect(launcher.living().count == 3)
    }
    await pool.shutdown()
    try result.get()
  }

  /// Two supervisors of one host, each with a line of its own.
  private struct Pair {
    let directory = NSTemporaryDirectory() + "lender-\(UUID().uuidString)/devices"
    let lenders: [GPULender]
    let ended = Lock<[Set<CDIDeviceReference>]>([])

    init(_ inventory: GPUInventory) throws {
      let thread = try DedicatedThread(name: "test-leases")
      let (directory, ended) = (directory, ended)
      lenders = try (0..<2).map { _ in
        let leases = try DeviceLeases(directory: directory)
        return GPULender(
          inventory,
          sharing: GPULender.Sharing(leases: leases, thread: thread, interval: .milliseconds(10)) { devices in
            ended.withLock { $0.append(devices) }
          })
      }
    }
  }

  @Test("waits for what another supervisor has, tells it once, and has it when the other's worker is gone")
  func otherSupervisor() async throws {
    let pair = try Pair(GPUInventory(gpus: [Self.gpu("0")]))
    defer { try? FileManager.default.removeItem(atPath: pair.directory + "/..") }
    let first = try #require(try await pair.lenders[0].borrow(GPUDemand(count: 1), for: plugin))
    let told = Lock<[Int32?]>([])
    let second = Task {
      try await pair.lenders[1].borrow(GPUDemand(count: 1), for: plugin) { held in
        told.withLock { $0 += held.map(\.process) }
      }
    }
    try await Task.sleep(for: .milliseconds(100))
    #expect(told.withLock(\.self) == [currentProcessIdentifier()])
    #expect(pair.ended.withLock(\.isEmpty), "a busy worker is nobody's to end")
    await pair.lenders[0].giveBack(first)
    #expect(try await second.value?.count == 1)
    #expect(pair.ended.withLock(\.self) == [[first[0].reference]], "its idle worker was ended first")
    #expect(told.withLock(\.count) == 1)
  }

  @Test("keeps what it gave back for its next node while nobody else wants it")
  func kept() async throws {
    let pair = try Pair(inventory)
    defer { try? FileManager.default.removeItem(atPath: pair.directory + "/..") }
    for _ in 0..<3 {
      let gpus = try #require(try await pair.lenders[0].borrow(GPUDemand(count: 2), for: plugin))
      await pair.lenders[0].giveBack(gpus)
      try await Task.sleep(for: .milliseconds(30))
    }
    #expect(pair.ended.withLock(\.isEmpty))
  }

  @Test("comes to an end though each of two supervisors has what the other waits for")
  func noDeadlock() async throws {
    let pair = try Pair(inventory)
    defer { try? FileManager.default.removeItem(atPath: pair.directory + "/..") }
    let most = Lock(0)
    let using = Lock(0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<24 {
        group.addTask {
          let count = 1 + index / 2 % 2
          let gpus = try #require(
            try await pair.lenders[index % 2].borrow(GPUDemand(count: count), for: plugin))
          using.withLock { $0 += count }
          most.withLock { $0 = max($0, using.withLock(\.self)) }
          try await Task.sleep(for: .milliseconds(2))
          using.withLock { $0 -= count }
          await pair.lenders[index % 2].giveBack(gpus)
        }
      }
      try await group.waitForAll()
    }
    #expect(most.withLock(\.self) <= 2, "there are two of them")
  }

  @Test("that waits for another supervisor's can be cancelled")
  func cancelledAgainstOther() async throws {
    let pair = try Pair(GPUInventory(gpus: [Self.gpu("0")]))
    defer { try? FileManager.default.removeItem(atPath: pair.directory + "/..") }
    let first = try #require(try await pair.lenders[0].borrow(GPUDemand(count: 1), for: plugin))
    let second = Task { try await pair.lenders[1].borrow(GPUDemand(count: 1), for: plugin) }
    try await Task.sleep(for: .milliseconds(50))
    second.cancel()
    #expect(try await second.value == nil)
    await pair.lenders[0].giveBack(first)
  }

  @Test("a worker is told how many it has")
  func told() throws {
    var made = try configuration(["/bin/true"])
    made.plan.devices = [PlannedDevice(Self.gpu("0"))]
    #expect(made.initializeObject["available_resources"]?["available_gpus"] == 1)
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
