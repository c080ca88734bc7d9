import GRDB
import PluginModel

/// The registry of plugins that this program offers to others.
extension StateDatabase {
  /// Who may publish the plugin; nil where nobody has yet.
  package func registryOwner(of name: PluginName) async throws(StateStoreError) -> PublisherName? {
    try await read { database in
      try String.fetchOne(database, sql: "SELECT owner FROM registry_plugin WHERE name = ?", arguments: [name.text])
        .flatMap { PublisherName($0) }
    }
  }

  /// Nil where there is none of the name.
  package func registryPlugin(_ name: PluginName) async throws(StateStoreError) -> RegistryPlugin? {
    let path = path
    return try await read { database in try Self.registryPlugin(database, name, path) }
  }

  /// Nil where there is no such version.
  package func registryVersion(
    _ version: SemanticVersion, of name: PluginName
  ) async throws(StateStoreError) -> RegistryVersion? {
    let path = path
    return try await read { database in
      try String.fetchOne(
        database, sql: "SELECT document FROM registry_version WHERE name = ? AND version = ?",
        arguments: [name.text, version.description]
      ).map { try Self.version($0, path) }
    }
  }

  /// Adds a version, and makes the publisher the owner of a name that nobody has. In one step, which decides who of several is first.
  /// - Parameter land: puts the package in its place; only where the version is taken, and nobody else's meanwhile.
  package func publish(
    _ version: RegistryVersion, of name: PluginName, by publisher: PublisherName, limits: RegistryLimits,
    land: @escaping @Sendable () throws -> Void
  ) async throws(StateStoreError) -> RegistryPublication {
    let path = path
    return try await write { database in
      let before = try Self.registryPlugin(database, name, path)
      if before == nil, let other = try Self.confusable(database, name) { return .confusable(other) }
      let plugin = before ?? RegistryPlugin(name: name, owner: publisher, versions: [])
      if let refusal = plugin.refusal(of: version, by: publisher, limits) { return refusal }
      try database.execute(
        sql: "INSERT INTO registry_plugin (name, owner) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
        arguments: [name.text, publisher.text])
      try database.execute(
        sql: "INSERT INTO registry_version (name, version, checksum, document) VALUES (?, ?, ?, ?)",
        arguments: [
          name.text, version.version.description, version.checksum.description, version.jsonValue.text(),
        ])
      try Self.list(database, plugin.adding(version))
      try land()
      return .created
    }
  }

  /// - Parameter reason: nil: it may be used again.
  /// - Returns: whether there is such a version, of this publisher.
  package func yank(
    _ name: PluginName, _ version: SemanticVersion, reason: String?, by publisher: PublisherName
  ) async throws(StateStoreError) -> Bool {
    let path = path
    return try await write { database in
      guard var plugin = try Self.registryPlugin(database, name, path), plugin.owner == publisher,
        let position = plugin.versions.firstIndex(where: { $0.version == version })
      else { return false }
      plugin.versions[position].yanked = reason
      try database.execute(
        sql: "UPDATE registry_version SET document = ? WHERE name = ? AND version = ?",
        arguments: [plugin.versions[position].jsonValue.text(), name.text, version.description])
      try Self.list(database, plugin)
      return true
    }
  }

  private static func confusable(_ database: Database, _ name: PluginName) throws -> PluginName? {
    try String.fetchOne(
      database, sql: "SELECT name FROM registry_plugin WHERE replace(name, '-', '_') = ? AND name <> ?",
      arguments: [name.text.replacing("-", with: "_"), name.text]
    ).flatMap { PluginName($0) }
  }

  /// In the order of the names. What has no version that may be used isn't listed.
  /// - Returns: beside the page, the names of which what is stored can't be read: they aren't listed either.
  package func searchRegistry(
    _ query: RegistryQuery
  ) async throws(StateStoreError) -> (page: RegistryPage, damaged: [String]) {
    let path = path
    return try await read { database in
      var conditions = ["shown IS NOT NULL", "name > ?"]
      var arguments: [String] = [query.after?.text ?? ""]
      for word in query.words {
        conditions.append("instr(words, ?) > 0")
        arguments.append(word)
      }
      if let category = query.category {
        conditions.append("instr(categories, ?) > 0")
        arguments.append(",\(category.text),")
      }
      let names = try String.fetchCursor(
        database,
        sql: "SELECT name FROM registry_plugin WHERE \(conditions.joined(separator: " AND ")) ORDER BY name",
        arguments: StatementArguments(arguments))
      var (summaries, damaged): ([RegistrySummary], [String]) = ([], [])
      while summaries.count <= query.limit, let text = try names.next() {
        do {
          guard let name = PluginName(text), let summary = try Self.registrySummary(database, name, path) else {
            throw Self.damaged(path)
          }
          summaries.append(summary)
        } catch is StateStoreError {
          damaged.append(text)
        }
      }
      let plugins = Array(summaries.prefix(query.limit))
      return (RegistryPage(plugins: plugins, next: summaries.count > query.limit ? plugins.last?.name : nil), damaged)
    }
  }

  /// The name that somebody who wrote `name` may have meant: one that begins or ends as it does. So few are compared, and not while the
  /// database waits, that asking for names that aren't there costs little.
  package func registryName(near name: PluginName) async throws(StateStoreError) -> String? {
    let text = name.text
    let names = try await read { database in
      try String.fetchAll(
        database,
        sql: """
          SELECT name FROM registry_plugin
          WHERE shown IS NOT NULL AND abs(length(name) - ?) <= ? AND (substr(name, 1, 2) = ? OR substr(name, -2) = ?)
          LIMIT 1000
          """,
        arguments: [text.utf8.count, max(1, text.utf8.count / 3), String(text.prefix(2)), String(text.suffix(2))])
    }
    return Suggestion.nearest(to: text, among: names)
  }

  /// Of all packages.
  package func registryChecksums() async throws(StateStoreError) -> Set<ContentDigest> {
    try await read { database in
      try Set(
        String.fetchAll(database, sql: "SELECT checksum FROM registry_version").compactMap {
          ContentDigest(described: $0)
        })
    }
  }

  private static func registryPlugin(
    _ database: Database, _ name: PluginName, _ path: String
  ) throws -> RegistryPlugin? {
    let owner = try String.fetchOne(
      database, sql: "SELECT owner FROM registry_plugin WHERE name = ?", arguments: [name.text])
    guard let owner else { return nil }
    let documents = try String.fetchAll(
      database, sql: "SELECT document FROM registry_version WHERE name = ?", arguments: [name.text])
    guard let publisher = PublisherName(owner) else { throw damaged(path) }
    return RegistryPlugin(
      name: name, owner: publisher, versions: try documents.map { try version($0, path) })
  }

  private static func registrySummary(
    _ database: Database, _ name: PluginName, _ path: String
  ) throws -> RegistrySummary? {
    let document = try String.fetchOne(
      database,
      sql: """
        SELECT document FROM registry_plugin JOIN registry_version
          ON registry_version.name = registry_plugin.name AND version = shown
        WHERE registry_plugin.name = ?
        """, arguments: [name.text])
    guard let document else { return nil }
    let version = try version(document, path)
    return RegistrySummary(
      name: name, version: version.version, author: version.author, description: version.description,
      categories: version.categories)
  }

  private static func version(_ document: String, _ path: String) throws -> RegistryVersion {
    do { return try RegistryVersion(json: Array(document.utf8)) } catch { throw damaged(path) }
  }

  private static func damaged(_ path: String) -> StateStoreError {
    .damaged(path: path, why: "a plugin of the registry in it can't be read")
  }

  /// What it is found by.
  private static func list(_ database: Database, _ plugin: RegistryPlugin) throws {
    let summary = plugin.summary
    let shown = summary.flatMap { plugin[$0.version] }
    let words = shown.map { version in
      ([plugin.name.text, version.author, version.description] + version.nodeTypes.map(\.text)).joined(separator: "\n")
        .lowercased()
    }
    try database.execute(
      sql: "UPDATE registry_plugin SET shown = ?, words = ?, categories = ? WHERE name = ?",
      arguments: [
        summary?.version.description, words ?? "",
        "," + (summary?.categories ?? []).map { "\($0)," }.joined(), plugin.name.text,
      ])
  }
}
