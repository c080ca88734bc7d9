extension PluginManifest {
  /// The keys of `plugin.yaml`.
  package enum Key: String, CaseIterable, Sendable {
    case name
    case version
    case author
    case description
    case license
    case dependencies
    case nodeTypes = "node_types"
    case permissions
    case entryPoint = "entry_point"
    case minimumEngineVersion = "min_engine_version"
    case maximumEngineVersion = "max_engine_version"
    case configuration
  }

  /// The keys of one entry of `configuration`.
  package enum ConfigurationField: String, CaseIterable, Sendable {
    case type
    case description
    case required
    case defaultValue = "default"
    case secret
  }

  /// Reads what ``jsonValue`` wrote, of a plugin that was installed by this or an earlier version of the program.
  package init(json text: String, engineVersion: SemanticVersion) throws(Diagnostics) {
    let report = DocumentReport(file: "manifest")
    let manifest = report.read(Array(text.utf8), syntax: .json)?.mapping(Key.self).flatMap {
      Self.read($0, engineVersion: engineVersion)
    }
    try report.check()
    guard let manifest else { throw Diagnostics([Diagnostic("a stored manifest can't be read")]) }
    self = manifest
  }

  /// Reads `plugin.yaml`. Required are `name`, `version`, `author` and `entry_point`.
  /// - Parameters:
  ///   - bytes: the file, whatever it holds.
  ///   - file: its name, for diagnostics.
  ///   - engineVersion: the engine that would run the plugin; a plugin made for others is refused. Nil: nobody runs it here.
  /// - Throws: everything that is wrong with the file.
  package init(yaml bytes: [UInt8], file: String, engineVersion: SemanticVersion?) throws(Diagnostics) {
    let report = DocumentReport(file: file)
    let root = report.read(bytes, syntax: .yaml)?.mapping(Key.self)
    let manifest = root.flatMap { Self.read($0, engineVersion: engineVersion) }
    try report.check()
    guard let manifest else { throw Diagnostics([Diagnostic("\(file.quoted) can't be read as a manifest")]) }
    self = manifest
  }

  private static func read(_ root: MappingReader<Key>, engineVersion: SemanticVersion?) -> PluginManifest? {
    let name = root.required(.name)?.name(PluginName.self)
    let version = root.required(.version)?.version()
    let author = root.required(.author)?.string(maximumBytes: 256)
    let entryPoint = root.required(.entryPoint)?.entryPoint()
    let description = root.optional(.description)?.string() ?? ""
    let license = root.optional(.license)?.string(maximumBytes: 256) ?? ""
    let dependencies = root.optional(.dependencies)?.list(maximumCount: 512)?.compactMap { $0.dependency() }
    let nodeTypes = root.optional(.nodeTypes)?.list(maximumCount: NodeSpecification.maximumNodeTypes)
    let permissions = root.optional(.permissions)?.list(maximumCount: 256)
    let configuration = root.optional(.configuration)?.entries(named: ParameterName.self, maximumCount: 256)
    let (minimum, maximum) = engineRange(root, engineVersion: engineVersion)
    let result = (
      nodeTypes: nodeTypes?.unique { $0.name(NodeTypeName.self) },
      permissions: permissions?.unique { $0.permission() },
      configuration: configuration?.compactMap { ConfigurationKey($0.name, $0.value) }
    )
    guard let name, let version, let author, let entryPoint else { return nil }
    return PluginManifest(
      name: name, version: version, author: author, description: description, license: license,
      dependencies: dependencies ?? [], nodeTypes: result.nodeTypes ?? [], permissions: result.permissions ?? [],
      entryPoint: entryPoint, minimumEngineVersion: minimum, maximumEngineVersion: maximum,
      configuration: result.configuration ?? [])
  }

  /// Both bounds are inclusive.
  private static func engineRange(
    _ root: MappingReader<Key>, engineVersion: SemanticVersion?
  ) -> (SemanticVersion?, SemanticVersion?) {
    let minimum = root.optional(.minimumEngineVersion)?.version()
    let maximum = root.optional(.maximumEngineVersion)?.version()
    if let minimum, let maximum, minimum > maximum {
      root.optional(.maximumEngineVersion)?.error(
        "no engine version fits this plugin", why: "\(maximum) is below 'min_engine_version', which is \(minimum)",
        hint: "exchange the two, or remove 'max_engine_version'")
    } else if let minimum, let engineVersion, engineVersion < minimum {
      root.optional(.minimumEngineVersion)?.error(
        "the plugin needs a newer engine", why: "it asks for \(minimum) or later, and this is \(engineVersion)",
        hint: "upgrade the engine, or use an earlier version of the plugin")
    } else if let maximum, let engineVersion, engineVersion > maximum {
      root.optional(.maximumEngineVersion)?.error(
        "the plugin is made for an older engine", why: "it accepts at most \(maximum), and this is \(engineVersion)",
        hint: "use a later version of the plugin; its author raises 'max_engine_version' once it is tested")
    }
    return (minimum, maximum)
  }
}

extension PluginManifest.ConfigurationKey {
  fileprivate init?(_ name: ParameterName, _ value: ValueReader) {
    guard let fields = value.mapping(PluginManifest.ConfigurationField.self) else { return nil }
    let type = fields.required(.type)?.choice(ValueType.self)
    let description = fields.optional(.description)?.string() ?? ""
    let required = fields.optional(.required)?.bool() ?? false
    let defaultValue = fields.value(.defaultValue)
    if let type, let defaultValue, !defaultValue.node.isNull, !type.accepts(defaultValue.node.jsonValue) {
      defaultValue.wrongType("\(type.phrase), as 'type' says")
    }
    let secret = fields.optional(.secret)
    let isSecret = secret?.bool() ?? false
    if isSecret {
      if let type, type != .string {
        secret?.error("the secret \(name.text.quoted) must be text", hint: "write 'type: string'")
      }
      if SecretName(name.text) == nil {
        secret?.error("\(name.text.quoted) can't be the name of a secret", hint: "use \(SecretName.grammar)")
      }
      defaultValue?.error(
        "the secret \(name.text.quoted) can't have a default", why: "everybody can read this file",
        hint: "leave it out: the operator names a file or a variable that holds the secret")
    }
    guard let type else { return nil }
    self.init(
      name: name, type: type.rawValue, description: description, required: required,
      defaultValue: defaultValue?.node.jsonValue, isSecret: isSecret)
  }
}

/// The types a parameter, a configuration key or a workflow input may have.
package enum ValueType: String, CaseIterable, Sendable {
  case any
  case string
  case number
  case integer
  case boolean
  case list
  case mapping

  /// With its article, for messages.
  package var phrase: String {
    switch self {
    case .any: "anything"
    case .string: "text"
    case .number: "a number"
    case .integer: "a whole number"
    case .boolean: "true or false"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }

  package func accepts(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.any, _), (.string, .string), (.number, .integer), (.number, .double), (.integer, .integer),
      (.boolean, .bool),
      (.list, .array), (.mapping, .object):
      true
    case (.string, _), (.number, _), (.integer, _), (.boolean, _), (.list, _), (.mapping, _): false
    }
  }
}

extension [ValueReader] {
  /// What `read` makes of each; a value that appears again is reported.
  package func unique<Value: Hashable & CustomStringConvertible>(_ read: (ValueReader) -> Value?) -> [Value] {
    var seen: Set<Value> = []
    return compactMap { item in
      guard let value = read(item) else { return nil }
      guard seen.insert(value).inserted else {
        item.error("\(value.description.quoted) is listed twice", hint: "remove one of the two")
        return nil
      }
      return value
    }
  }
}

extension ValueReader {
  /// As it is written.
  func dependency() -> String? {
    guard let text = string(maximumBytes: 512) else { return nil }
    do throws(Diagnostic) {
      _ = try PluginDependency(text)
      return text
    } catch {
      self.error(error.what, why: error.why, hint: error.hint)
      return nil
    }
  }

  /// A Python file within the plugin's directory, without a leading `./`.
  fileprivate func entryPoint() -> String? {
    guard let text = string() else { return nil }
    let relative = text.utf8.starts(with: "./".utf8) ? String(text.dropFirst(2)) : text
    // Neither empty nor with a slash too many: that would be another text.
    guard let path = AbsolutePath("/" + relative), path.text != "/", path.text.utf8.count == relative.utf8.count + 1
    else {
      error(
        "\(text.quoted) is not a file of the plugin", why: "an entry point can't lead out of the plugin's directory",
        hint: "write a path relative to plugin.yaml, without '..', for example 'src/plugin.py'")
      return nil
    }
    guard relative.hasSuffix(".py"), !path.text.hasSuffix("/.py") else {
      error(
        "\(text.quoted) is not a Python file",
        hint: "name the file with the plugin's class, for example 'src/plugin.py'")
      return nil
    }
    return relative
  }
}

extension PluginManifest {
  /// With the keys of `plugin.yaml`; what is absent is null or an empty list or mapping.
  package var jsonValue: JSONValue {
    .object(
      Key.allCases.map { key in
        let value: JSONValue =
          switch key {
          case .name: .string(name.text)
          case .version: .string(version.description)
          case .author: .string(author)
          case .description: .string(description)
          case .license: .string(license)
          case .dependencies: .array(dependencies.map { .string($0) })
          case .nodeTypes: .array(nodeTypes.map { .string($0.text) })
          case .permissions: .array(permissions.map { .string($0.description) })
          case .entryPoint: .string(entryPoint)
          case .minimumEngineVersion: minimumEngineVersion.map { .string($0.description) } ?? .null
          case .maximumEngineVersion: maximumEngineVersion.map { .string($0.description) } ?? .null
          case .configuration: .object(configuration.map { JSONValue.Member($0.name.text, $0.jsonValue) })
          }
        return JSONValue.Member(key.rawValue, value)
      })
  }
}

extension PluginManifest.ConfigurationKey {
  /// A default that wasn't given is left out: it differs from a default of null.
  package var jsonValue: JSONValue {
    .object(
      PluginManifest.ConfigurationField.allCases.compactMap { field in
        let value: JSONValue? =
          switch field {
          case .type: .string(type)
          case .description: .string(description)
          case .required: .bool(required)
          case .defaultValue: defaultValue
          case .secret: isSecret ? .bool(true) : nil
          }
        return value.map { JSONValue.Member(field.rawValue, $0) }
      })
  }
}
