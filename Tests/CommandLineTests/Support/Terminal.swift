import Foundation

extension Program {
  private static let terminal =
    ((#filePath as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent + "/Fixtures/terminal.py"

  /// Runs it on a terminal, where somebody types when it has shown a text. What the terminal showed is its output,
  /// without colours.
  /// - Parameter output: a file that its standard output goes to instead.
  static func run(
    _ arguments: [String], in directory: TemporaryDirectory, environment: [String: String] = [:],
    typingBefore: String = "", output: String? = nil,
    typing steps: [(text: String, keys: String)]
  ) throws -> Outcome {
    let before = typingBefore.isEmpty ? [] : ["--before", typingBefore]
    let typing = steps.flatMap { ["--expect", $0.text, "--type", $0.keys] }
    let redirected = output.map { ["/bin/sh", "-c", "exec \"$@\" >\"$0\"", $0] } ?? []
    return try run(
      arguments, in: directory, environment: environment,
      through: ["/usr/bin/python3", terminal] + before + typing + ["--"] + redirected)
  }
}
