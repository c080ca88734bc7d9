/// A key of a plugin's `configuration` that was set at run time, on the plugin's page for example: no secret.
package struct StoredPluginSetting: Hashable, Sendable {
  package var plugin: PluginName
  package var key: ParameterName
  package var value: JSONValue
  /// Whose token it was.
  package var author: String
  /// Milliseconds since 1970.
  package var time: Int64

  package init(plugin: PluginName, key: ParameterName, value: JSONValue, author: String, time: Int64) {
    self.plugin = plugin
    self.key = key
    self.value = value
    self.author = author
    self.time = time
  }
}

extension SystemConfiguration {
  /// As the operator's file has it.
  package var withoutStoredSettings: SystemConfiguration {
    var result = self
    result.pluginSettings = pluginSettings.compactMapValues { settings in
      var settings = settings
      let hadStored = settings.entries.contains(where: \.isStored)
      settings.entries.removeAll(where: \.isStored)
      return hadStored && settings.entries.isEmpty ? nil : settings
    }
    return result
  }

  /// With what was set at run time: where the operator's file says something of a key, that holds.
  package func adding(_ stored: [StoredPluginSetting]) -> SystemConfiguration {
    var result = self
    for setting in stored {
      let location = SourceLocation(file: "the settings of \(setting.plugin)", line: 1, column: 1)
      var settings = result.pluginSettings[setting.plugin] ?? PluginSettings([], at: location)
      guard !settings.entries.contains(where: { $0.key == setting.key }) else { continue }
      settings.entries.append(PluginSettings.Entry(setting.key, Located(setting.value, at: location), isStored: true))
      result.pluginSettings[setting.plugin] = settings
    }
    return result
  }
}

extension PluginManifest {
  /// What is wrong with values that somebody wants to set at run time; `null` takes one back.
  /// - Parameter settings: what holds now.
  package func problems(ofSetting values: [JSONValue.Member], besides settings: PluginSettings?) -> [Diagnostic] {
    values.compactMap { member in
      guard let key = configuration.first(where: { $0.name.text == member.key }) else {
        return Diagnostic(
          "the plugin \(name.text.quoted) has no configuration key \(String(member.key.prefix(64)).quoted)",
          hint: configuration.isEmpty
            ? "its manifest has no 'configuration'"
            : Suggestion.hint(for: String(member.key.prefix(64)), among: configuration.map(\.name.text)))
      }
      guard !key.isSecret else {
        return Diagnostic(
          "\(key.name.text.quoted) is a secret, which is never sent or kept here",
          hint: "say in plugin_system.yaml where it lies: {file: /path/of/a/file} or {environment: NAME_OF_A_VARIABLE}")
      }
      if settings?.entries.contains(where: { $0.key == key.name && !$0.isStored }) == true {
        return Diagnostic(
          "\(key.name.text.quoted) is set in plugin_system.yaml", why: "what the operator wrote there holds",
          hint: "change it there, and reload")
      }
      return key.problem(with: member.value, plugin: name)
    }
  }

  /// The keys, what they are, and where each comes from. Secrets aren't shown.
  package func settingsJSON(_ settings: PluginSettings?) -> JSONValue {
    var (values, origins) = ([JSONValue.Member](), [JSONValue.Member]())
    for key in configuration {
      let given = settings?.entries.first { $0.key == key.name && $0.value.value != .null }
      if let given { origins.append(.init(key.name.text, .string(given.isStored ? "server" : "file"))) }
      if !key.isSecret, let value = given?.value.value ?? key.defaultValue {
        values.append(.init(key.name.text, value))
      }
    }
    let keys = configuration.map { key -> JSONValue in
      [
        "name": .string(key.name.text), "type": .string(key.type), "description": .string(key.description),
        "required": .bool(key.required), "secret": .bool(key.isSecret), "default": key.defaultValue ?? .null,
      ]
    }
    return ["settings": .object(values), "configured": .object(origins), "keys": .array(keys)]
  }
}
