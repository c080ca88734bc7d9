import PluginModel

// What a node was denied, as `--output json` and `--output jsonl` print it: the facts, and their explanation in words.

extension NodeAccount {
  /// Null where no worker ran: nothing was denied, and nothing watched.
  package var denialMembers: [JSONValue.Member] {
    [
      .init("denials", denials.map { .array($0.explainedJSON) } ?? .null),
      .init("denials_further_count", denials.map { .count($0.record.further) } ?? .null),
    ]
  }
}

extension NodeDenials {
  fileprivate var explainedJSON: [JSONValue] {
    zip(record.denials, explanations).map { denial, explanation in
      .object(denial.members + explanation.members)
    }
  }
}

extension Denial {
  fileprivate var members: [JSONValue.Member] {
    var members: [JSONValue.Member] = [
      .init("attempt", .string(attempt.kind)), .init("target", attempt.target.map(JSONValue.string) ?? .null),
    ]
    if case .file(_, let use, let error) = attempt {
      members += [.init("use", .string(use.rawValue)), .init("errno", .string(error))]
    }
    return members + [
      .init("count", .count(count)), .init("count_exact", .bool(isCountExact)),
      .init("process", process.map { .string($0.text) } ?? .null), .init("evidence", .string(evidence.rawValue)),
    ]
  }
}

extension DenialExplanation {
  fileprivate var members: [JSONValue.Member] {
    [
      .init("permission", permission.map { .string($0.description) } ?? .null),
      .init("requested", permission == nil ? .null : .bool(isRequested)),
      .init("grant", .array(commands.map(JSONValue.string))), .init("what", .string(what)), .init("why", .string(why)),
      .init("occurrence", .string(occurrence)), .init("risk", risk.map(JSONValue.string) ?? .null),
      .init("advice", advice.map(JSONValue.string) ?? .null),
    ]
  }
}
