/// What an access token is named by in commands and paths, beside its name: eight lower-case hexadecimal digits.
package struct AccessTokenIdentifier: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "token identifier"
  package static let grammar = "eight lower-case hexadecimal digits"
  package static func accepts(_ text: String) -> Bool {
    text.utf8.count == 8 && text.isEachByte { $0.isHexDigit && !(0x41...0x46).contains($0) }
  }
}

/// Whose an access token is: the name in the audit log, and that of the publisher in the registry. No name is an identifier too, and
/// none is the console's, for which the audit log has a word.
package struct AccessTokenName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "token name"
  package static let grammar =
    "\(PublisherName.grammar); neither '\(AuditActor.consoleText)' nor eight hexadecimal digits"
  package static func accepts(_ text: String) -> Bool {
    PublisherName.accepts(text) && text != AuditActor.consoleText && !AccessTokenIdentifier.accepts(text)
  }

  /// Every name of a token is one of a publisher.
  package var publisher: PublisherName { PublisherName(unchecked: text) }
}

/// What somebody was given to ask the server with: all of it but its secret, of which the program keeps the SHA-256 alone.
package struct AccessToken: Hashable, Sendable {
  package var identifier: AccessTokenIdentifier
  package var name: AccessTokenName
  package var scope: AccessScope
  package var quota: AccessQuota
  /// Milliseconds since 1970.
  package var created: Int64
  /// Milliseconds since 1970, from when on it is worth nothing; nil: it doesn't end by itself.
  package var expires: Int64?

  package init(
    identifier: AccessTokenIdentifier, name: AccessTokenName, scope: AccessScope, quota: AccessQuota = AccessQuota(),
    created: Int64, expires: Int64? = nil
  ) {
    self.identifier = identifier
    self.name = name
    self.scope = scope
    self.quota = quota
    self.created = created
    self.expires = expires
  }

  /// - Parameter now: milliseconds since 1970.
  package func isExpired(at now: Int64) -> Bool { expires.map { $0 <= now } ?? false }

  package var jsonValue: JSONValue {
    [
      "id": .string(identifier.text), "name": .string(name.text), "scope": .string(scope.rawValue),
      "quota": quota.jsonValue, "created_ms": .integer(created),
      "expires_ms": expires.map(JSONValue.integer) ?? .null,
    ]
  }
}
