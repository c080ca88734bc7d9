import Testing

@testable import PluginModel

@Suite struct YAMLTextTests {
  private func read(_ text: String) throws -> JSONValue {
    try DocumentNode(yaml: Array(text.utf8), file: "written.yaml").jsonValue
  }

  @Test("a workflow is written the way that a person would write it")
  func workflow() {
    let value: JSONValue = [
      "apiVersion": "orchestrator/v1",
      "metadata": ["name": "licences"],
      "spec": [
        "plugins": ["files": ">=1.0,<2"],
        "nodes": [
          "find": ["type": "files/list", "with": ["directory": "${{ inputs.directory }}", "links": "skip"]],
          "say": [
            "run": "echo one\necho two\n", "timeout": "60s", "if": "${{ inputs.wanted }}", "needs": ["find"],
            "in": ["sections": ["find.paths", "find.names"]],
          ],
          "figures": [
            "with": [
              "figures": [
                ["field": "words", "title": "words: all"], ["field": "longest", "of": ["deep": ["er": 1]]],
              ],
              "pattern": "^\\d+\"$", "ratio": .double(0.5), "count": 3, "nothing": .null, "none": [], "no": .object([]),
              "answer": "yes", "version": "1.0", "at": "12:30",
            ]
          ],
        ],
      ],
    ]
    #expect(
      value.yaml() == """
        apiVersion: orchestrator/v1
        metadata: {name: licences}
        spec:
          plugins: {files: ">=1.0,<2"}
          nodes:
            find:
              type: files/list
              with: {directory: "${{ inputs.directory }}", links: skip}
            say:
              run: |
                echo one
                echo two
              timeout: 60s
              if: ${{ inputs.wanted }}
              needs: [find]
              in: {sections: [find.paths, find.names]}
            figures:
              with:
                figures:
                  - {field: words, title: "words: all"}
                  - field: longest
                    of:
                      deep: {er: 1}
                pattern: '^\\d+"$'
                ratio: 0.5
                count: 3
                nothing: null
                none: []
                "no": {}
                answer: "yes"
                version: "1.0"
                at: "12:30"

        """)
  }

  @Test(
    "a text reads as itself, whatever it looks like",
    arguments: [
      "", " ", "a ", " a", "-", "- a", "?", "? a", ":", "a: b", "a:", "a #b", "#", "&a", "*a", "!a", "|", ">", "'",
      "\"", "%", "@", "`",
      "---", "...", "--- a", "true", "True", "null", "~", "Null", "1", "1.0", "1e5", "0x1f", "0o7", "+1", ".5", ".inf",
      "-.inf", ".nan",
      "1_000", "2020-01-01", "1:30", "<<", "=", "yes", "on", "a\nb", "a\nb\n", "a\n\nb", "a\n", "\n", "\na", "a\n\n",
      " a\nb", "a\n b", "a \nb",
      "a\tb", "a\r\nb", "a\u{85}b", "a\u{2028}b", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}", "\u{202E}a", "\u{0}", "\u{7F}",
      "é", "日本", "👩‍💻", "\u{10FFFF}",
      "a, b", "[a]", "{a}", "${{ a }}", "a]", "b}", "a:b", "http://a/b", "'a'", "it's \"so\"", "\\d", "1s", "1e",
      "- \n- ", "key: |", "\u{301}a",
      String(repeating: "x", count: 3000), String(repeating: "long ", count: 50) + "\n",
    ])
  func texts(_ text: String) throws {
    let value = JSONValue.string(text)
    #expect(try read(value.yaml()) == value)
    for inside: JSONValue in [
      [value], ["key": value], .object([.init(text, value)]), [[value], [value]], ["a": [value, 1]],
      ["a": ["b": ["c": value]]],
      [["a": value, "b": [value]]], .object([.init(text, [[["x": value]]])]),
    ] {
      #expect(try read(inside.yaml()) == inside, "\(inside.yaml())")
    }
  }

  @Test("any value reads as itself", arguments: 0..<400)
  func anyValue(seed: UInt64) throws {
    var random = Generator(seed: seed)
    let value = random.value(depth: 0)
    #expect(try read(value.yaml()) == value, "\(value.yaml())")
  }

  @Test("what turns the direction of text is never written as it is")
  func directions() {
    for text in ["\u{202E}a", "a\u{2066}\nb", "\u{200F}"] {
      for value: JSONValue in [.string(text), ["a": .string(text)], .object([.init(text, [.string(text)])])] {
        #expect(!value.yaml().unicodeScalars.contains { ["\u{202E}", "\u{2066}", "\u{200F}"].contains($0) })
      }
    }
  }

  private struct Generator {
    var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func number(_ limit: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state >> 33) % limit
    }

    mutating func text() -> String {
      let pieces = [
        "a", "B", "1", " ", ":", "#", "-", "\n", "\"", "'", "\\", "{", "]", ",", "|", ">", "é", "\t", "true", "0", ".",
        "\u{2028}", "\r", "${{", "&", "?",
      ]
      return (0..<number(7)).map { _ in pieces[number(pieces.count)] }.joined()
    }

    mutating func value(depth: Int) -> JSONValue {
      switch number(depth > 4 ? 6 : 10) {
      case 0: return .null
      case 1: return .bool(number(2) == 0)
      case 2: return .integer(Int64(number(2000)) - 1000)
      case 3: return .double(Double(number(1000)) / 7 * (number(2) == 0 ? 1e-20 : -1e20))
      case 4, 5: return .string(text())
      case 6, 7: return .array((0..<number(4)).map { _ in value(depth: depth + 1) })
      default:
        var keys: Set<String> = []
        return .object(
          (0..<number(4)).compactMap { _ in
            let key = text()
            return keys.insert(key).inserted ? JSONValue.Member(key, value(depth: depth + 1)) : nil
          })
      }
    }
  }
}
