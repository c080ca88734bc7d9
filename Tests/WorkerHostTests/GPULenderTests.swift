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
          guard let gpus = await lender.borrow(GPUDemand(count: 1 + index % 2), for: plugin) else { return }
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
    let first = try #require(await lender.borrow(GPUDemand(count: 1), for: plugin))
    let waiting = Task { await lender.borrow(GPUDemand(count: 2), for: plugin) }
    try await Task.sleep(for: .milliseconds(20))
    let behind = Task { await lender.borrow(GPUDemand(count: 1), for: plugin) }
    try await Task.sleep(for: .milliseconds(20))
    waiting.cancel()
    #expect(await waiting.value == nil)
    #expect(await behind.value?.map(\.reference.device.text) == ["1"])
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
