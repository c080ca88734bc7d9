import Testing

@testable import PluginModel

@Suite("Where a server listens, and what it tells of a workflow")
struct ServingTests {
  @Test("others reach it only with tokens and encryption, or behind a proxy that has that")
  func exposure() throws {
    let places =
      [("0.0.0.0:80", true), ("[::]:80", true), ("10.0.0.1:80", true), ("192.0.2.1:80", true)]
      + [("127.0.0.1:80", false), ("127.8.0.1:80", false), ("[::1]:80", false), ("unix:/run/x", false)]
    for (text, isReachable) in places {
      let address = try ServingAddress(text)
      #expect(address.isReachable == isReachable && address.description == text, "\(text)")
      for bits in 0..<8 {
        let exposure = ServingExposure(
          speaksTLS: bits & 1 != 0, isBehindProxy: bits & 2 != 0, needsTokens: bits & 4 != 0)
        let isAllowed = !isReachable || exposure.needsTokens && (exposure.speaksTLS || exposure.isBehindProxy)
        #expect((exposure.refusal(of: address) == nil) == isAllowed, "\(text) \(exposure)")
      }
    }
    for text in [
      "localhost:80", "80", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80x", "unix:run",
      "",
    ] {
      #expect(throws: Diagnostic.self, "\(text)") { try ServingAddress(text) }
    }
  }

  @Test("a place in a workflow's file is a node's, and a port's or a parameter's where one is written")
  func subjects() throws {
    let text = """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec:
        nodes:
          a: {type: x/y, with: {p: 1}}
          b:
            type: x/y
            with:
              q: 2
            in:
              port: a.output
            timeout: 3s
      """
    let file = "w.yaml"
    let subjects = WorkflowSubjects(try Workflow(bytes: Array(text.utf8), file: file))
    func at(_ line: Int, _ column: Int = 99) -> String {
      guard let subject = subjects[SourceLocation(file: file, line: line, column: column)] else { return "none" }
      return [subject.node.text, subject.port?.text, subject.parameter?.text].map { $0 ?? "-" }.joined(separator: " ")
    }
    #expect(at(1) == "none" && at(4) == "none")
    #expect(at(6) == "a - p" && at(8) == "b - -" && at(10) == "b - q" && at(12) == "b port -" && at(13) == "b - -")
    #expect(subjects[SourceLocation(file: "other.yaml", line: 10, column: 1)] == nil)
  }
}
