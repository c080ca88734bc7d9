import Foundation

/// The plugin of these tests, whose nodes do what their parameters say.
enum Probe {
  private static let path =
    ((#filePath as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent + "/Fixtures/probe"

  /// As `probe` in the directory, unless it is there.
  static func copy(to directory: TemporaryDirectory) throws {
    guard !directory.exists("probe") else { return }
    try FileManager.default.copyTree(from: path, to: directory.path + "/probe")
  }

  /// A node of a workflow that runs this code.
  static func python(_ name: String, _ code: String, _ rest: String = "") -> String {
    let quoted = code.replacing("\n", with: "\\n").replacing("\"", with: "\\\"")
    return "\(name): {type: probe/probe, with: {do: python, value: \"\(quoted)\"}\(rest)}"
  }
}

extension TemporaryDirectory {
  /// `w.yaml`. Nodes are lines of its mapping `nodes`.
  func writeWorkflow(_ nodes: [String], outputs: String = "{}") throws {
    try Probe.copy(to: self)
    try write(
      "w.yaml",
      """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: sample}
      spec:
        outputs: \(outputs)
        nodes:
      \(nodes.map { "    \($0)\n" }.joined())
      """)
  }
}
