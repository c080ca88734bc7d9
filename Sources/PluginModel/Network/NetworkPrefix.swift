/// A network in CIDR notation (RFC 4632): `10.0.0.0/8`, `fd00::/8`. The bits behind the prefix are zero.
package struct NetworkPrefix: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let address: NetworkAddress
  /// Bits: 0 to 32, or 0 to 128.
  package let length: Int

  /// Nil where the length doesn't fit or bits stand behind the prefix: `10.1.2.3/8` is more, or less, than was meant.
  package init?(_ address: NetworkAddress, length: Int) {
    guard (0...address.bitWidth).contains(length), address.masked(to: length) == address else { return nil }
    self.address = address
    self.length = length
  }

  /// Of one address alone.
  package init(_ address: NetworkAddress) {
    self.address = address
    length = address.bitWidth
  }

  /// `ADDRESS/LENGTH`; an address alone is a network of one.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = NetworkAddress(first) else { return nil }
    guard parts.count == 2 else {
      self.init(address)
      return
    }
    guard let length = StrictDecimal.value(parts[1].utf8, maximum: 128) else { return nil }
    self.init(address, length: length)
  }

  package func contains(_ other: NetworkAddress) -> Bool {
    other.bitWidth == address.bitWidth && other.masked(to: length) == address
  }

  package var lastAddress: NetworkAddress {
    switch address {
    case .v4(let address): .v4(IPv4Address(bits: address.bits | UInt32.max >> UInt32(length)))
    case .v6(let address):
      .v6(
        IPv6Address(
          high: address.high | UInt64.max >> UInt64(min(64, length)),
          low: address.low | UInt64.max >> UInt64(max(0, length - 64))))
    }
  }

  package var isSingleAddress: Bool { length == address.bitWidth }
  package var description: String { isSingleAddress ? address.description : "\(address)/\(length)" }
  package static func < (left: Self, right: Self) -> Bool {
    (left.address, left.length) < (right.address, right.length)
  }
}

extension NetworkAddress {
  package var bitWidth: Int {
    switch self {
    case .v4: 32
    case .v6: 128
    }
  }

  /// With the bits behind the first `length` set to zero.
  package func masked(to length: Int) -> NetworkAddress {
    switch self {
    // Swift's smart shifts give zero where the whole width is shifted out.
    case .v4(let address): .v4(IPv4Address(bits: address.bits & ~(UInt32.max >> UInt32(max(0, min(32, length))))))
    case .v6(let address):
      .v6(
        IPv6Address(
          high: address.high & ~(UInt64.max >> UInt64(max(0, min(64, length)))),
          low: address.low & ~(UInt64.max >> UInt64(max(0, min(64, length - 64))))))
    }
  }
}
