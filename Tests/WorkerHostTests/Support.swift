import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime
import Testing

@testable import WorkerHost

/// The programs in `Fixtures`, compiled once for a test run.
enum Fixture: String {
  case referenceClient = "reference_client"
  case hostile

  private static let directory: URL = {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("worker-fixtures-\(getpid())")
    try? FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(at: Fixture.directory) }
    return directory
  }()
  private static let compiled = Lock<[String: String]>([:])

  func program() throws -> String {
    try Self.compiled.withLock { known in
      if let path = known[rawValue] { return path }
      let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/\(rawValue).c")
      let program = Self.directory.appendingPathComponent(rawValue).path
      // Not Foundation's Process: its descriptors would be inherited by the workers of tests that run beside this one.
      let compiler = try spawn(["clang", "-std=gnu17", "-O1", "-o", program, source.path], output: 1, error: 2)
      try #require(reap(compiler) == .exited(code: 0), "the fixture \(rawValue).c does not compile")
      known[rawValue] = program
      return program
    }
  }
}

/// Collects what a worker reports.
final class Reports: Sendable {
  private let storage = Lock<[WorkerReport]>([])
  var all: [WorkerReport] { storage.withLock { $0 } }
  var record: @Sendable (WorkerReport) -> Void { { report in self.storage.withLock { $0.append(report) } } }
  var lines: [String] {
    all.compactMap { if case .output(let line, _) = $0 { line } else { nil } }
  }
}

/// Numbers that are the same in every run (SplitMix64, Steele and others 2014).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// Limits under which a test need not wait.
let quickLimits = WorkerLimits(
  startup: .seconds(5), acknowledgement: .milliseconds(400), cancelGrace: .milliseconds(200),
  terminateGrace: .milliseconds(200), exitGrace: .milliseconds(400), textBytes: 1 << 20)

func configuration(_ command: [String], digest: String = "0") throws -> WorkerConfiguration {
  let root = try #require(AbsolutePath("/"))
  let plan = SandboxPlan(
    plugin: try #require(PluginName("test")), hostname: "test", namespaces: [],
    identity: Identity(userInside: 1, groupInside: 1, userOnHost: 1, groupOnHost: 1), filesystem: [],
    landlock: LandlockPlan(abi: 0, handledFilesystem: 0, handledNetwork: 0, scoped: 0, rules: []),
    seccomp: SeccompPlan(program: [], profile: "none", allowed: [], denied: []), execution: .workerOnly, limits: [],
    environment: [], command: command, workingDirectory: root, permissions: [.filesystemRead(nil)])
  return WorkerConfiguration(
    plan: plan, digest: digest, engineVersion: "1.0.0", manifest: ["name": "test"], availableCPU: 1,
    availableMemoryMB: 512, pluginDirectory: root, workspace: nil, scratch: root)
}

func execution(
  _ nodeType: String, parameters: [(name: ParameterName, value: JSONValue)] = [], inputs: [NodeExecution.Input] = []
) throws -> NodeExecution {
  NodeExecution(
    run: "run-1", node: try #require(NodeName("node")), nodeType: try #require(NodeTypeName(nodeType)),
    parameters: parameters, inputs: inputs, attempt: 1)
}

/// A started worker and what it takes to end it.
func withWorker<Value>(
  _ command: [String], limits: WorkerLimits = quickLimits, startReports: Reports = Reports(),
  _ body: (Worker) async throws -> Value
) async throws -> Value {
  let loop = try EventLoop()
  let sandbox = try PlainSandbox(command)
  let worker = Worker(
    sandbox: sandbox, initialize: try configuration(command).initializeObject, loop: loop, limits: limits,
    clock: ContinuousClock())
  do {
    try await worker.start(report: startReports.record)
    let value = try await body(worker)
    await worker.shutdown()
    return value
  } catch {
    await worker.shutdown()
    throw error
  }
}

/// What a call to the hostile program ends in.
func failure(of mode: String, limit: Duration? = nil, reports: Reports = Reports()) async throws -> WorkerFailure? {
  let command = [try Fixture.hostile.program(), mode]
  let execution = try execution("any")
  do {
    try await withWorker(command) { worker in
      _ = try await worker.execute(execution, limit: limit, report: reports.record)
    }
    return nil
  } catch let failure as WorkerFailure {
    return failure
  }
}

/// The open descriptors of this process, by number and what they are.
func openDescriptors() -> [String] {
  let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
  return numbers.compactMap { number in
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")).map { "\(number) \($0)" }
  }
}

/// Kibibytes of memory that this process has in RAM.
func residentKibibytes() throws -> Int {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
  return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
}

extension NodeValue {
  /// All bytes, wherever they are.
  func bytes() throws -> [UInt8] {
    switch content {
    case .inline(let bytes): bytes
    case .shared(let memory): try memory.prefix(memory.byteCount)
    }
  }
}
