/// What is set of one plugin's `configuration`: in plugin_system.yaml, or at run time.
package struct PluginSettings: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package var key: ParameterName
    package var value: Located<JSONValue>
    /// It was set at run time, and isn't in the operator's file.
    package var isStored: Bool

    package init(_ key: ParameterName, _ value: Located<JSONValue>, isStored: Bool = false) {
      self.key = key
      self.value = value
      self.isStored = isStored
    }
  }

  package var entries: [Entry]
  package var location: SourceLocation

  package init(_ entries: [Entry], at location: SourceLocation) {
    self.entries = entries
    self.location = location
  }

  static func read(_ section: ValueReader) -> [PluginName: PluginSettings] {
    var result: [PluginName: PluginSettings] = [:]
    for (plugin, location, value) in section.entries(named: PluginName.self) ?? [] where !value.node.isNull {
      let entries = value.entries(named: ParameterName.self, maximumCount: 256) ?? []
      result[plugin] = PluginSettings(
        entries.map { Entry($0.name, Located($0.value.node.jsonValue, at: $0.value.location)) }, at: location)
    }
    return result
  }
}

/// Where the operator keeps a secret of a plugin's configuration.
package enum SecretSource: Hashable, Sendable, CustomStringConvertible {
  case file(AbsolutePath)
  case environment(SecretName)

  package enum Key: String, CaseIterable { case file, environment }

  package static let grammar = "write {file: /path/of/a/file} or {environment: NAME_OF_A_VARIABLE}"

  package init?(_ value: JSONValue) {
    guard case .object(let members) = value, members.count == 1, let member = members.first,
      let key = Key(rawValue: member.key), let text = member.value.stringValue
    else { return nil }
    switch key {
    case .file:
      guard let path = AbsolutePath(text) else { return nil }
      self = .file(path)
    case .environment:
      guard let name = SecretName(text) else { return nil }
      self = .environment(name)
    }
  }

  package var description: String {
    switch self {
    case .file(let path): "the file \(path)"
    case .environment(let name): "the environment variable \(name)"
    }
  }
}

/// What a plugin is told at its start: a value for each key of its manifest's `configuration` that has one.
package struct PluginConfiguration: Hashable, Sendable {
  package enum Content: Hashable, Sendable {
    case value(JSONValue)
    /// It is read when the plugin is started.
    case secret(SecretSource)
  }

  package struct Entry: Hashable, Sendable {
    package var key: ParameterName
    package var content: Content
    /// Nil: the default of the manifest.
    package var origin: SourceLocation?

    package init(key: ParameterName, content: Content, origin: SourceLocation?) {
      self.key = key
      self.content = content
      self.origin = origin
    }
  }

  package var entries: [Entry]

  /// Of a plugin without `configuration`.
  package static let none = PluginConfiguration(entries: [])

  package init(entries: [Entry]) { self.entries = entries }

  package var secrets: [(name: SecretName, source: SecretSource, location: SourceLocation?)] {
    entries.compactMap { entry in
      guard case .secret(let source) = entry.content, let name = SecretName(entry.key.text) else { return nil }
      return (name, source, entry.origin)
    }
  }

  /// The object that the plugin gets.
  /// - Parameter secret: what stands in place of a secret; nil leaves it out.
  package func object(_ secret: (SecretName) -> JSONValue?) -> JSONValue {
    .object(
      entries.compactMap { entry in
        switch entry.content {
        case .value(let value): JSONValue.Member(entry.key.text, value)
        case .secret: SecretName(entry.key.text).flatMap(secret).map { JSONValue.Member(entry.key.text, $0) }
        }
      })
  }
}

extension PluginManifest {
  /// What the operator set, checked against what the manifest says about it, and its defaults.
  /// - Throws: every key that is unknown, missing or of another type.
  package func configured(by settings: PluginSettings?) throws(Diagnostics) -> PluginConfiguration {
    var problems: [Diagnostic] = []
    // An earlier version of the plugin may have had a key that was set at run time.
    for entry in settings?.entries ?? []
    where !entry.isStored && !configuration.contains(where: { $0.name == entry.key }) {
      problems.append(
        Diagnostic(
          "the plugin \(name.text.quoted) has no configuration key \(entry.key.text.quoted)",
          hint: configuration.isEmpty
            ? "remove it: its manifest has no 'configuration'"
            : Suggestion.hint(for: entry.key.text, among: configuration.map(\.name.text)),
          at: entry.value.location))
    }
    var entries: [PluginConfiguration.Entry] = []
    for key in configuration {
      let given = settings?.entries.first { $0.key == key.name && $0.value.value != .null }
      if let given {
        switch key.content(of: given.value, plugin: name) {
        case .success(let content):
          entries.append(PluginConfiguration.Entry(key: key.name, content: content, origin: given.value.location))
        case .failure(let problem): problems.append(problem)
        }
      } else if let value = key.defaultValue {
        entries.append(PluginConfiguration.Entry(key: key.name, content: .value(value), origin: nil))
      } else if key.required {
        let example = key.isSecret ? "{file: /path/of/a/file}" : "…"
        problems.append(
          Diagnostic(
            "the plugin \(name.text.quoted) needs its configuration key \(key.name.text.quoted)",
            why: key.description.isEmpty ? nil : key.description,
            hint: "write plugins: {configuration: {\(name): {\(key.name): \(example)}}} in plugin_system.yaml",
            at: settings?.location))
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return PluginConfiguration(entries: entries)
  }
}

extension PluginManifest.ConfigurationKey {
  /// Nil: it may be set to that, or is taken back.
  func problem(with value: JSONValue, plugin: PluginName) -> Diagnostic? {
    guard value != .null else { return nil }
    let here = SourceLocation(file: "", line: 1, column: 1)
    guard case .failure(var problem) = content(of: Located(value, at: here), plugin: plugin) else { return nil }
    problem.location = nil
    return problem
  }

  fileprivate func content(
    of given: Located<JSONValue>, plugin: PluginName
  ) -> Result<PluginConfiguration.Content, Diagnostic> {
    let what = "the configuration key \(name.text.quoted) of \(plugin)"
    guard !isSecret else {
      guard let source = SecretSource(given.value) else {
        // What stands there may be the secret itself: it isn't quoted.
        return .failure(
          Diagnostic(
            "\(what) is a secret, which can't stand in this file", why: "whoever reads the file would have it",
            hint: SecretSource.grammar, at: given.location))
      }
      return .success(.secret(source))
    }
    guard let type = ValueType(rawValue: type), type.accepts(given.value) else {
      return .failure(
        Diagnostic(
          "\(what) must be \(ValueType(rawValue: self.type)?.phrase ?? self.type)",
          why: "it is a \(given.value.typeName)", at: given.location))
    }
    return .success(.value(given.value))
  }
}
