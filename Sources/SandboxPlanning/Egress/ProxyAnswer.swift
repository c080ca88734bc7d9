import PluginModel

/// What the relay itself says to a program inside: the answers of the proxy, and refusals in the words of the protocol that was spoken.
enum ProxyAnswer {
  /// RFC 9110 §9.3.6.
  static let established = Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)
  /// A TLS alert (RFC 8446 §6): fatal, access_denied. Programs print it: `tlsv1 alert access denied`.
  static let tlsAccessDenied: [UInt8] = [21, 3, 3, 0, 2, 2, 49]

  static func refused(_ denial: EgressDenial) -> [UInt8] {
    error("403 Forbidden", lines: [denial.what + ": " + denial.why, denial.hint].compactMap(\.self))
  }

  static func malformed(_ problem: HTTPRequestReader.Problem) -> [UInt8] {
    error("400 Bad Request", lines: ["the request is malformed: " + problem.words])
  }

  static func failed(_ failure: EgressFailure) -> [UInt8] {
    switch failure.reason {
    case .notResolved, .noAddress, .notConnected: error("502 Bad Gateway", lines: [failure.words])
    case .timedOut(.request): error("408 Request Timeout", lines: [failure.words])
    case .timedOut: error("504 Gateway Timeout", lines: [failure.words])
    }
  }

  private static func error(_ status: String, lines: [String]) -> [UInt8] {
    let body = lines.map { "orchestrator: \($0)\n" }.joined()
    return Array(
      """
      HTTP/1.1 \(status)\r
      Content-Type: text/plain; charset=utf-8\r
      Content-Length: \(body.utf8.count)\r
      Connection: close\r
      \r
      \(body)
      """.utf8)
  }
}

extension HTTPRequestHead {
  /// The fields of one connection only, RFC 9110 §7.6.1 and what proxies are sent by habit.
  private static let hopFields: Set<String> = [
    "connection", "keep-alive", "proxy-authorization", "proxy-connection", "host",
  ]
  /// What says where the body ends isn't for a Connection field to take away.
  private static let framingFields: Set<String> = ["content-length", "transfer-encoding", "host"]

  /// A request to a proxy in the form that its server takes: the path alone, and the last on its connection. A change of
  /// protocol (`Upgrade: websocket`) is passed on.
  func originForm(for authority: HTTPAuthority, path: String) -> [UInt8] {
    let connection = fields.filter { $0.isNamed("connection") }
      .flatMap { $0.value.split(separator: UInt8(ascii: ",")) }
      .map { String(decoding: $0.filter { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self).lowercased() }
    let isUpgrade = connection.contains("upgrade") && field("upgrade") != nil
    let dropped = Self.hopFields.union(connection).subtracting(isUpgrade ? ["upgrade"] : [])
      .subtracting(Self.framingFields).union(["host"])
    let port = authority.port.map { $0 == EgressPolicy.httpPort ? "" : ":\($0)" } ?? ""
    var bytes = Array("\(method) \(path) HTTP/1.\(minorVersion)\r\nHost: \(authority.host)\(port)\r\n".utf8)
    for field in fields where !dropped.contains(field.name.lowercased()) {
      bytes += Array("\(field.name): ".utf8) + field.value + [0x0D, 0x0A]
    }
    return bytes + Array("Connection: \(isUpgrade ? "Upgrade" : "close")\r\n\r\n".utf8)
  }
}
