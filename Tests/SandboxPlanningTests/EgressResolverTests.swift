import PluginModel
import SandboxPlanning
import Testing

@Suite("The resolver inside")
struct EgressResolverTests {
  private static let policyText = ["network.http:api.example.org,*.cdn.example", "network.socket:db.example.org:5432"]

  private func query(
    _ name: String, type: UInt16 = 1, flags: UInt16 = 0x0100, dnsClass: UInt16 = 1, counts: [UInt16] = [1, 0, 0, 0],
    behind: [UInt8] = []
  ) -> [UInt8] {
    let labels: [UInt8] = name.split(separator: ".").flatMap { label -> [UInt8] in
      [UInt8(label.utf8.count)] + Array(label.utf8)
    }
    return raw(labels + [0], type: type, flags: flags, dnsClass: dnsClass, counts: counts, behind: behind)
  }

  private func raw(
    _ name: [UInt8], type: UInt16 = 1, flags: UInt16 = 0x0100, dnsClass: UInt16 = 1, counts: [UInt16] = [1, 0, 0, 0],
    behind: [UInt8] = []
  ) -> [UInt8] {
    two([0xBEEF, flags] + counts) + name + two([type, dnsClass]) + behind
  }

  private func two(_ numbers: [UInt16]) -> [UInt8] { numbers.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } }

  private func answer(_ message: [UInt8]) throws -> DNSResponder.Answer {
    var names = NameTable()
    return DNSResponder.answer(message, policy: try egressPolicy(Self.policyText), names: &names)
  }

  private func code(_ message: [UInt8]?) -> UInt8? { message.map { $0[3] & 0xF } }

  @Test("a granted name has an address that stands for it, in the case in which it was asked")
  func granted() throws {
    let asked = query("aPi.ExAmple.org")
    let found = try answer(asked)
    #expect(found.denial == nil)
    let message = try #require(found.message)
    #expect(message[0...1] == [0xBE, 0xEF])
    // QR, RD, RA, no error; one question, one answer.
    #expect(message[2...11] == [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])
    #expect(message[12..<asked.count] == asked[12...])
    #expect(Array(message[asked.count...]) == [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 198, 18, 1, 1])
  }

  @Test(
    "a granted name has nothing else: no IPv6 address, and no record that could lead elsewhere or hide a server name",
    arguments: [28, 65, 64, 15, 16, 33, 5, 12, 6] as [UInt16])
  func noData(type: UInt16) throws {
    let found = try answer(query("api.example.org", type: type))
    let message = try #require(found.message)
    #expect(code(message) == 0 && message[6...7] == [0, 0] && found.denial == nil)
  }

  @Test(
    "a name that isn't granted doesn't exist, and what would allow it is told",
    arguments: [
      "example.org", "api.example.org.corp.lan", "evil.com", "cdn.example", "localhost", "metadata.google.internal",
      "xn--pi-7cd.example.org",
    ])
  func notGranted(name: String) throws {
    for type in [1, 28, 255] as [UInt16] {
      let found = try answer(query(name, type: type))
      #expect(code(found.message) == 3)
      #expect(found.denial?.remedy?.description == "network.http:\(name)")
    }
    #expect(try answer(query(name, type: 16)).denial == nil)
  }

  @Test(
    "a name that is no host's doesn't exist, however it looks",
    arguments: [
      [9] + Array("127.0.0.1".utf8) + [0], [1, 0x31, 1, 0x32, 1, 0x33, 1, 0x34, 0],
      [10] + Array("2130706433".utf8) + [0],
      // A dot within a label would make another name of it.
      [11] + Array("api.example".utf8) + [3] + Array("org".utf8) + [0],
      [4] + Array("api\0".utf8) + [7] + Array("example".utf8) + [3] + Array("org".utf8) + [0],
      [5, 0x5F, 0x68, 0x74, 0x74, 0x70, 0], [0], [2, 0xC3, 0xA9, 3] + Array("org".utf8) + [0],
    ] as [[UInt8]])
  func noHost(name: [UInt8]) throws {
    let found = try answer(raw(name))
    #expect(code(found.message) == 3)
    let denial = try #require(found.denial)
    if case .invalidHost = denial.reason {} else { Issue.record("\(denial)") }
    #expect(!denial.diagnostic.description.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
  }

  @Test("what is no question that can be answered is told so in a head alone")
  func refused() throws {
    let longLabel = [64] + Array(repeating: 97, count: 64) + [0] as [UInt8]
    let longName = Array(repeating: [63] + Array(repeating: 97 as UInt8, count: 63), count: 4).joined() + [0]
    let name = Array("\u{3}api\u{7}example\u{3}org\0".utf8)
    let malformed: [[UInt8]] = [
      query("a.b", counts: [0, 0, 0, 0]), query("a.b", counts: [2, 0, 0, 0]), query("a.b", counts: [1, 1, 0, 0]),
      query("a.b", counts: [1, 0, 1, 0]), query("a.b", counts: [1, 0, 0, 1]), query("a.b", counts: [1, 0, 0, 2]),
      query("a.b", flags: 0x0300), query("a.b", behind: [0]), raw([0xC0, 12]), raw([3, 97, 98, 99, 0xC0, 12]),
      raw([0x40, 0]), raw([0x80, 0]), raw(longLabel), raw(longName), Array(raw(name).dropLast()),
      Array(raw(name).prefix(12)),
    ]
    for message in malformed {
      let found = try #require(try answer(message).message)
      #expect(code(found) == 1 && found.count == 12 && found[0...1] == [0xBE, 0xEF], "\(message)")
    }
    for opcode in [1, 2, 4, 5, 15] as [UInt16] {
      let found = try #require(try answer(query("a.b", flags: opcode << 11)).message)
      #expect(code(found) == 4 && UInt16(found[2]) >> 3 & 0xF == opcode)
    }
    #expect(code(try answer(query("api.example.org", dnsClass: 3)).message) == 5)
    #expect(code(try answer(query("api.example.org", type: 252)).message) == 5)
    #expect(code(try answer(query("api.example.org", type: 251)).message) == 5)
  }

  @Test("answers and fragments are met with silence")
  func ignored() throws {
    #expect(try answer(query("api.example.org", flags: 0x8180)).message == nil)
    for count in 0..<12 { #expect(try answer(Array(query("api.example.org").prefix(count))).message == nil) }
  }

  @Test("EDNS is answered with EDNS, and a version that isn't known with the one that is")
  func edns() throws {
    func opt(version: UInt8, flags: UInt16, options: [UInt8] = []) -> [UInt8] {
      [0, 0, 41, 4, 208, 0, version] + two([flags, UInt16(options.count)]) + options
    }
    let plain = try #require(
      try answer(query("api.example.org", counts: [1, 0, 0, 1], behind: opt(version: 0, flags: 0))).message)
    #expect(plain.suffix(11) == [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0] && plain[11] == 1)
    let signed = try #require(
      try answer(
        query(
          "api.example.org", counts: [1, 0, 0, 1], behind: opt(version: 0, flags: 0x8000, options: [0, 10, 0, 1, 9]))
      ).message)
    #expect(signed.suffix(11) == [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0])
    let newer = try #require(
      try answer(query("api.example.org", counts: [1, 0, 0, 1], behind: opt(version: 1, flags: 0))).message)
    #expect(code(newer) == 0 && newer.suffix(11) == [0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0] && newer[7] == 0)
    for behind in [
      opt(version: 0, flags: 0, options: [0, 10, 0, 2, 9]), opt(version: 0, flags: 0) + [0],
      [1] + opt(version: 0, flags: 0),
    ] {
      #expect(code(try answer(query("a.b", counts: [1, 0, 0, 1], behind: behind)).message) == 1)
    }
  }

  @Test("the table of names is stable, never gives out the services' addresses, and is bounded")
  func table() throws {
    var names = NameTable()
    let policy = try egressPolicy(["network.http"])
    var seen: Set<IPv4Address> = []
    let network = try #require(NetworkPrefix("\(NameTable.network)/\(NameTable.networkLength)"))
    for number in 0..<NameTable.capacity {
      let name = try HostName("n\(number).example")
      let answered = names.address(of: name)
      let given = try #require(answered)
      #expect(names.address(of: name) == given && names.name(of: given) == name)
      #expect(seen.insert(given).inserted && network.contains(.v4(given)))
      #expect(given.bits > 0xC612_00FF)
    }
    #expect(names.address(of: try HostName("one.more")) == nil)
    #expect(names.count == NameTable.capacity)
    #expect(code(DNSResponder.answer(query("one.more"), policy: policy, names: &names).message) == 2)
    #expect(code(DNSResponder.answer(query("n7.example"), policy: policy, names: &names).message) == 0)
    for text in [
      "198.18.0.1", "198.18.0.0", "198.18.1.0", "198.18.17.1", "198.19.255.255", "8.8.8.8", "255.255.255.255",
    ] {
      guard case .v4(let never) = try address(text) else { continue }
      #expect(names.name(of: never) == nil, "\(text)")
    }
  }

  @Test("an address inside means the name that it was given for, a granted literal, or nothing")
  func destinations() throws {
    var names = NameTable()
    let policy = try egressPolicy(["network.http:api.example.org,192.0.2.7", "network.socket:[2001:db8::7]:25"])
    let name = try HostName("api.example.org")
    let answered = names.address(of: name)
    let given = try #require(answered)
    #expect(names.host(at: .v4(given), port: 443, policy: policy) == .name(name))
    #expect(names.host(at: try address("::ffff:\(given)"), port: 443, policy: policy) == .name(name))
    #expect(try names.host(at: address("192.0.2.7"), port: 443, policy: policy) == Host("192.0.2.7"))
    #expect(try names.host(at: address("2001:db8::7"), port: 25, policy: policy) == Host("[2001:db8::7]"))
    for (text, port) in [("192.0.2.7", 22), ("192.0.2.8", 443), ("198.18.0.1", 443), ("127.0.0.1", 443), ("::1", 80)]
      as [(String, UInt16)]
    {
      #expect(names.host(at: try address(text), port: port, policy: policy) == nil)
    }
  }

  @Test("on TCP each message stands behind its length, whatever pieces it comes in", arguments: [91, 92] as [UInt64])
  func stream(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let messages = (0..<20).map { query("n\($0).cdn.example") }
    let bytes = messages.flatMap { DNSStream.framed($0) }
    for _ in 0..<50 {
      var stream = DNSStream()
      #expect(pieces(bytes, &random).flatMap { stream.append($0) } == messages)
      #expect(!stream.isBroken)
    }
    for broken in [[0, 0], [0x10, 0x01], [0xFF, 0xFF]] as [[UInt8]] {
      var stream = DNSStream()
      #expect(stream.append(DNSStream.framed(messages[0]) + broken) == [messages[0]])
      #expect(stream.isBroken && stream.append(DNSStream.framed(messages[0])).isEmpty)
    }
  }

  @Test(
    "whatever comes, the answer is small or none, and never for a name that isn't granted",
    arguments: [93, 94, 95] as [UInt64])
  func random(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var names = NameTable()
    let policy = try egressPolicy(Self.policyText)
    let seeds = [query("api.example.org"), query("a.cdn.example", type: 28), query("evil.com")]
    for _ in 0..<20_000 {
      let message = damaged(try #require(seeds.randomElement(using: &random)), &random)
      let found = DNSResponder.answer(message, policy: policy, names: &names)
      if let answered = found.message {
        #expect((12...300).contains(answered.count) && answered[2] & 0x80 != 0 && answered[0...1] == message[0...1])
      }
    }
    #expect(
      (0..<names.count).allSatisfy { position in
        names.name(of: IPv4Address(bits: 0xC612_0101 + UInt32(position))).map { policy.mayAsk(for: $0) } == true
      })
  }
}
