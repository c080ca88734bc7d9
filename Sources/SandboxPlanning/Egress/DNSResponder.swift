import PluginModel

/// The resolver inside a worker's network namespace, without its sockets.
///
/// It asks nobody: a granted name gets an address of the ``NameTable`` at once, whether it exists or not, and the relay
/// resolves it when somebody connects. So a query carries nothing out of the sandbox, and a name that isn't granted is never asked for.
package enum DNSResponder {
  /// Seconds. Nothing changes within a worker's life; short, so that nothing outlives it in what a program keeps.
  static let timeToLive: UInt32 = 30

  package struct Answer: Hashable, Sendable {
    /// Nil: there is nothing to answer. At most 300 bytes: it fits every datagram, and is never cut.
    package let message: [UInt8]?
    package let denial: EgressDenial?
  }

  private enum RecordType {
    static let a: UInt16 = 1
    static let aaaa: UInt16 = 28
    static let ixfr: UInt16 = 251
    static let axfr: UInt16 = 252
    static let any: UInt16 = 255
  }

  /// - Parameter message: without the length that precedes it on TCP.
  package static func answer(
    _ message: some Collection<UInt8>, policy: EgressPolicy, names: inout NameTable
  ) -> Answer {
    switch DNSParse(message) {
    case .ignored:
      return Answer(message: nil, denial: nil)
    case .refused(let identifier, let repeatedFlags, let code):
      return Answer(
        message: Self.head(identifier, repeatedFlags, code, questions: 0, answers: 0, additional: 0), denial: nil)
    case .query(let query):
      return answer(query, policy: policy, names: &names)
    }
  }

  private static func answer(_ query: DNSQuery, policy: EgressPolicy, names: inout NameTable) -> Answer {
    if let version = query.extensionRecord?.version, version > 0 {
      return Answer(message: response(to: query, .badVersion), denial: nil)
    }
    // Other classes, and the transfer of whole zones.
    guard query.dnsClass == 1, query.type != RecordType.axfr, query.type != RecordType.ixfr else {
      return Answer(message: response(to: query, .refused), denial: nil)
    }
    let name: HostName
    do throws(HostName.Problem) {
      name = try HostName(labels: query.labels)
    } catch {
      let text = query.labels.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
      let denial = asksForHost(query) ? EgressDenial.invalidHost(text, error, port: nil) : nil
      return Answer(message: response(to: query, .nameError), denial: denial)
    }
    // Not REFUSED: the C library would ask again, and then tell of a temporary failure.
    guard policy.mayAsk(for: name) else {
      return Answer(
        message: response(to: query, .nameError),
        denial: asksForHost(query) ? .notGranted(.name(name), port: nil) : nil)
    }
    // No AAAA, and no HTTPS record, which could name other addresses and keys for hidden server names (RFC 9460): the name
    // exists and has none.
    guard query.type == RecordType.a || query.type == RecordType.any else {
      return Answer(message: response(to: query, .noError), denial: nil)
    }
    guard let address = names.address(of: name) else {
      return Answer(message: response(to: query, .serverFailure), denial: nil)
    }
    return Answer(message: response(to: query, .noError, address: address), denial: nil)
  }

  private static func asksForHost(_ query: DNSQuery) -> Bool {
    [RecordType.a, RecordType.aaaa, RecordType.any].contains(query.type)
  }

  // MARK: Writing

  private static func response(to query: DNSQuery, _ code: DNSResponseCode, address: IPv4Address? = nil) -> [UInt8] {
    var message = head(
      query.identifier, query.repeatedFlags, code, questions: 1, answers: address == nil ? 0 : 1,
      additional: query.extensionRecord == nil ? 0 : 1)
    message += query.question
    if let address {
      // The name of the question, at offset 12.
      message += [0xC0, 0x0C] + bytes(RecordType.a) + bytes(1 as UInt16) + bytes(timeToLive) + bytes(4 as UInt16)
      message += bytes(address.bits)
    }
    if let found = query.extensionRecord {
      let flags: UInt32 = found.wantsSignatures ? 0x8000 : 0
      // The size that this end takes, and the code's upper eight bits.
      message += [0] + bytes(41 as UInt16) + bytes(1232 as UInt16) + bytes(UInt32(code.rawValue >> 4) << 24 | flags)
      message += [0, 0]
    }
    return message
  }

  /// QR, and RA: names are looked up as far as they ever are.
  private static func head(
    _ identifier: UInt16, _ repeatedFlags: UInt16, _ code: DNSResponseCode, questions: UInt16, answers: UInt16,
    additional: UInt16
  ) -> [UInt8] {
    bytes(identifier) + bytes(0x8080 | repeatedFlags | code.rawValue & 0xF) + bytes(questions) + bytes(answers)
      + [0, 0] + bytes(additional)
  }

  private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }
}

/// Messages on a TCP connection to the resolver, each after its length (RFC 1035 §4.2.2).
package struct DNSStream: Sendable {
  /// Above any query that is read.
  package static let maximumBytes = 4096
  private var buffer: [UInt8] = []
  /// The connection is closed: a length that no query has.
  package private(set) var isBroken = false

  package init() {}

  /// The messages that are whole now, in order.
  package mutating func append(_ bytes: some Collection<UInt8>) -> [[UInt8]] {
    guard !isBroken else { return [] }
    buffer += bytes
    var messages: [[UInt8]] = []
    var start = 0
    while buffer.count - start >= 2 {
      let length = Int(buffer[start]) << 8 | Int(buffer[start + 1])
      guard (1...Self.maximumBytes).contains(length) else {
        isBroken = true
        buffer = []
        return messages
      }
      guard buffer.count - start - 2 >= length else { break }
      messages.append(Array(buffer[start + 2..<start + 2 + length]))
      start += 2 + length
    }
    buffer.removeFirst(start)
    return messages
  }

  /// A message as it is sent.
  package static func framed(_ message: [UInt8]) -> [UInt8] {
    [UInt8(truncatingIfNeeded: message.count >> 8), UInt8(truncatingIfNeeded: message.count)] + message
  }
}
