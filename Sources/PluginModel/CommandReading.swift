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
    guard text.utf8.contains(where: { $0 > 0x20 }) else {
      run.error("the command is empty")
      return nil
    }
    guard !text.holdsExpression else {
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
      checkInside(path, directory)
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
      if entry.value.node.jsonValue.stringValue?.holdsExpression == true, Self.isObeyed(entry.name.text) {
        entry.value.error(
          "\(entry.name.text.quoted) can't be an expression", why: "programs run, or load, what this variable says",
          hint: "write the value out, or use a variable of another name")
      }
      if secrets.contains(entry.name.text) {
        entry.value.error(
          "\(entry.name.text.quoted) is both a variable and a secret", hint: "remove one, or give one another name")
      }
      return entry.value.text(maximumBytes: Self.maximumBytes).map { JSONValue.Member(entry.name.text, .string($0)) }
    }
    return members.map { .object($0) }
  }

  /// Variables that a shell, the loader (ld.so(8)) or an interpreter takes for commands, or finds code by.
  private static func isObeyed(_ name: String) -> Bool {
    let names: Set = ["BASH_ENV", "ENV", "PS4", "PROMPT_COMMAND", "SHELLOPTS", "BASHOPTS", "IFS", "PATH"]
    return names.contains(name) || ["LD_", "PYTHON", "BASH_FUNC_"].contains { name.utf8.starts(with: $0.utf8) }
  }

  private func patterns(_ key: Key, _ reader: ValueReader?) -> (String, Located<JSONValue>)? {
    guard let reader else { return nil }
    let patterns = reader.listOrSingle(maximumCount: 256)?.compactMap { item -> JSONValue? in
      item.checkTemplates(names)
      guard let pattern = item.string() else { return nil }
      checkInside(pattern, item)
      return .string(pattern)
    }
    return patterns.map { (key.rawValue, Located(.array($0), at: reader.location)) }
  }

  /// What an expression yields is looked at when the command runs.
  private func checkInside(_ path: String, _ reader: ValueReader) {
    guard !path.holdsExpression else { return }
    if path.isEmpty || path.utf8.first == UInt8(ascii: "/") || path.split(separator: "/").contains("..") {
      reader.error(
        "\(path.quoted) doesn't lie in the workspace", hint: "write a path relative to the workspace, without '..'")
    }
  }

  /// Names of secrets, which a run must be given.
  var secrets: [SecretName] {
    root.optional(.secrets)?.listOrSingle(maximumCount: 64)?.unique { $0.name(SecretName.self) } ?? []
  }

  /// Refuses, beside `type` or `workflow`, what only a command has.
  func refuseKeys(beside other: Key = .type) {
    for key in Self.keys {
      root.optional(key)?.error(
        "\(key.rawValue.quoted) has no meaning beside \(other.rawValue.quoted)", why: "only commands have it",
        hint: key == .secrets
          ? "use the secret in a command; what is under 'with' is written down"
          : "give a plugin's node its parameters with 'with'")
    }
  }
}

/// The patterns that name files of a command's workspace.
package enum CommandPattern {
  /// Of the node type `command/run`.
  package static let parameters: Set<String> = ["artifacts", "junit"]

  /// A pattern that matches `text` alone.
  package static func escaped(_ text: String) -> String {
    var escaped: [UInt8] = []
    for byte in text.utf8 {
      escaped += "*?[".utf8.contains(byte) ? [UInt8(ascii: "["), byte, UInt8(ascii: "]")] : [byte]
    }
    return String(decoding: escaped, as: UTF8.self)
  }
}

extension String {
  /// By its bytes, as templates are read: a `$` with a mark before it is another character and the same byte.
  var holdsExpression: Bool { utf8.contains("${{".utf8) }
}
