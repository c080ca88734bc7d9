import PluginModel

// What `--output json` and `--output jsonl` print. Field names are stable: new ones may be added, none changes its
// meaning. Durations are whole milliseconds. The page "The run report" of the documentation describes them.

extension RunReport {
  package var jsonValue: JSONValue {
    .object([
      .init("run", .string(run)), .init("workflow", .string(workflow)), .init("outcome", .string(outcome.rawValue)),
      .init("exit_code", .integer(Int64(outcome.exitCode))), .init("duration_ms", .integer(milliseconds)),
      .init("state_error", stateFailure?.jsonValue ?? .null),
      .init("nodes", .array(nodes.map(\.jsonValue))),
      .init(
        "outputs",
        .object(
          outputs.map { output in
            JSONValue.Member(
              output.name.text,
              output.values.count == 1 && !lists.contains(output.name)
                ? output.values[0].summary : .array(output.values.map(\.summary)))
          })),
    ])
  }
}

extension RunReport.Node {
  package var jsonValue: JSONValue {
    .object(
      [
        .init("node", .string(name.text)), .init("type", .string(type.description)),
        .init("plugin_version", version.map { .string($0.description) } ?? .null),
        .init("state", .string(state.rawValue)), .init("attempts", .integer(Int64(attempts))),
        .init("duration_ms", milliseconds.map(JSONValue.integer) ?? .null), .init("fallback", .bool(isFallback)),
        .init("cached", .bool(isCached)),
        .init("error", failure?.jsonValue ?? .null), .init("skipped_because", skip?.jsonValue ?? .null),
      ] + account.jsonMembers)
  }
}

extension StateFailure {
  var jsonValue: JSONValue {
    ["message": .string(message), "cause": .string(cause), "hint": hint.map(JSONValue.string) ?? .null]
  }
}

extension SkipReason {
  package var jsonValue: JSONValue {
    switch self {
    case .condition: ["condition": false]
    case .workflowCondition(let node, let condition):
      ["condition": false, "of": .string(node.text), "if": .string(condition)]
    case .dependency(let needs, let root, let hasFailed):
      .object([.init("needs", .string(needs.text)), .init(hasFailed ? "failed" : "without_result", .string(root.text))])
    }
  }
}

extension NodeFailure {
  package var jsonValue: JSONValue {
    .object([
      .init("class", .string(kind.rawValue)), .init("message", .string(message)),
      .init("cause", cause.map(JSONValue.string) ?? .null), .init("hint", hint.map(JSONValue.string) ?? .null),
      .init("traceback", traceback.map(JSONValue.string) ?? .null),
      .init("last_output", .array(lastOutput.map(JSONValue.string))),
    ])
  }
}

extension NodeValue {
  /// The longest JSON text that a report shows whole.
  package static let longestShown = 65_536

  private func prefix(_ limit: Int) throws -> [UInt8] {
    switch content {
    case .inline(let bytes): Array(bytes.prefix(limit))
    case .shared(let shared): try shared.prefix(limit)
    }
  }

  /// What a report says of a value: a short JSON value whole, everything else by codec, name and size.
  package var summary: JSONValue {
    if codec == .json, byteCount <= Self.longestShown, let bytes = try? prefix(Self.longestShown),
      let value = try? JSONValue(json: bytes)
    {
      return .object([.init("codec", "json"), .init("value", value)])
    }
    return .object([
      .init("codec", .string("\(codec)")), .init("bytes", .integer(Int64(byteCount))),
      .init("name", label.isEmpty ? .null : .string(label)),
    ])
  }
}

extension RunEvent {
  package var jsonValue: JSONValue {
    var members: [JSONValue.Member] = [.init("time_ms", .integer(milliseconds))]
    if let node { members.append(.init("node", .string(node.text))) }
    switch content {
    case .runStarted(let run, let workflow, let nodes):
      members += [
        .init("event", "run_started"), .init("run", .string(run)), .init("workflow", .string(workflow)),
        .init("nodes", .array(nodes.map { .string($0.text) })),
      ]
    case .nodesAdded(let count):
      members += [.init("event", "nodes_added"), .init("count", .integer(Int64(count)))]
    case .nodeState(let state, let attempt):
      members += [
        .init("event", "node_state"), .init("state", .string(state.rawValue)),
        .init("attempt", .integer(Int64(attempt))),
      ]
      if state.isTerminal {
        members.append(.init("duration_ms", duration.map(JSONValue.integer) ?? .null))
        members.append(.init("cached", .bool(isCached)))
        members += account.jsonMembers
      }
      if let skip { members.append(.init("skipped_because", skip.jsonValue)) }
    case .nodeRetry(let failure, let delay, let memory):
      members += [
        .init("event", "node_retry"), .init("after_ms", .integer(delay)), .init("error", failure.jsonValue),
        .init("memory_bytes", .count(memory)),
      ]
      members += failure.account.jsonMembers
    case .nodeReport(let report): members += report.members
    case .nodeFailed(let failure):
      members += [.init("event", "node_failed"), .init("error", failure.jsonValue)]
    case .runFinished(let outcome):
      members += [
        .init("event", "run_finished"), .init("outcome", .string(outcome.rawValue)),
        .init("exit_code", .integer(Int64(outcome.exitCode))),
      ]
    }
    return .object(members)
  }
}

extension NodeReport {
  fileprivate var members: [JSONValue.Member] {
    switch self {
    case .started: [.init("event", "node_started")]
    case .progress(let fraction, let message):
      [
        .init("event", "progress"), .init("fraction", fraction.map(JSONValue.double) ?? .null),
        .init("message", .string(message)),
      ]
    case .log(let level, let message):
      [.init("event", "log"), .init("level", .string(level.rawValue)), .init("message", .string(message))]
    case .output(let line, let isError):
      [.init("event", "output"), .init("stream", isError ? "stderr" : "stdout"), .init("line", .string(line))]
    case .tests(let tests):
      [.init("event", "tests")]
        + TestReport.Outcome.allCases.map { .init($0.rawValue, .integer(Int64(tests.count($0)))) }
        + [.init("omitted", .integer(Int64(tests.omitted)))]
    }
  }
}
