import Tracing

/// Where a span stands among others, as programs tell each other: W3C Trace Context, https://www.w3.org/TR/trace-context/
package struct TraceContext: Hashable, Sendable {
  package static let parentField = "traceparent"
  package static let stateField = "tracestate"

  package var trace: TraceIdentifier
  package var span: SpanIdentifier
  /// Whether who began the trace wants it kept.
  package var isSampled: Bool
  /// What other systems put beside it; handed on as it came.
  package var state: String?

  package init(trace: TraceIdentifier, span: SpanIdentifier, isSampled: Bool, state: String? = nil) {
    self.trace = trace
    self.span = span
    self.isSampled = isSampled
    self.state = state
  }

  /// Of what a request brings: anybody's. Nil for a parent that can't be read; a state that can't is left out.
  package init?(parent: String, state: String? = nil) {
    let bytes = Array(parent.utf8)
    let dash = UInt8(ascii: "-")
    guard bytes.count >= 55, bytes.count <= 256, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
      let version = UInt8(hexadecimal: bytes[0..<2]), version != 0xFF,
      version == 0 ? bytes.count == 55 : bytes.count == 55 || bytes[55] == dash,
      let high = UInt64(hexadecimal: bytes[3..<19]), let low = UInt64(hexadecimal: bytes[19..<35]),
      let span = UInt64(hexadecimal: bytes[36..<52]), let flags = UInt8(hexadecimal: bytes[53..<55]),
      high != 0 || low != 0, span != 0
    else { return nil }
    self.init(
      trace: TraceIdentifier(high: high, low: low), span: SpanIdentifier(number: span), isSampled: flags & 1 == 1,
      state: state.flatMap { Self.isState($0) ? $0 : nil })
  }

  package var parent: String { "00-\(trace)-\(span)-\(isSampled ? "01" : "00")" }

  /// At most 512 printable bytes in at most 32 members, each `key=value`.
  private static func isState(_ text: String) -> Bool {
    let members = text.split(separator: ",", omittingEmptySubsequences: false)
    return (1...512).contains(text.utf8.count) && members.count <= 32
      && text.utf8.allSatisfy { (0x20..<0x7F).contains($0) } && members.allSatisfy { $0.contains("=") }
  }
}

/// 16 bytes, not all zero.
package struct TraceIdentifier: Hashable, Sendable, CustomStringConvertible {
  package let high: UInt64
  package let low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  package init(using generator: inout some RandomNumberGenerator) {
    self.init(high: generator.next(), low: generator.next() | 1)
  }

  /// 32 lower-case hexadecimal digits.
  package var description: String { high.hexadecimal + low.hexadecimal }
}

/// 8 bytes, not all zero.
package struct SpanIdentifier: Hashable, Sendable, CustomStringConvertible {
  package let number: UInt64

  init(number: UInt64) { self.number = number }

  package init(using generator: inout some RandomNumberGenerator) {
    number = UInt64.random(in: 1 ... .max, using: &generator)
  }

  /// 16 lower-case hexadecimal digits.
  package var description: String { number.hexadecimal }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  /// Lower-case digits alone, as the recommendation has it; nil for anything else.
  fileprivate init?(hexadecimal digits: some Collection<UInt8>) {
    var value: Self = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | Self(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | Self(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    self = value
  }

  fileprivate var hexadecimal: String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: Self.bitWidth / 4 - digits.utf8.count) + digits
  }
}

extension ServiceContext {
  private enum Key: ServiceContextKey {
    typealias Value = TraceContext
    static var nameOverride: String? { "trace" }
  }

  /// The span that what happens now is a part of.
  package var trace: TraceContext? {
    get { self[Key.self] }
    set { self[Key.self] = newValue }
  }
}
