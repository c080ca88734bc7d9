import PluginModel

/// Finds the server name in the first message of a TLS connection, whatever pieces it arrives in (RFC 8446 §4.1.2, §5.1;
/// RFC 6066 §3).
///
/// The message may span records, and records may span pieces. Nothing is decided before it is whole, and no more than
/// ``maximumBytes`` are taken until then.
package struct ClientHelloReader: Sendable {
  /// Of all records together: a hello with keys for the time after quantum computers has 2 KiB.
  package static let maximumBytes = 16_384

  package enum Problem: Error, Hashable, Sendable {
    case tooLong
    /// A record, a message or an extension doesn't end where it says.
    case lengths
    case repeatedExtension
    /// More than one server name, or one of another kind.
    case serverNames
    case invalidServerName(HostName.Problem)
    /// A record of another kind stands before the hello is whole.
    case interrupted
  }

  package enum Result: Hashable, Sendable {
    case needMore
    case name(HostName)
    /// A hello without a server name: the client connects to an address, or doesn't tell.
    case noName
    case notTLS
    case malformed(Problem)
  }

  private enum Layer {
    static let handshake: UInt8 = 22
    static let clientHello: UInt8 = 1
    static let serverName: UInt16 = 0
  }

  /// Of the record that is being read: its first bytes, up to five.
  private var head: [UInt8] = []
  private var recordBytesLeft = 0
  private var message: [UInt8] = []
  private var taken = 0
  private var result: Result = .needMore

  package init() {}

  /// Takes what came next. Once the result is another than `.needMore` it stays, whatever comes.
  package mutating func append(_ bytes: some Collection<UInt8>) -> Result {
    var rest = bytes[...]
    while result == .needMore, !rest.isEmpty {
      if recordBytesLeft == 0 {
        takeHead(&rest)
      } else {
        takeFragment(&rest)
      }
    }
    return result
  }

  private mutating func takeHead<Bytes: Collection<UInt8>>(_ rest: inout Bytes) where Bytes.SubSequence == Bytes {
    guard let byte = rest.popFirst() else { return }
    head.append(byte)
    taken += 1
    guard taken <= Self.maximumBytes else { return result = .malformed(.tooLong) }
    switch head.count {
    case 1 where byte != Layer.handshake: result = message.isEmpty ? .notTLS : .malformed(.interrupted)
    // 3.0 to 3.4, whatever is meant: RFC 8446 §5.1.
    case 2 where byte != 3: result = .notTLS
    case 3 where byte > 4: result = .notTLS
    case 5:
      recordBytesLeft = Int(head[3]) << 8 | Int(head[4])
      head = []
      // A record of a handshake isn't empty (RFC 8446 §5.1).
      if !(1...16_384).contains(recordBytesLeft) { result = .malformed(.lengths) }
    default: break
    }
  }

  private mutating func takeFragment<Bytes: Collection<UInt8>>(_ rest: inout Bytes) where Bytes.SubSequence == Bytes {
    // First the four bytes that say what the message is and how long, so that nothing is kept for something else.
    let wanted = message.count < 4 ? 4 - message.count : 4 + messageLength - message.count
    let room = Self.maximumBytes - taken
    let piece = rest.prefix(min(wanted, recordBytesLeft, room))
    rest = rest.dropFirst(piece.count)
    message += piece
    taken += piece.count
    recordBytesLeft -= piece.count
    if let kind = message.first, kind != Layer.clientHello { return result = .malformed(.interrupted) }
    if message.count >= 4 {
      guard messageLength <= Self.maximumBytes else { return result = .malformed(.tooLong) }
      if message.count == 4 + messageLength {
        // A client says nothing more before it is answered, but data of its own kind of record.
        result = recordBytesLeft == 0 ? Self.serverName(message.dropFirst(4)) : .malformed(.lengths)
        message = []
        return
      }
    }
    if taken == Self.maximumBytes { result = .malformed(.tooLong) }
  }

  private var messageLength: Int { Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3]) }

  // MARK: The whole message

  private static func serverName(_ hello: ArraySlice<UInt8>) -> Result {
    do throws(Problem) {
      guard let name = try extensions(hello) else { return .noName }
      return .name(name)
    } catch {
      return .malformed(error)
    }
  }

  private static func extensions(_ hello: ArraySlice<UInt8>) throws(Problem) -> HostName? {
    var reader = ByteReader(hello)
    guard reader.take(2 + 32) != nil, let session = reader.vector8(), session.count <= 32,
      let suites = reader.vector16(), suites.count >= 2, suites.count.isMultiple(of: 2),
      let compressions = reader.vector8(), !compressions.isEmpty
    else { throw .lengths }
    // Before TLS 1.2 there may be none.
    if reader.isAtEnd { return nil }
    guard let list = reader.vector16(), reader.isAtEnd else { throw .lengths }
    var seen: Set<UInt16> = []
    var name: HostName?
    var extensions = ByteReader(list)
    while !extensions.isAtEnd {
      guard let kind = extensions.u16(), let data = extensions.vector16() else { throw .lengths }
      guard seen.insert(kind).inserted else { throw .repeatedExtension }
      if kind == Layer.serverName { name = try serverNameExtension(data) }
    }
    return name
  }

  private static func serverNameExtension(_ data: ArraySlice<UInt8>) throws(Problem) -> HostName {
    var reader = ByteReader(data)
    guard let list = reader.vector16(), reader.isAtEnd else { throw .lengths }
    var names = ByteReader(list)
    guard let kind = names.u8() else { throw .serverNames }
    guard kind == 0 else { throw .serverNames }
    guard let name = names.vector16() else { throw .lengths }
    guard names.isAtEnd else { throw .serverNames }
    do throws(HostName.Problem) { return try HostName(bytes: name) } catch { throw .invalidServerName(error) }
  }
}

extension ClientHelloReader.Problem {
  package var words: String {
    switch self {
    case .tooLong: "its first message is longer than \(ClientHelloReader.maximumBytes) bytes"
    case .lengths: "a part of its first message doesn't end where it says"
    case .repeatedExtension: "an extension stands there twice"
    case .serverNames: "there isn't exactly one server name"
    case .invalidServerName(let problem): "its server name is no host name (\(problem.words))"
    case .interrupted: "something else stands before the end of its first message"
    }
  }
}
