import CFuzzer
import PluginModel
import SandboxPlanning

/// What a worker sends to the network that it has: questions to the resolver, requests to the proxy, and the first bytes of
/// connections to granted names.
///
/// The first byte says to whom, the second how the rest is cut into reads, because both are the sender's choice.
/// Whatever arrives, each reader gives the same result for every cut, and nothing leaves that wasn't checked. A `fatalError` is how a
/// finding is told: libFuzzer keeps the input that led there.
@main
enum FuzzEgress {
  static func main() {
    _ = run_fuzzer(CommandLine.argc, CommandLine.unsafeArgv) { data, size in
      FuzzEgress.one(Array(UnsafeBufferPointer(start: data, count: size)))
      return 0
    }
  }

  private static let policy: EgressPolicy = {
    let granted: [Permission] = [
      .networkHTTP(hosts: ["api.example.org", "*.cdn.example", "192.0.2.7"]),
      .networkSocket(endpoints: ["db.example.org:5432"]),
    ]
    guard let policy = try? EgressPolicy(granted: granted, operator: OperatorNetwork()) else {
      fatalError("the policy isn't made")
    }
    return policy
  }()

  static func one(_ input: [UInt8]) {
    guard input.count >= 2 else { return }
    let bytes = Array(input.dropFirst(2))
    let size = Int(input[1]) % 64 + 1
    switch input[0] % 6 {
    case 0: resolver(bytes, size)
    case 1: relay(.opened(.proxy), bytes, size)
    case 2: relay(direct(port: 443), bytes, size)
    case 3: relay(direct(port: 80), bytes, size)
    case 4: readers(bytes, size)
    default: texts(String(decoding: bytes, as: UTF8.self))
    }
  }

  private static func cut(_ bytes: [UInt8], _ size: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
  }

  private static func resolver(_ bytes: [UInt8], _ size: Int) {
    var names = NameTable()
    let answer = DNSResponder.answer(bytes, policy: policy, names: &names)
    if let message = answer.message {
      guard (12...300).contains(message.count), message[2] & 0x80 != 0 else { fatalError("no answer: \(message)") }
    }
    guard names.count <= 1 else { fatalError("one question gave \(names.count) names") }
    if let name = names.name(of: IPv4Address(198, 18, 1, 1)), !policy.mayAsk(for: name) {
      fatalError("\(name) isn't granted")
    }
    var (whole, pieces) = (DNSStream(), DNSStream())
    let found = cut(bytes, size).flatMap { pieces.append($0) }
    guard whole.append(bytes) == found, whole.isBroken == pieces.isBroken else {
      fatalError("the cut changed the meaning")
    }
  }

  private static func readers(_ bytes: [UInt8], _ size: Int) {
    var (hello, helloPieces) = (ClientHelloReader(), ClientHelloReader())
    var helloResult = ClientHelloReader.Result.needMore
    var (request, requestPieces) = (HTTPRequestReader(), HTTPRequestReader())
    var requestResult = HTTPRequestReader.Result.needMore
    for piece in cut(bytes, size) {
      helloResult = helloPieces.append(piece)
      requestResult = requestPieces.append(piece)
    }
    guard hello.append(bytes) == helloResult, request.append(bytes) == requestResult else {
      fatalError("the cut changed the meaning")
    }
  }

  private static func texts(_ text: String) {
    if let address = NetworkAddress(text), NetworkAddress(address.description) != address { fatalError(text) }
    if let prefix = NetworkPrefix(text), NetworkPrefix(prefix.description) != prefix { fatalError(text) }
    if let pattern = try? HostPattern(text), (try? HostPattern(pattern.description)) != pattern { fatalError(text) }
    if let item = try? PrivateNetwork(text), (try? PrivateNetwork(item.description)) != item { fatalError(text) }
    if let permission = try? Permission(text), (try? Permission(permission.description)) != permission {
      fatalError(text)
    }
    if NumericSpelling(text) != nil, (try? HostName(text)) != nil { fatalError("\(text) is a name and an address") }
  }

  private static func direct(port: UInt16) -> RelayEvent {
    guard let host = try? Host("api.example.org") else { fatalError("no host") }
    return .opened(.direct(host: host, destination: .v4(NameTable.network), port: port))
  }

  /// An executor without sockets, whose resolver gives a public address for everything.
  private static func relay(_ opening: RelayEvent, _ bytes: [UInt8], _ size: Int) {
    guard run(opening, cut(bytes, size)) == run(opening, [bytes]) else { fatalError("the cut changed the meaning") }
  }

  private struct Outcome: Equatable {
    var passed: [UInt8] = []
    var answered: [UInt8] = []
    var denial: EgressDenial?
    var isCopying = false
  }

  private static func run(_ opening: RelayEvent, _ pieces: [[UInt8]]) -> Outcome {
    var machine = RelayMachine(policy: policy)
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
        case .resolve(let name):
          guard policy.mayAsk(for: name) else { fatalError("\(name) isn't granted") }
          events.append(.resolved([.v4(IPv4Address(8, 8, 8, 8))]))
        case .dial: events.append(.connected)
        case .forwardToUpstream(let bytes): outcome.passed += bytes
        case .answerWorker(let bytes): outcome.answered += bytes
        case .deny(let denial): outcome.denial = denial
        case .startCopying:
          outcome.isCopying = true
          outcome.passed += pieces.joined()
        case .startTimer, .stopTimer, .close, .fail: break
        }
      }
    }
    guard outcome.passed.isEmpty || outcome.isCopying && outcome.denial == nil else {
      fatalError("refused, and passed on")
    }
    if let text = outcome.denial?.diagnostic.description {
      guard !text.unicodeScalars.contains(where: { $0.value < 32 && $0 != "\n" }) else { fatalError(text) }
    }
    return outcome
  }
}
