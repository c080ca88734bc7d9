/// A text that some program takes for an IPv4 address, however it is spelled: `2130706433`, `0177.0.0.1`, `0x7f.1`, `127.1`,
/// `１２７.0.0.1`. inet_aton(3) reads these, and with it curl and most of libc; browsers read them by the URL standard's
/// host parser (url.spec.whatwg.org, "ends in a number checker"), after other scripts' digits have become ASCII.
package struct NumericSpelling: Hashable, Sendable {
  /// The address; nil for `1.2.3.4.5`, `256.0.0.1` and the like, which end in a number and are none.
  package let address: IPv4Address?

  /// Nil where no program takes the text for an address.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count <= 1024 else { return nil }
    var parts = Self.folded(text).split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    // One dot of the root is passed over.
    if parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
    guard let last = parts.last, Self.isNumber(last) else { return nil }
    address = Self.address(parts)
  }

  /// In ASCII where a scalar stands for an ASCII one in a host name (UTS #46); anything else stays what it can't match.
  private static func folded(_ text: some StringProtocol) -> [UInt8] {
    text.unicodeScalars.map { scalar -> UInt8 in
      switch scalar.value {
      case 0..<0x80: return UInt8(scalar.value).lowercasedLetter
      // Full width: ！ to ～.
      case 0xFF01...0xFF5E: return UInt8(scalar.value - 0xFEE0).lowercasedLetter
      // The dots of other scripts, RFC 3490 §3.1.
      case 0x3002, 0xFF61: return UInt8(ascii: ".")
      default:
        guard scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit,
          let value = scalar.properties.numericValue, (0...9).contains(value)
        else { return 0xFF }
        return UInt8(ascii: "0") + UInt8(value)
      }
    }
  }

  private static func isHexadecimal(_ part: ArraySlice<UInt8>) -> Bool {
    part.starts(with: [UInt8(ascii: "0"), UInt8(ascii: "x")]) && part.dropFirst(2).allSatisfy(\.isHexDigit)
  }

  private static func isNumber(_ part: ArraySlice<UInt8>) -> Bool {
    !part.isEmpty && (part.allSatisfy(\.isDigit) || isHexadecimal(part))
  }

  /// By inet_aton(3): the last number fills what the others leave.
  private static func address(_ parts: [ArraySlice<UInt8>]) -> IPv4Address? {
    guard (1...4).contains(parts.count) else { return nil }
    var numbers: [UInt64] = []
    for part in parts {
      guard isNumber(part), let number = value(part) else { return nil }
      numbers.append(number)
    }
    let last = numbers.removeLast()
    let room = UInt64(32 - 8 * numbers.count)
    guard last < 1 << room, numbers.allSatisfy({ $0 <= 255 }) else { return nil }
    let bits = numbers.enumerated().reduce(last) { $0 | $1.element << UInt64(24 - 8 * $1.offset) }
    return IPv4Address(bits: UInt32(truncatingIfNeeded: bits))
  }

  /// Hexadecimal after `0x`, octal after `0`, decimal otherwise. A number with an 8 after `0` is read as decimal, which
  /// some do; the spelling is refused whatever it means.
  private static func value(_ part: ArraySlice<UInt8>) -> UInt64? {
    var (digits, radix): (ArraySlice<UInt8>, UInt64) = (part, 10)
    if isHexadecimal(part) {
      (digits, radix) = (part.dropFirst(2), 16)
    } else if part.count > 1, part.first == UInt8(ascii: "0"), part.allSatisfy({ $0 < UInt8(ascii: "8") }) {
      radix = 8
    }
    var value: UInt64 = 0
    for digit in digits {
      value = value * radix + UInt64(digit.isDigit ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10)
      guard value <= UInt64(UInt32.max) else { return nil }
    }
    return value
  }
}
