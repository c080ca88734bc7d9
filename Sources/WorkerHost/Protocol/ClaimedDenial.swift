import PluginModel

/// What the worker says that its plugin was not let do: an error of the system that its code got. Its word and no more: it may add
/// a hint for the operator, and is never answered.
package struct ClaimedDenial: Hashable, Sendable {
  package enum Access: String, CaseIterable, Sendable {
    case read
    case write
    case execute
    case connect
  }
  /// Nil: not known, or one of a later version.
  package var access: Access?
  /// errno(3) by name, `EACCES`, or an error of getaddrinfo(3).
  package var error: String
  /// Absolute, but for a program that was looked for along PATH.
  package var path: UntrustedBytes?
  package var host: String?
  package var port: UInt16?

  package init(
    access: Access?, error: String, path: UntrustedBytes? = nil, host: String? = nil, port: UInt16? = nil
  ) {
    self.access = access
    self.error = error
    self.path = path
    self.host = host
    self.port = port
  }
}

extension ClaimedDenial {
  /// Four times PATH_MAX: each byte may be three characters.
  private static let longestPath = 16_384

  /// Nil where there is none.
  init?(_ value: JSONValue?, in kind: FrameKind) throws(ProtocolViolation) {
    switch value {
    case nil, .null: return nil
    case .object?: break
    default: throw .invalidMessage(kind, "\"denied\" is neither an object nor null")
    }
    let fields = Fields(kind: kind, value: value ?? .null)
    access = try fields.optionalString("access").flatMap(Access.init)
    error = try Self.short(fields, "error", limit: 32) ?? ""
    guard !error.isEmpty else { throw .invalidMessage(kind, "\"error\" of \"denied\" is not a name") }
    path = try Self.short(fields, "path", limit: Self.longestPath).map { text throws(ProtocolViolation) in
      guard let bytes = Self.decoded(text) else {
        throw .invalidMessage(kind, "\"path\" of \"denied\" is not percent-encoded")
      }
      return UntrustedBytes(bytes)
    }
    host = try Self.short(fields, "host", limit: 255)
    port = try Self.port(fields)
  }

  private static func short(_ fields: Fields, _ key: String, limit: Int) throws(ProtocolViolation) -> String? {
    guard let text = try fields.optionalString(key) else { return nil }
    guard text.utf8.count <= limit else {
      throw .invalidMessage(fields.kind, "\"\(key)\" of \"denied\" is longer than \(limit) bytes")
    }
    return text
  }

  private static func port(_ fields: Fields) throws(ProtocolViolation) -> UInt16? {
    switch fields.value["port"] {
    case nil, .null: return nil
    case .integer(let number):
      if let port = UInt16(exactly: number) { return port }
    default: break
    }
    throw .invalidMessage(fields.kind, "\"port\" of \"denied\" is neither a port nor null")
  }

  /// RFC 3986, section 2.1; nil for what isn't ASCII, or has a `%` without two digits.
  private static func decoded(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        guard byte < 0x80 else { return nil }
        bytes.append(byte)
        continue
      }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      guard digits.utf8.count == 2, digits.utf8.first != 0x2B, let decoded = UInt8(digits, radix: 16) else {
        return nil
      }
      bytes.append(decoded)
      rest = rest.dropFirst(2)
    }
    return bytes
  }
}
