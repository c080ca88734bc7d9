import Testing

@testable import PluginModel

@Suite("An expression")
struct ExpressionTests {
  private let scope = ExpressionScope([
    "inputs": [
      "n": 3, "x": .double(0.5), "s": "Ärger", "on": true, "list": [1, "b", .null], "none": .null,
      "map": ["a": ["b": [10, 20]], "c d": 1], "empty": [], "big": .string(String(repeating: "x", count: 1 << 20)),
    ]
  ])

  private func parse(_ text: String) throws(Expression.Problem) -> Expression {
    try ExpressionParser.parse(Array(text.utf8)[...], isBraced: false, roots: ["inputs"]).expression
  }

  private func problem(of text: String) -> Expression.Problem? {
    do throws(Expression.Problem) {
      _ = try parse(text).evaluate(in: scope)
      return nil
    } catch { return error }
  }

  @Test(
    "has the value that its operators say",
    arguments: [
      ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("10 - 2 - 3", 5), ("7 / 2", .double(3.5)), ("6 / 2", .double(3)),
      ("-7 % 3", 2),
      ("7 % -3", -2), ("-inputs.n", -3), ("- -1", 1), ("1 - -1", 2), ("0.1 + 1", .double(1.1)),
      ("2 * inputs.x", .double(1)),
      ("'a' + 'b'", "ab"), ("[1] + [2, 3]", [1, 2, 3]), ("1 == 1.0", true), ("1 == '1'", false),
      ("[1, 2] == [1.0, 2]", true),
      ("null == null", true), ("null != false", true), ("inputs.none == null", true), ("'a' < 'b'", true),
      ("'B' < 'a'", true),
      ("2 <= 2", true), ("2 >= 2.5", false), ("9007199254740993 > 9007199254740992.0", true),
      ("9223372036854775807 < 9223372036854775808.0", true), ("-1.5 < -1", true), ("1 < 2 && 2 < 3 || false", true),
      ("true || inputs.missing", true), ("false && 1 / 0 == 1", false), ("!inputs.on", false), ("!(1 == 2)", true),
      ("inputs.on ? 'y' : 'n'", "y"), ("false ? 1 : true ? 2 : 3", 2), ("1 == 1 ? 2 + 2 : 0", 4),
      ("inputs.map.a.b[1]", 20), ("inputs.map['c d']", 1), ("inputs['n']", 3), ("inputs.list[inputs.n - 2]", "b"),
      ("[1, 2, 3][0]", 1), ("'it''s'", "it's"), ("'}}'", "}}"), ("[]", []), ("1e3", .double(1000)),
      ("'a' == 'a' == true", true),
    ] as [(String, JSONValue)])
  func operators(text: String, expected: JSONValue) throws {
    let value = try parse(text).evaluate(in: scope)
    #expect(value.isSame(as: expected), "\(value)")
  }

  @Test(
    "has the value that its functions say",
    arguments: [
      ("length('Ärger')", 5), ("length(inputs.list)", 3), ("length(inputs.map)", 2), ("contains('abc', 'bc')", true),
      ("contains('abc', '')", true), ("contains('', 'a')", false), ("contains([1, 2], 2.0)", true),
      ("contains(inputs.map, 'a')", true), ("startsWith('abc', 'ab')", true), ("endsWith('abc', 'bc')", true),
      ("endsWith('bc', 'abc')", false), ("lower('ÄB')", "äb"), ("upper('ß')", "SS"), ("trim('  a b ')", "a b"),
      ("trim('  ')", ""),
      ("replace('aaa', 'a', 'bb')", "bbbbbb"), ("replace('aaa', 'aa', 'b')", "ba"), ("replace('abc', '', 'x')", "abc"),
      ("split('a,b,,c', ',')", ["a", "b", "", "c"]), ("split('', ',')", [""]),
      ("join(['a', 1, true, 0.5], '-')", "a-1-true-0.5"),
      ("join([], ',')", ""), ("string(1)", "1"), ("string('a')", "a"), ("string([1, 'a'])", "[1,\"a\"]"),
      ("json('a')", "\"a\""),
      ("number(' 12 ')", 12), ("number('1e2')", .double(100)), ("parseJSON('{\"a\": [1]}').a[0]", 1),
      ("min(3, 1.5, 2)", .double(1.5)),
      ("max([1, 5, 2])", 5), ("floor(1.9)", 1), ("floor(-1.1)", -2), ("ceil(1.1)", 2), ("round(2.5)", 3),
      ("round(-2.5)", -3),
      ("abs(-3)", 3), ("abs(-0.5)", .double(0.5)), ("keys(inputs.map)", ["a", "c d"]), ("range(3)", [0, 1, 2]),
      ("range(0)", []),
      ("length(range(100000))", 100_000), ("floor(1e300) > 0", true),
    ] as [(String, JSONValue)])
  func functions(text: String, expected: JSONValue) throws {
    let value = try parse(text).evaluate(in: scope)
    #expect(value.isSame(as: expected), "\(value)")
  }

  @Test(
    "without a value says which part has none, and why",
    arguments: [
      ("inputs.map.a.x", "'inputs.map.a.x' has no value", "the mapping has no 'x'"),
      ("inputs.n.x", "'inputs.n.x' has no value", "what is before '.x' is a integer"),
      ("inputs.list[3]", "'inputs.list[3]' has no value", "the list has 3 items, counted from 0, and the index is 3"),
      ("inputs.list[-1]", "'inputs.list[-1]' has no value", nil),
      ("inputs.list['a']", "'inputs.list['a']' has no value", nil),
      ("1 + 'a'", "'1 + 'a'' has no value", "'+' takes numbers, and here are a integer and a string"),
      ("1 < 'a'", "'1 < 'a'' has no value", "a integer and a string have no order"),
      ("!1", "'1' must be true or false", nil),
      ("1 && true", "'1' must be true or false", nil), ("inputs.s ? 1 : 2", "'inputs.s' must be true or false", nil),
      ("1 / 0", "'1 / 0' has no value", "it divides by zero"), ("1 % 0", "'1 % 0' has no value", "it divides by zero"),
      ("1.0 / 0", "'1.0 / 0' has no value", nil),
      ("9223372036854775807 + 1", "'9223372036854775807 + 1' has no value", nil),
      ("1e308 * 10", "'1e+308 * 10' has no value", "the result is no finite number"),
      ("length(1)", "'length' has no value here", nil),
      ("number('x')", "'x' is not a number", nil), ("number('[1]')", "'[1]' is not a number", nil),
      ("parseJSON('{')", "'{' is not JSON", nil), ("min([])", "'min' of an empty list has no value", nil),
      ("range(100001)", "'range' takes an integer from 0 to 100000", nil),
      ("range(-1)", "'range' takes an integer from 0 to 100000", nil),
      ("split('a', '')", "'split' takes a separator that isn't empty", nil),
      ("join([[1]], '')", "'join' takes a list", nil),
      ("inputs.missing", "the workflow has no input 'missing'", nil),
    ] as [(String, String, String?)])
  func undefined(text: String, what: String, why: String?) throws {
    let found = try #require(problem(of: text))
    #expect(found.what.hasPrefix(what), "\(found)")
    if let why { #expect(found.why == why) }
  }

  @Test(
    "that isn't one says what is wrong with it",
    arguments: [
      ("", "the expression is empty"), ("1 +", "a value is missing before the end"),
      ("(1", "the expression lacks a ')'"),
      ("1)", "the expression goes on with ')'"), ("1 2", "the expression goes on with '2'"),
      ("a", "the expression begins with 'a'"),
      ("inputs", "'inputs' can't be used whole"), ("length(inputs)", "'inputs' can't be used whole"),
      ("inputs[inputs.s]", "a name of 'inputs' can't be computed"), ("inputs.", "a name must follow the '.'"),
      ("inputs.1", "a name must follow the '.'"), ("foo(1)", "there is no function 'foo'"),
      ("lenght('')", "there is no function 'lenght'"),
      ("length()", "'length' is given 0 values"), ("length(1, 2)", "'length' is given 2 values"),
      ("'a", "a string in the expression"),
      ("\"a\"", "the expression has a '\"'"), ("1 < 2 < 3", "comparisons can't be chained"),
      ("1 = 1", "the expression has a '='"),
      ("true & b", "the expression has a '&'"), ("1 & 2", "the expression has a '&'"), ("01", "'01' is not a number"),
      ("1.", "'1.' is not a number"),
      ("1x", "'1x' is not a number"), ("1 ? 2", "the expression lacks a ':'"),
      ("[1,]", "a value is missing before ']'"),
      ("{}", "the expression has a '{'"), ("é", "the expression has a 'é'"), ("1; 2", "the expression has a ';'"),
    ])
  func refused(text: String, what: String) throws {
    let found = try #require(problem(of: text))
    #expect(found.what.hasPrefix(what), "\(found)")
  }

  @Test("tells the name that was probably meant")
  func suggestions() {
    #expect(problem(of: "lenght('')")?.hint == "did you mean 'length'?")
    #expect(problem(of: "imputs.n")?.hint == "did you mean 'inputs'?")
    #expect(problem(of: "inputs.lst")?.hint == "did you mean 'list'?")
    #expect(
      problem(of: "inputs.map.b")?.hint == "did you mean 'a'?" || problem(of: "inputs.map.b")?.hint == "known: a, c d")
  }

  @Test("makes no more than a bound, however small it is")
  func bounded() {
    for text in [
      "inputs.big + inputs.big + inputs.big + inputs.big + inputs.big", "replace(inputs.big, 'x', inputs.big)",
      "join(range(100000), inputs.big)", "upper(upper(inputs.big))", "split(inputs.big + inputs.big, 'x')",
      "json([inputs.big, inputs.big, inputs.big, inputs.big, inputs.big])",
    ] {
      #expect(problem(of: text)?.what.hasPrefix("the expression makes more than") == true, "\(text)")
    }
  }

  @Test("is refused beyond a depth, a length and a number of operators, and never overflows the stack")
  func deep() {
    for text in [
      String(repeating: "(", count: 100_000), String(repeating: "-", count: 100_000) + "1",
      String(repeating: "!", count: 5000),
      String(repeating: "[", count: 5000), "1" + String(repeating: " + 1", count: 3000),
      "1" + String(repeating: "[0]", count: 3000),
      String(repeating: "true ? ", count: 1000), "inputs" + String(repeating: ".a", count: 5000),
      String(repeating: "length(", count: 3000), "'" + String(repeating: "x", count: 9000) + "'",
    ] {
      #expect(problem(of: text) != nil, "\(text.prefix(20))")
    }
    #expect(problem(of: String(repeating: "(", count: 20) + "1" + String(repeating: ")", count: 20)) == nil)
  }

  @Test("is read again from its description as the same expression", arguments: 0..<20 as Range<UInt64>)
  func description(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let expression = Self.random(depth: 4, using: &generator)
      let again = try parse(expression.description)
      #expect(again == expression, "\(expression)")
    }
  }

  @Test(
    "of any text neither crashes nor hangs, and what it reads is known before", arguments: 100..<110 as Range<UInt64>)
  func randomText(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let pieces = [
      "inputs", ".", "n", "list", "[", "]", "(", ")", "1", "0.5", "'a'", "'", " ", "+", "-", "*", "/", "%", "==", "<",
      "&&", "||", "!",
      "?", ":", ",", "length", "range", "join", "9223372036854775807", "é", "}}", "null", "true",
    ]
    for _ in 0..<3000 {
      let text = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }.joined()
      guard let expression = try? parse(text) else { continue }
      let names = expression.names(of: "inputs")
      var scope = self.scope
      scope.roots["inputs"] = scope.roots["inputs"]?.filter { names.contains($0.key) }
      let (whole, part) = (try? expression.evaluate(in: self.scope), try? expression.evaluate(in: scope))
      #expect(whole == part, "\(text)")
    }
  }

  private static func random(depth: Int, using generator: inout SplitMix64) -> Expression {
    func inner() -> Expression { random(depth: depth - 1, using: &generator) }
    switch depth == 0 ? Int.random(in: 0...1, using: &generator) : Int.random(in: 0...8, using: &generator) {
    case 0:
      let values: [JSONValue] = [0, 7, .double(0.5), .double(1e300), "", "it's", "}}", true, false, .null]
      return .literal(values.randomElement(using: &generator) ?? .null)
    case 1:
      return .member(
        .root("inputs"),
        ["a", "b", "c d", "ü"].randomElement(using: &generator).flatMap { isName($0) ? $0 : "a" } ?? "a")
    case 2: return .list((0..<Int.random(in: 0...3, using: &generator)).map { _ in inner() })
    case 3: return .member(inner(), "m")
    case 4: return .element(inner(), at: inner())
    case 5: return Bool.random(using: &generator) ? .not(inner()) : .negated(inner())
    case 6, 7:
      let operation = Expression.BinaryOperator.allCases.randomElement(using: &generator) ?? .plus
      return .binary(operation, inner(), inner())
    default:
      return Bool.random(using: &generator)
        ? .conditional(inner(), then: inner(), otherwise: inner()) : .call(.contains, [inner(), inner()])
    }
  }

  private static func isName(_ text: String) -> Bool { text.utf8.allSatisfy { (0x61...0x7A).contains($0) } }
}
