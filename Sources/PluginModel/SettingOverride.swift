/// What the environment says in place of plugin_system.yaml: `ORCHESTRATOR_PLUGINS__LIMITS__MAX_MEMORY_MB=256` is the key
/// `plugins.limits.max_memory_mb`. The text is YAML, and takes the place of all that the file has there.
package struct SettingOverride: Hashable, Sendable {
  package static let prefix = "ORCHESTRATOR_PLUGINS__"

  package var variable: String
  package var text: String

  package init(variable: String, text: String) {
    self.variable = variable
    self.text = text
  }
}

/// A key of plugin_system.yaml that something can be written for, and what holds where nothing is.
package struct Setting: Hashable, Sendable {
  /// From the key `plugins`, without it.
  package var path: [String]
  package var defaultValue: JSONValue

  package var name: String { path.joined(separator: ".") }
  package var variable: String {
    SettingOverride.prefix + path.map { $0.uppercased() }.joined(separator: "__")
  }
}

extension Setting {
  /// All that the program knows, in the order in which they are told.
  package static let all: [Setting] = SystemConfiguration.PluginsKey.allCases.flatMap { section -> [Setting] in
    func settings<Key: DocumentKey>(_ keys: Key.Type, _ defaultValue: (Key) -> JSONValue) -> [Setting] {
      Key.allCases.map { Setting(path: [section.rawValue, $0.rawValue], defaultValue: defaultValue($0)) }
    }
    switch section {
    case .directories: return [whole(section, .array(SystemConfiguration.usualDirectories.map { .string($0) }))]
    case .configuration: return [whole(section, .object([]))]
    case .security: return settings(SystemConfiguration.SecurityKey.self, defaultValue)
    case .development: return settings(SystemConfiguration.DevelopmentKey.self, defaultValue)
    case .registry: return settings(SystemConfiguration.RegistryKey.self, defaultValue)
    case .limits: return settings(SystemConfiguration.LimitsKey.self) { _ in .null }
    case .python: return settings(PythonSettings.SectionKey.self, defaultValue)
    case .devices: return settings(SystemConfiguration.DevicesKey.self) { _ in .null }
    case .workers: return settings(WorkerSettings.Key.self, defaultValue)
    case .scheduler: return settings(SystemConfiguration.SchedulerKey.self) { _ in .object([]) }
    }
  }

  private static func whole(_ section: SystemConfiguration.PluginsKey, _ defaultValue: JSONValue) -> Setting {
    Setting(path: [section.rawValue], defaultValue: defaultValue)
  }

  private static func defaultValue(_ key: SystemConfiguration.SecurityKey) -> JSONValue {
    switch key {
    case .enableSandboxing: true
    case .sandboxType: "process"
    case .defaultPermissions: ["filesystem.read"]
    case .forbiddenPermissions, .require: []
    case .plugins, .network, .trust: .object([])
    case .filesystemRoots, .profileDirectories: .null
    }
  }

  private static func defaultValue(_ key: SystemConfiguration.DevelopmentKey) -> JSONValue {
    switch key {
    case .hotReload: true
    case .watchInterval: 1
    case .debugMode: false
    }
  }

  private static func defaultValue(_ key: WorkerSettings.Key) -> JSONValue {
    let usual = WorkerSettings()
    return switch key {
    case .idleTimeout: .string("\(usual.idleMilliseconds / 1000)s")
    case .crashLimit: .integer(Int64(usual.crashes.limit))
    case .crashWindow: .string("\(usual.crashes.windowMilliseconds / 1000)s")
    case .concurrency: .object([])
    }
  }

  private static func defaultValue(_ key: PythonSettings.SectionKey) -> JSONValue {
    let usual = PythonSettings()
    return switch key {
    case .index: usual.index.map { .string($0.description) } ?? .null
    case .fileHosts: .array(usual.fileHosts.map { .string($0.description) })
    case .wheelsOnly: .bool(usual.takesWheelsOnly)
    case .maximumSize: .integer(Int64(usual.maximumMebibytes))
    case .allowsPlain: false
    case .wheels, .uv: .null
    }
  }

  private static func defaultValue(_ key: SystemConfiguration.RegistryKey) -> JSONValue {
    switch key {
    case .enable, .allowsPlain: false
    case .url, .certificates, .token: .null
    }
  }
}

/// What a setting is on this host, and who said so.
package struct EffectiveSetting: Hashable, Sendable {
  package var setting: Setting
  package var value: JSONValue
  /// Nil: nobody, so that the default holds.
  package var origin: SourceLocation?
}

extension EffectiveSetting {
  /// Of all settings. The file is taken as it was written: whether it is right is told by ``SystemConfiguration``.
  package static func all(
    yaml bytes: [UInt8]?, file: String, overrides: [SettingOverride] = []
  ) throws(Diagnostics) -> [EffectiveSetting] {
    let report = DocumentReport(file: file)
    let root = report.read(bytes, overrides: overrides)?.node
    try report.check()
    return Setting.all.map { setting in
      guard let node = root?.value(at: ["plugins"] + setting.path), !node.isNull else {
        return EffectiveSetting(setting: setting, value: setting.defaultValue, origin: nil)
      }
      return EffectiveSetting(setting: setting, value: node.jsonValue, origin: node.place.map(report.location))
    }
  }
}

extension DocumentReport {
  /// A file, if there is one, with what the environment says in place of it.
  func read(_ bytes: [UInt8]?, overrides: [SettingOverride]) -> ValueReader? {
    var root = DocumentDraft()
    if let bytes {
      guard let reader = read(bytes, syntax: .yaml) else { return nil }
      guard !overrides.isEmpty else { return reader }
      root = DocumentDraft(reader.node)
    }
    for override in overrides {
      guard let setting = Setting.all.first(where: { $0.variable == override.variable }) else {
        error(
          "the environment variable \(override.variable) names no setting",
          hint: Suggestion.hint(for: override.variable, among: Setting.all.map(\.variable))
            ?? "remove it: variables that begin with \(SettingOverride.prefix) are for plugin_system.yaml",
          at: nil as SourceLocation?)
        continue
      }
      guard let value = insertion(Array(override.text.utf8), file: override.variable) else { continue }
      root.set((["plugins"] + setting.path)[...], to: value)
    }
    return ValueReader(root.node, report: self)
  }
}
