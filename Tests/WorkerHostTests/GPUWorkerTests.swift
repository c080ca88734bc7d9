import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime
import Testing

@testable import WorkerHost

@Suite("Workers with GPUs", .serialized)
struct GPUWorkerTests {
  private static func gpu(_ name: String) -> GPU {
    GPU(
      reference: CDIDeviceReference(kind: .nvidiaGPU, device: CDIDeviceName(unchecked: name)),
      source: "/etc/cdi/a.yaml",
      nodes: [])
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

  @Test("whoever waits for idle workers to go waits for those that another is ending as well")
  func ending() async throws {
    let program = try Fixture.referenceClient.program()
    let launcher = PlainLauncher()
    let pool = WorkerPool(launcher: launcher, loop: try EventLoop(), limits: quickLimits, maximumWorkers: 1)
    var made = try configuration([program])
    made.plan.devices = [PlannedDevice(Self.gpu("0"))]
    _ = try await pool.execute(try execution("echo"), on: made, limit: nil, report: { _ in })
    let devices = Set(made.plan.devices.map(\.reference))
    let left = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          await pool.endIdle(holding: devices)
          return launcher.living().count
        }
      }
      return await group.reduce(0, +)
    }
    #expect(left == 0)
    await pool.shutdown()
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
