import GRDB
import PluginModel

/// What was set of plugins' configuration at run time.
extension StateDatabase {
  /// By plugin and key. One that can't be read is left out: the manifest's default holds, or the plugin says what it lacks.
  package func pluginSettings() async throws(StateStoreError) -> [StoredPluginSetting] {
    try await read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM plugin_setting ORDER BY plugin, key").compactMap {
        StoredPluginSetting($0)
      }
    }
  }

  /// All of them or none. `null` takes one back.
  package func set(_ settings: [StoredPluginSetting]) async throws(StateStoreError) {
    try await write { database in
      for setting in settings {
        guard setting.value != .null else {
          try database.execute(
            sql: "DELETE FROM plugin_setting WHERE plugin = ? AND key = ?",
            arguments: [setting.plugin.text, setting.key.text])
          continue
        }
        try database.execute(
          sql: "INSERT OR REPLACE INTO plugin_setting (plugin, key, value, author, time) VALUES (?, ?, ?, ?, ?)",
          arguments: [
            setting.plugin.text, setting.key.text, setting.value.text(), setting.author, setting.time,
          ])
      }
    }
  }
}

extension StoredPluginSetting {
  fileprivate init?(_ row: Row) {
    guard let name: String = row.value("plugin"), let plugin = PluginName(name), let word: String = row.value("key"),
      let key = ParameterName(word), let text: String = row.value("value"), let author: String = row.value("author"),
      let time: Int64 = row.value("time"), let content = try? DocumentNode(json: Array(text.utf8), file: "").jsonValue
    else { return nil }
    self.init(plugin: plugin, key: key, value: content, author: author, time: time)
  }
}
