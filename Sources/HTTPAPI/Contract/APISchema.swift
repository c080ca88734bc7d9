import PluginModel

/// Pieces of JSON Schema 2020-12, which OpenAPI 3.1 uses.
package enum APISchema {
  package static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }

  package static func string(_ summary: String? = nil, pattern: String? = nil, most: Int? = nil) -> JSONValue {
    described("string", summary, [.init("pattern", pattern.map(JSONValue.string)), .init("maxLength", most)])
  }

  static let workflowName = string(WorkflowName.grammar, pattern: "^[a-z][a-z0-9_.-]{0,63}$")
  static let pluginName = string(PluginName.grammar, pattern: "^[a-z][a-z0-9_-]{0,63}$")
  static let duration = string("A duration, such as 30d.", pattern: "^[1-9][0-9]{0,5}(ms|s|m|h|d)$")

  package static func choice(_ words: [String], _ summary: String? = nil) -> JSONValue {
    described("string", summary, [.init("enum", .array(words.map(JSONValue.string)))])
  }

  package static func integer(_ summary: String? = nil, least: Int? = 0, most: Int? = nil) -> JSONValue {
    described("integer", summary, [.init("minimum", least), .init("maximum", most)])
  }

  package static func number(_ summary: String? = nil) -> JSONValue { described("number", summary, []) }
  package static func boolean(_ summary: String? = nil) -> JSONValue { described("boolean", summary, []) }
  /// Any JSON.
  package static let any: JSONValue = .object([])
  package static let bytes: JSONValue = ["type": "string", "format": "binary"]

  package static func array(_ items: JSONValue, least: Int? = nil, most: Int? = nil) -> JSONValue {
    described("array", nil, [.init("items", items), .init("minItems", least), .init("maxItems", most)])
  }

  package static func map(of values: JSONValue, _ summary: String? = nil) -> JSONValue {
    described("object", summary, [.init("additionalProperties", values)])
  }

  /// Of the type, or null.
  package static func optional(_ schema: JSONValue) -> JSONValue {
    guard case .object(var members) = schema, let index = members.firstIndex(where: { $0.key == "type" }),
      !members.contains(where: { $0.key == "enum" })
    else { return ["anyOf": .array([schema, ["type": "null"]])] }
    members[index].value = .array([members[index].value, "null"])
    return .object(members)
  }

  /// - Parameter isClosed: no other members are taken.
  package static func object(
    _ required: [(String, JSONValue)], optional: [(String, JSONValue)] = [], _ summary: String? = nil,
    isClosed: Bool = false
  ) -> JSONValue {
    described(
      "object", summary,
      [
        .init("properties", .object((required + optional).map { .init($0.0, $0.1) })),
        .init("required", required.isEmpty ? nil : .array(required.map { .string($0.0) })),
        .init("additionalProperties", isClosed ? JSONValue.bool(false) : nil),
      ])
  }

  private struct Keyword {
    var name: String
    var value: JSONValue?
    init(_ name: String, _ value: JSONValue?) {
      self.name = name
      self.value = value
    }
    init(_ name: String, _ value: Int?) { self.init(name, value.map { .integer(Int64($0)) }) }
  }

  private static func described(_ type: String, _ summary: String?, _ keywords: [Keyword]) -> JSONValue {
    let given = [Keyword("description", summary.map(JSONValue.string))] + keywords
    return .object(
      [.init("type", .string(type))]
        + given.compactMap { keyword in keyword.value.map { JSONValue.Member(keyword.name, $0) } })
  }
}
