import Foundation
import FoundationXML
import PluginModel
import Testing

@Suite("The files of a run")
struct RunFilesTests {
  private final class Elements: NSObject, XMLParserDelegate {
    var names: [String: Int] = [:]
    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) { names[name, default: 0] += 1 }
  }

  @Test("--report, --trace and --output junit are whole, whatever the nodes say")
  func whole() throws {
    let directory = try TemporaryDirectory()
    try directory.writeWorkflow([
      "n: {type: probe/probe, with: {do: noise}}",
      Probe.python("x", "print('</script> ]]> & \\\\x00'); raise ValueError('</script><b>')", ", needs: [n]"),
      "s: {type: probe/probe, needs: [x]}",
    ])
    let outcome = try Program.run(
      [
        "run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--report", "r.html", "--trace", "t.json",
        "--output", "junit",
      ], in: directory)
    #expect(outcome.status == 1, "\(outcome.errors)")
    let elements = Elements()
    let parser = XMLParser(data: Data(outcome.output.utf8))
    parser.delegate = elements
    #expect(parser.parse(), "\(outcome.output)")
    #expect(elements.names["testcase"] == 3 && elements.names["failure"] == 1 && elements.names["skipped"] == 1)
    let trace = try JSONValue(json: directory.read("t.json"))
    #expect((trace["traceEvents"]?.arrayValue ?? []).count { $0["ph"] == "X" } == 2)
    let page = try directory.read("r.html")
    #expect(page.contains("<!doctype html>") || page.contains("<!DOCTYPE html>"))
    #expect(!page.contains("</script><b>"))
    #expect(!page.contains("http://") || !page.contains("src=\"http"))
  }

  @Test("where one can't be written, that is said, and the run's own status counts for more")
  func unwritable() throws {
    let directory = try TemporaryDirectory()
    try directory.writeWorkflow(["n: {type: probe/probe, with: {do: echo, value: 1}}"], outputs: "{r: n.output}")
    func run() throws -> Program.Outcome {
      try Program.run(
        ["run", "w.yaml", "--plugins", "probe", "--state-dir", "state", "--report", "nowhere/r.html"], in: directory)
    }
    let succeeded = try run()
    #expect(succeeded.status == 2)
    #expect(succeeded.errors.contains("nowhere/r.html can't be written"), "\(succeeded.errors)")
    #expect(succeeded.output.contains("r: 1"), "what came of it is told all the same")
    try directory.writeWorkflow(["n: {type: probe/probe, with: {do: fail, value: no}}"])
    let failed = try run()
    #expect(failed.status == 1)
    #expect(failed.errors.contains("nowhere/r.html can't be written"))
  }
}
