import PluginModel
import Testing

@Suite("What 'if' may say")
struct ConditionReadingTests {
  private func problem(_ text: String) -> Expression.Problem? {
    do throws(Expression.Problem) {
      _ = try Condition(text)
      return nil
    } catch { return error }
  }

  @Test(
    "an expression with or without braces around it; without a status function it means success() && (…)",
    arguments: [
      ("inputs.a", "success() && inputs.a"), ("${{ inputs.a }}", "success() && inputs.a"),
      ("  ${{inputs.a}}  ", "success() && inputs.a"), ("true", "success() && true"),
      ("inputs.a || inputs.b", "success() && (inputs.a || inputs.b)"), ("always()", "always()"),
      ("${{ !cancelled() }}", "!cancelled()"), ("failure() || inputs.a", "failure() || inputs.a"),
      ("inputs.a ? success() : false", "inputs.a ? success() : false"),
      ("needs.x.state == 'failed'", "success() && (needs.x.state == 'failed')"),
    ])
  func parsed(text: String, expected: String) throws {
    #expect(try Condition(text).expression.description == expected)
  }

  @Test("what it reads of other nodes is known from its text")
  func needs() throws {
    let condition = try Condition(
      "needs.a.state != 'skipped' && needs['b-c'].outputs['o'].x[0] + needs.a.outputs.o == needs.a.outputs.o")
    #expect(condition.needs.map(\.node) == ["a", "b-c", "a"])
    #expect(condition.needs.map(\.reading) == [.state, .output("o"), .output("o")])
  }

  @Test(
    "anything else is refused, with what was probably meant",
    arguments: [
      ("", "the expression is empty", nil), ("${{ }}", "the expression is empty", nil),
      ("${{ inputs.a }} && ${{ inputs.b }}", "the condition goes on behind '}}'", nil),
      ("inputs.a == ${{ inputs.b }}", "the expression has a '$'", nil), ("a ==", "the expression begins with 'a'", nil),
      ("env.HOME == ''", "the expression begins with 'env'", nil),
      ("sucess()", "there is no function 'sucess'", "did you mean 'success'?"),
      ("Failure()", "there is no function 'Failure'", "did you mean 'failure'?"),
      ("success(needs.a)", "'success' is given 1 value", "write success()"),
      ("success(1)", "'success' is given 1 value", "write success()"),
      ("needs", "'needs' can't be used whole", nil),
      ("needs[inputs.a].state", "a name of 'needs' can't be computed", nil),
      ("needs.a", "'needs.a' can't be used whole", "write needs.a.state or needs.a.outputs.PORT"),
      ("needs.a.result == 'success'", "'needs.a' has no 'result'", "write needs.a.state"),
      ("needs.a.outputs", "the name of an output of 'needs.a' is missing or computed", nil),
      ("needs.a.outputs[inputs.p]", "the name of an output of 'needs.a' is missing or computed", nil),
      ("needs.a[inputs.p]", "'needs.a' can't be used whole", nil),
      ("needs.a.state == 'failure'", "no node ends as 'failure'", "known: succeeded, failed, skipped, cancelled"),
      ("needs.a.state == 'canceled'", "no node ends as 'canceled'", "did you mean 'cancelled'?"),
      ("'success' != needs.a.state", "no node ends as 'success'", nil),
    ] as [(String, String, String?)])
  func refused(text: String, what: String, hint: String?) throws {
    let found = try #require(problem(text))
    #expect(found.what.hasPrefix(what), "\(found)")
    if let hint { #expect(found.hint == hint) }
  }

  @Test("mistakes of a condition are reported at its place in the file, and status functions only stand there")
  func places() {
    func found(_ node: String) -> [String] {
      let text = """
        apiVersion: orchestrator/v1
        kind: Workflow
        metadata: {name: w}
        spec:
          inputs: {quick: {type: boolean, default: true}}
          nodes: {a: {type: p/t, \(node)}}
        """
      return problems { () throws(Diagnostics) in _ = try Workflow(bytes: Array(text.utf8), file: "w.yaml") }
    }
    #expect(found("if: inputs.quick").isEmpty && found("if: true").isEmpty && found("if: null").isEmpty)
    #expect(found("if: inputs.quik") == ["w.yaml:6:30: error: the workflow has no input 'quik'"])
    #expect(found("if: matrix.m == 1") == ["w.yaml:6:30: error: 'matrix.m' is nothing here: the node has no 'matrix'"])
    #expect(found("matrix: {m: [1]}, if: matrix.n == 1") == ["w.yaml:6:48: error: the matrix has no 'n'"])
    #expect(found("if: [1]") == ["w.yaml:6:30: error: 'spec.nodes.a.if' must be text: it is a list"])
    #expect(found("with: {p: \"${{ success() }}\"}") == ["w.yaml:6:36: error: 'success()' can't stand here"])
    #expect(
      found("with: {p: \"${{ needs.b.state }}\"}") == [
        "w.yaml:6:36: error: the expression begins with 'needs', which is nothing here"
      ])
    #expect(found("if: '\(String(repeating: "(", count: 9000))'").count == 1)
  }

  @Test("no text crashes or hangs it", arguments: [71, 72, 73] as [UInt64])
  func randomText(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let pieces = [
      "needs", ".", "a", "state", "outputs", "['", "']", "(", ")", "success()", "&&", "==", "'failed'", "${{", "}}",
      " ", "!",
      "inputs.n", "matrix.m", "always", "é", "[", "0",
    ]
    for _ in 0..<3000 {
      let text = (0..<Int.random(in: 1...14, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }
      .joined()
      guard let condition = try? Condition(text) else { continue }
      let names = Set(condition.expression.names(of: "needs"))
      #expect(Set(condition.needs.map(\.node)) == names, "\(text)")
    }
  }
}
