import PluginModel
import Testing

@Suite("Typed access to a document")
struct DocumentReaderTests {
  enum Key: String, CaseIterable {
    case name
    case count
    case flag
    case colour
    case tags
  }
  enum Colour: String, CaseIterable {
    case red
    case green
  }

  private func read(_ text: String, _ body: (MappingReader<Key>) -> Void) -> [Diagnostic] {
    let report = DocumentReport(file: "f.yaml")
    if let root = report.read(Array(text.utf8), syntax: .yaml)?.mapping(Key.self) { body(root) }
    do throws(Diagnostics) {
      try report.check()
      return []
    } catch {
      return error.items
    }
  }

  @Test("every problem of a file is reported at once, with place, cause and hint")
  func everything() {
    let found = read("nmae: x\ncount: many\nflag: yes\ncolour: gren\ntags: one\n") { root in
      _ = root.required(.name)?.string()
      _ = root.required(.count)?.integer(in: 0...9)
      _ = root.optional(.flag)?.bool()
      _ = root.optional(.colour)?.choice(Colour.self)
      _ = root.optional(.tags)?.list()
    }
    #expect(
      found.map(\.description) == [
        "f.yaml:1:1: error: unknown key 'nmae'\n  hint: did you mean 'name'?",
        "f.yaml:1:1: error: the key 'name' is missing\n  hint: add 'name: …'",
        "f.yaml:2:8: error: 'count' must be a whole number: it is a string\n  hint: write one from 0 to 9",
        "f.yaml:3:7: error: 'flag' must be true or false: it is a string\n  hint: YAML 1.2 knows only true and false",
        "f.yaml:4:9: error: 'gren' is not a value of 'colour'\n  hint: did you mean 'green'?",
        "f.yaml:5:7: error: 'tags' must be a list: it is a string\n  hint: write it as ['one']",
      ])
  }

  @Test("a key without a value is absent where it is optional, and missing where it is required")
  func nullValues() {
    let found = read("name:\ncount: ~\n") { root in
      #expect(root.optional(.count) == nil)
      #expect(root.value(.count) != nil)
      #expect(root.required(.name) == nil)
    }
    #expect(found.map(\.what) == ["'name' has no value"])
  }

  @Test("numbers are held to their range")
  func ranges() {
    #expect(
      read("count: 10") { _ = $0.optional(.count)?.integer(in: 0...9) }.first?.what == "'count' must be from 0 to 9")
    #expect(read("count: 1.5") { _ = $0.optional(.count)?.integer(in: 0...9) }.first?.why == "it is a number")
    var number: Double?
    #expect(read("count: 1.5") { number = $0.optional(.count)?.number(in: 0...9) } == [])
    #expect(number == 1.5)
  }

  @Test("a whole number may be written with a point")
  func wholeDoubles() {
    var number: Int?
    #expect(read("count: 2.0") { number = $0.optional(.count)?.integer(in: 0...9) } == [])
    #expect(number == 2)
    #expect(read("count: 1e300") { _ = $0.optional(.count)?.integer(in: 0...9) }.count == 1)
  }

  @Test("hints are as safe to print as everything else")
  func hints() {
    let found = read("tags: \"\\e[2J\"\nname: " + String(repeating: "0", count: 1000)) { root in
      _ = root.optional(.tags)?.list()
      _ = root.optional(.name)?.string()
    }
    #expect(found.first?.hint == "write it as ['\\u{1b}[2J']")
    #expect(found.last?.hint?.count ?? 0 < 200)
  }

  @Test("text for people can't carry terminal commands")
  func controlCharacters() {
    let found = read("name: \"a\\e[2Jb\"") { _ = $0.required(.name)?.string() }
    #expect(found.first?.why == "it is 'a\\u{1b}[2Jb'")
  }

  @Test("text is bounded")
  func longText() {
    let found = read("name: " + String(repeating: "x", count: 65)) { _ = $0.required(.name)?.string(maximumBytes: 64) }
    #expect(found.first?.what == "'name' is longer than 64 bytes")
  }

  @Test("what a diagnostic quotes is escaped and cut")
  func quoting() {
    #expect("a\u{202E}\n".quoted == "'a\\u{202e}\\u{a}'")
    #expect(String(repeating: "x", count: 1000).quoted.count == 123)
  }

  @Test(
    "a slip of the hand finds its word, another word doesn't",
    arguments: [
      ("entrypoint", "entry_point"), ("Entry-Point", "entry_point"), ("nmae", "name"), ("vesion", "version"),
      ("license_file", nil), ("x", nil), ("", nil),
    ] as [(String, String?)])
  func suggestions(text: String, expected: String?) {
    #expect(Suggestion.nearest(to: text, among: ["name", "version", "entry_point", "license"]) == expected)
  }
}
