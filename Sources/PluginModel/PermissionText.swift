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
  /// `filesystem.read:/srv/data`, `network.http:example.org,*.example.org,[2001:db8::7]`,
  /// `network.socket:db.example.org:5432`, `system.exec:git,ffmpeg`, `gpu.access:2`. An empty scope is refused: it would mean more than was written.
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
        hosts: try Self.items(scope, name) { item throws(Problem) in try Self.host(item) })
    case .networkSocket:
      self = .networkSocket(
        endpoints: try Self.items(scope, name) { item throws(Problem) in try Self.endpoint(item) })
    case .systemExec:
      self = .systemExec(
        programs: try Self.items(scope, name) { item throws(Problem) in try Self.program(item) })
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
    _ scope: String?, _ name: Name, _ normalise: (String) throws(Problem) -> String
  ) throws(Problem) -> [String] {
    guard let scope else { return [] }
    let parts = scope.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= maximumScopeItems else {
      throw Problem(what: "the scope of \(name.rawValue.quoted) has more than \(maximumScopeItems) items")
    }
    var items: [String] = []
    for part in parts {
      let item = try normalise(part)
      guard !items.contains(item) else {
        throw Problem(what: "\(part.quoted) appears twice in the scope of \(name.rawValue.quoted)", hint: "remove one")
      }
      items.append(item)
    }
    return items
  }

  private static func unsuitable(_ item: String, _ name: Name, why: String? = nil, hint: String) -> Problem {
    Problem(what: "\(item.quoted) can't be a scope of \(name.rawValue.quoted)", why: why, hint: hint)
  }

  private static func host(_ text: String) throws(Problem) -> String {
    do throws(HostPattern.Problem) {
      return try HostPattern(text).description
    } catch {
      throw unsuitable(text, .networkHTTP, why: error.words, hint: error.hint)
    }
  }

  /// No wildcards: what is said to an endpoint isn't looked at, so that its name is all there is to check.
  private static func endpoint(_ text: String) throws(Problem) -> String {
    do throws(HostEndpoint.Problem) {
      return try HostEndpoint(text).description
    } catch {
      throw unsuitable(text, .networkSocket, why: error.words, hint: error.hint)
    }
  }

  private static func program(_ text: String) throws(Problem) -> String {
    guard isProgram(text) else {
      throw unsuitable(text, .systemExec, hint: "write program names, not paths, for example 'git,ffmpeg'")
    }
    return text
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
