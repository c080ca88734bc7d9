import PluginModel

/// Turns what a worker writes to one stream into lines, within fixed bounds.
///
/// Beyond the bound of a call everything is counted and thrown away, but for its tail: a failure quotes the last words.
package struct LogBuffer: Sendable {
  private let limits: OutputLimits
  /// The unfinished line, at most one byte longer than a line may be.
  private var line: [UInt8] = []
  private var accepted = 0
  private var discarded = 0
  private var tail: [UInt8] = []
  /// Before anything is cut: a part of a secret is one as well.
  private var mask: SecretMask.Stream?

  package init(_ limits: OutputLimits) { self.limits = limits }

  /// From now on no line shows one of these.
  package mutating func hide(_ mask: SecretMask) { self.mask = mask.isEmpty ? nil : SecretMask.Stream(mask) }

  /// A new call has its own bound.
  package mutating func beginCall() -> [String] {
    let lines = finish()
    accepted = 0
    return lines
  }

  /// The lines that `bytes` completed, harmless to a terminal.
  package mutating func append(_ bytes: [UInt8]) -> [String] { add(mask?.append(bytes) ?? bytes) }

  private mutating func add(_ bytes: [UInt8]) -> [String] {
    var lines: [String] = []
    let room = max(0, limits.callBytes - accepted)
    let kept = bytes.prefix(room)
    accepted += kept.count
    var rest = kept
    while let end = rest.firstIndex(of: 0x0A) {
      extend(rest[rest.startIndex..<end])
      lines.append(takeLine())
      rest = rest[(end + 1)...]
    }
    extend(rest)
    if kept.count < bytes.count { discard(bytes[kept.count...]) }
    return lines
  }

  /// The unfinished line, and how much was thrown away: the stream or the call is over.
  package mutating func finish() -> [String] {
    var lines = add(mask?.finish() ?? [])
    if !line.isEmpty { lines.append(takeLine()) }
    if discarded > 0 {
      lines.append("… \(discarded) more bytes were thrown away; the limit is \(limits.callBytes) a call")
      lines += lastDiscardedLines()
      discarded = 0
      tail = []
    }
    return lines
  }

  private mutating func extend(_ bytes: ArraySlice<UInt8>) {
    line.append(contentsOf: bytes.prefix(limits.lineBytes + 1 - line.count))
  }

  private mutating func takeLine() -> String {
    defer { line.removeAll(keepingCapacity: true) }
    if line.last == 0x0D { line.removeLast() }
    return TerminalText.line(String(decoding: line, as: UTF8.self), limit: limits.lineBytes)
  }

  private mutating func discard(_ bytes: ArraySlice<UInt8>) {
    discarded += bytes.count
    tail.append(contentsOf: bytes.suffix(limits.lineBytes))
    if tail.count > limits.lineBytes { tail.removeFirst(tail.count - limits.lineBytes) }
  }

  private func lastDiscardedLines() -> [String] {
    String(decoding: tail, as: UTF8.self).split(separator: "\n").suffix(limits.quotedLines).map {
      TerminalText.line($0, limit: limits.lineBytes)
    }
  }
}
