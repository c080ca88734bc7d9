/// Amounts as people write them in workflows and profiles: a whole number and a unit.
package enum Quantity {
  /// Units of time, by their milliseconds.
  package enum TimeUnit: String, CaseIterable, Sendable {
    case milliseconds = "ms"
    case seconds = "s"
    case minutes = "m"
    case hours = "h"
    case days = "d"

    var milliseconds: Int64 {
      switch self {
      case .milliseconds: 1
      case .seconds: 1000
      case .minutes: 60_000
      case .hours: 3_600_000
      case .days: 86_400_000
      }
    }
  }

  /// Units of memory. `Mi` is 2^20 bytes, `M` is 10^6.
  package enum MemoryUnit: String, CaseIterable, Sendable {
    case kibibytes = "Ki"
    case mebibytes = "Mi"
    case gibibytes = "Gi"
    case tebibytes = "Ti"
    case kilobytes = "K"
    case megabytes = "M"
    case gigabytes = "G"
    case terabytes = "T"

    var bytes: Int64 {
      switch self {
      case .kibibytes: 1 << 10
      case .mebibytes: 1 << 20
      case .gibibytes: 1 << 30
      case .tebibytes: 1 << 40
      case .kilobytes: 1_000
      case .megabytes: 1_000_000
      case .gigabytes: 1_000_000_000
      case .terabytes: 1_000_000_000_000
      }
    }
  }

  /// Milliseconds, from 1 to 366 days; nil for anything else.
  package static func duration(_ text: String) -> Int64? {
    guard let (count, unit) = split(text), let unit = TimeUnit(rawValue: unit) else { return nil }
    return product(count, unit.milliseconds, in: 1...366 * TimeUnit.days.milliseconds)
  }

  /// Bytes, from 0 to a pebibyte; nil for anything else.
  package static func memory(_ text: String) -> Int64? {
    guard let (count, unit) = split(text), let unit = MemoryUnit(rawValue: unit) else { return nil }
    return product(count, unit.bytes, in: 0...1 << 50)
  }

  private static func split(_ text: String) -> (Int64, String)? {
    let digits = text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }
    guard let count = Int64(String(decoding: digits, as: UTF8.self)) else { return nil }
    return (count, String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self))
  }

  private static func product(_ count: Int64, _ factor: Int64, in range: ClosedRange<Int64>) -> Int64? {
    let (value, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow || !range.contains(value) ? nil : value
  }
}

extension ValueReader {
  /// Milliseconds.
  package func duration() -> Int64? {
    guard let text = text() else { return nil }
    guard let value = Quantity.duration(text) else {
      error(
        "\(text.quoted) is not a duration",
        hint: "write a whole number above 0 and one of ms, s, m, h, d, for example '60s'; at most 366d")
      return nil
    }
    return value
  }

  /// Bytes, at least so many mebibytes.
  package func memory(atLeast mebibytes: Int = 0) -> Int64? {
    let hint =
      "write a whole number and one of Ki, Mi, Gi, Ti, K, M, G, T, for example '256Mi'; from \(mebibytes)Mi to 1024Ti"
    guard case .scalar = node.content else {
      wrongType("an amount of memory", hint: hint)
      return nil
    }
    guard let text = text() else { return nil }
    guard let value = Quantity.memory(text) else {
      error("\(text.quoted) is not an amount of memory", hint: hint)
      return nil
    }
    guard value >= Int64(mebibytes) << 20 else {
      error("\(subject) must be from \(mebibytes)Mi to 1024Ti", why: "it is \(text)")
      return nil
    }
    return value
  }

  /// Mebibytes, rounded up.
  package func mebibytes(atLeast minimum: Int = 0) -> Int? {
    memory(atLeast: minimum).map { Int(($0 + (1 << 20) - 1) >> 20) }
  }
}
