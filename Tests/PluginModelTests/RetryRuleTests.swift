import Testing

@testable import PluginModel

@Suite("When a node that failed is tried again")
struct RetryRuleTests {
  private static func workflow(_ retry: String, defaults: String = "") throws(Diagnostics) -> Workflow {
    let text = """
      apiVersion: orchestrator/v1
      kind: Workflow
      metadata: {name: w}
      spec: {\(defaults)nodes: {a: {type: p/t, retry: \(retry)}}}
      """
    return try Workflow(bytes: Array(text.utf8), file: "w.yaml")
  }

  private static func problems(_ retry: String) -> [String] {
    do throws(Diagnostics) { _ = try workflow(retry) } catch {
      return error.items.map { "\($0)" }
    }
    return []
  }

  @Test("one entry says how often, for which failures, and how long to wait; a list says so for each")
  func read() throws {
    let one = try Self.workflow("{max: 3, on: [crash, timeout], delay: 2s, factor: 1.5, max-delay: 1m}")
    let full = RetryRule(
      maximumRetries: 3, classes: [.crash, .timeout], delayMilliseconds: 2000, factor: 1.5, maximumMilliseconds: 60_000)
    #expect(one.nodes[0].policy.retryRules == [full])
    let several = try Self.workflow("[{max: 1, on: oom}, {max: 5, on: [error, crash], delay: 1ms}]")
    #expect(
      several.nodes[0].policy.retryRules == [
        RetryRule(maximumRetries: 1, classes: [.oom]),
        RetryRule(maximumRetries: 5, classes: [.error, .crash], delayMilliseconds: 1),
      ])
    #expect(try Self.workflow("[]").nodes[0].policy.retryRules == [])
    #expect(try Self.workflow("null").nodes[0].policy.retryRules == nil)
  }

  @Test(
    "an entry that can't be meant is refused at its place",
    arguments: [
      (
        "[{max: 1, on: [crash]}, {max: 2, on: [oom, crash]}]",
        "4:81: error: 'crash' is named by two entries of 'retry': it isn't known which of them is meant"
      ),
      (
        "[{max: 1, on: oom}, {max: 2}]",
        "4:58: error: 'spec.nodes.a.retry[1]' doesn't say which failures it is for"
      ),
      (
        "[{max: 1, on: []}]",
        "4:39: error: 'spec.nodes.a.retry[0]' doesn't say which failures it is for"
      ),
      ("[{max: 1, on: [timout]}]", "4:53: error: 'timout' is not a value of 'spec.nodes.a.retry[0].on[0]'"),
      ("{max: 1, delay: 2s, max-delay: 1s}", "4:69: error: 'max-delay' is less than 'delay'"),
      ("{max: 1, factor: 0.5}", "4:55: error: 'spec.nodes.a.retry.factor' must be from 1 to 100: it is 0.5"),
      ("{max: 1, delay: 0s}", "4:54: error: '0s' is not a duration"),
      ("[{on: crash}]", "4:39: error: the key 'max' is missing in 'spec.nodes.a.retry[0]'"),
    ])
  func refused(_ retry: String, _ expected: String) {
    let problems = Self.problems(retry)
    #expect(problems.count == 1 && problems[0].hasPrefix("w.yaml:" + expected), "\(problems)")
  }

  @Test("a class that is misspelt is answered with the right one")
  func suggestion() {
    #expect(Self.problems("[{max: 1, on: [timout]}]")[0].contains("did you mean 'timeout'?"))
  }

  @Test("what one entry leaves open is taken from the one entry of the defaults; lists are taken whole")
  func inheritance() throws {
    func rules(_ retry: String, _ defaults: String) throws -> [RetryRule]? {
      let workflow = try Self.workflow(retry, defaults: "defaults: {retry: \(defaults)}, ")
      return workflow.nodes[0].policy.filled(from: workflow.defaults).retryRules
    }
    let one = "{max: 9, on: [oom], delay: 5s, factor: 3, max-delay: 1h}"
    let list = "[{max: 9, on: [oom], delay: 5s}, {max: 8, on: crash}]"
    #expect(
      try rules("{max: 1}", one) == [
        RetryRule(
          maximumRetries: 1, classes: [.oom], delayMilliseconds: 5000, factor: 3, maximumMilliseconds: 3_600_000)
      ])
    #expect(
      try rules("{max: 1, on: crash, delay: 1s}", one) == [
        RetryRule(
          maximumRetries: 1, classes: [.crash], delayMilliseconds: 1000, factor: 3, maximumMilliseconds: 3_600_000)
      ])
    #expect(try rules("{max: 1}", list) == [RetryRule(maximumRetries: 1)])
    #expect(try rules("null", list)?.map(\.maximumRetries) == [9, 8])
    #expect(try rules(list, one)?.map(\.factor) == [nil, nil])
    #expect(try rules("[]", one) == [])
  }

  @Test("where nothing is said the delay begins with 0.2 s, is doubled, and ends at 30 s")
  func usualDelays() {
    let rule = RetryRule(maximumRetries: 9)
    #expect(
      (1...10).map(rule.delay) == [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000])
    #expect((1...3).map(RetryRule(maximumRetries: 9, delayMilliseconds: 60_000).delay) == [60_000, 60_000, 60_000])
  }
}
