import Testing

@testable import PluginModel

@Suite("Workflow: commands")
struct CommandReadingTests {
  private static let head =
    "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  inputs: {x: {type: string}}\n  nodes:\n"

  private func read(_ node: String) throws(Diagnostics) -> Workflow.Node? {
    try Workflow(bytes: Array((Self.head + "    a:\n" + node).utf8), file: "w.yaml").nodes.first
  }

  private func problems(_ node: String) -> [String] {
    do throws(Diagnostics) {
      _ = try read(node)
      return []
    } catch {
      return error.items.map { item in item.why.map { "\(item.what): \($0)" } ?? item.what }
    }
  }

  @Test("what stands beside 'run' becomes the parameters of the node type command/run")
  func parameters() throws {
    let node = try #require(
      try read(
        """
              run: |
                make "$TARGET"
              shell: bash
              working-directory: src
              env: {TARGET: "${{ inputs.x }}", LEVEL: 1.10, FAST: true}
              secrets: [TOKEN, KEY]
              artifacts: ["dist/**", "*.log"]
              reports: {junit: "reports/*.xml"}

        """))
    #expect(node.type.value == .command)
    #expect(node.secrets.map(\.text) == ["TOKEN", "KEY"])
    let expected: [(String, JSONValue)] = [
      ("command", "make \"$TARGET\"\n"), ("shell", "bash"), ("directory", "src"),
      ("environment", ["TARGET": "${{ inputs.x }}", "LEVEL": "1.10", "FAST": "true"]),
      ("artifacts", ["dist/**", "*.log"]), ("junit", ["reports/*.xml"]),
    ]
    #expect(node.parameters.map(\.name.text) == expected.map(\.0))
    #expect(node.parameters.map(\.value.value) == expected.map(\.1))
  }

  @Test(
    "a command takes no expression into its text, whoever wrote it",
    arguments: ["echo ${{ inputs.x }}", "echo '${{ inputs.x }}'", "echo $${{ inputs.x }}", "echo ${{"])
  func injection(command: String) {
    #expect(
      problems("      run: \(JSONValue.string(command).text())\n") == [
        "a command can't hold an expression: what it yields would become a part of the command"
      ])
  }

  @Test("the node type of commands has no other way in: its text would take expressions there")
  func noOtherWay() {
    #expect(
      problems("      type: command/run\n      with: {command: \"${{ inputs.x }}\"}\n") == [
        "a command isn't written as 'command/run'"
      ])
  }

  @Test(
    "what has no meaning is refused",
    arguments: [
      ("type: t/x\n      env: {A: b}", "'env' has no meaning beside 'type': only commands have it"),
      ("type: t/x\n      secrets: [A]", "'secrets' has no meaning beside 'type': only commands have it"),
      ("run: x\n      env: {A: [b]}", "'spec.nodes.a.env.A' must be text: it is a list"),
      ("run: x\n      env: {A-B: c}", "'A-B' is not a variable name"),
      ("run: x\n      shell: fish", "'fish' is not a value of 'spec.nodes.a.shell'"),
      ("run: x\n      secrets: [A, A]", "'A' is listed twice"),
      ("run: x\n      secrets: A\n      env: {A: b}", "'A' is both a variable and a secret"),
      ("run: x\n      reports: {tap: y}", "unknown key 'tap' in 'spec.nodes.a.reports'"),
      ("run: x\n      artifacts: [\"${{ inputs.y }}\"]", "the workflow has no input 'y'"),
    ])
  func refused(node: String, expected: String) {
    let found = problems("      \(node)\n")
    #expect(found.count == 1 && found[0].hasPrefix(expected), "\(found)")
  }
}

@Suite("Secrets")
struct SecretTests {
  private func secret(_ value: String, _ name: String = "TOKEN") throws -> Secret {
    try Secret(SecretName(unchecked: name), value)
  }

  @Test("a secret is in no description, and what can't be hidden is none", arguments: ["", "abc", "a\0bcd"])
  func description(value: String) throws {
    let known = try secret("s3cr3t-value")
    #expect("\(known) \(String(reflecting: known)) \(String(describing: [known]))".contains("s3cr3t") == false)
    var dumped = ""
    dump(known, to: &dumped)
    #expect(!dumped.contains("s3cr3t"))
    #expect(throws: Diagnostic.self) { try secret(value) }
  }

  @Test("each occurrence is masked, the longest secret first, and each long line of one with several")
  func texts() throws {
    let mask = SecretMask([
      try secret("abcd"), try secret("abcdef"), try secret("-----BEGIN-----\nshort\nline-of-a-key\n"),
    ])
    #expect(mask.masked("x abcdef abcd abc y") == "x *** *** abc y")
    #expect(mask.masked("line-of-a-key, short, -----BEGIN-----") == "***, short, ***")
    #expect(mask.masked("abcabcdabcd") == "abc******")
    #expect(SecretMask([]).masked("abcd") == "abcd")
  }

  @Test("in a stream a secret is masked wherever the stream is cut, and nothing else is changed or lost")
  func streams() throws {
    var random = Seeded(state: 7)
    let secrets = [try secret("aabaab"), try secret("abab"), try secret("bbbbbbbbbb")]
    let mask = SecretMask(secrets)
    for _ in 0..<2000 {
      let text = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
        ["a", "b", "c"].randomElement(using: &random) ?? "a"
      }
      let whole = text.joined()
      var stream = SecretMask.Stream(mask)
      var shown: [UInt8] = []
      var rest = Array(whole.utf8)[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...9, using: &random))
        shown += stream.append(Array(piece))
        rest = rest.dropFirst(piece.count)
      }
      shown += stream.finish()
      let result = String(decoding: shown, as: UTF8.self)
      #expect(result == mask.masked(whole))
      #expect(secrets.allSatisfy { !result.contains($0.value) })
    }
  }
}

private struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
