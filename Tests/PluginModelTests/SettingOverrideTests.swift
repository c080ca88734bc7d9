import PluginModel
import Testing

@Suite("What the environment says in place of plugin_system.yaml")
struct SettingOverrideTests {
  private func read(_ file: String?, _ overrides: [(String, String)]) throws(Diagnostics) -> SystemConfiguration {
    try SystemConfiguration(
      yaml: file.map { Array($0.utf8) }, file: "s.yaml",
      overrides: overrides.map { SettingOverride(variable: SettingOverride.prefix + $0.0, text: $0.1) })
  }

  @Test("takes the place of what the file has there, and leaves the rest")
  func replaced() throws {
    let file = "plugins:\n  limits: {max_memory_mb: 512, max_cpu_percent: 50}\n"
    let system = try read(file, [("LIMITS__MAX_MEMORY_MB", "256"), ("SECURITY__REQUIRE", "[memory]")])
    #expect(system.limits.memoryMB?.value == 256)
    #expect(
      system.limits.memoryMB?.location
        == PluginModel.SourceLocation(file: "ORCHESTRATOR_PLUGINS__LIMITS__MAX_MEMORY_MB", line: 1, column: 1))
    #expect(system.limits.cpuPercent?.value == 50 && system.limits.cpuPercent?.location.file == "s.yaml")
    #expect(system.required.map(\.value) == [.memory])
  }

  @Test("needs no file")
  func alone() throws {
    #expect(try read(nil, [("DIRECTORIES", "[/srv/plugins]")]).directories == ["/srv/plugins"])
    #expect(try read(nil, []) == SystemConfiguration())
  }

  @Test("is checked as the file is, and every mistake names its variable")
  func wrong() {
    let found = problems { () throws(Diagnostics) in
      _ = try read(
        "plugins: {limits: {max_memory_mb: 0}}",
        [
          ("LIMITS__MAX_CPU_PERCENT", "many"), ("SECURITY__SANDBOX_TYPE", "\n\nwasm"), ("REGISTRY__URL", "{"),
          ("LIMITS__MAX_MEMORY", "1"),
        ])
    }
    #expect(found.count == 5, "\(found)")
    for place in [
      "s.yaml:1:35: error: ", "ORCHESTRATOR_PLUGINS__LIMITS__MAX_CPU_PERCENT:1:1: error: ",
      "ORCHESTRATOR_PLUGINS__SECURITY__SANDBOX_TYPE:3:1: error: ", "ORCHESTRATOR_PLUGINS__REGISTRY__URL:",
      "error: the environment variable ORCHESTRATOR_PLUGINS__LIMITS__MAX_MEMORY names no setting",
    ] { #expect(found.contains { $0.hasPrefix(place) }, "\(place) in \(found)") }
  }

  @Test("never turns off a sandbox")
  func sandbox() {
    let found = problems { () throws(Diagnostics) in
      _ = try read("plugins: {security: {enable_sandboxing: true}}", [("SECURITY__ENABLE_SANDBOXING", "false")])
    }
    #expect(found.count == 1 && found[0].contains("sandboxing can't be turned off"), "\(found)")
  }

  @Test("every setting has one variable, and its default is what an empty file means")
  func all() throws {
    #expect(Set(Setting.all.map(\.variable)).count == Setting.all.count)
    for setting in Setting.all where setting.defaultValue != .null {
      let written = try read(
        nil, [(String(setting.variable.dropFirst(SettingOverride.prefix.count)), setting.defaultValue.text())])
      var plain = SystemConfiguration()
      switch setting.name {
      case "directories": plain.directories = SystemConfiguration.usualDirectories
      case "security.default_permissions": plain.defaultPermissions = [.filesystemRead(nil)]
      case "development.hot_reload", "development.watch_interval":
        #expect(written.development.hotReload?.value ?? true)
        #expect(written.development.watchInterval ?? 1 == DevelopmentSettings.usualInterval)
        plain.development = written.development
      default: break
      }
      plain.warnings = written.warnings
      #expect(written == plain, "\(setting.name)")
    }
  }

  @Test("says where each effective value comes from")
  func origins() throws {
    let settings = try EffectiveSetting.all(
      yaml: Array("plugins:\n  limits: {max_memory_mb: 512}\n".utf8), file: "s.yaml",
      overrides: [SettingOverride(variable: "ORCHESTRATOR_PLUGINS__LIMITS__MAX_CPU_PERCENT", text: "50")])
    func setting(_ name: String) -> EffectiveSetting? { settings.first { $0.setting.name == name } }
    #expect(setting("limits.max_memory_mb")?.value == 512 && setting("limits.max_memory_mb")?.origin?.line == 2)
    #expect(setting("limits.max_cpu_percent")?.origin?.file == "ORCHESTRATOR_PLUGINS__LIMITS__MAX_CPU_PERCENT")
    #expect(setting("security.sandbox_type")?.value == "process" && setting("security.sandbox_type")?.origin == nil)
  }
}
