import PluginModel
import Testing

@Suite("A list as JSON text")
struct JSONListTests {
  private func items(_ text: String, limit: Int = 10) throws -> [String] {
    try JSONListText.items(of: Array(text.utf8), limit: limit).items.map { String(decoding: $0, as: UTF8.self) }
  }

  private func problem(_ text: String) -> JSONListText.Problem? {
    do throws(JSONListText.Problem) {
      _ = try JSONListText.items(of: Array(text.utf8), limit: 10)
      return nil
    } catch {
      return error
    }
  }

  @Test("is taken apart into its items, each as it is written")
  func whole() throws {
    #expect(try items("[]").isEmpty && items(" [ \n\t] \r").isEmpty)
    #expect(
      try items(#"[1, -2.50 ,"a,\"]\\", [1,[2]], {"a":[1,2],"b":"}"},null]"#) == [
        "1", "-2.50", #""a,\"]\\""#, "[1,[2]]", #"{"a":[1,2],"b":"}"}"#, "null",
      ])
    #expect(try items("[\"\u{e9}\u{1F600}\"]") == ["\"\u{e9}\u{1F600}\""])
  }

  @Test("is counted to its end, and given up to the limit")
  func limited() throws {
    let found = try JSONListText.items(of: Array("[1,2,3]".utf8), limit: 2)
    #expect(found.items.count == 2 && found.count == 3)
  }

  @Test(
    "what is cut off, doubled or trailing is none",
    arguments: [
      "[", "[1", "[1,", "[,]", "[1,]", "[,1]", "[1,,2]", "[1]]", "[1] 2", "[1}", "[{]}", "[(\"]", "[\"a]", "[\"a\\\"]",
      "[[1]",
    ])
  func broken(_ text: String) {
    #expect(problem(text) == .isBroken)
  }

  @Test("what isn't one is named")
  func others() {
    let kinds = ["1", "-1", "\"[]\"", "{}", "true", "false", "null"].map(problem)
    #expect(
      kinds == ["number", "number", "string", "mapping", "boolean", "boolean", "null"].map { .isNoList($0) })
    #expect(["", " ", "x", "]"].map(problem).allSatisfy { $0 == .isNoList(nil) })
  }

  @Test("a million brackets deep takes no stack")
  func deep() throws {
    let count = 1_000_000
    let deep = String(repeating: "[", count: count) + String(repeating: "]", count: count)
    #expect(try items(deep).map(\.utf8.count) == [2 * count - 2])
    #expect(problem(String(repeating: "[", count: count)) == .isBroken)
  }

  @Test("is put together of values, and taken apart is the same again", arguments: 0..<40)
  func roundTrip(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed))
    func value(_ depth: Int) -> JSONValue {
      switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &generator) {
      case 0: .integer(Int64.random(in: -9...9, using: &generator))
      case 1: .string(String(["]", ",", "\"", "\\", "{", "a", "\n"].shuffled(using: &generator).joined().prefix(5)))
      case 2: .bool(Bool.random(using: &generator))
      case 3: .null
      case 4: .array((0..<Int.random(in: 0...3, using: &generator)).map { _ in value(depth - 1) })
      default: .object((0..<Int.random(in: 0...3, using: &generator)).map { .init("k,]\($0)", value(depth - 1)) })
      }
    }
    let values = (0..<Int.random(in: 0...9, using: &generator)).map { _ in value(3) }
    let texts = values.map { Array($0.text().utf8) }
    let list = try JSONListText.list(of: texts)
    #expect(try JSONValue(json: list) == .array(values))
    #expect(try JSONListText.items(of: list, limit: 10).items == texts)
    // Cut off anywhere it is none.
    if let end = list.indices.randomElement(using: &generator) {
      #expect(problem(String(decoding: list[..<end], as: UTF8.self)) != nil)
    }
  }

  @Test("a value that would be two items, or none, is put into none", arguments: ["1,2", "", "]", "[1", "1],[2"])
  func smuggled(_ text: String) {
    #expect(throws: JSONListText.Problem.self) {
      _ = try JSONListText.list(of: [Array("0".utf8), Array(text.utf8)])
    }
  }

  @Test("two broken values don't mend each other")
  func mended() {
    #expect(throws: JSONListText.Problem.self) {
      _ = try JSONListText.list(of: ["1,2", "[3", "4]"].map { Array($0.utf8) })
    }
  }
}
