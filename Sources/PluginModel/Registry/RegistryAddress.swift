/// Where a registry of plugins is: `https://plugins.example.org/api/registry`. Canonical and checked, so that every reader of it sees the
/// same host: no user, no query, no fragment, nothing encoded.
package struct RegistryAddress: Hashable, Sendable, CustomStringConvertible {
  package enum Scheme: String, Sendable {
    case http
    case https

    var usualPort: UInt16 { self == .http ? 80 : 443 }
  }

  /// RFC 6454: what a token may be sent to.
  package struct Origin: Hashable, Sendable, CustomStringConvertible {
    package var scheme: Scheme
    package var host: Host
    package var port: UInt16

    /// The port is left out where it is the usual one.
    package var description: String {
      "\(scheme.rawValue)://\(host)" + (port == scheme.usualPort ? "" : ":\(port)")
    }

    /// This host, as far as its spelling says: `localhost` (RFC 6761 section 6.3), 127.0.0.0/8, `::1`. Not what ends in `.localhost`: of such
    /// names some resolvers ask others.
    package var isLoopback: Bool {
      switch host {
      case .name(let name): name.text == "localhost"
      case .address(let address): address.addressClass == .loopback
      }
    }
  }

  /// Why a text is no such address.
  package enum Problem: Error, Hashable, Sendable {
    case scheme
    case host(HostName.Problem)
    case port
    case path
    case tooLong
  }

  package static let maximumBytes = 4096

  package let origin: Origin
  /// Begins with a slash and doesn't end with one, or is empty.
  package let path: String
  /// What follows `?`; only where a registry sends somebody elsewhere.
  package let query: String?

  private init(origin: Origin, path: String, query: String?) {
    self.origin = origin
    self.path = path
    self.query = query
  }

  /// An address as an operator writes it.
  package init(_ text: String) throws(Problem) {
    let (origin, rest) = try Self.origin(text)
    let path = rest.hasSuffix("/") ? String(rest.dropLast()) : String(rest)
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    let isPlain = segments.allSatisfy { segment in
      !segment.isEmpty && segment != "." && segment != ".." && segment.utf8.allSatisfy(\.isUnreserved)
    }
    guard isPlain else { throw .path }
    self.init(origin: origin, path: path, query: nil)
  }

  private static func origin(_ text: String) throws(Problem) -> (Origin, Substring) {
    guard text.utf8.count <= maximumBytes else { throw .tooLong }
    let schemes: [Scheme] = [.https, .http]
    guard let scheme = schemes.first(where: { text.hasPrefix($0.rawValue + "://") }) else { throw .scheme }
    let rest = text.dropFirst(scheme.rawValue.utf8.count + 3)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" && $0 != "\\" }
    let path = rest.dropFirst(authority.count)
    guard path.isEmpty || path.utf8.first == UInt8(ascii: "/") else { throw .path }
    let endpoint = HostEndpoint.split(authority)
    let isPortMissing = authority.hasSuffix("]") || !authority.contains(":")
    guard endpoint != nil || isPortMissing else { throw .port }
    do throws(HostName.Problem) {
      let host = try Host(endpoint?.host ?? authority)
      return (Origin(scheme: scheme, host: host, port: endpoint?.port ?? scheme.usualPort), path)
    } catch {
      throw .host(error)
    }
  }

  package var description: String { "\(origin)\(path)" + (query.map { "?\($0)" } ?? "") }

  /// What lies below it.
  func appending(_ segments: [String], query: [(String, String)] = []) -> RegistryAddress {
    let parts = query.map { "\($0.0)=\(PercentText.encoded($0.1))" }
    return RegistryAddress(
      origin: origin, path: path + segments.map { "/" + PercentText.encoded($0) }.joined(),
      query: parts.isEmpty ? nil : parts.joined(separator: "&"))
  }
}

extension RegistryAddress {
  /// How often one request may be sent elsewhere.
  package static let maximumRedirects = 5

  /// Why nobody follows a registry to another place.
  package enum Detour: Error, Hashable, Sendable {
    case unreadable(String)
    /// To a place that isn't protected on its way.
    case plain(Origin)
    case tooMany
  }

  /// Where a response of this address sends its reader. Only to the same origin, or to one that is reached by TLS.
  /// - Parameter location: the field `Location`, RFC 9110 section 10.2.2: an absolute address or a path.
  package func redirect(to location: String) throws(Detour) -> RegistryAddress {
    let origin: Origin
    let rest: Substring
    if location.utf8.first == UInt8(ascii: "/"), !location.hasPrefix("//") {
      guard location.utf8.count <= Self.maximumBytes else { throw .unreadable(location) }
      (origin, rest) = (self.origin, location[...])
    } else {
      do throws(Problem) { (origin, rest) = try Self.origin(location) } catch { throw .unreadable(location) }
    }
    let halves = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = halves.first ?? ""
    let isReadable = rest.utf8.allSatisfy { $0.isUnreserved || Self.others.contains($0) }
    guard isReadable else { throw .unreadable(location) }
    guard origin == self.origin || origin.scheme == .https else { throw .plain(origin) }
    return RegistryAddress(origin: origin, path: String(path), query: halves.count == 2 ? String(halves[1]) : nil)
  }

  /// What may stand in a path or a query beside what is unreserved: RFC 3986 section 3.3 and 3.4.
  private static let others = Set("!$&'()*+,;=:@/?%".utf8)
}

extension UInt8 {
  /// RFC 3986 section 2.3.
  var isUnreserved: Bool {
    isLetter || isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: ".") || self == UInt8(ascii: "_")
      || self == UInt8(ascii: "~")
  }
}

extension RegistryAddress.Problem {
  package var words: String {
    switch self {
    case .scheme: "it begins with neither 'https://' nor 'http://'"
    case .host(let problem): "its host can't be used: \(problem.words)"
    case .port: "what stands after ':' is not a port from 1 to 65535"
    case .path: "its path has something else than letters, digits, '-', '.', '_' and '~' between slashes"
    case .tooLong: "it is longer than \(RegistryAddress.maximumBytes) bytes"
    }
  }
}

extension RegistryAddress.Detour {
  /// To follow "the registry sends".
  package var words: String {
    switch self {
    case .unreadable(let text): "to \(text.quoted), which is not an address of https or a path"
    case .plain(let origin): "to \(origin), which is another place and not reached by https"
    case .tooMany: "from place to place, more than \(RegistryAddress.maximumRedirects) times"
    }
  }
}
