import PluginModel
import Testing

@Suite("JSON texts")
struct JSONTests {
  @Test("what is written is read back", arguments: [21, 22, 23] as [UInt64])
  func roundTrip(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<500 {
      let value = randomValue(&generator)
      #expect(try JSONValue(json: value.text()) == value)
      #expect(try JSONValue(json: value.text(.pretty)) == value)
      #expect(try DocumentNode(json: value.utf8(.pretty), file: "f.json").jsonValue == value)
    }
  }

  @Test(
    "RFC 8259 is kept to the letter",
    arguments: [
      "", " ", "nul", "nullx", "tru", "True", "[1,]", "[,1]", "[1 2]", "[", "]", "{", "{}}", "{\"a\"}", "{\"a\":}",
      "{\"a\":1,}",
      "{a:1}", "{'a':1}", "{1:1}", "01", "-", "-01", "+1", ".5", "1.", "1.e1", "1e", "1e+", "0x1", "NaN", "Infinity",
      "-Infinity",
      "1e999", "9223372036854775808", "-9223372036854775809", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"",
      "\"\\u12g4\"",
      "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\u{1}\"", "\"\n\"", "// c\n1", "/* c */ 1",
      "1 2", "\u{FEFF}1",
      "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "[1]x", "\u{A0}1",
    ])
  func refused(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(json: text) }
  }

  @Test(
    "every form of value is read",
    arguments: [
      ("null", JSONValue.null), (" true ", true), ("\r\n\tfalse", false), ("-0", 0), ("1E3", .double(1000)),
      ("1e-2", .double(0.01)),
      ("0.5", .double(0.5)), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("\"\\u00e9\\n\\/\\ud83d\\ude00\\u0000\"", "é\n/😀\0"), ("[]", []), ("{}", [:]), ("[ 1 , [ ] ]", [1, []]),
      ("{ \"a\" : { \"b\" : null } }", ["a": ["b": .null]]),
    ] as [(String, JSONValue)])
  func accepted(text: String, expected: JSONValue) throws {
    #expect(try JSONValue(json: text) == expected)
  }

  @Test(
    "bytes that aren't UTF-8 are refused",
    arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]] as [[UInt8]])
  func encoding(bad: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue(json: [0x22] + bad + [0x22]) }
    #expect(throws: JSONError.self) { try JSONValue(json: [0x22, 0x5C, 0x6E] + bad + [0x22]) }
  }

  @Test("depth, size and number of values are bounded")
  func bounds() throws {
    let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try JSONValue(json: nested(64))
    #expect(throws: JSONError.self) { try JSONValue(json: nested(65)) }
    #expect(throws: JSONError.self) { try JSONValue(json: String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSONError.self) { try JSONValue(json: String(repeating: "{\"a\":", count: 1_000_000)) }
    #expect(throws: JSONError.self) { try JSONValue(json: "[1,2,3]", limits: DocumentLimits(maximumBytes: 6)) }
    #expect(throws: JSONError.self) { try JSONValue(json: "[1,2,3]", limits: DocumentLimits(maximumNodes: 3)) }
  }

  @Test("a duplicate among many keys is found")
  func manyKeys() throws {
    let members = (0..<1000).map { "\"k\($0)\":\($0)" }
    #expect(try JSONValue(json: "{" + members.joined(separator: ",") + "}")["k999"] == 999)
    #expect(throws: JSONError.self) {
      try JSONValue(json: "{" + (members + ["\"k500\":1"]).joined(separator: ",") + "}")
    }
  }

  @Test("a syntax error in a file has its place")
  func place() {
    let found = problems { () throws(Diagnostics) in
      _ = try DocumentNode(json: Array("{\n  \"ü\": [1, 2}\n".utf8), file: "f.json")
    }
    #expect(found == ["f.json:2:13: error: this is not valid JSON: a comma or ']' is missing"])
  }

  @Test("values and keys know their places")
  func locations() throws {
    let root = try DocumentNode(json: Array("{\"a\":\n {\"ü\": 1, \"c\": [2]}}".utf8), file: "f.json")
    guard case .mapping(let outer) = root.content, case .mapping(let inner) = outer[0].value.content,
      case .sequence(let items) = inner[1].value.content
    else {
      Issue.record("wrong shape")
      return
    }
    #expect(outer[0].keyPlace == TextPlace(line: 1, column: 2))
    #expect(inner.map(\.keyPlace) == [TextPlace(line: 2, column: 3), TextPlace(line: 2, column: 11)])
    #expect(items[0].place == TextPlace(line: 2, column: 17))
  }

  @Test("what is printed can stand in a terminal and in a page")
  func escapes() {
    let value: JSONValue = "\u{1B}[2J</script>&\u{2028}\u{2029}\u{7F}\"\\\n"
    #expect(
      value.text() == #""\u001b[2J\u003c/script\u003e\u0026\u2028\u2029\u007f\"\\\n""#)
  }

  @Test("no C1 control and no control of direction is printed as it is, their neighbours are")
  func escapesWideControls() throws {
    let value: JSONValue = "\u{9B}2J\u{80}\u{9F}\u{A0}é\u{202E}\u{2066}\u{200F}\u{2010}\u{20AC}\u{1F680}"
    let text = value.text()
    #expect(text == "\"\\u009b2J\\u0080\\u009f\u{A0}é\\u202e\\u2066\\u200f\u{2010}\u{20AC}\u{1F680}\"")
    #expect(try JSONValue(json: text) == value)
  }

  @Test("pretty text is indented, compact text is one line")
  func layouts() {
    let value: JSONValue = ["a": [1, .double(2.5)], "b": [:], "c": []]
    #expect(value.text() == #"{"a":[1,2.5],"b":{},"c":[]}"#)
    #expect(value.text(.pretty) == "{\n  \"a\": [\n    1,\n    2.5\n  ],\n  \"b\": {},\n  \"c\": []\n}")
  }

  @Test("no bytes crash the parser", arguments: [31, 32] as [UInt64])
  func randomBytes(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let alphabet = Array("[]{}:,\"\\u0aDd8-+.eE1tfnrul \n".utf8) + [0x00, 0xFF, 0xC3]
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      // What is accepted must survive being written.
      guard let value = try? JSONValue(json: bytes) else { continue }
      let again = try? JSONValue(json: value.text())
      #expect(again == value)
    }
  }
}
