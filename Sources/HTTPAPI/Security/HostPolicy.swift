import PluginModel

/// Which names a server is asked by: a page of another origin that reaches it under a name of its own (DNS rebinding), or sends it a
/// request from a browser (CSRF), is refused. Pure.
package struct HostPolicy: Hashable, Sendable {
  package enum Verdict: Hashable, Sendable {
    case allowed
    /// RFC 9110 section 15.5.20.
    case misdirected
    case foreignOrigin
  }

  /// In lower case, without a port.
  private let names: Set<String>

  /// - Parameter names: beside this host's own.
  package init(names: [String]) {
    self.names = Set(names.map { $0.lowercased() } + ["localhost", "127.0.0.1", "[::1]"])
  }

  /// - Parameters:
  ///   - authority: of the request: `Host`.
  ///   - origin: `Origin`; nil: it doesn't come from a page, or from one of ours that only reads.
  package func verdict(authority: String?, origin: String?) -> Verdict {
    guard let authority, let host = Self.host(authority), names.contains(host) else { return .misdirected }
    guard let origin else { return .allowed }
    // A scheme before it, and nothing behind: RFC 6454 section 6.2. `null` is no origin of ours.
    for scheme in ["https://", "http://"] where origin.lowercased() == scheme + authority.lowercased() {
      return .allowed
    }
    return .foreignOrigin
  }

  /// The name of `name:port`, in lower case.
  static func host(_ authority: String) -> String? {
    let bytes = Array(authority.lowercased().utf8)
    let end: Int
    if bytes.first == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      end = close + 1
    } else {
      end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
    }
    let rest = bytes[end...]
    if let first = rest.first {
      guard first == UInt8(ascii: ":"), rest.count <= 6, rest.dropFirst().allSatisfy({ (0x30...0x39).contains($0) })
      else { return nil }
    }
    return end == 0 ? nil : String(decoding: bytes[..<end], as: UTF8.self)
  }
}
