/// What an address is for, by the IANA special-purpose registries (RFC 6890) and what clouds have put beside them.
package enum AddressClass: String, CaseIterable, Sendable {
  /// A unicast address of the public Internet. All that isn't known to be one is something else.
  case global
  /// RFC 1122, RFC 4291: `0.0.0.0` and `::`, which the kernel takes for the host itself.
  case unspecified
  /// 0.0.0.0/8, RFC 791 §3.2.
  case thisNetwork
  case loopback
  /// RFC 1918.
  case privateUse
  /// 100.64.0.0/10, RFC 6598: behind a provider's address translation.
  case sharedAddressSpace
  /// RFC 3927, RFC 4291.
  case linkLocal
  /// fc00::/7, RFC 4193.
  case uniqueLocal
  /// fec0::/10, deprecated by RFC 3879 and still routed in places.
  case siteLocal
  case multicast
  case broadcast
  /// 240.0.0.0/4, and all of IPv6 outside of 2000::/3.
  case reserved
  /// 198.18.0.0/15 and 2001:2::/48: here also the addresses that a worker's names have.
  case benchmarking
  case documentation
  /// 192.0.0.0/24, 2001::/23 and others that protocols have to themselves.
  case protocolAssignment
  /// An IPv4 address in IPv6 clothes: mapped, compatible, NAT64, 6to4, Teredo.
  case translation
  /// Where clouds hand out credentials and take commands, to whoever asks from a machine of theirs.
  case metadata
}

extension AddressClass {
  /// True for a network that somebody may have at home or at work, which a name may lead to where an operator allows it.
  package var isPrivateNetwork: Bool {
    switch self {
    case .privateUse, .sharedAddressSpace, .uniqueLocal: true
    case .global, .unspecified, .thisNetwork, .loopback, .linkLocal, .siteLocal, .multicast, .broadcast, .reserved,
      .benchmarking, .documentation, .protocolAssignment, .translation, .metadata:
      false
    }
  }

  /// True where an operator may open it, by its address. The others are no host's, or are another address in disguise.
  package var canBeOpened: Bool {
    switch self {
    case .loopback, .privateUse, .sharedAddressSpace, .linkLocal, .uniqueLocal, .siteLocal, .documentation, .metadata:
      true
    case .global, .unspecified, .thisNetwork, .multicast, .broadcast, .reserved, .benchmarking, .protocolAssignment,
      .translation:
      false
    }
  }

  /// To follow an address: `10.0.0.1 is of a private network`.
  package var words: String {
    switch self {
    case .global: "is public"
    case .unspecified, .thisNetwork: "stands for the host itself"
    case .loopback: "is the host's own (loopback)"
    case .privateUse, .uniqueLocal, .siteLocal: "is of a private network"
    case .sharedAddressSpace: "is behind a provider's address translation (RFC 6598)"
    case .linkLocal: "is link-local"
    case .multicast: "is a group of hosts (multicast)"
    case .broadcast: "is every host of a network (broadcast)"
    case .reserved: "is reserved"
    case .benchmarking: "is for measurements (RFC 2544)"
    case .documentation: "is for examples in documents"
    case .protocolAssignment: "belongs to a protocol (RFC 6890)"
    case .translation: "stands for an IPv4 address"
    case .metadata: "is a cloud's metadata service, which hands out credentials"
    }
  }
}

extension NetworkAddress {
  /// True for global unicast addresses alone.
  package var isPublic: Bool { addressClass == .global }

  package var addressClass: AddressClass {
    switch self {
    case .v4(let address): address.addressClass
    case .v6(let address): address.addressClass
    }
  }
}

extension IPv4Address {
  private static let metadata: Set<IPv4Address> = [
    // AWS, Azure, Google, OpenStack and most others; Alibaba; Azure's WireServer, which is a public number.
    IPv4Address(169, 254, 169, 254), IPv4Address(100, 100, 100, 200), IPv4Address(168, 63, 129, 16),
    // AWS: containers' credentials, EKS pod identities, the resolver and the clock. Oracle: 192.0.0.192.
    IPv4Address(169, 254, 170, 2), IPv4Address(169, 254, 170, 23), IPv4Address(169, 254, 169, 253),
    IPv4Address(169, 254, 169, 123), IPv4Address(192, 0, 0, 192),
  ]

  /// https://www.iana.org/assignments/iana-ipv4-special-registry. The first that covers an address decides.
  private static let registry: [(first: IPv4Address, length: UInt32, is: AddressClass)] = [
    (IPv4Address(0, 0, 0, 0), 32, .unspecified),
    (IPv4Address(0, 0, 0, 0), 8, .thisNetwork),
    (IPv4Address(10, 0, 0, 0), 8, .privateUse),
    (IPv4Address(100, 64, 0, 0), 10, .sharedAddressSpace),
    (IPv4Address(127, 0, 0, 0), 8, .loopback),
    (IPv4Address(169, 254, 0, 0), 16, .linkLocal),
    (IPv4Address(172, 16, 0, 0), 12, .privateUse),
    (IPv4Address(192, 0, 0, 0), 24, .protocolAssignment),
    (IPv4Address(192, 0, 2, 0), 24, .documentation),
    (IPv4Address(192, 31, 196, 0), 24, .protocolAssignment),
    (IPv4Address(192, 52, 193, 0), 24, .protocolAssignment),
    (IPv4Address(192, 88, 99, 0), 24, .protocolAssignment),
    (IPv4Address(192, 168, 0, 0), 16, .privateUse),
    (IPv4Address(192, 175, 48, 0), 24, .protocolAssignment),
    (IPv4Address(198, 18, 0, 0), 15, .benchmarking),
    (IPv4Address(198, 51, 100, 0), 24, .documentation),
    (IPv4Address(203, 0, 113, 0), 24, .documentation),
    (IPv4Address(224, 0, 0, 0), 4, .multicast),
    (IPv4Address(255, 255, 255, 255), 32, .broadcast),
    (IPv4Address(240, 0, 0, 0), 4, .reserved),
  ]

  /// All that isn't public, as networks; some lie within others.
  package static let specialNetworks: [NetworkPrefix] =
    registry.compactMap { NetworkPrefix(.v4($0.first), length: Int($0.length)) }
    + metadata.map { NetworkPrefix(.v4($0)) }

  package var addressClass: AddressClass {
    if Self.metadata.contains(self) { return .metadata }
    return Self.registry.first { bits >> (32 - $0.length) == $0.first.bits >> (32 - $0.length) }?.is ?? .global
  }
}

extension IPv6Address {
  private static let metadata: Set<IPv6Address> = [
    // AWS: the metadata service, the resolver, the clock, EKS pod identities. Google's is fd20:ce::254.
    IPv6Address(high: 0xFD00_0EC2 << 32, low: 0x254), IPv6Address(high: 0xFD00_0EC2 << 32, low: 0x253),
    IPv6Address(high: 0xFD00_0EC2 << 32, low: 0x123), IPv6Address(high: 0xFD00_0EC2 << 32, low: 0x23),
    IPv6Address(high: 0xFD20_00CE << 32, low: 0x254), IPv6Address(high: 0xFE80 << 48, low: 0xA9FE_A9FE),
  ]

  /// https://www.iana.org/assignments/iana-ipv6-special-registry, for prefixes of at most 64 bits. The first that covers an
  /// address decides.
  private static let registry: [(first: UInt64, length: UInt64, is: AddressClass)] = [
    // NAT64 of a network's own (RFC 8215) says nothing about where the IPv4 address leads.
    (0x0064_FF9B_0001_0000, 48, .translation),
    (0x0100_0000_0000_0000, 64, .reserved),
    (0x2001_0000_0000_0000, 32, .translation),
    (0x2001_0002_0000_0000, 48, .benchmarking),
    (0x2001_0DB8_0000_0000, 32, .documentation),
    (0x2001_0000_0000_0000, 23, .protocolAssignment),
    (0x2002_0000_0000_0000, 16, .translation),
    (0x2620_004F_8000_0000, 48, .protocolAssignment),
    (0x3FFF_0000_0000_0000, 20, .documentation),
    // The 6bone, given back by RFC 3701.
    (0x3FFE_0000_0000_0000, 16, .reserved),
    (0x2000_0000_0000_0000, 3, .global),
    (0xFC00_0000_0000_0000, 7, .uniqueLocal),
    (0xFE80_0000_0000_0000, 10, .linkLocal),
    (0xFEC0_0000_0000_0000, 10, .siteLocal),
    (0xFF00_0000_0000_0000, 8, .multicast),
  ]

  package var addressClass: AddressClass {
    if Self.metadata.contains(self) { return .metadata }
    if high == 0 {
      if low == 0 { return .unspecified }
      if low == 1 { return .loopback }
      // Mapped, translated (::ffff:0:a.b.c.d, RFC 2765) and compatible.
      return low >> 32 == 0xFFFF || low >> 48 == 0xFFFF || low >> 32 == 0 ? .translation : .reserved
    }
    // Where a host has IPv6 alone, DNS64 gives all that has IPv4 alone an address of this network (RFC 6052): it is what
    // the IPv4 address in it is, and public with it.
    if high == 0x0064_FF9B_0000_0000, low >> 32 == 0 {
      let embedded = IPv4Address(bits: UInt32(truncatingIfNeeded: low)).addressClass
      return embedded == .global ? .global : .translation
    }
    return Self.registry.first { high >> (64 - $0.length) == $0.first >> (64 - $0.length) }?.is ?? .reserved
  }

  /// The IPv4 address that stands in it, for a denial's words: mapped, compatible, NAT64, 6to4 and Teredo (RFC 4380, where
  /// the client's is inverted).
  package var embeddedIPv4: IPv4Address? {
    guard addressClass == .translation || high == 0x0064_FF9B_0000_0000 else { return nil }
    let tail = IPv4Address(bits: UInt32(truncatingIfNeeded: low))
    if high >> 48 == 0x2002 { return IPv4Address(bits: UInt32(truncatingIfNeeded: high >> 16)) }
    if high >> 32 == 0x2001_0000 { return IPv4Address(bits: ~tail.bits) }
    return tail
  }
}
