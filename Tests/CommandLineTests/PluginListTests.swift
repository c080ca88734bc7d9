import Foundation
import PluginModel
import Testing

@Suite("plugin list")
struct PluginListTests {
  private func json(_ text: String) throws -> JSONValue { try JSONValue(json: text) }

  @Test("lists the bundled plugins with what they ask for")
  func bundled() throws {
    let outcome = try Program.run(["plugin", "list"], in: TemporaryDirectory())
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    for name in ["chart", "command", "files", "text"] { #expect(outcome.output.contains("\(name) 1.")) }
    #expect(outcome.output.contains("filesystem.read, filesystem.write"))
  }

  @Test("writes JSON with directory and digest")
  func asJSON() throws {
    let outcome = try Program.run(["plugin", "list", "--output", "json"], in: TemporaryDirectory())
    let plugins = try #require(try json(outcome.output)["plugins"]?.arrayValue)
    #expect(plugins.contains { $0["name"] == "files" })
    for plugin in plugins {
      #expect(plugin["digest"]?.stringValue?.hasPrefix("sha256:") == true)
      #expect(plugin["directory"]?.stringValue?.hasPrefix("/") == true)
    }
  }

  @Test("runs nothing of a plugin and makes nothing")
  func runsNothing() throws {
    let directory = try TemporaryDirectory()
    try directory.write(
      "plugins/a/plugin.yaml", "name: evil\nversion: 1.0.0\nauthor: a\nentry_point: ./main.py\n")
    try directory.write("plugins/a/main.py", "open('\(directory.path)/ran', 'w').write('x')\n")
    let outcome = try Program.run(["plugin", "list"], in: directory)
    #expect(outcome.output.contains("evil 1.0.0"))
    #expect(!directory.exists("ran"))
    #expect(!directory.exists("state-home"))
  }

  @Test("tells what is wrong with a broken plugin, with the place, beside the good ones")
  func broken() throws {
    let directory = try TemporaryDirectory()
    try directory.write("plugins/bad/plugin.yaml", "name: bad\nversion: one\nauthor: a\nentry_point: ./main.py\n")
    try directory.write("plugins/bad/main.py", "")
    let outcome = try Program.run(["plugin", "list"], in: directory)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("files 1."))
    #expect(outcome.errors.contains("plugins/bad/plugin.yaml:2:10"))
  }

  @Test("shows nothing of a manifest that a terminal would obey")
  func hostileText() throws {
    let directory = try TemporaryDirectory()
    try directory.write(
      "plugins/a/plugin.yaml",
      "name: sneaky\nversion: 1.0.0\nauthor: a\ndescription: \"\\u202Etxet \\u2066x\"\nentry_point: ./main.py\n")
    try directory.write("plugins/a/main.py", "")
    let outcome = try Program.run(["plugin", "list"], in: directory)
    #expect(outcome.output.contains("sneaky"))
    #expect(!outcome.output.unicodeScalars.contains("\u{202E}"))
  }
}
