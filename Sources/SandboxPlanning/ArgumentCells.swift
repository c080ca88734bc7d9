/// A rule taken apart into cases that exclude each other, each a conjunction of `argument & mask == value`. That is all
/// that libseccomp, and with it the OCI runtime configuration, can say about arguments: a call there has no "otherwise"
/// of its own, and rules that overlap are taken in no particular order.
package struct ArgumentCell: Hashable, Sendable {
  package struct Match: Hashable, Sendable {
    /// The bits that are decided; never more than the low 32.
    package var mask: UInt32 = 0
    package var value: UInt32 = 0
  }
  /// By argument, from 0 to 5; an argument that is absent may be anything.
  package var matches: [Int: Match] = [:]
  package var verdict: SystemCallVerdict
}

extension SystemCallRule {
  /// Together the cells cover all arguments.
  package var cells: [ArgumentCell] {
    cells(within: ArgumentCell(verdict: otherwise), after: rules[...])
  }

  private func cells(within cell: ArgumentCell, after rules: ArraySlice<ArgumentRule>) -> [ArgumentCell] {
    guard let rule = rules.first else { return [cell] }
    var holding = [cell]
    var failing: [ArgumentCell] = []
    for condition in rule.conditions {
      let parts = holding.map { $0.split(by: condition) }
      holding = parts.flatMap(\.holds)
      failing += parts.flatMap(\.fails)
    }
    for index in holding.indices { holding[index].verdict = rule.verdict }
    return holding + failing.flatMap { cells(within: $0, after: rules.dropFirst()) }
  }
}

extension ArgumentCell {
  fileprivate func split(by condition: ArgumentCondition) -> (holds: [ArgumentCell], fails: [ArgumentCell]) {
    switch condition.test {
    case .equals(let value, let mask): return split(condition.argument, equals: value, mask: mask)
    case .differs(let value):
      let parts = split(condition.argument, equals: value, mask: .max)
      return (parts.fails, parts.holds)
    case .hasAnyBit(let mask):
      // "Has none" is an equality.
      let parts = split(condition.argument, equals: 0, mask: mask)
      return (parts.fails, parts.holds)
    }
  }

  private func split(
    _ argument: Int, equals value: UInt32, mask: UInt32
  ) -> (holds: [ArgumentCell], fails: [ArgumentCell]) {
    let known = matches[argument] ?? Match()
    if (known.value ^ value) & known.mask & mask != 0 { return ([], [self]) }
    var prefix = known
    var fails: [ArgumentCell] = []
    // The first open bit that differs decides: everything above it is as asked for.
    for bit in stride(from: UInt32(31), through: 0, by: -1).map({ UInt32(1) << $0 }) where mask & ~known.mask & bit != 0
    {
      fails.append(with(argument, Match(mask: prefix.mask | bit, value: prefix.value | (~value & bit))))
      prefix = Match(mask: prefix.mask | bit, value: prefix.value | (value & bit))
    }
    return ([with(argument, prefix)], fails)
  }

  private func with(_ argument: Int, _ match: Match) -> ArgumentCell {
    var copy = self
    copy.matches[argument] = match
    return copy
  }
}
