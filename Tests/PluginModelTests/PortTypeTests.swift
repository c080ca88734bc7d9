import Testing

@testable import PluginModel

@Suite("A type of ports")
struct PortTypeTests {
  private static let plain: [PortType] = [
    .any, .string, .number, .integer, .boolean, .mapping, .bytes, .file, .ndarray, .table, .image, .named("Mesh"),
    .named("geo/raster"),
  ]
  private static let types = plain + plain.map { .list($0) } + [.list(.list(.integer)), .list(.list(.number))]

  @Test("is read as it is written", arguments: types)
  func roundTrip(_ type: PortType) {
    #expect(PortType(type.description) == type)
  }

  @Test("is a word, or a list of a type")
  func written() {
    #expect(PortType("list") == .list(.any) && PortType("list<any>") == .list(.any))
    #expect(PortType("list<list<integer>>") == .list(.list(.integer)))
    #expect(PortType("List") == .named("List") && PortType("string[]") == .named("string[]"))
    for text in [
      "", " ", "list<", "list<>", "list>", "list<string", "list<string>>", "list<a b>", "<string>", "a<b>", "it's",
      "\"x\"", "é", "a\n",
      String(repeating: "x", count: 65), String(repeating: "list<", count: 9) + "a" + String(repeating: ">", count: 9),
    ] {
      #expect(PortType(text) == nil, "\(text)")
    }
    #expect(PortType(String(repeating: "list<", count: 8) + "a" + String(repeating: ">", count: 8)) != nil)
  }

  @Test("takes what is less")
  func order() {
    #expect(PortType.number.accepts(.integer) && !PortType.integer.accepts(.number))
    #expect(PortType.list(.number).accepts(.list(.integer)) && !PortType.list(.integer).accepts(.list(.number)))
    #expect(!PortType.string.accepts(.bytes) && !PortType.list(.string).accepts(.string))
    #expect(PortType.named("Mesh").accepts(.named("Mesh")) && !PortType.named("Mesh").accepts(.named("mesh")))
    #expect(PortType.any.accepts(.table) && PortType.table.accepts(.any) && PortType.list(.table).accepts(.list(.any)))
  }

  @Test("is ordered: each takes itself, and what one takes of another, that one's takers take too", arguments: types)
  func lattice(_ type: PortType) {
    #expect(type.accepts(type))
    // Through `any` everything fits: what is checked by the node isn't known to be less.
    let known = Self.types.filter { !$0.description.contains("any") && $0 != .list(.any) }
    guard known.contains(type) else { return }
    for other in known {
      if type != other, type.accepts(other) { #expect(!other.accepts(type)) }
      for third in known where type.accepts(other) && other.accepts(third) { #expect(type.accepts(third)) }
    }
  }

  @Test("takes values as JSON writes them; what JSON can't write is its plugin's matter")
  func values() throws {
    let fits: [(PortType, String)] = [
      (.number, "1"), (.number, "1.5"), (.integer, "1"), (.list(.integer), "[1, 2]"), (.list(.any), "[1, \"2\"]"),
      (.mapping, "{}"), (.boolean, "true"), (.string, "\"\""), (.any, "null"),
    ]
    let refused: [(PortType, String)] = [
      (.integer, "1.5"), (.string, "1"), (.list(.integer), "[1, \"2\"]"), (.list(.any), "{}"), (.mapping, "[]"),
      (.boolean, "null"),
    ]
    for (type, text) in fits {
      let value = try JSONValue(json: text)
      #expect(type.accepts(value), "\(type) \(text)")
    }
    for (type, text) in refused {
      let value = try JSONValue(json: text)
      #expect(!type.accepts(value), "\(type) \(text)")
    }
    for type in [PortType.any, .bytes, .file, .ndarray, .table, .image, .named("Mesh")] {
      #expect(type.accepts(JSONValue.string("x")))
    }
  }
}
