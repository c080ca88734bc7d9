import Foundation
import PluginModel
import Testing

@testable import WorkerHost

/// `Tests/Vectors/protocol.json`, which any implementation of the protocol can be tested against.
private struct Vectors {
  let frames: [JSONValue]
  let refused: [JSONValue]

  init() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Vectors/protocol.json")
    let document = try JSONValue(json: [UInt8](Data(contentsOf: file)))
    frames = try #require(document["frames"]?.arrayValue)
    refused = try #require(document["refused"]?.arrayValue)
  }
}

extension JSONValue {
  fileprivate func text(_ key: String) throws -> String { try #require(self[key]?.stringValue) }
  fileprivate func number(_ key: String) throws -> Int { Int(try #require(self[key]?.integerValue)) }
  fileprivate func bytes(_ key: String) throws -> [UInt8] { try #require(hexadecimal(text(key))) }
}

private func hexadecimal(_ text: String) -> [UInt8]? {
  let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
  guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
  return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// Descriptors are numbers here: the protocol code never looks at them.
private func descriptors(_ count: Int) -> [Int] { Array(0..<count) }

@Suite("The test vectors of the worker protocol")
struct VectorTests {
  @Test("every frame is read as what it means, and written as the same bytes")
  func frames() throws {
    for vector in try Vectors().frames {
      let meaning = try vector.text("meaning")
      let bytes = try vector.bytes("hex")
      var decoder = FrameDecoder<Int>()
      decoder.append(bytes, descriptors(try vector.number("descriptors")))
      let frame = try #require(try decoder.next(), "\(meaning)")
      #expect(try decoder.next() == nil && decoder.isAtBoundary, "\(meaning)")
      #expect("\(frame.kind)" == (try vector.text("kind")), "\(meaning)")
      #expect(Int(frame.callID) == (try vector.number("call")), "\(meaning)")
      #expect(frame.bytes == bytes, "\(meaning)")
      switch frame.kind.body {
      case .empty: #expect(frame.body.isEmpty, "\(meaning)")
      case .object: #expect(try JSONValue(json: frame.body) == vector["object"], "\(meaning)")
      case .values: try check(frame, vector, meaning)
      }
    }
  }

  private func check(_ frame: Frame<Int>, _ vector: JSONValue, _ meaning: String) throws {
    let table = try ValueTable(frame.body, descriptors: frame.descriptors)
    #expect(table.metadata == vector["metadata"], "\(meaning)")
    let expected = try #require(vector["values"]?.arrayValue)
    #expect(table.values.count == expected.count, "\(meaning)")
    for (value, expected) in zip(table.values, expected) {
      #expect(value.name.text == (try expected.text("name")))
      #expect(value.position.map(Int64.init) == expected["position"]?.integerValue)
      #expect(Int(value.codec.rawValue) == (try expected.number("codec")))
      #expect(value.label == (try expected.text("label")))
      switch value.content {
      case .inline(let bytes): #expect(bytes == (try expected.bytes("content")))
      case .shared(_, let byteCount):
        #expect(Int(byteCount) == (try expected.number("length")) && expected["content"] == .null)
      }
    }
    let encoded = table.encoded()
    #expect(encoded.body == frame.body && encoded.descriptors == frame.descriptors, "\(meaning)")
  }

  @Test("every frame that breaks a rule is refused for that rule")
  func refused() throws {
    for vector in try Vectors().refused {
      let rule = try vector.text("rule")
      var session = try session(after: try vector.text("after"))
      let actions = session.receive(
        try vector.bytes("hex"), descriptors(try vector.number("descriptors_sent")))
      guard case .end(.violation(let violation)) = actions.last else {
        Issue.record("accepted although \(rule): \(actions)")
        continue
      }
      let words = try vector.text("supervisor_says")
      #expect(violation.description.hasPrefix(words), "\(rule): \(violation)")
      #expect(session.hasEnded)
    }
  }

  private func session(after moment: String) throws -> WorkerSession<Int> {
    var session = WorkerSession<Int>(initialize: .object([]), limits: WorkerLimits())
    _ = session.start()
    if moment == "nothing" { return session }
    let greeting = Frame<Int>(.hello, object: ["protocol": 1, "sdk": "s", "language": "l"])
    _ = session.receive(greeting.bytes, [])
    _ = session.receive(Frame<Int>(.ready, object: .object([])).bytes, [])
    if moment == "ready" { return session }
    try #require(session.call(body: [], descriptors: [], limit: nil)?.id == 1)
    if moment == "call" { return session }
    try #require(moment == "ack")
    _ = session.receive(Frame<Int>(.ack, callID: 1).bytes, [])
    return session
  }
}
