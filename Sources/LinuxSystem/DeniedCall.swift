import CLinux

/// A system call that pid 1 of a sandbox refused, as it tells of it: numbers and bytes of a worker's memory, checked for nothing but
/// their length.
package struct DeniedCall: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case execution
    case socket
    case call
  }
  /// Its place in ``DeniedCallCounts``.
  package var slot: Int
  package var kind: Kind
  package var number: Int
  /// Of the first time.
  package var arguments: [UInt64]
  /// The name of the process that tried it first; empty: not known.
  package var process: [UInt8]
  /// Of an execution; nil: it couldn't be read.
  package var path: [UInt8]?
  package var isPathWhole: Bool

  package init(
    slot: Int, kind: Kind, number: Int, arguments: [UInt64], process: [UInt8], path: [UInt8]?, isPathWhole: Bool
  ) {
    self.slot = slot
    self.kind = kind
    self.number = number
    self.arguments = arguments
    self.process = process
    self.path = path
    self.isPathWhole = isPathWhole
  }
}

/// How often each was refused since this was asked last.
package struct DeniedCallCounts: Hashable, Sendable {
  package var bySlot: [UInt64]
  /// Those that pid 1 didn't tell of one by one.
  package var further: UInt64

  package init(bySlot: [UInt64], further: UInt64) {
    self.bySlot = bySlot
    self.further = further
  }
}

extension ReceivedMessage {
  /// Nil where the length isn't that of the message. Only a report comes with descriptors.
  init?(_ incoming: sandbox_incoming, length: Int, _ descriptors: [FileDescriptor]) {
    switch incoming.report.message {
    case sandbox_message.denied.rawValue:
      guard let denied = DeniedCall(incoming.denial, length: length) else { return nil }
      self = .denial(denied)
    case sandbox_message.counted.rawValue:
      guard length == MemoryLayout<sandbox_denial_counts>.size else { return nil }
      self = .counts(DeniedCallCounts(incoming.counts))
    default:
      guard length == MemoryLayout<sandbox_report>.size else { return nil }
      self = .report(incoming.report, descriptors)
    }
  }
}

extension DeniedCall {
  fileprivate init?(_ denial: sandbox_denial, length: Int) {
    guard let start = MemoryLayout<sandbox_denial>.offset(of: \.path), denial.slot < UInt32(SANDBOX_DENIALS),
      denial.path_length <= UInt32(SANDBOX_DENIED_PATH), length == start + Int(denial.path_length)
    else { return nil }
    switch denial.kind {
    case sandbox_denied_kind.execution.rawValue: kind = .execution
    case sandbox_denied_kind.socket.rawValue: kind = .socket
    case sandbox_denied_kind.call.rawValue: kind = .call
    default: return nil
    }
    slot = Int(denial.slot)
    number = Int(denial.number)
    arguments = withUnsafeBytes(of: denial.arguments) { Array($0.bindMemory(to: UInt64.self)) }
    process = withUnsafeBytes(of: denial.process) { Array($0.prefix { $0 != 0 }) }
    path =
      denial.has_path != 0
      ? withUnsafeBytes(of: denial.path) { Array($0.prefix(Int(denial.path_length))) } : nil
    isPathWhole = denial.is_whole != 0
  }
}

extension DeniedCallCounts {
  fileprivate init(_ counts: sandbox_denial_counts) {
    let used = min(Int(counts.used), Int(SANDBOX_DENIALS))
    bySlot = withUnsafeBytes(of: counts.counts) { Array($0.bindMemory(to: UInt64.self).prefix(used)) }
    further = counts.further
  }
}
