import GRDB
import LinuxSystem
import PluginModel
import StateStore
import Testing

@Suite("What was set of plugins' configuration at run time")
struct PluginSettingRowTests {
  private let directory: TemporaryDirectory
  private let thread: DedicatedThread

  init() throws {
    directory = try TemporaryDirectory()
    thread = try DedicatedThread(name: "files")
  }

  private func setting(_ plugin: String, _ key: String, _ value: JSONValue) throws -> StoredPluginSetting {
    StoredPluginSetting(
      plugin: PluginName(unchecked: plugin), key: try #require(ParameterName(key)), value: value, author: "admin",
      time: 7)
  }

  @Test("is kept by plugin and key, the last word of each, and taken back by null")
  func kept() async throws {
    let state = directory.path + "/state"
    let first = try await StateDatabase(making: state, on: thread)
    try await first.set([
      setting("shop", "rounds", 1), setting("shop", "currency", "CHF"),
      setting("books", "rounds", ["deep": [.double(1.5)]]),
    ])
    try await first.set([
      setting("shop", "rounds", 2), setting("shop", "currency", .null), setting("shop", "never", .null),
    ])
    let next = try await StateDatabase(making: state, on: thread)
    let expected = [try setting("books", "rounds", ["deep": [.double(1.5)]]), try setting("shop", "rounds", 2)]
    #expect(try await next.pluginSettings() == expected)
  }

  @Test("and what somebody else wrote there is left out")
  func foreign() async throws {
    let state = directory.path + "/state"
    let database = try await StateDatabase(making: state, on: thread)
    try await database.set([setting("shop", "rounds", 1)])
    try await DatabaseQueue(path: state + "/state.sqlite").write {
      try $0.execute(
        sql: """
          INSERT INTO plugin_setting VALUES ('shop', 'a', 'no JSON', 'x', 1), ('No Name', 'a', '1', 'x', 1), ('shop', 'no key!', '1', 'x', 1)
          """)
    }
    #expect(try await database.pluginSettings() == [setting("shop", "rounds", 1)])
  }
}
