import PluginModel

/// Reads the head of the first request, whatever pieces it arrives in, and stricter than RFC 9112 demands: what two
/// readers could read in two ways is refused, because the server behind is the second reader.
package struct HTTPRequestReader: Sendable {
  package static let maximumBytes = 65_536
  /// As servers have it.
  static let maximumFields = 256

  package enum Problem: Error, Hashable, Sendable {
    case tooLong
    /// The first line is no line of a request of HTTP/1.
    case requestLine
    /// A CR without LF, or an LF without CR.
    case bareLineEnd
    case controlByte
    /// A field that goes on in a second line (RFC 9112 §5.2).
    case foldedField
    case field
    case tooManyFields
    case missingHost
    case repeatedHost
    /// `http://allowed.example@other.example/`.
    case userInformation
    case invalidPort
    case invalidHost(HostName.Problem)
    /// The Host field names another host than the target.
    case otherHostThanTarget
    /// A length that is no number, two of them, or one beside Transfer-Encoding (RFC 9112 §6.3).
    case framing
  }

  package enum Result: Hashable, Sendable {
    case needMore
    case head(HTTPRequestHead)
    /// `PRI * HTTP/2.0`, RFC 9113 §3.4: HTTP/2 without TLS and without asking first.
    case http2
    case malformed(Problem)
  }

  private var bytes: [UInt8] = []
  private var lineStart = 0
  private var lines: [Range<Int>] = []
  private var result: Result = .needMore

  package init() {}

  /// Takes what came next. Once the result is another than `.needMore` it stays, whatever comes.
  package mutating func append(_ piece: some Collection<UInt8>) -> Result {
    for byte in piece {
      guard result == .needMore else { break }
      take(byte)
    }
    return result
  }

  private mutating func take(_ byte: UInt8) {
    let afterCR = bytes.last == 0x0D
    guard afterCR == (byte == 0x0A) else { return result = .malformed(.bareLineEnd) }
    switch byte {
    case 0x09, 0x0A, 0x0D: break
    case 0...0x1F, 0x7F: return result = .malformed(.controlByte)
    default: break
    }
    bytes.append(byte)
    if byte == 0x0A { endLine() }
    if result == .needMore, bytes.count >= Self.maximumBytes { result = .malformed(.tooLong) }
  }

  private mutating func endLine() {
    let line = lineStart..<bytes.count - 2
    lineStart = bytes.count
    guard line.isEmpty else {
      lines.append(line)
      if lines.count > Self.maximumFields + 1 { result = .malformed(.tooManyFields) }
      return
    }
    do throws(Problem) {
      result = try Self.parse(lines.map { bytes[$0] }, byteCount: bytes.count)
    } catch {
      result = .malformed(error)
    }
    bytes = []
    lines = []
  }

  // MARK: The whole head

  private static func parse(_ lines: [ArraySlice<UInt8>], byteCount: Int) throws(Problem) -> Result {
    guard let first = lines.first else { throw .requestLine }
    let words = first.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, isToken(words[0]), words[1].allSatisfy({ (0x21...0x7E).contains($0) }), !words[1].isEmpty
    else { throw .requestLine }
    let (method, target) = (String(decoding: words[0], as: UTF8.self), String(decoding: words[1], as: UTF8.self))
    if method == "PRI", target == "*", words[2].elementsEqual("HTTP/2.0".utf8), lines.count == 1 { return .http2 }
    guard words[2].dropLast().elementsEqual("HTTP/1.".utf8), let digit = words[2].last,
      digit == UInt8(ascii: "0") || digit == UInt8(ascii: "1")
    else { throw .requestLine }
    var fields: [HTTPRequestHead.Field] = []
    for line in lines.dropFirst() { fields.append(try field(line)) }
    let minorVersion = Int(digit - UInt8(ascii: "0"))
    let parsed = try self.target(target, method: method)
    let host = try self.host(fields, target: parsed, isRequired: minorVersion == 1)
    try checkFraming(fields)
    return .head(
      HTTPRequestHead(
        method: method, target: parsed, minorVersion: minorVersion, fields: fields, host: host, byteCount: byteCount))
  }

  private static func field(_ line: ArraySlice<UInt8>) throws(Problem) -> HTTPRequestHead.Field {
    guard line.first != 0x20, line.first != 0x09 else { throw .foldedField }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), isToken(line[..<colon]) else { throw .field }
    let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
    let value = line[(colon + 1)...].drop(while: isBlank).reversed().drop(while: isBlank).reversed()
    return HTTPRequestHead.Field(name: String(decoding: line[..<colon], as: UTF8.self), value: Array(value))
  }

  /// RFC 9110 §5.6.2.
  private static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy { $0.isLetter || $0.isDigit || "!#$%&'*+-.^_`|~".utf8.contains($0) }
  }

  /// RFC 9112 §3.2: the form says whether the request is for a server or a proxy.
  private static func target(_ text: String, method: String) throws(Problem) -> HTTPRequestHead.Target {
    if method == "CONNECT" {
      let authority = try HTTPAuthority(text)
      guard authority.port != nil else { throw .invalidPort }
      return .authority(authority)
    }
    if text.hasPrefix("/") || (text == "*" && method == "OPTIONS") { return .origin(text) }
    guard let separator = text.firstRange(of: "://") else { throw .requestLine }
    let scheme = text[..<separator.lowerBound]
    guard !scheme.isEmpty, scheme.utf8.allSatisfy({ $0.isLetter || $0.isDigit || "+-.".utf8.contains($0) }) else {
      throw .requestLine
    }
    let rest = text[separator.upperBound...]
    let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
    // A fragment is never sent, and `\` is a slash to some.
    guard !rest.contains("#"), !rest[..<end].contains("\\") else { throw .requestLine }
    let path = rest[end...]
    return .absolute(
      scheme: scheme.lowercased(), try HTTPAuthority(String(rest[..<end])),
      path: path.hasPrefix("/") ? String(path) : "/" + path)
  }

  /// Exactly one, and the one that the target has, if it has one. HTTP/1.0 may leave it out.
  private static func host(
    _ fields: [HTTPRequestHead.Field], target: HTTPRequestHead.Target, isRequired: Bool
  ) throws(Problem) -> HTTPAuthority? {
    let hosts = fields.filter { $0.isNamed("host") }
    guard hosts.count <= 1 else { throw .repeatedHost }
    guard let field = hosts.first else {
      guard !isRequired else { throw .missingHost }
      return nil
    }
    guard let text = String(validating: field.value, as: UTF8.self) else { throw .invalidHost(.notASCII) }
    let host = try HTTPAuthority(text)
    switch target {
    case .origin: break
    case .absolute(let scheme, let authority, _):
      let port = scheme == "https" ? EgressPolicy.tlsPort : EgressPolicy.httpPort
      guard authority.means(host, defaultPort: port) else { throw .otherHostThanTarget }
    // Some leave the port out here.
    case .authority(let authority):
      guard host.host == authority.host, host.port == nil || host.port == authority.port else {
        throw .otherHostThanTarget
      }
    }
    return host
  }

  private static func checkFraming(_ fields: [HTTPRequestHead.Field]) throws(Problem) {
    let lengths = fields.filter { $0.isNamed("content-length") }
    guard lengths.count <= 1, lengths.allSatisfy({ !$0.value.isEmpty && $0.value.allSatisfy(\.isDigit) }),
      lengths.isEmpty || !fields.contains(where: { $0.isNamed("transfer-encoding") })
    else { throw .framing }
  }
}

extension HTTPRequestReader.Problem {
  package var words: String {
    switch self {
    case .tooLong: "its head is longer than \(HTTPRequestReader.maximumBytes) bytes"
    case .requestLine: "the first line is none of HTTP/1"
    case .bareLineEnd: "a line ends with CR or LF alone"
    case .controlByte: "it has a control character"
    case .foldedField: "a field goes on in a second line"
    case .field: "a field has no name"
    case .tooManyFields: "it has more than \(HTTPRequestReader.maximumFields) fields"
    case .missingHost: "it doesn't say which host it is for (no Host field)"
    case .repeatedHost: "it has more than one Host field"
    case .userInformation: "there is user information before its host"
    case .invalidPort: "its port isn't a number from 1 to 65535"
    case .invalidHost(let problem): "its host is no host name (\(problem.words))"
    case .otherHostThanTarget: "its Host field names another host than its target"
    case .framing: "where its body ends could be read in two ways"
    }
  }

  /// True where the bytes aren't HTTP at all, rather than HTTP that isn't right.
  var isAnotherProtocol: Bool {
    switch self {
    case .requestLine, .controlByte, .bareLineEnd: true
    case .tooLong, .foldedField, .field, .tooManyFields, .missingHost, .repeatedHost, .userInformation, .invalidPort,
      .invalidHost, .otherHostThanTarget, .framing:
      false
    }
  }
}
