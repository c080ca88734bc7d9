/// How often a node is tried again after failures of some classes, and how long it waits before each.
package struct RetryRule: Hashable, Sendable {
  package static let mostRetries = 100
  package static let factors = 1.0...100.0
  package static let usualDelayMilliseconds: Int64 = 200
  package static let usualFactor = 2.0
  package static let usualMaximumMilliseconds: Int64 = 30_000

  /// After failures of these classes together.
  package var maximumRetries: Int
  /// Empty: inherit.
  package var classes: Set<NodePolicy.RetryClass>
  /// Before the first of them; nil: inherit.
  package var delayMilliseconds: Int64?
  /// By which the delay grows from one to the next; nil: inherit.
  package var factor: Double?
  /// No delay is longer; nil: inherit.
  package var maximumMilliseconds: Int64?

  package init(
    maximumRetries: Int, classes: Set<NodePolicy.RetryClass> = [], delayMilliseconds: Int64? = nil,
    factor: Double? = nil, maximumMilliseconds: Int64? = nil
  ) {
    self.maximumRetries = maximumRetries
    self.classes = classes
    self.delayMilliseconds = delayMilliseconds
    self.factor = factor
    self.maximumMilliseconds = maximumMilliseconds
  }

  /// Milliseconds to wait before the retry with this number, which counts from 1. Where nothing is said: 0.2 s, doubled each time, at most
  /// 30 s, or the first delay where that is longer.
  package func delay(beforeRetry number: Int) -> Int64 {
    let first = delayMilliseconds ?? Self.usualDelayMilliseconds
    let most = maximumMilliseconds ?? max(Self.usualMaximumMilliseconds, first)
    let factor = factor ?? Self.usualFactor
    var delay = Double(min(first, most))
    guard factor > 1 else { return min(first, most) }
    for _ in 1..<max(number, 1) {
      delay *= factor
      if delay >= Double(most) { return most }
    }
    return Int64(delay)
  }

  func filled(from other: RetryRule) -> RetryRule {
    RetryRule(
      maximumRetries: maximumRetries, classes: classes.isEmpty ? other.classes : classes,
      delayMilliseconds: delayMilliseconds ?? other.delayMilliseconds, factor: factor ?? other.factor,
      maximumMilliseconds: maximumMilliseconds ?? other.maximumMilliseconds)
  }
}

extension NodePolicy {
  /// What this leaves open is taken from `defaults`, and what neither says stays open. Where both have one rule the fields of that are open
  /// as well; several rules are taken or replaced together.
  package func filled(from defaults: NodePolicy) -> NodePolicy {
    var rules = retryRules ?? defaults.retryRules
    if let own = retryRules, own.count == 1, let theirs = defaults.retryRules, theirs.count == 1 {
      rules = [own[0].filled(from: theirs[0])]
    }
    return NodePolicy(
      timeoutMilliseconds: timeoutMilliseconds ?? defaults.timeoutMilliseconds, retryRules: rules,
      timeoutLocation: timeoutLocation ?? defaults.timeoutLocation)
  }

  /// The rule of a class: no two of them name the same.
  package func rule(of kind: RetryClass) -> RetryRule? {
    retryRules?.first { $0.classes.contains(kind) }
  }
}

// MARK: Reading

extension NodePolicy {
  init(timeout: ValueReader?, retry: ValueReader?) {
    self.init(
      timeoutMilliseconds: timeout?.duration(), retryRules: retry?.retryRules(), timeoutLocation: timeout?.location)
  }
}

extension ValueReader {
  /// `{max, on, delay, factor, max-delay}`, or a list of such, each with classes of its own.
  fileprivate func retryRules() -> [RetryRule]? {
    var named: Set<NodePolicy.RetryClass> = []
    guard case .sequence = node.content else { return retryRule(&named, isListed: false).map { [$0] } }
    return list(maximumCount: NodePolicy.RetryClass.allCases.count)?
      .compactMap { $0.retryRule(&named, isListed: true) }
  }

  private func retryRule(_ named: inout Set<NodePolicy.RetryClass>, isListed: Bool) -> RetryRule? {
    guard let root = mapping(Workflow.RetryKey.self) else { return nil }
    let others = named
    let items = root.optional(.on).map { $0.listOrSingle() } ?? []
    if isListed, items?.isEmpty == true {
      error(
        "\(subject) doesn't say which failures it is for", why: "in a list each entry has classes of its own",
        hint: "add 'on', for example 'on: [\(NodePolicy.RetryClass.crash.rawValue)]'")
    }
    let classes = items?.unique { item -> RetryClassText? in
      guard let kind = item.choice(NodePolicy.RetryClass.self) else { return nil }
      guard !others.contains(kind) else {
        item.error(
          "\(kind.rawValue.quoted) is named by two entries of 'retry'", why: "it isn't known which of them is meant",
          hint: "remove one of the two")
        return nil
      }
      named.insert(kind)
      return RetryClassText(value: kind)
    }
    let delay = root.optional(.delay)?.duration()
    let maximum = root.optional(.maximumDelay)?.duration()
    if let delay, let maximum, maximum < delay {
      root.optional(.maximumDelay)?.error(
        "'\(Workflow.RetryKey.maximumDelay.rawValue)' is less than '\(Workflow.RetryKey.delay.rawValue)'",
        hint: "raise it, or lower the delay")
    }
    let factor = root.optional(.factor)?.number(in: RetryRule.factors)
    guard let most = root.required(.max)?.integer(in: 0...RetryRule.mostRetries) else { return nil }
    return RetryRule(
      maximumRetries: most, classes: Set(classes?.map(\.value) ?? []), delayMilliseconds: delay, factor: factor,
      maximumMilliseconds: maximum)
  }
}

private struct RetryClassText: Hashable, CustomStringConvertible {
  var value: NodePolicy.RetryClass
  var description: String { value.rawValue }
}
