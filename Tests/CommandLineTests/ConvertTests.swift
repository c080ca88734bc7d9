import Foundation
import PluginModel
import Testing

/// Workflows as React Flow's JSON, and back.
@Suite("convert")
struct ConvertTests {
  private static let example = Program.package + "/deploy/examples/license-report.yaml"

  @Test("makes a flow of a YAML file, and of the flow the same workflow again")
  func bothWays() throws {
    let directory = try TemporaryDirectory()
    let there = try Program.run(["convert", Self.example, "--to", "react-flow", "--out", "flow.json"], in: directory)
    #expect(there.status == 0, "\(there.errors)")
    #expect(there.output.isEmpty && there.errors.isEmpty)
    let flow = try JSONValue(json: try directory.read("flow.json"))
    #expect(flow["nodes"]?.arrayValue?.first?["data"]?["nodeType"] == "files/list")
    #expect(flow["edges"]?.arrayValue?.isEmpty == false)
    let back = try Program.run(["convert", "flow.json", "--to", "workflow"], in: directory)
    #expect(back.status == 0, "\(back.errors)")
    let original = try DocumentNode(yaml: Array(Data(contentsOf: URL(fileURLWithPath: Self.example))), file: "w")
    #expect(try JSONValue(json: back.output).sorted == original.jsonValue.sorted)
    // What is written is a workflow that the program reads.
    try directory.write("again.json", back.output)
    let again = try Program.run(["convert", "again.json", "--to", "react-flow"], in: directory)
    #expect(try JSONValue(json: again.output) == flow)
    // As YAML, where the file is called so.
    try directory.write("flow.json", again.output)
    _ = try Program.run(["convert", "flow.json", "--to", "workflow", "--out", "again.yaml"], in: directory)
    let text = try directory.read("again.yaml")
    #expect(text.contains("    find:\n      type: files/list\n"), "\(text)")
    #expect(try DocumentNode(yaml: Array(text.utf8), file: "w").jsonValue == JSONValue(json: back.output))
  }

  @Test("replaces a file only where it is told to, and writes none of what can't be converted")
  func files() throws {
    let directory = try TemporaryDirectory()
    try directory.write("flow.json", "{\"nodes\": [], \"edges\": []}")
    try directory.write("there.json", "kept")
    try directory.write("broken.json", "{\"nodes\": [{\"id\": 1}], \"edges\": [{}]}")
    let refused = try Program.run(["convert", "flow.json", "--to", "workflow", "--out", "there.json"], in: directory)
    #expect(refused.status == 2 && refused.errors.contains("--force"), "\(refused.errors)")
    #expect(try directory.read("there.json") == "kept")
    let broken = try Program.run(
      ["convert", "broken.json", "--to", "workflow", "--out", "there.json", "--force"], in: directory)
    #expect(broken.status == 2 && broken.errors.contains("has no 'id'"), "\(broken.errors)")
    #expect(try directory.read("there.json") == "kept")
    let forced = try Program.run(
      ["convert", "flow.json", "--to", "workflow", "--out", "there.json", "--force"], in: directory)
    #expect(forced.status == 0, "\(forced.errors)")
    #expect(try JSONValue(json: directory.read("there.json"))["metadata"]?["name"] == "flow")
  }

  @Test("says what is no workflow, with its line, and is called wrongly with status 2")
  func mistakes() throws {
    let directory = try TemporaryDirectory()
    try directory.write("w.yaml", "spec:\n  nodes: {a: [}\n")
    try directory.write("flow.json", "{\"nodes\": [], \"edges\": []}")
    let wrong = try Program.run(["convert", "w.yaml", "--to", "react-flow"], in: directory)
    #expect(wrong.status == 2 && wrong.errors.contains("w.yaml:2"), "\(wrong.errors)")
    let other = try Program.run(["convert", "flow.json", "--to", "react-flow"], in: directory)
    #expect(other.status == 2 && other.errors.contains("spec.nodes"), "\(other.errors)")
    for arguments in [["flow.json"], ["flow.json", "--to", "svg"], ["none.json", "--to", "workflow"]] {
      let outcome = try Program.run(["convert"] + arguments, in: directory)
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(arguments)")
    }
    let lone = try Program.run(["convert", "flow.json", "--to", "workflow", "--force"], in: directory)
    #expect(lone.status == 2 && lone.errors.contains("--force goes with --out"), "\(lone.errors)")
  }

  @Test("gives a flow that brings no name that of its file, as far as a workflow may have it")
  func names() throws {
    let directory = try TemporaryDirectory()
    for (file, name) in [("a b.flow.json", "a_b"), ("Übersicht.json", "__bersicht"), ("7.json", "imported")] {
      try directory.write(file, "{\"nodes\": []}")
      let made = try Program.run(["convert", file, "--to", "workflow"], in: directory)
      #expect(try JSONValue(json: made.output)["metadata"]?["name"] == .string(name), "\(made.errors)")
    }
  }
}
