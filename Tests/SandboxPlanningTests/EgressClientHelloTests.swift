import PluginModel
import SandboxPlanning
import Testing

@Suite("The server name of a TLS connection")
struct EgressClientHelloTests {
  /// What CPython 3.11 with OpenSSL 3 sends for `api.example.org`, and for an address; the padding at the end is zeros.
  private static let named =
    bytes(
      hex: """
        1603010200010001fc03035d7bab92640d5a0cd03875f00a177d0cb5162e1a28a5070a870f83b86d0da2e4209738a8486cbc
        5c5e5764f46d7569b13e3bd50ffeefe7f096bca8a5c854935ecd0024130213031301c02cc030c02bc02fcca9cca8c024c028
        c023c027009f009e006b006700ff0100018f00000014001200000f6170692e6578616d706c652e6f7267000b000403000102
        000a00160014001d0017001e0019001801000101010201030104002300000016000000170000000d002a0028040305030603
        080708080809080a080b080408050806040105010601030303010302040205020602002b00050403040303002d0002010100
        3300260024001d0020208de4430ede388b43d325880f3cf669e3f37bb2500269de47fcbe5eea4ffa6c001500de
        """) + Array(repeating: 0, count: 222)
  private static let unnamed =
    bytes(
      hex: """
        1603010200010001fc0303a5eabb14644a3b90a7f6c7f15b05127d999f3bc447e369beb0a67d94a003ab4d20a9d97b6aa789
        74febf56b7293d0b862ac508747b40a45e41f65d612c2135d3000024130213031301c02cc030c02bc02fcca9cca8c024c028
        c023c027009f009e006b006700ff0100018f000b000403000102000a00160014001d0017001e001900180100010101020103
        0104002300000016000000170000000d002a0028040305030603080708080809080a080b0804080508060401050106010303
        03010302040205020602002b00050403040303002d00020101003300260024001d00201f77f471ac47bae13e75a8dac4ac2a
        7bc9993a48908e1d79b23137d8ddd1c43c001500f6
        """) + Array(repeating: 0, count: 246)

  private func read(_ bytes: [UInt8]) -> ClientHelloReader.Result {
    var reader = ClientHelloReader()
    return reader.append(bytes)
  }

  @Test("is read from what a real client sends, and is absent where it sends none")
  func recorded() throws {
    #expect(Self.named.count == 517 && Self.unnamed.count == 517)
    #expect(read(Self.named) == .name(try HostName("api.example.org")))
    #expect(read(Self.unnamed) == .noName)
    for count in 0..<517 { #expect(read(Array(Self.named.prefix(count))) == .needMore) }
  }

  @Test("is found in the first message alone, whatever the records it is cut into")
  func records() throws {
    let name = [MadeHello.serverNameExtension([MadeHello.serverName(Array("A.Example.org".utf8))])]
    let message = MadeHello.message(name)
    let expected = ClientHelloReader.Result.name(try HostName("a.example.org"))
    for size in [1, 2, 3, 4, 5, 7, 64, message.count] {
      let records = stride(from: 0, to: message.count, by: size).flatMap {
        MadeHello.record(Array(message[$0..<min($0 + size, message.count)]))
      }
      #expect(read(records) == expected, "\(size)")
      // Early data follows in records of its own.
      #expect(read(records + [23, 3, 3, 0, 1, 9]) == expected)
      #expect(read(records + Array(repeating: 0xFF, count: 20_000)) == expected)
    }
    #expect(read(MadeHello.record(MadeHello.message(nil))) == .noName)
    #expect(read(MadeHello.record(MadeHello.message([]))) == .noName)
  }

  @Test("anything but TLS is known for it at the first bytes")
  func notTLS() {
    for text in ["GET / HTTP/1.1\r\n", "SSH-2.0-OpenSSH", "\u{0}", "PRI * HTTP/2.0"] {
      #expect(read(Array(text.utf8)) == .notTLS)
    }
    // A hello of SSL 2, a record of another version, data before a hello.
    for bytes in [[0x80, 0x2E, 1, 3, 1], [22, 2], [22, 3, 5], [23, 3, 3, 0, 1, 9], [21, 3, 1, 0, 2, 2, 40]] as [[UInt8]]
    {
      #expect(read(bytes) == .notTLS)
    }
  }

  @Test("more than one name, a name of another kind and what is no name are refused")
  func names() throws {
    func result(_ names: [[UInt8]]) -> ClientHelloReader.Result {
      read(MadeHello.record(MadeHello.message([MadeHello.serverNameExtension(names)])))
    }
    let good = MadeHello.serverName(Array("a.org".utf8))
    #expect(result([good]) == .name(try HostName("a.org")))
    #expect(result([good, good]) == .malformed(.serverNames))
    #expect(result([good, MadeHello.serverName([1], kind: 1)]) == .malformed(.serverNames))
    #expect(result([MadeHello.serverName(Array("a.org".utf8), kind: 1)]) == .malformed(.serverNames))
    #expect(result([]) == .malformed(.serverNames))
    for text in [
      "", "a.org.", "a.org\u{0}.evil.org", "\u{0}", "a org", "ex\u{430}mple.org", "127.0.0.1", "2130706433", "*.a.org",
    ] {
      guard case .malformed(.invalidServerName) = result([MadeHello.serverName(Array(text.utf8))]) else {
        Issue.record("\(text)")
        continue
      }
    }
    let twice = MadeHello.serverNameExtension([good])
    #expect(read(MadeHello.record(MadeHello.message([twice, twice]))) == .malformed(.repeatedExtension))
    let other: [UInt8] = [0, 0x2B, 0, 0]
    #expect(read(MadeHello.record(MadeHello.message([other, twice, other]))) == .malformed(.repeatedExtension))
  }

  @Test("lengths that don't fit, interruptions and what is too long are refused")
  func malformed() {
    let message = MadeHello.message([MadeHello.serverNameExtension([MadeHello.serverName(Array("a.org".utf8))])])
    #expect(read([22, 3, 1, 0, 0]) == .malformed(.lengths))
    #expect(read([22, 3, 1, 0x40, 1]) == .malformed(.lengths))
    #expect(read(MadeHello.record(message + [0])) == .malformed(.lengths))
    #expect(read(MadeHello.record([2] + message.dropFirst())) == .malformed(.interrupted))
    #expect(read(MadeHello.record(Array(message.prefix(9))) + [23, 3, 3, 0, 1, 9]) == .malformed(.interrupted))
    #expect(read(MadeHello.record([1, 0xFF, 0xFF, 0xFF])) == .malformed(.tooLong))
    #expect(read(MadeHello.record([1, 0, 0, 4, 3, 3, 0, 0])) == .malformed(.lengths))
    // Records of one byte each, five times as long as what they carry.
    let long = [1, 0, 0x30, 0] + Array(repeating: 0 as UInt8, count: 0x3000)
    #expect(read(long.flatMap { MadeHello.record([$0]) }) == .malformed(.tooLong))
    for place in 4..<message.count {
      var changed = message
      changed[place] = 0xFF
      // Never the name of another.
      if case .name(let name) = read(MadeHello.record(changed)) { #expect(name.text == "a.org") }
    }
  }

  @Test("is the same whatever pieces the bytes come in, and no bytes trap", arguments: [101, 102, 103] as [UInt64])
  func pieces(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let seeds = [Self.named, Self.unnamed, MadeHello.hello("a.org"), MadeHello.hello(nil)]
    for _ in 0..<3_000 {
      let bytes = damaged(try #require(seeds.randomElement(using: &random)), &random)
      var reader = ClientHelloReader()
      var result = ClientHelloReader.Result.needMore
      for piece in SandboxPlanningTests.pieces(bytes, &random) { result = reader.append(piece) }
      #expect(result == read(bytes))
    }
  }
}
