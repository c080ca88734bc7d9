import GRDB
import LinuxSystem
import PluginModel

/// Who may ask the server. Each question reads the database: what was taken back counts for nothing from then on.
extension StateDatabase {
  /// - Parameter digest: SHA-256 of the secret.
  /// - Returns: false where the name is taken; then nothing changed.
  package func addToken(_ token: AccessToken, digest: ContentDigest) async throws(StateStoreError) -> Bool {
    try await write { database in
      let isTaken = try Bool.fetchOne(
        database, sql: "SELECT EXISTS (SELECT 1 FROM access_token WHERE name = ?)", arguments: [token.name.text])
      guard isTaken == false else { return false }
      try database.execute(
        sql: """
          INSERT INTO access_token (id, name, digest, scope, quota, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          token.identifier.text, token.name.text, digest.description, token.scope.rawValue,
          token.quota.jsonValue.text(), token.created, token.expires,
        ])
      return true
    }
  }

  /// - Parameters:
  ///   - digest: SHA-256 of the secret. It is random and long: nobody learns one by trying digests, or from how long this takes.
  ///   - now: milliseconds since 1970.
  /// - Returns: nil where there is none, and where it has expired.
  package func token(digest: ContentDigest, at now: Int64) async throws(StateStoreError) -> AccessToken? {
    let path = path
    return try await read { database in
      let row = try Row.fetchOne(
        database, sql: "SELECT * FROM access_token WHERE digest = ?", arguments: [digest.description])
      let token = try row.map { try AccessToken($0, path: path) }
      return token?.isExpired(at: now) == false ? token : nil
    }
  }

  /// Expired or not.
  package func token(named name: String) async throws(StateStoreError) -> AccessToken? {
    let path = path
    return try await read { database in
      try Row.fetchOne(database, sql: "SELECT * FROM access_token WHERE name = ?", arguments: [name]).map {
        try AccessToken($0, path: path)
      }
    }
  }

  /// By name, expired ones too.
  package func tokens() async throws(StateStoreError) -> [AccessToken] {
    let path = path
    return try await read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM access_token ORDER BY name").map {
        try AccessToken($0, path: path)
      }
    }
  }

  /// Whether there is any, expired ones too.
  package func hasTokens() async throws(StateStoreError) -> Bool {
    try await read { database in
      try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM access_token)") ?? false
    }
  }

  /// - Parameter reference: a name or an identifier. No text is both.
  /// - Returns: whether there was one.
  package func removeToken(_ reference: String) async throws(StateStoreError) -> Bool {
    try await write { database in
      try database.execute(
        sql: "DELETE FROM access_token WHERE id = ? OR name = ?", arguments: [reference, reference])
      return database.changesCount > 0
    }
  }
}

extension AccessToken {
  /// A token that nobody has yet, and its secret, which is told once.
  /// - Parameters:
  ///   - now: milliseconds since 1970.
  ///   - lifetime: milliseconds; nil: it doesn't end by itself.
  package static func generated(
    name: AccessTokenName, scope: AccessScope, quota: AccessQuota = AccessQuota(), at now: Int64, lifetime: Int64? = nil
  ) throws(FileError) -> (token: AccessToken, secret: BearerToken) {
    let token = AccessToken(
      identifier: AccessTokenIdentifier(unchecked: try RandomBytes.hexadecimal(4)), name: name, scope: scope,
      quota: quota, created: now, expires: lifetime.map { now + $0 })
    return (token, BearerToken(random: try RandomBytes.hexadecimal(32)))
  }

  /// A token that can't be read whole allows nothing.
  fileprivate init(_ row: Row, path: String) throws {
    let texts: (id: String, name: String, scope: String, quota: String) = (
      row["id"], row["name"], row["scope"], row["quota"]
    )
    guard let identifier = AccessTokenIdentifier(texts.id), let name = AccessTokenName(texts.name),
      let scope = AccessScope(rawValue: texts.scope), let quota = try? AccessQuota(json: Array(texts.quota.utf8))
    else { throw StateStoreError.damaged(path: path, why: "an access token in it can't be read") }
    self.init(
      identifier: identifier, name: name, scope: scope, quota: quota, created: row["created"], expires: row["expires"])
  }
}
