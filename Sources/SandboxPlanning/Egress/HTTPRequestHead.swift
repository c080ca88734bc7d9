import PluginModel

/// The first request of a connection, as far as its line of the request and its fields go (RFC 9112 §2.1).
package struct HTTPRequestHead: Hashable, Sendable {
  package enum Target: Hashable, Sendable {
    /// `/path?query`, and `*` of OPTIONS.
    case origin(String)
    /// `http://host[:port]/path`, for a proxy. The path begins with `/`.
    case absolute(scheme: String, HTTPAuthority, path: String)
    /// `host:port`, for CONNECT.
    case authority(HTTPAuthority)
  }

  package struct Field: Hashable, Sendable {
    /// As it was written; compared without regard to case.
    package var name: String
    /// Bytes above 127 may stand in it.
    package var value: [UInt8]

    func isNamed(_ other: String) -> Bool { name.lowercased() == other }
  }

  package let method: String
  package let target: Target
  /// 0 or 1, of HTTP/1.
  package let minorVersion: Int
  package let fields: [Field]
  /// Of the Host field; nil where there is none, which HTTP/1.0 allows.
  package let host: HTTPAuthority?
  /// Of the head, with the empty line at its end.
  package let byteCount: Int

  func field(_ name: String) -> Field? { fields.first { $0.isNamed(name) } }
}

/// `host[:port]` of a target or a Host field, RFC 3986 §3.2 without user information.
package struct HTTPAuthority: Hashable, Sendable, CustomStringConvertible {
  package let host: Host
  /// Nil where none is written.
  package let port: UInt16?

  package init(host: Host, port: UInt16?) {
    self.host = host
    self.port = port
  }

  init(_ text: String) throws(HTTPRequestReader.Problem) {
    guard !text.isEmpty else { throw .missingHost }
    guard !text.utf8.contains(UInt8(ascii: "@")) else { throw .userInformation }
    let colon = text.hasSuffix("]") ? nil : text.lastIndex(of: ":")
    let name = colon.map { text[..<$0] } ?? text[...]
    if let colon {
      guard let port = StrictDecimal.port(text[text.index(after: colon)...].utf8) else { throw .invalidPort }
      self.port = port
    } else {
      port = nil
    }
    do throws(HostName.Problem) { host = try Host(name) } catch { throw .invalidHost(error) }
  }

  package var description: String { port.map { "\(host):\($0)" } ?? host.description }

  /// The same host, and the same port once the scheme's own is written out.
  func means(_ other: HTTPAuthority, defaultPort: UInt16) -> Bool {
    host == other.host && (port ?? defaultPort) == (other.port ?? defaultPort)
  }
}
