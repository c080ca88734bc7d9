import PluginModel
import SandboxPlanning
import Testing

@Suite("The relay of one connection")
struct EgressRelayTests {
  private static let granted = [
    "network.http:api.example.org,*.cdn.example,192.0.2.7,8.8.8.8",
    "network.socket:db.example.org:5432,10.0.0.9:22,web.example.org:8080",
  ]
  private let public1 = NetworkAddress.v4(IPv4Address(8, 8, 8, 8))
  private let public2 = NetworkAddress.v6(IPv6Address(high: 0x2606_4700 << 32, low: 1))

  private func machine(_ granted: [String] = granted, _ network: OperatorNetwork = OperatorNetwork()) throws
    -> RelayMachine
  {
    RelayMachine(policy: try egressPolicy(granted, network))
  }

  private func direct(_ host: String?, _ port: UInt16) throws -> RelayEvent {
    .opened(.direct(host: try host.map { try Host($0) }, destination: try address("198.18.1.1"), port: port))
  }

  private func denial(_ actions: [RelayAction]) -> EgressDenial? {
    for case .deny(let denial) in actions { return denial }
    return nil
  }

  private func answer(_ actions: [RelayAction]) -> String? {
    for case .answerWorker(let bytes) in actions { return String(decoding: bytes, as: UTF8.self) }
    return nil
  }

  private func text(_ text: String) -> RelayEvent { .received(Array(text.utf8)) }

  // MARK: Direct

  @Test("TLS to a granted name is looked at, then resolved, checked and dialled, and only then are its bytes passed on")
  func directTLS() throws {
    var machine = try machine()
    let hello = MadeHello.hello("API.example.org")
    #expect(machine.handle(try direct("api.example.org", 443)) == [.startTimer(.request)])
    #expect(machine.wantsInput)
    #expect(machine.handle(.received(Array(hello.prefix(20)))) == [])
    #expect(
      machine.handle(.received(Array(hello.dropFirst(20)) + [23, 3]))
        == [.resolve(try HostName("api.example.org")), .startTimer(.resolution)])
    #expect(!machine.wantsInput)
    #expect(
      machine.handle(.resolved([public1, public2])) == [
        .dial([public1, public2], port: 443), .startTimer(.connection),
      ])
    #expect(machine.handle(.connected) == [.stopTimer, .forwardToUpstream(hello + [23, 3]), .startCopying])
    #expect(machine.handle(.timerFired) == [] && machine.handle(.endOfInput) == [])
    #expect(machine.handle(.upstreamClosed) == [.stopTimer, .close(.afterAnswer)])
    #expect(machine.isClosed && machine.handle(.upstreamClosed) == [])
  }

  @Test("a request to port 80 is for the name whose address was asked for, and WebSocket goes through")
  func directHTTP() throws {
    var machine = try machine()
    _ = machine.handle(try direct("a.cdn.example", 80))
    let request = "GET /s HTTP/1.1\r\nHost: A.cdn.example:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    #expect(
      machine.handle(text(request)) == [.resolve(try HostName("a.cdn.example")), .startTimer(.resolution)])
    _ = machine.handle(.resolved([public1]))
    #expect(machine.handle(.connected) == [.stopTimer, .forwardToUpstream(Array(request.utf8)), .startCopying])
  }

  @Test("an endpoint's bytes aren't looked at")
  func directRaw() throws {
    var machine = try machine()
    #expect(
      machine.handle(try direct("db.example.org", 5432))
        == [.resolve(try HostName("db.example.org")), .startTimer(.resolution)])
    #expect(!machine.wantsInput)
    _ = machine.handle(.resolved([public1]))
    #expect(machine.handle(.endOfInput) == [])
    #expect(machine.handle(.connected) == [.stopTimer, .startCopying])
  }

  @Test("a literal address needs no resolver, and is checked like any other")
  func literal() throws {
    var granted = try machine()
    #expect(granted.handle(try direct("10.0.0.9", 22)).contains(.close(.reset)))
    granted = try machine(Self.granted, privateNetworks("10.0.0.0/24"))
    #expect(
      granted.handle(try direct("10.0.0.9", 22)) == [
        .dial([try address("10.0.0.9")], port: 22), .startTimer(.connection),
      ])
    var tls = try machine()
    _ = tls.handle(try direct("8.8.8.8", 443))
    #expect(tls.handle(.received(MadeHello.hello(nil))) == [.dial([public1], port: 443), .startTimer(.connection)])
    tls = try machine()
    _ = tls.handle(try direct("8.8.8.8", 443))
    #expect(
      denial(tls.handle(.received(MadeHello.hello("api.example.org"))))?.reason
        == .otherHost("api.example.org", in: .serverName))
  }

  @Test("TLS that doesn't ask for the name of its address is refused with an alert, before anything is resolved")
  func otherServerName() throws {
    let cases: [(bytes: [UInt8], reason: EgressDenial.Reason)] = [
      (MadeHello.hello("evil.example"), .otherHost("evil.example", in: .serverName)),
      (MadeHello.hello("a.api.example.org"), .otherHost("a.api.example.org", in: .serverName)),
      // Granted, but not what the address was asked for.
      (MadeHello.hello("a.cdn.example"), .otherHost("a.cdn.example", in: .serverName)),
      (MadeHello.hello(nil), .missingHost(.serverName)), (Array("GET / HTTP/1.1\r\n\r\n".utf8), .notTLS),
      ([22, 3, 1, 0, 0], .malformedTLS(.lengths)),
    ]
    for (bytes, reason) in cases {
      var machine = try machine()
      _ = machine.handle(try direct("api.example.org", 443))
      let actions = machine.handle(.received(bytes))
      let denial = try #require(self.denial(actions))
      #expect(denial.reason == reason && denial.host == "api.example.org" && denial.port == 443)
      #expect(
        actions == [.deny(denial), .answerWorker([21, 3, 3, 0, 2, 2, 49]), .stopTimer, .close(.afterAnswer)])
      #expect(machine.isClosed)
    }
  }

  @Test("a request for another host than its address was asked for is refused in words, before anything is resolved")
  func otherHostField() throws {
    let cases: [(String, EgressDenial.Reason)] = [
      ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", .otherHost("evil.example", in: .hostField)),
      ("GET / HTTP/1.1\r\nHost: api.example.org:8080\r\n\r\n", .otherHost("api.example.org:8080", in: .hostField)),
      ("GET / HTTP/1.1\r\n\r\n", .missingHost(.hostField)), ("GET / HTTP/1.0\r\n\r\n", .missingHost(.hostField)),
      ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .malformedHTTP(.repeatedHost)),
      ("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", .notHTTP),
      ("CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n", .notHTTP),
      ("PRI * HTTP/2.0\r\n\r\n", .http2WithoutTLS), ("\u{16}\u{3}\u{1}", .notHTTP), ("SSH-2.0-x\r\n\r\n", .notHTTP),
    ]
    for (request, reason) in cases {
      var machine = try machine()
      _ = machine.handle(try direct("api.example.org", 80))
      let actions = machine.handle(text(request))
      #expect(denial(actions)?.reason == reason, "\(request)")
      #expect(answer(actions)?.hasPrefix("HTTP/1.1 403 Forbidden\r\n") == true)
      #expect(!actions.contains { if case .resolve = $0 { true } else { false } } && machine.isClosed)
    }
  }

  @Test("an address that stands for nothing, and a port that isn't granted for its name, are refused with a reset")
  func unknownDestination() throws {
    for (host, port, reason) in [
      (nil, 443, .unknownDestination), ("api.example.org", 5432, .notGranted), ("db.example.org", 443, .notGranted),
      ("web.example.org", 80, .notGranted), ("evil.example", 443, .notGranted),
    ] as [(String?, UInt16, EgressDenial.Reason)] {
      var machine = try machine()
      let actions = machine.handle(try direct(host, port))
      #expect(denial(actions)?.reason == reason)
      #expect(Array(actions.dropFirst()) == [.stopTimer, .close(.reset)])
    }
  }

  @Test("every address of the name is checked with each connection: rebinding finds the door closed")
  func rebinding() throws {
    for addresses in [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:169.254.169.254"], ["fd00::1", "8.8.8.8"]] {
      var machine = try machine()
      _ = machine.handle(try direct("db.example.org", 5432))
      let actions = machine.handle(.resolved(try addresses.map(address)))
      guard case .privateAddress = denial(actions)?.reason else {
        Issue.record("\(addresses): \(actions)")
        continue
      }
      #expect(machine.isClosed && machine.handle(.connected) == [])
    }
    // A second answer to one question is none.
    var machine = try machine()
    _ = machine.handle(try direct("db.example.org", 5432))
    _ = machine.handle(.resolved([public1]))
    #expect(machine.handle(.resolved([try address("10.0.0.1")])) == [])
  }

  // MARK: The proxy

  @Test("CONNECT is answered once there is a connection, and what is said in it is looked at before it is passed on")
  func connect() throws {
    var machine = try machine()
    #expect(machine.handle(.opened(.proxy)) == [.startTimer(.request)])
    let hello = MadeHello.hello("api.example.org")
    let request = Array("CONNECT api.example.org:443 HTTP/1.1\r\nHost: api.example.org:443\r\n\r\n".utf8)
    // The first bytes of the tunnel come with the request.
    #expect(
      machine.handle(.received(request + hello.prefix(9)))
        == [.resolve(try HostName("api.example.org")), .startTimer(.resolution)])
    #expect(machine.handle(.resolved([public1])) == [.dial([public1], port: 443), .startTimer(.connection)])
    #expect(
      machine.handle(.connected)
        == [.answerWorker(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)), .startTimer(.request)])
    #expect(machine.wantsInput)
    #expect(
      machine.handle(.received(Array(hello.dropFirst(9)))) == [.stopTimer, .forwardToUpstream(hello), .startCopying])
  }

  @Test("in a tunnel the server name, or the Host, must be the one that CONNECT named")
  func connectThenOther() throws {
    for (port, bytes, reply) in [
      (443, MadeHello.hello("evil.example"), "\u{15}"), (443, Array("GET / HTTP/1.1\r\n\r\n".utf8), "\u{15}"),
      (80, Array("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".utf8), "HTTP/1.1 403"),
    ] as [(Int, [UInt8], String)] {
      var machine = try machine()
      _ = machine.handle(.opened(.proxy))
      _ = machine.handle(text("CONNECT api.example.org:\(port) HTTP/1.0\r\n\r\n"))
      _ = machine.handle(.resolved([public1]))
      _ = machine.handle(.connected)
      let actions = machine.handle(.received(bytes))
      #expect(denial(actions) != nil && answer(actions)?.hasPrefix(reply) == true && machine.isClosed)
      #expect(!actions.contains { if case .forwardToUpstream = $0 { true } else { false } })
    }
  }

  @Test("CONNECT to a granted endpoint is a tunnel that nobody looks into")
  func connectRaw() throws {
    var machine = try machine()
    _ = machine.handle(.opened(.proxy))
    _ = machine.handle(text("CONNECT db.example.org:5432 HTTP/1.1\r\nHost: db.example.org:5432\r\n\r\nhi"))
    _ = machine.handle(.resolved([public1]))
    #expect(
      machine.handle(.connected) == [
        .answerWorker(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)), .stopTimer,
        .forwardToUpstream(Array("hi".utf8)), .startCopying,
      ])
  }

  @Test("a request for a URL goes on as the server expects it, and is the last of its connection")
  func absoluteForm() throws {
    func forwarded(_ request: String, port: UInt16 = 80) throws -> String {
      var machine = try machine()
      _ = machine.handle(.opened(.proxy))
      _ = machine.handle(text(request))
      #expect(machine.handle(.resolved([public1])).contains(.dial([public1], port: port)))
      let actions = machine.handle(.connected)
      guard case .forwardToUpstream(let bytes) = actions.dropFirst().first, actions.last == .startCopying else {
        return "\(actions)"
      }
      return String(decoding: bytes, as: UTF8.self)
    }
    #expect(
      try forwarded(
        """
        POST http://API.example.org/x?y HTTP/1.1\r
        Host: api.example.org\r
        Proxy-Connection: keep-alive\r
        Proxy-Authorization: Basic c2VjcmV0\r
        Connection: keep-alive, X-Hop\r
        X-Hop: 1\r
        Keep-Alive: 5\r
        Content-Length: 4\r
        X-Kept: a  b\r
        \r
        body
        """)
          == """
          POST /x?y HTTP/1.1\r
          Host: api.example.org\r
          Content-Length: 4\r
          X-Kept: a  b\r
          Connection: close\r
          \r
          body
          """)
    #expect(
      try forwarded("GET http://web.example.org:8080 HTTP/1.0\r\n\r\n", port: 8080)
        == "GET / HTTP/1.0\r\nHost: web.example.org:8080\r\nConnection: close\r\n\r\n")
    #expect(
      try forwarded(
        "GET http://a.cdn.example:80/ HTTP/1.1\r\nHost: a.cdn.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
      )
        == "GET / HTTP/1.1\r\nHost: a.cdn.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    // What says where the body ends can't be taken away.
    #expect(
      try forwarded(
        "GET http://a.cdn.example/ HTTP/1.1\r\nHost: a.cdn.example\r\nConnection: content-length, host\r\nContent-Length: 0\r\n\r\n"
      )
        == "GET / HTTP/1.1\r\nHost: a.cdn.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
  }

  @Test(
    "the proxy refuses what isn't granted with words that help, and nothing of the plugin's stands in them unescaped",
    arguments: [
      (
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", "403",
        "network.http:evil.example would allow it"
      ),
      ("CONNECT evil.example:22 HTTP/1.0\r\n\r\n", "403", "network.socket:evil.example:22 would allow it"),
      ("CONNECT api.example.org:22 HTTP/1.0\r\n\r\n", "403", "network.socket:api.example.org:22 would allow it"),
      (
        "CONNECT 169.254.169.254:80 HTTP/1.0\r\n\r\n", "403",
        "would allow it, if the operator adds '169.254.169.254' to private_networks"
      ),
      (
        "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403",
        "network.http:evil.example would allow it"
      ),
      ("GET http://allowed.org@evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "400", "user information"),
      ("GET http://2130706433/ HTTP/1.1\r\nHost: 2130706433\r\n\r\n", "400", "127.0.0.1"),
      ("GET https://api.example.org/ HTTP/1.1\r\nHost: api.example.org\r\n\r\n", "403", "CONNECT"),
      ("GET / HTTP/1.1\r\nHost: api.example.org\r\n\r\n", "403", "CONNECT"),
      ("PRI * HTTP/2.0\r\n\r\n", "403", "CONNECT"), ("GET / HTTP/1.1\nHost: a\n\n", "400", "alone"),
    ])
  func proxyRefuses(request: String, code: String, words: String) throws {
    var machine = try machine()
    _ = machine.handle(.opened(.proxy))
    let actions = machine.handle(text(request))
    let answer = try #require(self.answer(actions))
    #expect(answer.hasPrefix("HTTP/1.1 \(code) ") && answer.contains(words), "\(answer)")
    let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
    #expect(parts.count == 2 && parts[0].contains("Content-Length: \(parts[1].utf8.count)\r\n"))
    #expect(denial(actions) != nil && actions.last == .close(.afterAnswer))
  }

  // MARK: Failures and limits

  @Test("what fails is told as a failure, not as a denial")
  func failures() throws {
    for (event, code) in [
      (.resolutionFailed, "502"), (.resolved([]), "502"), (.timerFired, "504"),
    ] as [(RelayEvent, String)] {
      var machine = try machine()
      _ = machine.handle(.opened(.proxy))
      _ = machine.handle(text("CONNECT api.example.org:443 HTTP/1.0\r\n\r\n"))
      let actions = machine.handle(event)
      #expect(answer(actions)?.hasPrefix("HTTP/1.1 \(code) ") == true && denial(actions) == nil)
      #expect(
        actions.contains {
          if case .fail(let failure) = $0 { failure.words.contains("api.example.org") } else { false }
        })
    }
    for event in [.connectFailed(code: 111), .timerFired] as [RelayEvent] {
      var machine = try machine()
      _ = machine.handle(try direct("db.example.org", 5432))
      _ = machine.handle(.resolved([public1]))
      let actions = machine.handle(event)
      #expect(actions.count == 3 && actions.last == .close(.reset) && machine.isClosed)
    }
  }

  @Test("who says nothing, or ends before it has said enough, is closed")
  func silence() throws {
    for event in [.timerFired, .endOfInput, .upstreamClosed] as [RelayEvent] {
      for opening in [RelayEvent.opened(.proxy), try direct("api.example.org", 443), try direct("api.example.org", 80)]
      {
        var machine = try machine()
        _ = machine.handle(opening)
        _ = machine.handle(.received([22]))
        _ = machine.handle(event)
        #expect(machine.isClosed)
      }
    }
  }

  @Test("a cap ends the connection in every state, by its name", arguments: EgressCap.allCases)
  func caps(cap: EgressCap) throws {
    let events: [RelayEvent] = [
      try direct("api.example.org", 443), .received(MadeHello.hello("api.example.org")), .resolved([public1]),
      .connected,
    ]
    for count in 0...events.count {
      var machine = try machine()
      for event in events.prefix(count) { _ = machine.handle(event) }
      let actions = machine.handle(.capReached(cap))
      #expect(denial(actions)?.reason == .capReached(cap) && machine.isClosed)
    }
  }

  @Test("a worker can't make it keep more than a head")
  func bounded() throws {
    for opening in [
      RelayEvent.opened(.proxy), try direct("api.example.org", 443), try direct("api.example.org", 80),
      try direct("db.example.org", 5432),
    ] {
      var machine = try machine()
      _ = machine.handle(opening)
      var sent = 0
      _ = machine.handle(text("GET / HTTP/1.1\r\nX: "))
      while !machine.isClosed, sent < 1 << 20 {
        _ = machine.handle(.received(Array(repeating: 0x61, count: 4096)))
        sent += 4096
      }
      #expect(machine.isClosed && sent <= 3 * HTTPRequestReader.maximumBytes)
    }
  }

  @Test(
    "whatever the pieces, the decision is the same, and no bytes are passed on that weren't checked",
    arguments: [121, 122, 123] as [UInt64])
  func pieces(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let hello = MadeHello.hello("api.example.org")
    let seeds: [(RelayEvent, [UInt8])] = [
      (try direct("api.example.org", 443), hello),
      (try direct("api.example.org", 80), Array("GET / HTTP/1.1\r\nHost: api.example.org\r\n\r\nbody".utf8)),
      (.opened(.proxy), Array("CONNECT api.example.org:443 HTTP/1.0\r\n\r\n".utf8) + hello),
      (.opened(.proxy), Array("GET http://api.example.org/x HTTP/1.1\r\nHost: api.example.org\r\n\r\n".utf8)),
    ]
    for _ in 0..<1_500 {
      let (opening, whole) = try #require(seeds.randomElement(using: &random))
      let bytes = Bool.random(using: &random) ? whole : damaged(whole, &random)
      let pieced = try run(opening, SandboxPlanningTests.pieces(bytes, &random))
      let single = try run(opening, [bytes])
      #expect(pieced == single)
      guard let passed = pieced.passed else { continue }
      #expect(pieced.denial == nil && pieced.dialled)
      #expect(try saysItsHost(passed), "\(String(decoding: passed, as: UTF8.self))")
    }
  }

  /// What an ungranted host's server would be asked is never among what was passed on.
  private func saysItsHost(_ bytes: [UInt8]) throws -> Bool {
    let host = try HostName("api.example.org")
    var (hello, request) = (ClientHelloReader(), HTTPRequestReader())
    if case .name(let name) = hello.append(bytes) { return name == host }
    if case .head(let head) = request.append(bytes) { return head.host?.host == .name(host) }
    return false
  }

  private struct Outcome: Equatable {
    var passed: [UInt8]?
    var denial: EgressDenial?
    var dialled = false
    var answered: [UInt8] = []
  }

  /// An executor without sockets: every question is answered at once, and the worker is read only when it is wanted.
  private func run(_ opening: RelayEvent, _ pieces: [[UInt8]]) throws -> Outcome {
    var machine = try machine()
    var outcome = Outcome()
    var pieces = pieces[...]
    var events = [opening]
    while true {
      if events.isEmpty {
        guard machine.wantsInput, let piece = pieces.popFirst() else { break }
        events.append(.received(piece))
      }
      for action in machine.handle(events.removeFirst()) {
        switch action {
        case .resolve: events.append(.resolved([public1]))
        case .dial:
          outcome.dialled = true
          events.append(.connected)
        case .forwardToUpstream(let bytes): outcome.passed = bytes
        case .answerWorker(let bytes): outcome.answered += bytes
        case .deny(let denial): outcome.denial = denial
        case .startCopying: outcome.passed = (outcome.passed ?? []) + pieces.joined()
        case .startTimer, .stopTimer, .close, .fail: break
        }
      }
    }
    return outcome
  }
}
