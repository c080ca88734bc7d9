import PluginModel
import Testing

@testable import WorkerHost

@Suite("Secrets in a worker's output")
struct OutputMaskTests {
  private let limits = OutputLimits(lineBytes: 20, callBytes: 100, quotedLines: 3)

  private func lines(_ text: String, pieces: Int) throws -> String {
    var buffer = LogBuffer(limits)
    buffer.hide(SecretMask([try Secret(SecretName(unchecked: "TOKEN"), "0123-secret-4567")]))
    var lines: [String] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      lines += buffer.append(Array(rest.prefix(pieces)))
      rest = rest.dropFirst(pieces)
    }
    return (lines + buffer.finish()).joined(separator: "\n")
  }

  @Test(
    "no line shows a part of one: where it comes in pieces, spans the cut of a line or of a call, or is thrown away",
    arguments: 1..<20)
  func masked(pieces: Int) throws {
    for padding in 0..<30 {
      let line = String(repeating: "x", count: padding) + "0123-secret-4567 after\n"
      for count in [1, 9] {
        let found = try lines(String(repeating: line, count: count), pieces: pieces)
        #expect(!found.contains("012") && !found.contains("4567") && !found.contains("secr"), "\(padding) \(found)")
      }
    }
    #expect(try lines("a 0123-secret-4567 b\n", pieces: pieces) == "a *** b")
    #expect(try lines("a 0123-secret", pieces: pieces) == "a ***", "it may be the beginning of one")
    #expect(try lines("a 0123 b 012", pieces: pieces) == "a 0123 b 012", "it isn't one, and nothing is lost")
  }

  @Test("a call has its secrets in its metadata, an estimate none, and a call without any has no such key")
  func metadata() throws {
    let type = NodeTypeName(unchecked: "t")
    var execution = NodeExecution(
      run: "r", node: NodeName(unchecked: "n"), nodeType: type, parameters: [], inputs: [], attempt: 1)
    #expect(execution.metadata(limit: nil)["secrets"] == nil)
    execution.secrets = [try Secret(SecretName(unchecked: "TOKEN"), "value-of-it")]
    #expect(execution.metadata(limit: nil)["secrets"] == ["TOKEN": "value-of-it"])
    #expect(execution.estimateMetadata["secrets"] == nil && !"\(execution)".contains("value-of-it"))
  }
}
