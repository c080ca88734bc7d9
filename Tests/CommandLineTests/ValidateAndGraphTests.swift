import Foundation
import PluginModel
import Testing

/// The commands that check a workflow and run nothing of it.
@Suite("validate and graph")
struct ValidateAndGraphTests {
  private func workflow(_ with: String = "{path: \"${{ inputs.path }}\"}") throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try directory.write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: sample}
      spec:
        inputs:
          path: {type: string}
          size: {type: integer}
        nodes:
          read: {type: files/read, with: \(with)}
      """)
    return directory
  }

  @Test("need no value for an input without a default, and validate says which a run must be given")
  func unboundInputs() throws {
    let directory = try workflow()
    let valid = try Program.run(["validate", "w.yaml", "--state-dir", "state"], in: directory)
    #expect(valid.status == 0, "\(valid.errors)")
    #expect(valid.output.contains("a run must be given: path, size"))
    let json = try Program.run(["validate", "w.yaml", "--state-dir", "state", "--output", "json"], in: directory)
    #expect(try JSONValue(json: json.output)["unbound_inputs"] == ["path", "size"])
    let drawn = try Program.run(["graph", "w.yaml", "--state-dir", "state", "--format", "svg"], in: directory)
    #expect(drawn.status == 0, "\(drawn.errors)")
    #expect(drawn.output.contains("<svg"))
  }

  @Test("run still needs every input")
  func runNeedsInputs() throws {
    let outcome = try Program.run(["run", "w.yaml", "--state-dir", "state"], in: workflow())
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("'path' has no value") && outcome.errors.contains("'size' has no value"))
  }

  @Test(
    "refuse an input that is given and wrong, or unknown",
    arguments: [("size=many", "must be a whole number"), ("pth=a", "no input 'pth'")])
  func wrongInput(argument: String, words: String) throws {
    let outcome = try Program.run(
      ["validate", "w.yaml", "--state-dir", "state", "--input", argument], in: workflow())
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }

  @Test("still tell what is wrong whatever the inputs will be")
  func otherMistakes() throws {
    let outcome = try Program.run(
      ["validate", "w.yaml", "--state-dir", "state"], in: workflow("{pth: \"${{ inputs.path }}\", as: cloth}"))
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("no parameter 'pth'") && outcome.errors.contains("'as'"), "\(outcome.errors)")
  }
}
