import LinuxSystem
import PluginModel
import Testing

@testable import WorkerHost

@Suite("Node service", .timeLimit(.minutes(1)))
struct NodeServiceTests {
  /// The other end, without a rule that it keeps.
  private struct Client {
    let socket: UnixSocket
    let loop: EventLoop

    func send(_ bytes: [UInt8]) throws { #expect(try socket.send(bytes) == bytes.count) }

    func send(_ metadata: JSONValue, _ values: [WireValue<FileDescriptor>] = []) throws {
      let (body, descriptors) = ValueTable(metadata: metadata, values: values).encoded()
      let frame = Frame(.call, callID: 7, body: body, descriptors: descriptors)
      #expect(try socket.send(frame.bytes, descriptors: descriptors) == frame.bytes.count)
    }

    /// All frames up to the end of the stream, or so many.
    func frames(_ count: Int = .max) async throws -> [Frame<FileDescriptor>] {
      var decoder = FrameDecoder<FileDescriptor>()
      var frames: [Frame<FileDescriptor>] = []
      while frames.count < count {
        guard let received = try socket.receive(atMost: 65_536) else {
          try await loop.wait(until: .readable, socket.descriptor)
          continue
        }
        if received.bytes.isEmpty { break }
        decoder.append(received.bytes, received.descriptors)
        while let frame = try decoder.next() { frames.append(frame) }
      }
      return frames
    }
  }

  private static let call: JSONValue = [
    "operation": "execute", "node": "n", "node_type": "work", "parameters": ["a": 1], "config": ["k": "v"],
    "attempt": 1, "deadline_ms": 500,
  ]

  private static func with(_ key: String, _ value: JSONValue?) -> JSONValue {
    guard case .object(let members) = call else { return call }
    return .object(members.filter { $0.key != key } + (value.map { [.init(key, $0)] } ?? []))
  }

  /// Runs `body` with a client of a service that answers with the inputs as outputs.
  private func serving(
    _ run: @escaping NodeService.Run = { request, _ in
      .outcome(
        NodeOutcome(
          outputs: request.execution.inputs.map { ($0.port, $0.values) }, isFallback: false, cacheKey: nil, tests: nil))
    }, _ body: (Client) async throws -> Void
  ) async throws -> ProtocolViolation? {
    let loop = try EventLoop()
    let (ours, theirs) = try UnixSocket.pair()
    let service = NodeService(ours, loop: loop, run: run)
    async let violation = service.serve()
    let client = Client(socket: theirs, loop: loop)
    do { try await body(client) } catch { Issue.record(error) }
    theirs.descriptor.close()
    return await violation
  }

  @Test("runs what is asked for, and answers with lists of values, large ones in sealed memory")
  func answers() async throws {
    let large = try SealedMemory(copying: [UInt8](repeating: 1, count: 100_000))
    let asked = Lock<NodeService.Request?>(nil)
    let violation = try await serving({ request, report in
      asked.withLock { $0 = request }
      report(.progress(fraction: 0.5, message: "half"))
      report(.output(line: "printed", isError: true))
      return .outcome(
        NodeOutcome(
          outputs: request.execution.inputs.map { ($0.port, $0.values) }, isFallback: true, cacheKey: nil, tests: nil))
    }) { client in
      let one = try #require(PortName("one"))
      let several = try #require(PortName("several"))
      try client.send(
        Self.call,
        [
          WireValue(name: one, codec: .json, content: .inline(Array("1".utf8))),
          WireValue(
            name: several, position: 0, codec: .bytes,
            content: .shared(large.descriptor, byteCount: UInt64(large.byteCount))),
        ])
      let frames = try await client.frames(3)
      #expect(frames.map(\.kind) == [.progress, .log, .result])
      #expect(frames.allSatisfy { $0.callID == 7 })
      let last = try #require(frames.last)
      let table = try ValueTable(last.body, descriptors: last.descriptors)
      #expect(table.metadata["fallback"] == true)
      #expect(table.values.map(\.position) == [0, 0])
      #expect(try table.adopted().map(\.values.first?.byteCount) == [1, 100_000])
    }
    #expect(violation == nil)
    let request = try #require(asked.withLock { $0 })
    #expect(request.limit == .milliseconds(500))
    #expect(request.config == ["k": "v"])
    #expect(request.execution.inputs.map(\.isMultiple) == [false, true])
    #expect(request.execution.parameters.map(\.name.text) == ["a"])
  }

  @Test("tells in the words of the protocol what a plugin raised, and what its worker came to")
  func failures() async throws {
    let error = PluginError(.error, type: "ValueError", message: "no", traceback: "line 1", hint: "mend it")
    _ = try await serving({ _, _ in .failure(.pluginError(error, lastOutput: []), hint: "grant it") }) { client in
      try client.send(Self.call)
      let object = try JSONValue(json: try #require(try await client.frames(1).first).body)
      #expect(object["class"] == "error")
      #expect(object["type"] == "ValueError")
      #expect(object["hint"] == "mend it\ngrant it")
    }
    _ = try await serving({ _, _ in .failure(.timedOut(.seconds(1)), hint: nil) }) { client in
      try client.send(Self.call)
      let frame = try #require(try await client.frames(1).first)
      #expect(frame.kind == .error)
      #expect(try JSONValue(json: frame.body)["class"] == "worker")
    }
  }

  @Test(
    "refuses what can't be run, and goes on",
    arguments: [
      with("operation", "describe"), with("node", "a/b"), with("node_type", .null), with("attempt", 0),
      with("attempt", nil), with("deadline_ms", -1), with("deadline_ms", 86_400_001), with("config", nil),
      with("config", .array([])), with("parameters", "x"), with("parameters", ["a b": 1]),
      with("secrets", ["TOKEN": 1]), with("secrets", ["TOKEN": "abc"]), with("secrets", ["a-b": "abcdefgh"]),
      with("secrets", .array([])),
    ])
  func refusals(_ metadata: JSONValue) async throws {
    let violation = try await serving { client in
      try client.send(metadata)
      #expect(try await client.frames(1).map(\.kind) == [.error])
      try client.send(Self.call)
      #expect(try await client.frames(1).map(\.kind) == [.result])
    }
    #expect(violation == nil)
  }

  @Test(
    "ends with the first frame that breaks a rule",
    arguments: [
      Frame<FileDescriptor>(.result, body: []).bytes, Frame<FileDescriptor>(.cancel, object: [:]).bytes,
      Frame<FileDescriptor>(.call, body: [1, 2, 3]).bytes, [UInt8](repeating: 0xFF, count: 16),
      FrameHeader(kind: .call, bodyLength: 16_777_217).bytes,
    ])
  func violations(_ bytes: [UInt8]) async throws {
    let ran = Lock(false)
    let violation = try await serving({ _, _ in
      ran.withLock { $0 = true }
      return .failure(.poolClosed, hint: nil)
    }) { client in try client.send(bytes) }
    #expect(violation != nil)
    #expect(!ran.withLock { $0 })
  }

  @Test("holds no more of what a node tells than it may")
  func bounded() async throws {
    _ = try await serving({ _, report in
      for _ in 0..<5000 { report(.log(level: .info, logger: "a", message: "m")) }
      for _ in 0..<100 { report(.log(level: .info, logger: "a", message: String(repeating: "x", count: 65_000))) }
      return .failure(.timedOut(.seconds(1)), hint: nil)
    }) { client in
      try client.send(Self.call)
      #expect(try await client.frames(1001).count == 1001)
    }
  }
}
