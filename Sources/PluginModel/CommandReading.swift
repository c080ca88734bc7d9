extension Workflow {
  /// What a node with `run` may have beside it: the parameters of the node type `command/run`.
  package enum ReportKey: String, CaseIterable, Sendable {
    case junit
  }

  package enum Shell: String, CaseIterable, Sendable {
    case sh
    case bash
  }
}

extension NodeTypeReference {
  /// What nodes with `run` are.
  package static let command = NodeTypeReference(
    plugin: PluginName(unchecked: "command"), nodeType: NodeTypeName(unchecked: "run"))
}

/// Reads nodes with `run`: a command of a shell, which becomes a node of the plugin `command`.
///
/// The command's text is never put together from anything: what an expression yields reaches it as an environment variable, which no
/// shell takes for a part of the command.
struct CommandReading {
  typealias Key = Workflow.NodeKey
  static let maximumBytes = 65_536
  /// Keys that have a meaning only beside `run`.
  static let keys: [Key] = [.shell, .directory, .environment, .secrets, .artifacts, .reports]

  let root: MappingReader<Key>
  let names: ReadableNames

  /// Nil, with what is wrong, where it can't be read.
  func parameters(_ run: ValueReader) -> [(name: ParameterName, value: Located<JSONValue>)]? {
    for key in [Key.with, .inputs, .foreach] {
      root.optional(key)?.error(
        "\(key.rawValue.quoted) has no meaning beside 'run'", why: "a command takes no parameters and no ports",
        hint: key == .with
          ? "give it what it needs with 'env'" : "use 'needs' for the order, and files of the workspace")
    }
    guard let text = run.string(maximumBytes: Self.maximumBytes) else { return nil }
    guard !text.isEmpty else {
      run.error("the command is empty")
      return nil
    }
    guard !text.contains("${{") else {
      run.error(
        "a command can't hold an expression", why: "what it yields would become a part of the command",
        hint: "give it as an environment variable, env: {NAME: \"${{ … }}\"}, and write \"$NAME\" in the command")
      return nil
    }
    var parameters = [("command", Located(JSONValue.string(text), at: run.location))]
    if let shell = root.optional(.shell), let choice = shell.choice(Workflow.Shell.self) {
      parameters.append(("shell", Located(.string(choice.rawValue), at: shell.location)))
    }
    if let directory = root.optional(.directory), let path = directory.string() {
      directory.checkTemplates(names)
      parameters.append(("directory", Located(.string(path), at: directory.location)))
    }
    if let environment = root.optional(.environment), let value = self.environment(environment) {
      parameters.append(("environment", Located(value, at: environment.location)))
    }
    if let value = patterns(.artifacts, root.optional(.artifacts)) { parameters.append(value) }
    let reports = root.optional(.reports)?.mapping(Workflow.ReportKey.self)
    if let value = patterns(.reports, reports?.optional(.junit)) { parameters.append(("junit", value.1)) }
    return parameters.map { (ParameterName(unchecked: $0.0), $0.1) }
  }

  /// Names and texts: a number, and a word such as true, as it is written.
  private func environment(_ reader: ValueReader) -> JSONValue? {
    let secrets = Set((root.optional(.secrets)?.listOrSingle() ?? []).compactMap { $0.node.jsonValue.stringValue })
    let entries = reader.entries(named: SecretName.self, maximumCount: 1024)
    let members = entries?.compactMap { entry -> JSONValue.Member? in
      entry.value.checkTemplates(names)
      if secrets.contains(entry.name.text) {
        entry.value.error(
          "\(entry.name.text.quoted) is both a variable and a secret", hint: "remove one, or give one another name")
      }
      return entry.value.text(maximumBytes: Self.maximumBytes).map { JSONValue.Member(entry.name.text, .string($0)) }
    }
    return members.map { .object($0) }
  }

  private func patterns(_ key: Key, _ reader: ValueReader?) -> (String, Located<JSONValue>)? {
    guard let reader else { return nil }
    let patterns = reader.listOrSingle(maximumCount: 256)?.compactMap { item -> JSONValue? in
      item.checkTemplates(names)
      return item.string().map { .string($0) }
    }
    return patterns.map { (key.rawValue, Located(.array($0), at: reader.location)) }
  }

  /// Names of secrets, which a run must be given.
  var secrets: [SecretName] {
    root.optional(.secrets)?.listOrSingle(maximumCount: 64)?.unique { $0.name(SecretName.self) } ?? []
  }

  /// Refuses, beside `type`, what only a command has.
  func refuseKeys() {
    for key in Self.keys {
      root.optional(key)?.error(
        "\(key.rawValue.quoted) has no meaning beside 'type'", why: "only commands have it",
        hint: "give a plugin's node its parameters with 'with'")
    }
  }
}
