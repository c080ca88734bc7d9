/// An IPv4 or IPv6 address, without a zone: what a zone means is known to one host alone.
package enum NetworkAddress: Hashable, Sendable {
  case v4(IPv4Address)
  case v6(IPv6Address)
}

/// RFC 791. `bits` is in the order of the number, so that 127.0.0.1 is 0x7F000001.
package struct IPv4Address: Hashable, Comparable, Sendable {
  package let bits: UInt32
  package init(bits: UInt32) { self.bits = bits }
  package init(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
    bits = UInt32(first) << 24 | UInt32(second) << 16 | UInt32(third) << 8 | UInt32(fourth)
  }
  package static func < (left: Self, right: Self) -> Bool { left.bits < right.bits }
}

/// RFC 4291. The first eight bytes and the last eight, in the order of the number.
package struct IPv6Address: Hashable, Comparable, Sendable {
  package let high: UInt64
  package let low: UInt64
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
  package static func < (left: Self, right: Self) -> Bool { (left.high, left.low) < (right.high, right.low) }
}

extension NetworkAddress: Comparable {
  /// IPv4 before IPv6, then by number.
  package static func < (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.v4(let left), .v4(let right)): left < right
    case (.v6(let left), .v6(let right)): left < right
    case (.v4, .v6): true
    case (.v6, .v4): false
    }
  }
}

extension IPv4Address: CustomStringConvertible {
  /// Four decimal numbers without leading zeros. Everything else that inet_aton(3) reads is refused: what one program
  /// takes for a name and another for an address passes a check of either.
  package init?(_ text: some StringProtocol) {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bits: UInt32 = 0
    for part in parts {
      guard let byte = StrictDecimal.value(part, maximum: 255) else { return nil }
      bits = bits << 8 | UInt32(byte)
    }
    self.bits = bits
  }

  package var description: String {
    [24, 16, 8, 0].map { String((bits >> UInt32($0)) & 0xFF) }.joined(separator: ".")
  }
}

extension IPv6Address: CustomStringConvertible {
  package init(groups: [UInt16]) {
    var words: [UInt64] = [0, 0]
    for (index, group) in groups.prefix(8).enumerated() {
      words[index / 4] |= UInt64(group) << UInt64(48 - 16 * (index % 4))
    }
    high = words[0]
    low = words[1]
  }

  /// Eight numbers of 16 bits.
  package var groups: [UInt16] {
    (0..<8).map { index in
      UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index % 4)))
    }
  }

  /// The forms of RFC 4291 §2.2, without brackets, zone or prefix length. All of them are one number, so that any may be
  /// read; one alone is written.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard (2...45).contains(bytes.count) else { return nil }
    let colon = UInt8(ascii: ":")
    let gaps = bytes.indices.dropLast().filter { bytes[$0] == colon && bytes[$0 + 1] == colon }
    guard gaps.count <= 1 else { return nil }
    if let gap = gaps.first {
      guard let head = Self.parse(bytes[..<gap], mayEndInIPv4: false),
        let tail = Self.parse(bytes[(gap + 2)...], mayEndInIPv4: true), head.count + tail.count <= 7
      else { return nil }
      self.init(groups: head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
    } else {
      guard let groups = Self.parse(bytes[...], mayEndInIPv4: true), groups.count == 8 else { return nil }
      self.init(groups: groups)
    }
  }

  private static func parse(_ bytes: ArraySlice<UInt8>, mayEndInIPv4: Bool) -> [UInt16]? {
    guard !bytes.isEmpty else { return [] }
    let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if mayEndInIPv4, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
        guard let address = IPv4Address(String(decoding: part, as: UTF8.self)) else { return nil }
        groups += [UInt16(address.bits >> 16), UInt16(address.bits & 0xFFFF)]
      } else {
        guard (1...4).contains(part.count), part.allSatisfy(\.isHexDigit),
          let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
        else { return nil }
        groups.append(group)
      }
    }
    return groups.count <= 8 ? groups : nil
  }

  /// The one form of RFC 5952: lower case, no leading zeros, the first longest run of zeros as `::`, and an IPv4-mapped
  /// address with its last part in decimal.
  package var description: String {
    if let mapped = ipv4Mapped { return "::ffff:\(mapped)" }
    let groups = groups
    var best = 0..<0
    var start = 0
    while start < 8 {
      let run = groups[start...].prefix { $0 == 0 }.count
      if run >= 2, run > best.count { best = start..<start + run }
      start += max(run, 1)
    }
    func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
    return best.isEmpty ? text(groups[...]) : "\(text(groups[..<best.lowerBound]))::\(text(groups[best.upperBound...]))"
  }

  /// Of `::ffff:0:0/96`, RFC 4291 §2.5.5.2: sockets of the kernel take it for the IPv4 address.
  package var ipv4Mapped: IPv4Address? {
    high == 0 && low >> 32 == 0xFFFF ? IPv4Address(bits: UInt32(truncatingIfNeeded: low)) : nil
  }
}

extension NetworkAddress: CustomStringConvertible {
  /// Either family, without brackets.
  package init?(_ text: some StringProtocol) {
    if let address = IPv4Address(text) {
      self = .v4(address)
    } else if let address = IPv6Address(text) {
      self = .v6(address)
    } else {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .v4(let address): address.description
    case .v6(let address): address.description
    }
  }
}

/// Decimal digits without a sign or a leading zero.
package enum StrictDecimal {
  package static func value(_ digits: some Collection<UInt8>, maximum: Int) -> Int? {
    guard (1...9).contains(digits.count), digits.first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
    var value = 0
    for digit in digits {
      guard digit.isDigit else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value <= maximum ? value : nil
  }

  /// A port that something can listen on: 1 to 65535.
  package static func port(_ digits: some Collection<UInt8>) -> UInt16? {
    value(digits, maximum: 65535).flatMap { $0 == 0 ? nil : UInt16($0) }
  }
}

extension UInt8 {
  package var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
  package var isLetter: Bool { self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "z") }
  package var isLowercaseHexDigit: Bool { isDigit || (self >= UInt8(ascii: "a") && self <= UInt8(ascii: "f")) }
  package var isHexDigit: Bool { isDigit || (self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "f")) }
  /// ASCII alone: no other letter becomes one of a host name.
  package var lowercasedLetter: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }
}
