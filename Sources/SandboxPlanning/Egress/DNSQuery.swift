import PluginModel

/// One question to the resolver inside, as far as it decides the answer (RFC 1035 §4).
package struct DNSQuery: Hashable, Sendable {
  package let identifier: UInt16
  /// RD and CD, which an answer repeats (RFC 1035 §4.1.1, RFC 6840 §5.9).
  let repeatedFlags: UInt16
  /// The labels as they were sent: their case may be a nonce of the asker's (0x20 encoding).
  package let labels: [[UInt8]]
  package let type: UInt16
  package let dnsClass: UInt16
  /// RFC 6891. Nil: the query has no OPT record.
  package let extensionRecord: DNSExtension?
  /// The bytes of the question, which the answer repeats.
  let question: [UInt8]

  /// Nil where the name can be no host's: `_dmarc`, one with a dot within a label, the root.
  package var name: HostName? { try? HostName(labels: labels) }
}

/// The OPT record of a query, RFC 6891 §6.
package struct DNSExtension: Hashable, Sendable {
  package let version: UInt8
  /// DO, RFC 3225: an answer repeats it.
  package let wantsSignatures: Bool
}

/// What a message to the resolver is.
package enum DNSParse: Hashable, Sendable {
  case query(DNSQuery)
  /// No question that can be answered, but somebody who asked: the head of the answer.
  case refused(identifier: UInt16, repeatedFlags: UInt16, code: DNSResponseCode)
  /// Too short for a head, or an answer itself: it gets none, so that no two resolvers ever talk to each other.
  case ignored
}

/// RFC 1035 §4.1.1, RFC 6891 §9.
package enum DNSResponseCode: UInt16, Sendable {
  case noError = 0
  case formatError = 1
  case serverFailure = 2
  case nameError = 3
  case notImplemented = 4
  case refused = 5
  /// In twelve bits, of which the head has four.
  case badVersion = 16
}

extension DNSParse {
  static let headBytes = 12
  private static let optType: UInt16 = 41

  /// Strict: one question of class and type, no compressed name in it, at most an OPT record beside it, and nothing behind.
  package init(_ message: some Collection<UInt8>) {
    var reader = ByteReader(message)
    guard let identifier = reader.u16(), let flags = reader.u16(), let questions = reader.u16(),
      let answers = reader.u16(), let authorities = reader.u16(), let additional = reader.u16(), flags & 0x8000 == 0
    else {
      self = .ignored
      return
    }
    let opcode = flags >> 11 & 0xF
    // The opcode is repeated whatever it is.
    let repeated = flags & 0x7910
    guard opcode == 0 else {
      self = .refused(identifier: identifier, repeatedFlags: repeated, code: .notImplemented)
      return
    }
    // TC: what is cut can't be a whole question.
    guard flags & 0x0200 == 0, questions == 1, answers == 0, authorities == 0, additional <= 1,
      let query = Self.question(&reader, identifier, repeated, hasExtension: additional == 1)
    else {
      self = .refused(identifier: identifier, repeatedFlags: repeated, code: .formatError)
      return
    }
    self = .query(query)
  }

  private static func question(
    _ reader: inout ByteReader, _ identifier: UInt16, _ repeated: UInt16, hasExtension: Bool
  ) -> DNSQuery? {
    let start = reader.position
    guard let labels = name(&reader), let type = reader.u16(), let dnsClass = reader.u16() else { return nil }
    let question = Array(reader.bytes[start..<reader.position])
    var found: DNSExtension?
    if hasExtension {
      guard let read = optRecord(&reader) else { return nil }
      found = read
    }
    guard reader.isAtEnd else { return nil }
    return DNSQuery(
      identifier: identifier, repeatedFlags: repeated, labels: labels, type: type, dnsClass: dnsClass,
      extensionRecord: found, question: question)
  }

  /// RFC 1035 §2.3.4: labels of at most 63 bytes, 255 with their lengths and the root's. A pointer begins with 11 and would
  /// have nothing before the question to point at; 01 and 10 aren't assigned.
  private static func name(_ reader: inout ByteReader) -> [[UInt8]]? {
    var labels: [[UInt8]] = []
    var total = 1
    while let length = reader.u8() {
      if length == 0 { return labels }
      total += 1 + Int(length)
      guard length <= 63, total <= 255, let label = reader.take(Int(length)) else { return nil }
      labels.append(Array(label))
    }
    return nil
  }

  /// RFC 6891 §6.1.2. Options are passed over, but must be whole.
  private static func optRecord(_ reader: inout ByteReader) -> DNSExtension? {
    guard reader.u8() == 0, reader.u16() == optType, reader.u16() != nil, let ttl = reader.u32(),
      let length = reader.u16(), let data = reader.take(Int(length))
    else { return nil }
    var options = ByteReader(data)
    while !options.isAtEnd {
      guard options.u16() != nil, let size = options.u16(), options.take(Int(size)) != nil else { return nil }
    }
    return DNSExtension(version: UInt8(truncatingIfNeeded: ttl >> 16), wantsSignatures: ttl & 0x8000 != 0)
  }
}

extension HostName {
  /// Of the labels of a message, where a dot may stand within one and separate nothing.
  init(labels: [[UInt8]]) throws(Problem) {
    guard labels.allSatisfy({ !$0.contains(UInt8(ascii: ".")) }) else { throw .invalidCharacter }
    try self.init(bytes: Array(labels.joined(separator: [UInt8(ascii: ".")])))
  }
}
