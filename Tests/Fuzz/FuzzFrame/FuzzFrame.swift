import CFuzzer
import PluginModel
import WorkerHost

/// What a worker sends, from the bytes of its socket to the values of a result: the supervisor's widest surface.
///
/// The first byte says how the stream is cut into reads, because that is the sender's choice too. Whatever arrives, the
/// decoder gives frames or a violation, the same for every cut, and never reserves what was only announced.
@main
enum FuzzFrame {
  static func main() {
    _ = run_fuzzer(CommandLine.argc, CommandLine.unsafeArgv) { data, size in
      FuzzFrame.one(Array(UnsafeBufferPointer(start: data, count: size)))
      return 0
    }
  }

  static func one(_ input: [UInt8]) {
    guard let cut = input.first else { return }
    let bytes = Array(input.dropFirst())
    let whole = decode(bytes, inPiecesOf: max(bytes.count, 1))
    let pieces = decode(bytes, inPiecesOf: Int(cut) % 64 + 1)
    guard whole == pieces else { fatalError("the cut changed the meaning: \(whole) \(pieces)") }
    session(bytes, inPiecesOf: Int(cut) % 64 + 1)
  }

  /// The session that the supervisor runs on what it reads: it must end, not trap, whatever comes.
  private static func session(_ bytes: [UInt8], inPiecesOf size: Int) {
    var session = WorkerSession<Int>(initialize: .object([]), limits: WorkerLimits())
    _ = session.start()
    for start in stride(from: 0, to: bytes.count, by: size) {
      _ = session.receive(Array(bytes[start..<min(start + size, bytes.count)]), [])
    }
    _ = session.endOfStream()
    guard session.hasEnded else { fatalError("the session survived the end of its stream") }
  }

  /// What came out, as text: kinds, lengths and values, or the rule that was broken.
  private static func decode(_ bytes: [UInt8], inPiecesOf size: Int) -> [String] {
    var decoder = FrameDecoder<Int>()
    var found: [String] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      decoder.append(Array(bytes[start..<min(start + size, bytes.count)]), [])
      do {
        while let frame = try decoder.next() { found.append(describe(frame)) }
      } catch {
        return found + ["\(error)"]
      }
    }
    return found + [decoder.isAtBoundary ? "complete" : "cut"]
  }

  private static func describe(_ frame: Frame<Int>) -> String {
    let text = "\(frame.kind) \(frame.callID) \(frame.body.count)"
    do {
      let table = try ValueTable(frame.body, descriptors: frame.descriptors)
      let again = try ValueTable(table.encoded().body, descriptors: table.encoded().descriptors)
      guard again.values.count == table.values.count else { fatalError("a table changed by being encoded") }
      return text + " \(table.values.count) values"
    } catch {
      return text + " \(error)"
    }
  }
}
