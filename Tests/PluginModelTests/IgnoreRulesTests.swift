import PluginModel
import Testing

@Suite("What is no part of a package")
struct IgnoreRulesTests {
  private func rules(_ text: String) throws -> IgnoreRules {
    let name: PluginName = try #require(PluginName("sample"))
    var rules = IgnoreRules(package: name)
    try rules.add(Array(text.utf8), file: ".pluginignore")
    return rules
  }

  @Test(
    "leaves out what tools leave behind",
    arguments: [
      ".git/", "a/__pycache__/", "a/b.pyc", ".venv/", "venv/", "a/node_modules/", ".tox/", ".pytest_cache/",
      "src/x.egg-info/", ".DS_Store", "notes.txt~",
      ".plugin.yaml.swp", ".pluginignore", "sample-1.0.0.zip", ".git",
    ])
  func builtIn(_ path: String) throws {
    #expect(try rules("").ignores(path, isDirectory: path.hasSuffix("/")))
  }

  @Test(
    "takes everything else",
    arguments: [
      "plugin.yaml", "src/plugin.py", "a/.pluginignore", "data/sample-1.0.0.zip", ".gitignore", "venv", "venv.py",
      ".venv",
    ])
  func others(_ path: String) throws {
    #expect(try !rules("").ignores(path, isDirectory: path.hasSuffix("/")))
  }

  @Test(
    "matches as gitignore(5) does",
    arguments: [
      ("*.log", "a/b.log", true), ("*.log", "a.logs", false), ("/a.txt", "a.txt", true), ("/a.txt", "b/a.txt", false),
      ("build/", "a/build/", true), ("build/", "a/build", false), ("a/b", "a/b", true), ("a/b", "x/a/b", false),
      ("a/*", "a/b", true), ("a/*", "a/b/c", false), ("**/b", "a/x/b", true), ("**/b", "b", true),
      ("a/**", "a/b/c", true),
      ("a/**", "a/", false), ("a/**/b", "a/b", true), ("a/**/b", "a/x/y/b", true), ("a/**/b", "ab", false),
      ("?.txt", "a.txt", true), ("?.txt", "ab.txt", false), ("# a", "# a", false), ("*", "anything", true),
      ("a b  ", "a b", true), ("*.log\n!keep.log", "keep.log", false),
      ("*.log\n!keep.log\n/keep.log", "keep.log", true),
      ("!*.pyc", "a.pyc", false),
    ])
  func patterns(_ text: String, _ path: String, _ isIgnored: Bool) throws {
    #expect(try rules(text).ignores(path, isDirectory: path.hasSuffix("/")) == isIgnored)
  }

  @Test("says which patterns it doesn't know", arguments: ["[ab].txt", "a\\ b", "a**", "/", "!", "x/**y"])
  func unknown(_ pattern: String) throws {
    #expect(throws: Diagnostics.self) { try rules("a\n\(pattern)\n") }
  }

  @Test("takes patterns that are made to take long in little time")
  func slow() throws {
    let stars = String(repeating: "*a", count: 200)
    let rules = try rules(stars + "b\n" + String(repeating: "**/a/", count: 90) + "b")
    let clock = ContinuousClock()
    let duration = clock.measure {
      _ = rules.ignores(String(repeating: "a", count: 250), isDirectory: false)
      _ = rules.ignores(String(repeating: "a/", count: 32) + "a", isDirectory: false)
    }
    #expect(duration < .seconds(1))
  }
}
