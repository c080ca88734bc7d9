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
    arguments: [
      "echo ${{ inputs.x }}", "echo '${{ inputs.x }}'", "echo $${{ inputs.x }}", "echo ${{",
      "echo \u{600}${{ inputs.x }}", "echo $\u{301}${{ inputs.x }}",
    ])
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
      ("run: ' '", "the command is empty"),
      ("run: x\n      working-directory: ../y", "'../y' doesn't lie in the workspace"),
      ("run: x\n      artifacts: [/etc/passwd]", "'/etc/passwd' doesn't lie in the workspace"),
      ("run: x\n      reports: {junit: ''}", "'' doesn't lie in the workspace"),
      ("run: x\n      env: {BASH_ENV: \"${{ inputs.x }}\"}", "'BASH_ENV' can't be an expression"),
      ("run: x\n      env: {LD_PRELOAD: \"a${{ inputs.x }}\"}", "'LD_PRELOAD' can't be an expression"),
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
