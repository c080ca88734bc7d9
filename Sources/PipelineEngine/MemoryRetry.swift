import PluginModel

/// Whether a node that ran out of memory is worth another attempt, and with how much. Pure.
enum MemoryRetry: Hashable, Sendable {
  /// Bytes: twice what it had, or all that a node can have.
  case raised(to: UInt64)
  /// It had no limit of its own, so that its own use isn't known to be the reason: the same again.
  case unchanged
  /// It had all that a node can have: the same again would end in the same.
  case exhausted(at: UInt64)

  /// - Parameters:
  ///   - limit: bytes, of the attempt; nil: none of its own.
  ///   - most: bytes that a node can have here, by the operator's ceiling or the host's memory; nil: unknown.
  init(after limit: UInt64?, most: UInt64?) {
    guard let limit, limit > 0 else {
      self = .unchanged
      return
    }
    let end = most ?? UInt64(LimitBounds.memoryMB.upperBound) << 20
    let doubled = limit.multipliedReportingOverflow(by: 2)
    let next = min(end, doubled.overflow ? .max : doubled.partialValue)
    self = next > limit ? .raised(to: next) : .exhausted(at: limit)
  }
}

extension NodeFailure {
  /// Bytes; nil: it had no limit of its own, or none is known.
  var memoryLimit: UInt64? {
    for case .memory(let limit, _, _) in account.limits { return limit }
    return nil
  }

  /// For one that isn't tried again though its policy says so.
  func exhausted(at limit: UInt64) -> NodeFailure {
    var failure = self
    let why = "it isn't run again: \(limit >> 20)Mi is the most memory that a node can have here"
    failure.hint = hint.map { "\($0); \(why)" } ?? why
    return failure
  }
}
