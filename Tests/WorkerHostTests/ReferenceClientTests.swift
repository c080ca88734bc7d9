import Glibc
import LinuxSystem
import PluginModel
import SandboxRuntime
import Testing

@testable import WorkerHost

/// A client in C that was written from the page "The worker protocol" alone.
@Suite("A worker written from the page", .serialized)
struct ReferenceClientTests {
  let command: [String]
  init() throws { command = [try Fixture.referenceClient.program()] }

  @Test("is greeted, describes itself and leaves with status 0")
  func describes() async throws {
    let description = try await withWorker(command) { worker in
      #expect(await worker.identity == WorkerIdentity(sdk: "reference 1.0", language: "C"))
      return try await worker.describe(limit: .seconds(5))
    }
    #expect(description["node_types"]?.arrayValue?.first?["node_type"]?.stringValue == "echo")
  }

  @Test("gets values back as it sent them, in lists and alone, inline and in memory")
  func echoes() async throws {
    let text = try #require(PortName("text"))
    let parts = try #require(PortName("parts"))
    let large = [UInt8](repeating: 7, count: 200_000)
    let inputs = [
      NodeExecution.Input(
        port: text, values: [NodeValue(codec: .json, content: .inline(Array("1".utf8)))], isMultiple: false),
      NodeExecution.Input(
        port: parts,
        values: [
          NodeValue(codec: .bytes, content: .inline(large)),
          NodeValue(codec: .file, content: .inline([1, 2]), label: "a b.txt"),
        ], isMultiple: true),
    ]
    let execution = try execution("echo", inputs: inputs)
    let reports = Reports()
    let outcome = try await withWorker(command) { worker in
      try await worker.execute(execution, limit: .seconds(5), report: reports.record)
    }
    #expect(outcome.outputs.map(\.port) == [text, parts])
    let values = outcome.outputs.flatMap(\.values)
    #expect(values.map(\.codec) == [.json, .bytes, .file])
    #expect(values.map(\.label) == ["", "", "a b.txt"])
    #expect(try values.map { try $0.bytes() } == [Array("1".utf8), large, [1, 2]])
    guard case .shared(let memory) = values[1].content else {
      Issue.record("the large value did not stay in shared memory")
      return
    }
    #expect(memory.byteCount == large.count)
    #expect(!outcome.isFallback)
    #expect(
      reports.all.contains(.progress(fraction: 0.5, message: "half way"))
        && reports.all.contains(.log(level: .info, logger: "reference", message: "echoing"))
        && reports.all.contains(.output(line: "a line of standard output", isError: false)))
    #expect(reports.all.first == .started)
  }

  @Test("hands its memory to the next worker without a copy")
  func forwards() async throws {
    let output = try #require(PortName("output"))
    let bytes = try #require(ParameterName("bytes"))
    let produce = try execution("produce", parameters: [(bytes, 1_000_000)])
    let outcome = try await withWorker(command) { worker in
      try await worker.execute(produce, limit: nil, report: { _ in })
    }
    let produced = try #require(outcome.outputs.first?.values.first)
    let echo = try execution(
      "echo", inputs: [NodeExecution.Input(port: output, values: [produced], isMultiple: false)])
    let echoed = try await withWorker(command) { worker in
      try await worker.execute(echo, limit: nil, report: { _ in })
    }
    let received = try #require(echoed.outputs.first?.values.first)
    guard case .shared(let first) = produced.content, case .shared(let second) = received.content,
      let first = first as? SealedMemory, let second = second as? SealedMemory
    else {
      Issue.record("the value left shared memory")
      return
    }
    #expect(try second.prefix(28) == Array("abcdefghijklmnopqrstuvwxyzab".utf8))
    #expect(try inode(first) == inode(second))
  }

  @Test("tells an error of the plugin whole, and serves the next call")
  func raises() async throws {
    let raise = try execution("raise")
    let echo = try execution("echo")
    try await withWorker(command) { worker in
      let failure = await #expect(throws: WorkerFailure.self) {
        _ = try await worker.execute(raise, limit: nil, report: { _ in })
      }
      #expect(failure?.cause == "ValueError: no such luck")
      #expect(failure?.traceback == "line 1\nline 2")
      #expect(failure?.hint == "try again")
      #expect(failure?.leavesWorkerUsable == true)
      _ = try await worker.execute(echo, limit: nil, report: { _ in })
    }
  }

  @Test("is cancelled with its task, and answers")
  func cancels() async throws {
    let wait = try execution("wait")
    try await withWorker(command) { worker in
      let (started, start) = AsyncStream<Void>.makeStream()
      let task = Task {
        try await worker.execute(wait, limit: nil) { if $0 == .started { start.finish() } }
      }
      for await _ in started {}
      task.cancel()
      let result = await task.result
      guard case .failure(WorkerFailure.cancelled) = result else {
        Issue.record("the call ended in \(result)")
        return
      }
      #expect(await worker.isIdle)
    }
  }

  @Test("is stopped at the deadline, and answers")
  func deadline() async throws {
    let wait = try execution("wait")
    try await withWorker(command) { worker in
      let failure = await #expect(throws: WorkerFailure.self) {
        _ = try await worker.execute(wait, limit: .milliseconds(100), report: { _ in })
      }
      #expect(failure?.message == "the node did not finish within 100 ms")
      #expect(await worker.isIdle)
    }
  }

  @Test("refuses inputs that no frame can carry, before anything is sent")
  func tooMuch() async throws {
    let port = try #require(PortName("many"))
    let values = Array(repeating: NodeValue(codec: .bytes, content: .inline([])), count: 1025)
    let echo = try execution("echo", inputs: [NodeExecution.Input(port: port, values: values, isMultiple: true)])
    try await withWorker(command) { worker in
      let failure = await #expect(throws: WorkerFailure.self) {
        _ = try await worker.execute(echo, limit: nil, report: { _ in })
      }
      #expect(failure?.cause == "there are 1025 values; one call carries 1024")
      #expect(await worker.isIdle)
    }
  }

  private func inode(_ memory: SealedMemory) throws -> UInt64 {
    var status = stat()
    try #require(fstat(memory.descriptor.number, &status) == 0)
    return UInt64(status.st_ino)
  }
}
