extension Permission {
  /// Why a text is not a permission: what, why and hint of a diagnostic.
  package struct Problem: Error, Hashable, Sendable {
    package var what: String
    package var why: String?
    package var hint: String?
  }

  /// At most so many hosts, endpoints or programs in one scope.
  package static let maximumScopeItems = 256

  /// Reads the form a manifest uses: a name, and for most names a scope after `:`.
  ///
  /// `filesystem.read:/srv/data`, `network.http:example.org,*.example.org`, `network.socket:db.example.org:5432`,
  /// `system.exec:git,ffmpeg`, `gpu.access:2`. An empty scope is refused: it would mean more than was written.
  package init(_ text: String) throws(Problem) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let name = Name(rawValue: parts.first ?? "") else {
      throw Problem(
        what: "unknown permission \(text.quoted)",
        hint: Suggestion.hint(for: parts.first ?? "", among: Name.allCases.map(\.rawValue)))
    }
    let scope = parts.count == 2 ? parts[1] : nil
    guard scope != "" else {
      throw Problem(
        what: "\(text.quoted) has an empty scope",
        hint: "write what it covers after ':', or the name alone for all of it")
    }
    switch name {
    case .filesystemRead: self = .filesystemRead(try scope.map { scope throws(Problem) in try Self.path(scope, name) })
    case .filesystemWrite:
      self = .filesystemWrite(try scope.map { scope throws(Problem) in try Self.path(scope, name) })
    case .networkHTTP:
      self = .networkHTTP(
        hosts: try Self.items(scope, name, hint: "write host names, for example 'example.org,*.example.org'") {
          Self.isHost($0, allowsWildcard: true) ? $0.lowercased() : nil
        })
    case .networkSocket:
      self = .networkSocket(
        endpoints: try Self.items(scope, name, hint: "write HOST:PORT, for example 'db.example.org:5432'") {
          Self.isEndpoint($0) ? $0.lowercased() : nil
        })
    case .systemExec:
      self = .systemExec(
        programs: try Self.items(scope, name, hint: "write program names, not paths, for example 'git,ffmpeg'") {
          Self.isProgram($0) ? $0 : nil
        })
    case .gpuAccess: self = .gpuAccess(count: try scope.map { scope throws(Problem) in try Self.count(scope) })
    case .memoryUnlimited:
      guard scope == nil else {
        throw Problem(what: "\(name.rawValue.quoted) takes no scope", hint: "write the name alone")
      }
      self = .memoryUnlimited
    }
  }

  private static func path(_ scope: String, _ name: Name) throws(Problem) -> AbsolutePath {
    guard let path = AbsolutePath(scope) else {
      throw Problem(
        what: "\(scope.quoted) is not a path that \(name.rawValue.quoted) can cover",
        hint: "write an absolute path without '.', '..' and control characters")
    }
    return path
  }

  /// From 1 to 64: more than one machine has, and zero would ask for nothing.
  private static func count(_ scope: String) throws(Problem) -> Int {
    guard scope.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let count = Int(scope), (1...64).contains(count) else {
      throw Problem(what: "\(scope.quoted) is not a number of GPUs", hint: "write a number from 1 to 64")
    }
    return count
  }

  private static func items(
    _ scope: String?, _ name: Name, hint: String, _ normalise: (String) -> String?
  ) throws(Problem) -> [String] {
    guard let scope else { return [] }
    let parts = scope.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= maximumScopeItems else {
      throw Problem(what: "the scope of \(name.rawValue.quoted) has more than \(maximumScopeItems) items")
    }
    var items: [String] = []
    for part in parts {
      guard let item = normalise(part) else {
        throw Problem(what: "\(part.quoted) can't be a scope of \(name.rawValue.quoted)", hint: hint)
      }
      guard !items.contains(item) else {
        throw Problem(what: "\(part.quoted) appears twice in the scope of \(name.rawValue.quoted)", hint: "remove one")
      }
      items.append(item)
    }
    return items
  }

  /// A host name (RFC 952, RFC 1123 §2.1) or an IPv4 address; with a wildcard, `*.` before at least two labels, so
  /// that no grant covers a whole top-level domain.
  private static func isHost(_ text: String, allowsWildcard: Bool) -> Bool {
    let isWildcard = allowsWildcard && text.hasPrefix("*.")
    let name = isWildcard ? text.dropFirst(2) : text[...]
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    guard name.utf8.count <= 253, !isWildcard || labels.count >= 2 else { return false }
    // inet_aton(3) reads `127.1`, `0x7f.1` and `2130706433` as addresses: a name that ends in a number is one, or is nothing.
    if let last = labels.last?.lowercased(), last.hasPrefix("0x") || last.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
    {
      return !isWildcard && labels.count == 4 && labels.allSatisfy { UInt8($0).map(String.init) == String($0) }
    }
    return labels.allSatisfy { label in
      let bytes = label.utf8
      guard (1...63).contains(bytes.count), bytes.first != 0x2D, bytes.last != 0x2D else { return false }
      return bytes.allSatisfy { byte in
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || byte == 0x2D
      }
    }
  }

  private static func isEndpoint(_ text: String) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, isHost(parts[0], allowsWildcard: false), let port = UInt16(parts[1]), port > 0 else {
      return false
    }
    return String(port) == parts[1]
  }

  private static func isProgram(_ text: String) -> Bool {
    let bytes = text.utf8
    guard (1...64).contains(bytes.count), text != ".", text != "..", bytes.first != 0x2D else { return false }
    return bytes.allSatisfy { byte in
      (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
        || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x2B
    }
  }
}

extension ValueReader {
  /// One permission, as a manifest and a policy write it.
  package func permission() -> Permission? {
    guard let text = string() else { return nil }
    do throws(Permission.Problem) {
      return try Permission(text)
    } catch {
      self.error(error.what, why: error.why, hint: error.hint)
      return nil
    }
  }

  /// A version; `1.0` needs no quotes.
  package func version() -> SemanticVersion? {
    guard let text = text() else { return nil }
    guard let version = SemanticVersion(text) else {
      error("\(text.quoted) is not a version", hint: "write \(SemanticVersion.grammar)")
      return nil
    }
    return version
  }

  package func versionRange() -> VersionRange? {
    guard let text = text() else { return nil }
    guard let range = VersionRange(text) else {
      error("\(text.quoted) is not a version range", hint: "write \(VersionRange.grammar)")
      return nil
    }
    return range
  }
}
