import PluginModel
import Testing

@Suite("Network addresses")
struct NetworkAddressTests {
  @Test(
    "are written in one form, whatever form they are read in",
    arguments: [
      ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("8.8.4.4", "8.8.4.4"), ("::", "::"),
      ("::1", "::1"), ("1::", "1::"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
      ("::ffff:c000:0207", "::ffff:192.0.2.7"), ("::FFFF:192.0.2.7", "::ffff:192.0.2.7"),
      ("64:ff9b::192.0.2.7", "64:ff9b::c000:207"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
      ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("::0:1", "::1"),
    ])
  func canonical(text: String, expected: String) throws {
    let address = try #require(NetworkAddress(text))
    #expect(address.description == expected)
    #expect(NetworkAddress(expected) == address)
  }

  @Test(
    "in any other spelling are none",
    arguments: [
      "", ".", ":", ":::", "1", "1.2.3", "1.2.3.4.", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.-4", "+1.2.3.4",
      "1.2.3.4 ", " 1.2.3.4", "1..3.4", "0x1.2.3.4", "1.2.3.4/32", "1.2.3.0000000004", "\u{FF11}.2.3.4",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1::", "1::2::3", ":1", "1:", "12345::", "g::", "::1%lo", "[::1]",
      "::1.2.3", "::1.2.3.04", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::\u{0}1", "0:0:0:0:0:0:0:00001",
    ])
  func refused(text: String) { #expect(NetworkAddress(text) == nil) }

  @Test("are read back as they were, whatever number they are", arguments: [61, 62] as [UInt64])
  func roundTrip(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<5_000 {
      let mask = random.next() | random.next()
      let addresses: [NetworkAddress] = [
        .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: random.next()))),
        .v6(IPv6Address(high: random.next() & ~mask, low: random.next() & random.next() & random.next())),
        .v6(IPv6Address(high: 0, low: 0xFFFF << 32 | random.next() >> 32)),
      ]
      for address in addresses { #expect(NetworkAddress(address.description) == address) }
    }
  }

  /// IANA's registries, with the addresses at both ends of each block and those just outside.
  @Test(
    "are classed by the registries, to the last address of each block",
    arguments: [
      ("0.0.0.0", .unspecified), ("0.0.0.1", .thisNetwork), ("0.255.255.255", .thisNetwork), ("1.0.0.0", .global),
      ("9.255.255.255", .global), ("10.0.0.0", .privateUse), ("10.255.255.255", .privateUse), ("11.0.0.0", .global),
      ("100.63.255.255", .global), ("100.64.0.0", .sharedAddressSpace), ("100.127.255.255", .sharedAddressSpace),
      ("100.128.0.0", .global), ("126.255.255.255", .global), ("127.0.0.0", .loopback), ("127.255.255.255", .loopback),
      ("128.0.0.0", .global), ("169.253.255.255", .global), ("169.254.0.0", .linkLocal),
      ("169.254.255.255", .linkLocal),
      ("169.255.0.0", .global), ("172.15.255.255", .global), ("172.16.0.0", .privateUse),
      ("172.31.255.255", .privateUse), ("172.32.0.0", .global), ("192.0.0.0", .protocolAssignment),
      ("192.0.0.255", .protocolAssignment), ("192.0.1.0", .global), ("192.0.2.0", .documentation),
      ("192.0.2.255", .documentation), ("192.0.3.0", .global), ("192.31.196.1", .protocolAssignment),
      ("192.52.193.1", .protocolAssignment), ("192.88.99.1", .protocolAssignment), ("192.167.255.255", .global),
      ("192.168.0.0", .privateUse), ("192.168.255.255", .privateUse), ("192.169.0.0", .global),
      ("192.175.48.1", .protocolAssignment), ("198.17.255.255", .global), ("198.18.0.0", .benchmarking),
      ("198.19.255.255", .benchmarking), ("198.20.0.0", .global), ("198.51.100.1", .documentation),
      ("203.0.113.1", .documentation), ("223.255.255.255", .global), ("224.0.0.0", .multicast),
      ("239.255.255.255", .multicast), ("240.0.0.0", .reserved), ("255.255.255.254", .reserved),
      ("255.255.255.255", .broadcast), ("169.254.169.254", .metadata), ("100.100.100.200", .metadata),
      ("168.63.129.16", .metadata), ("169.254.170.2", .metadata), ("192.0.0.192", .metadata),
      ("::", .unspecified), ("::1", .loopback), ("::2", .translation), ("::7f00:1", .translation),
      ("::ffff:8.8.8.8", .translation), ("::ffff:127.0.0.1", .translation), ("::ffff:0:10.0.0.1", .translation),
      ("0:0:0:0:1::", .reserved), ("64:ff9b::8.8.8.8", .global), ("64:ff9b::10.0.0.1", .translation),
      ("64:ff9b::169.254.169.254", .translation), ("64:ff9b::127.0.0.1", .translation),
      ("64:ff9b:0:0:0:1::", .reserved), ("64:ff9b:1::8.8.8.8", .translation), ("100::1", .reserved),
      ("1fff:ffff::", .reserved), ("2000::", .global), ("2001::1", .translation), ("2001:0:ffff::", .translation),
      ("2001:1::1", .protocolAssignment), ("2001:1ff:ffff::", .protocolAssignment), ("2001:2::1", .benchmarking),
      ("2001:20::1", .protocolAssignment), ("2001:200::", .global), ("2001:db8::1", .documentation),
      ("2001:db9::1", .global), ("2001:4860:4860::8888", .global), ("2002::1", .translation),
      ("2002:7f00:1::", .translation), ("2002:808:808::", .translation), ("2003::1", .global),
      ("2606:4700:4700::1111", .global), ("2620:4f:8000::1", .protocolAssignment), ("3ffe::1", .reserved),
      ("3fff:fff::1", .documentation), ("3fff:1000::1", .global), ("4000::", .reserved), ("5f00::1", .reserved),
      ("fbff::1", .reserved), ("fc00::", .uniqueLocal), ("fdff:ffff::1", .uniqueLocal), ("fd00:ec2::254", .metadata),
      ("fd20:ce::254", .metadata), ("fe00::", .reserved), ("fe80::1", .linkLocal), ("febf:ffff::1", .linkLocal),
      ("fe80::a9fe:a9fe", .metadata), ("fec0::1", .siteLocal), ("ff02::1", .multicast),
      ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .multicast),
    ] as [(String, AddressClass)])
  func classes(text: String, expected: AddressClass) throws {
    let address = try #require(NetworkAddress(text))
    #expect(address.addressClass == expected)
    #expect(address.isPublic == (expected == .global))
  }

  @Test("in IPv6 clothes show the IPv4 address that they stand for")
  func embedded() throws {
    for text in ["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::9", "2001:0:1:2:3:4:80ff:fffe"]
    {
      guard case .v6(let address) = try #require(NetworkAddress(text)) else { continue }
      #expect(address.embeddedIPv4 == IPv4Address(127, 0, 0, 1), "\(text)")
      #expect(!address.addressClass.isPrivateNetwork && !address.addressClass.canBeOpened)
    }
  }

  @Test("no private address is public in any clothes", arguments: [63, 64] as [UInt64])
  func translated(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let blocks = try ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "100.64.0.0/10"].map {
      try #require(NetworkPrefix($0))
    }
    for _ in 0..<2_000 {
      let block = try #require(blocks.randomElement(using: &random))
      guard case .v4(let first) = block.address else { continue }
      let bits = first.bits | UInt32(truncatingIfNeeded: random.next()) & UInt32.max >> UInt32(block.length)
      let low = UInt64(bits)
      for address in [
        NetworkAddress.v4(IPv4Address(bits: bits)), .v6(IPv6Address(high: 0, low: low)),
        .v6(IPv6Address(high: 0, low: 0xFFFF << 32 | low)), .v6(IPv6Address(high: 0, low: 0xFFFF << 48 | low)),
        .v6(IPv6Address(high: 0x0064_FF9B << 32, low: low)), .v6(IPv6Address(high: 0x0064_FF9B_0001 << 16, low: low)),
        .v6(IPv6Address(high: 0x2002 << 48 | low << 16, low: random.next())),
        .v6(IPv6Address(high: 0x2001 << 48 | random.next() >> 32, low: UInt64(~bits))),
      ] {
        #expect(!address.isPublic, "\(address)")
      }
    }
  }

  @Test("networks have no bits behind their prefix, and cover what they say")
  func prefixes() throws {
    for text in ["10.0.0.0/8", "0.0.0.0/0", "127.0.0.1", "fd00::/8", "::/0", "2001:db8::1", "192.168.4.0/22"] {
      #expect(NetworkPrefix(text)?.description == text)
    }
    for text in [
      "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/8/8", "::1/64", "::/129", "x/8", "",
    ] {
      #expect(NetworkPrefix(text) == nil, "\(text)")
    }
    let network = try #require(NetworkPrefix("192.168.4.0/22"))
    #expect(network.lastAddress.description == "192.168.7.255")
    for (text, isIn) in [
      ("192.168.3.255", false), ("192.168.4.0", true), ("192.168.7.255", true), ("192.168.8.0", false),
      ("::ffff:192.168.4.1", false),
    ] {
      #expect(network.contains(try #require(NetworkAddress(text))) == isIn, "\(text)")
    }
    #expect(try #require(NetworkPrefix("fd00::/8")).lastAddress.description.hasPrefix("fdff:ffff"))
    #expect(try #require(NetworkPrefix("0.0.0.0/0")).contains(try #require(NetworkAddress("255.0.0.1"))))
  }
}
