import PluginModel
import Testing

@testable import WorkerHost

@Suite("The frame decoder")
struct FrameDecoderTests {
  /// Frames as a worker may send them, with descriptors numbered in order.
  private static func frames(_ generator: inout SplitMix64) -> [Frame<Int>] {
    var descriptor = 0
    return (0..<Int.random(in: 1...12, using: &generator)).map { _ in
      let kind = FrameKind.allCases.randomElement(using: &generator) ?? .ack
      let length = kind.body == .empty ? 0 : Int.random(in: 0...300, using: &generator)
      let count = kind.body == .values ? Int.random(in: 0...3, using: &generator) : 0
      defer { descriptor += count }
      return Frame(
        kind, callID: .random(in: 0...9, using: &generator),
        body: (0..<length).map { _ in .random(in: 0...255, using: &generator) },
        descriptors: Array(descriptor..<descriptor + count))
    }
  }

  /// What the kernel may hand out: any number of bytes, but never past the message that carried descriptors, which
  /// come with their first byte.
  private static func split(
    _ frames: [Frame<Int>], _ generator: inout SplitMix64
  ) -> [(bytes: [UInt8], descriptors: [Int])] {
    var chunks: [(bytes: [UInt8], descriptors: [Int])] = []
    for frame in frames {
      var rest = frame.bytes[...]
      var descriptors = frame.descriptors
      while !rest.isEmpty {
        let part = rest.prefix(Int.random(in: 1...400, using: &generator))
        rest = rest.dropFirst(part.count)
        if let last = chunks.last, last.descriptors.isEmpty, Bool.random(using: &generator) {
          chunks[chunks.count - 1] = (last.bytes + part, descriptors)
        } else {
          chunks.append((Array(part), descriptors))
        }
        descriptors = []
      }
    }
    return chunks
  }

  @Test("gives the same frames however they were split on the way", arguments: 0..<200)
  func splits(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed))
    let frames = Self.frames(&generator)
    var decoder = FrameDecoder<Int>()
    var received: [Frame<Int>] = []
    for chunk in Self.split(frames, &generator) {
      decoder.append(chunk.bytes, chunk.descriptors)
      while let frame = try decoder.next() { received.append(frame) }
    }
    #expect(received == frames)
    #expect(decoder.isAtBoundary)
  }

  @Test("survives any bytes, and a session ends at the first broken rule", arguments: 0..<200)
  func noise(seed: Int) {
    var generator = SplitMix64(seed: UInt64(1000 + seed))
    var session = WorkerSession<Int>(initialize: .object([]), limits: WorkerLimits())
    _ = session.start()
    var bytes: [UInt8] = []
    for frame in Self.frames(&generator) { bytes += frame.bytes }
    for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
    }
    var hasEnded = false
    while !bytes.isEmpty {
      let part = Array(bytes.prefix(Int.random(in: 1...50, using: &generator)))
      bytes.removeFirst(part.count)
      let actions = session.receive(part, Bool.random(using: &generator) ? [] : [1])
      #expect(!hasEnded || actions.isEmpty, "an ended session still acts")
      hasEnded = session.hasEnded
    }
  }

  @Test("value tables survive any change of a byte or of their length", arguments: 0..<100)
  func brokenTables(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(2000 + seed))
    let port = try #require(PortName("port"))
    let table = ValueTable<Int>(
      metadata: ["a": 1],
      values: (0..<4).map {
        WireValue(
          name: port, position: UInt32($0), codec: .file, label: "name",
          content: $0 == 2 ? .shared(7, byteCount: 100_000) : .inline([1, 2, 3]))
      })
    let encoded = table.encoded()
    #expect(try ValueTable(encoded.body, descriptors: encoded.descriptors) == table)
    var body = encoded.body
    for _ in 0..<3 { body[Int.random(in: 0..<body.count, using: &generator)] = .random(in: 0...255, using: &generator) }
    body = Array(body.prefix(Int.random(in: 0...body.count, using: &generator)))
    // Whatever comes of it is whole: no value has more bytes than the body had.
    if let read = try? ValueTable(body, descriptors: encoded.descriptors) {
      for case .inline(let bytes) in read.values.map(\.content) { #expect(bytes.count <= body.count) }
    }
  }

  @Test("refuses a length before any of the body has come")
  func early() {
    var decoder = FrameDecoder<Int>()
    var bytes = FrameHeader(kind: .result, bodyLength: 0, callID: 1).bytes
    bytes[3] = 0x80
    decoder.append(Array(bytes.prefix(15)))
    #expect(throws: Never.self) { try decoder.next() }
    decoder.append([bytes[15]])
    #expect(throws: ProtocolViolation.bodyTooLong(.result, length: 1 << 31)) { try decoder.next() }
    // It stays refused.
    decoder.append(Frame<Int>(.ack).bytes)
    #expect(throws: ProtocolViolation.bodyTooLong(.result, length: 1 << 31)) { try decoder.next() }
  }
}
