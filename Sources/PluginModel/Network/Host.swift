/// A name or an address, as a list or a request names it. An IPv6 address stands in brackets.
package enum Host: Hashable, Comparable, Sendable, CustomStringConvertible {
  case name(HostName)
  case address(NetworkAddress)

  package init(_ text: some StringProtocol) throws(HostName.Problem) {
    if text.hasPrefix("["), text.hasSuffix("]"), text.utf8.count > 2 {
      guard let address = IPv6Address(text.dropFirst().dropLast()) else { throw .invalidCharacter }
      self = .address(.v6(address))
    } else if let address = IPv4Address(text) {
      self = .address(.v4(address))
    } else {
      self = .name(try HostName(text))
    }
  }

  package var description: String {
    switch self {
    case .name(let name): name.text
    case .address(.v4(let address)): address.description
    case .address(.v6(let address)): "[\(address)]"
    }
  }
}

/// What a list of hosts has in it: a host, or `*.example.org`, which covers every name of one or more labels beneath
/// `example.org` and not `example.org` itself.
package enum HostPattern: Hashable, Comparable, Sendable, CustomStringConvertible {
  case exact(Host)
  case subdomains(of: HostName)

  /// Why a text is no pattern.
  package enum Problem: Error, Hashable, Sendable {
    case host(HostName.Problem)
    /// `*`, `*.org`: a grant would cover a whole top-level domain, or everything.
    case wildcardTooWide
    /// `a.*.org`, `*a.org`: `*` stands for a whole first label or for nothing.
    case wildcardInside
  }

  package init(_ text: some StringProtocol) throws(Problem) {
    guard text.contains("*") else {
      do throws(HostName.Problem) { self = .exact(try Host(text)) } catch { throw .host(error) }
      return
    }
    guard text != "*", text != "*." else { throw .wildcardTooWide }
    guard text.hasPrefix("*."), !text.dropFirst(2).contains("*") else { throw .wildcardInside }
    let base: HostName
    do throws(HostName.Problem) { base = try HostName(text.dropFirst(2)) } catch { throw .host(error) }
    guard base.text.contains(".") else { throw .wildcardTooWide }
    self = .subdomains(of: base)
  }

  package func covers(_ host: Host) -> Bool {
    switch (self, host) {
    case (.exact(let own), _): own == host
    case (.subdomains(let base), .name(let name)): name.isBeneath(base)
    case (.subdomains, .address): false
    }
  }

  /// True where every host of `other` is one of this pattern's.
  package func covers(_ other: HostPattern) -> Bool {
    switch (self, other) {
    case (_, .exact(let host)): covers(host)
    case (.exact, .subdomains): false
    case (.subdomains(let base), .subdomains(let narrower)): narrower == base || narrower.isBeneath(base)
    }
  }

  /// The same of two scopes as they stand in a permission; false for what isn't one.
  package static func covers(_ pattern: String, _ other: String) -> Bool {
    guard let pattern = try? HostPattern(pattern), let other = try? HostPattern(other) else { return false }
    return pattern.covers(other)
  }

  package var description: String {
    switch self {
    case .exact(let host): host.description
    case .subdomains(let base): "*.\(base)"
    }
  }
}

extension HostPattern.Problem {
  package var words: String {
    switch self {
    case .host(let problem): problem.words
    case .wildcardTooWide: "it would cover a whole top-level domain, or everything"
    case .wildcardInside: "'*' stands for a whole first part of a name or not at all"
    }
  }

  package var hint: String {
    switch self {
    case .host(let problem): problem.hint
    case .wildcardTooWide: "write '*.' and a name with a dot in it, for example '*.example.org'"
    case .wildcardInside: "write '*.' before a name, for example '*.example.org'"
    }
  }
}

/// A host and a TCP port: `db.example.org:5432`, `[2001:db8::7]:443`.
package struct HostEndpoint: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var host: Host
  package var port: UInt16

  package enum Problem: Error, Hashable, Sendable {
    case host(HostName.Problem)
    case port
  }

  package init(host: Host, port: UInt16) {
    self.host = host
    self.port = port
  }

  package init(_ text: some StringProtocol) throws(Problem) {
    guard let (host, port) = HostEndpoint.split(text) else { throw .port }
    do throws(HostName.Problem) { self.init(host: try Host(host), port: port) } catch { throw .host(error) }
  }

  /// The text before the last colon and the port after it; nil where there is no port from 1 to 65535.
  package static func split<Text: StringProtocol>(_ text: Text) -> (host: Text.SubSequence, port: UInt16)? {
    guard let colon = text.lastIndex(of: ":"), let port = StrictDecimal.port(text[text.index(after: colon)...].utf8)
    else { return nil }
    return (text[..<colon], port)
  }

  package var description: String { "\(host):\(port)" }
  package static func < (left: Self, right: Self) -> Bool { (left.host, left.port) < (right.host, right.port) }
}

extension HostEndpoint.Problem {
  package var words: String {
    switch self {
    case .host(let problem): problem.words
    case .port: "it has no port from 1 to 65535 after a ':'"
    }
  }

  package var hint: String {
    switch self {
    case .host(let problem): problem.hint
    case .port: "write HOST:PORT, for example 'db.example.org:5432' or '[2001:db8::7]:5432'"
    }
  }
}
