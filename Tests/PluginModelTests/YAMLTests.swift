import PluginModel
import Testing

@Suite("YAML documents")
struct YAMLTests {
  @Test("every key and value knows its line and column")
  func locations() throws {
    let root = try yaml("# head\na: 1\nb:\n  - x\n  - {c: \"ü\", d: [2]}\n")
    guard case .mapping(let entries) = root.content, case .sequence(let items) = entries[1].value.content,
      case .mapping(let inner) = items[1].content
    else {
      Issue.record("wrong shape")
      return
    }
    #expect(entries.map(\.keyPlace) == [TextPlace(line: 2, column: 1), TextPlace(line: 3, column: 1)])
    #expect(entries[0].value.place == TextPlace(line: 2, column: 4))
    #expect(items.map(\.place) == [TextPlace(line: 4, column: 5), TextPlace(line: 5, column: 5)])
    #expect(inner[1].keyPlace == TextPlace(line: 5, column: 14))
  }

  @Test(
    "plain scalars follow the core schema of YAML 1.2",
    arguments: [
      ("~", JSONValue.null), ("null", .null), ("", .null), ("true", true), ("FALSE", false), ("yes", "yes"),
      ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("0", 0), ("-17", -17), ("+5", 5), ("007", 7),
      ("0o17", 15), ("0xFf", 255), ("0b1", "0b1"), ("0x", "0x"), ("0o8", "0o8"), ("1.5", .double(1.5)),
      ("1.", .double(1)),
      (".5", .double(0.5)), ("-.5e-1", .double(-0.05)), ("1e3", .double(1000)), ("1.0.0", "1.0.0"), ("1_000", "1_000"),
      ("12:30", "12:30"), ("2026-01-01", "2026-01-01"), (".", "."), ("+", "+"), ("1e", "1e"),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)), ("\"1\"", "1"),
      ("'true'", "true"),
      ("!!str 1", "1"), ("!!int 1", 1), ("!!float 1", .double(1)), ("! 1", "1"),
    ] as [(String, JSONValue)])
  func coreSchema(text: String, expected: JSONValue) throws {
    #expect(try yaml("k: \(text)\n").jsonValue["k"] == expected)
  }

  @Test("a version keeps the text it was written with")
  func rawText() throws {
    guard case .mapping(let entries) = try yaml("version: 1.0").content,
      case .scalar(let scalar) = entries[0].value.content
    else {
      Issue.record("wrong shape")
      return
    }
    #expect(scalar.text == "1.0" && scalar.isPlain && scalar.value == .double(1))
  }

  @Test(
    "what is ambiguous or unsafe is refused at its place",
    arguments: [
      ("a: 1\nb: 2\na: 3", "f.yaml:3:1: error: the key 'a' appears twice: it is already on line 1"),
      ("<<: {a: 1}", "f.yaml:1:1: error: merge keys ('<<') are not supported: they were dropped from YAML 1.2"),
      ("a: 1\n---\nb: 2", "f.yaml:2:1: error: the file holds more than one document: only the first would be used"),
      (
        "a: !!python/object:os.system x",
        "f.yaml:1:4: error: the tag 'tag:yaml.org,2002:python/object:os.system' is not supported: a file can't choose types"
      ),
      ("a: !ruby {}", "f.yaml:1:4: error: the tag '!ruby' is not supported: a file can't choose types"),
      ("a: !!int x", "f.yaml:1:4: error: 'x' is not what its tag says: the tag is 'tag:yaml.org,2002:int'"),
      ("%TAG ! x:\n---\na: 1", "f.yaml:1:1: error: %TAG is not supported: a file can't choose types"),
      ("? [1]\n: 2", "f.yaml:1:3: error: a key must be text: this one is a list or a mapping"),
      ("&x a: 1\n*x : 2", "f.yaml:1:1: error: the key 'a' has an anchor"),
      ("{? : 1}", "f.yaml:1:4: error: a key is missing before ':'"),
      ("a: *x", "f.yaml:1:4: error: nothing is named '&x': an alias repeats a value above it"),
      ("a: &x [*x]", "f.yaml:1:8: error: the alias '*x' stands inside what it repeats"),
      ("a: .inf", "f.yaml:1:4: error: '.inf' is not a number that can be passed on"),
      ("a: -.nan", "f.yaml:1:4: error: '-.nan' is not a number that can be passed on"),
      ("a: 9223372036854775808", "f.yaml:1:4: error: the number '9223372036854775808' is too large"),
      ("a: 1e999", "f.yaml:1:4: error: the number '1e999' is too large"),
      ("", "f.yaml:1:1: error: the file is empty"),
      ("# only a comment\n", "f.yaml:2:1: error: the file is empty"),
      (
        "a: [1",
        "f.yaml:2:1: error: this is not valid YAML: did not find expected ',' or ']' while parsing a flow sequence"
      ),
      (
        "a: 1\n\tb: 2",
        "f.yaml:2:1: error: this is not valid YAML: found a tab character that violates indentation while scanning a plain scalar"
      ),
      ("a: \u{1}", "f.yaml:1:4: error: the file is not plain text: control characters are not allowed"),
    ])
  func refusals(text: String, expected: String) {
    #expect(problems { () throws(Diagnostics) in _ = try yaml(text) }.first == expected)
  }

  @Test(
    "a key that appears again and again is told of with its last place, in small and in large mappings",
    arguments: [1, 15, 16, 17, 40])
  func repeatedKeys(others: Int) throws {
    let text = "a: 1\n" + (0..<others).map { "k\($0): 1\n" }.joined() + "a: 2\nlast: 3\na: 4\nlast: 5\n"
    let found = #expect(throws: Diagnostics.self) { try yaml(text) }
    let (second, third) = (others + 2, others + 4)
    #expect(
      found?.items.map { "\($0.location?.line ?? 0) \($0.what), \($0.why ?? "")" } == [
        "\(second) the key 'a' appears twice, it is already on line 1",
        "\(third) the key 'a' appears twice, it is already on line \(second)",
        "\(third + 1) the key 'last' appears twice, it is already on line \(second + 1)",
      ])
  }

  @Test("all problems that don't hide each other are reported at once, in order")
  func severalProblems() {
    let found = problems { () throws(Diagnostics) in _ = try yaml("a: !x 1\na: .nan\n<<: 1\nb: 1e999") }
    #expect(found.map { String($0.prefix(8)) } == ["f.yaml:1", "f.yaml:2", "f.yaml:2", "f.yaml:3", "f.yaml:4"])
  }

  @Test(
    "bytes that aren't UTF-8 are refused at the byte",
    arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]])
  func encoding(bad: [UInt8]) {
    let found = problems { () throws(Diagnostics) in
      _ = try DocumentNode(yaml: Array("a: ü\nb: x".utf8) + bad, file: "f.yaml")
    }
    #expect(found.count == 1 && found[0].hasPrefix("f.yaml:2:5: error: the file is not UTF-8"))
  }

  @Test("a byte order mark is no part of the text")
  func byteOrderMark() throws {
    #expect(try yaml("\u{FEFF}a: 1").jsonValue == ["a": 1])
  }

  @Test("an alias repeats a value")
  func aliases() throws {
    #expect(try yaml("a: &x {b: [1]}\nc: *x\nd: [*x, *x]").jsonValue["d"] == [["b": [1]], ["b": [1]]])
  }

  @Test("a billion laughs are refused before they are told")
  func aliasExpansion() {
    var text = "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    for level in 1...20 {
      text += "l\(level): &l\(level) [" + Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    let found = problems { () throws(Diagnostics) in _ = try yaml(text) }
    #expect(found.count == 1 && found[0].contains("the file holds too much"))
  }

  @Test("aliases can't multiply one long text")
  func aliasText() {
    let long = String(repeating: "x", count: 1 << 20)
    let text = "a: &a \(long)\nb: [" + Array(repeating: "*a", count: 100).joined(separator: ", ") + "]"
    #expect(
      problems { () throws(Diagnostics) in _ = try yaml(text) }.first?.contains("the file holds too much") == true)
  }

  @Test("aliases can't multiply what was refused as a key")
  func refusedKeys() {
    let key = "[" + String(repeating: "1, ", count: 30_000) + "1]"
    let found = problems { () throws(Diagnostics) in _ = try yaml("a: &a {? \(key) : 1}\nb: [*a, *a, *a, *a]\n") }
    #expect(found.last?.contains("the file holds too much") == true)
  }

  @Test("keys of the same characters are the same, whatever their bytes are")
  func equalKeys() {
    let found = problems { () throws(Diagnostics) in _ = try yaml("\u{e9}: 1\ne\u{301}: 2\n") }
    #expect(found.count == 1 && found[0].contains("appears twice"))
  }

  @Test("aliases can't nest deeper than the limit")
  func aliasDepth() {
    var text = "l0: &l0 [x]\n"
    for level in 1...100 { text += "l\(level): &l\(level) [*l\(level - 1)]\n" }
    #expect(
      problems { () throws(Diagnostics) in _ = try yaml(text) }.first?.contains("more than 64 levels deep") == true)
  }

  @Test(
    "nesting is bounded however it is written",
    arguments: [
      String(repeating: "[", count: 1_000_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 500_000), String(repeating: "[\n", count: 500_000),
      String(repeating: "? ", count: 500_000),
      (0..<500).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
    ])
  func depth(text: String) {
    #expect(
      problems { () throws(Diagnostics) in _ = try yaml(text) }.last?.contains("more than 64 levels deep") == true)
  }

  @Test("64 levels are accepted and 65 are not")
  func depthEdge() throws {
    _ = try yaml(String(repeating: "[", count: 64) + String(repeating: "]", count: 64))
    let found = problems { () throws(Diagnostics) in
      _ = try yaml(String(repeating: "[", count: 65) + String(repeating: "]", count: 65))
    }
    #expect(found.count == 1)
  }

  @Test("size and number of values are bounded")
  func size() {
    let limits = DocumentLimits(maximumBytes: 64, maximumNodes: 5)
    #expect(
      problems { () throws(Diagnostics) in _ = try yaml(String(repeating: " ", count: 65), limits: limits) } == [
        "f.yaml:1:1: error: the file is larger than 64 bytes: it has 65"
      ])
    #expect(problems { () throws(Diagnostics) in _ = try yaml("[1, 2, 3, 4, 5]", limits: limits) }.count == 1)
    #expect(problems { () throws(Diagnostics) in _ = try yaml("[1, 2, 3, 4]", limits: limits) } == [])
  }

  @Test("at most a hundred problems are kept")
  func bounded() {
    let text = (0..<1000).map { _ in "a: 1\n" }.joined()
    #expect(problems { () throws(Diagnostics) in _ = try yaml(text) }.count == 101)
  }

  @Test("no bytes crash the reader", arguments: [1, 2, 3, 4] as [UInt64])
  func randomBytes(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let alphabet = Array("[]{}:,-?&*!|>'\"%@`#\n\t \\a0.<~é".utf8) + [0x00, 0xFF, 0xC3]
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      for syntax in DocumentSyntax.allCases {
        let report = DocumentReport(file: "f")
        let root = report.read(bytes, syntax: syntax)
        // Either there is a tree or there is a reason.
        #expect(root != nil || !report.isEmpty)
      }
    }
  }

  @Test("every value survives the way through YAML, which contains JSON", arguments: [11, 12] as [UInt64])
  func jsonIsYAML(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<300 {
      let value = randomValue(&generator)
      let text = value.text(.pretty)
      // libyaml refuses noncharacters that JSON allows raw.
      guard
        text.unicodeScalars.allSatisfy({
          $0.value & 0xFFFE != 0xFFFE && $0 != "\u{FEFF}" && !(0x7F...0x9F).contains($0.value)
        })
      else { continue }
      #expect(try yaml(text).jsonValue == value, "\(text)")
    }
  }
}
