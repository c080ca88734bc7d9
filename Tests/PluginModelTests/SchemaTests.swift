import Foundation
import PluginModel
import Testing

/// The published JSON Schemas and the readers must know the same words, or an editor would refuse what the program
/// accepts.
@Suite("Published schemas")
struct SchemaTests {
  private func schema(_ name: String) throws -> JSONValue {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try JSONValue(json: [UInt8](Data(contentsOf: root.appending(path: "deploy/schemas/\(name)"))))
  }

  private func at(_ path: String, _ schema: JSONValue) throws -> JSONValue {
    try path.split(separator: "/").reduce(schema) { value, step in try #require(value[String(step)], "\(path)") }
  }

  private func keys(_ object: JSONValue) -> [String] {
    guard case .object(let members) = object["properties"] else { return [] }
    return members.map(\.key).sorted()
  }

  private func words(_ list: JSONValue?) -> [String] { (list?.arrayValue ?? []).compactMap(\.stringValue).sorted() }

  private func expectKeys<Key: DocumentKey>(_ kind: Key.Type, _ path: String, _ schema: JSONValue) throws {
    let object = try at(path, schema)
    #expect(keys(object) == Key.allCases.map(\.rawValue).sorted(), "\(path)")
    #expect(object["additionalProperties"] == false, "\(path)")
  }

  @Test("the workflow's schema has exactly the keys that its reader accepts")
  func workflowKeys() throws {
    let schema = try schema("workflow.schema.json")
    try expectKeys(Workflow.Key.self, "", schema)
    try expectKeys(Workflow.MetadataKey.self, "properties/metadata", schema)
    try expectKeys(Workflow.SpecKey.self, "$defs/spec", schema)
    try expectKeys(Workflow.InputKey.self, "$defs/input", schema)
    try expectKeys(Workflow.NodeKey.self, "$defs/node", schema)
    try expectKeys(Workflow.DefaultsKey.self, "$defs/defaults", schema)
    try expectKeys(Workflow.RetryKey.self, "$defs/retry", schema)
    try expectKeys(Workflow.ResourcesKey.self, "$defs/resources", schema)
    try expectKeys(Workflow.ReportKey.self, "$defs/node/properties/reports", schema)
    // Its other keys are axes.
    #expect(keys(try at("$defs/matrix", schema)) == Workflow.MatrixKey.allCases.map(\.rawValue).sorted())
  }

  @Test("the workflow's schema has exactly the words that its reader accepts")
  func workflowWords() throws {
    let schema = try schema("workflow.schema.json")
    #expect(words(try at("$defs/retryClass/enum", schema)) == NodePolicy.RetryClass.allCases.map(\.rawValue).sorted())
    #expect(words(try at("$defs/input/properties/type/enum", schema)) == ValueType.allCases.map(\.rawValue).sorted())
    #expect(
      words(try at("$defs/node/properties/cache/enum", schema)) == Workflow.CacheMode.allCases.map(\.rawValue).sorted())
    #expect(try at("properties/apiVersion/const", schema) == .string(Workflow.apiVersion))
    #expect(try at("properties/kind/const", schema) == .string(Workflow.kind))
    let time = Quantity.TimeUnit.allCases.map(\.rawValue).joined(separator: "|")
    #expect(try at("$defs/duration/pattern", schema).stringValue?.hasSuffix("(\(time))$") == true)
    let memory = Quantity.MemoryUnit.allCases.map(\.rawValue).joined(separator: "|")
    #expect(try at("$defs/memory/pattern", schema).stringValue?.hasSuffix("(\(memory))$") == true)
  }

  @Test("the workflow's schema and its reader agree on what a retry may say, and on what it means unsaid")
  func retry() throws {
    let schema = try schema("workflow.schema.json")
    let retry = try at("$defs/retry/properties", schema)
    #expect(words(try at("on/default", retry)) == NodePolicy.defaultRetryClasses.map(\.rawValue).sorted())
    let bounds = (try #require(retry["max"]?["minimum"]?.text()), try #require(retry["max"]?["maximum"]?.text()))
    func accepts(_ retry: String) -> Bool {
      let text = """
        {"apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": {"name": "w"},
         "spec": {"nodes": {"a": {"type": "x/y", "retry": \(retry)}}}}
        """
      return (try? Workflow(bytes: Array(text.utf8), file: "w.json")) != nil
    }
    for max in [bounds.0, bounds.1] { #expect(accepts("{\"max\": \(max)}")) }
    #expect(!accepts("{\"max\": -1}") && !accepts("{\"max\": \(bounds.1)0}") && !accepts("{\"on\": \"crash\"}"))
    for word in words(try at("$defs/retryClass/enum", schema)) {
      #expect(accepts("{\"max\": 1, \"on\": \"\(word)\"}") && accepts("{\"max\": 1, \"on\": [\"\(word)\"]}"))
    }
    #expect(accepts("{\"max\": 1, \"on\": null}") && !accepts("{\"max\": 1, \"on\": \"cancelled\"}"))
  }

  @Test("the manifest's schema has exactly the keys and words that its reader accepts")
  func manifest() throws {
    let schema = try schema("plugin.schema.json")
    try expectKeys(PluginManifest.Key.self, "", schema)
    try expectKeys(PluginManifest.ConfigurationField.self, "$defs/configurationKey", schema)
    #expect(
      words(try at("$defs/configurationKey/properties/type/enum", schema))
        == ValueType.allCases.map(\.rawValue).sorted())
    let permissions = try at("properties/permissions/items", schema).text()
    for name in Permission.Name.allCases {
      let parts = name.rawValue.split(separator: ".")
      #expect(parts.allSatisfy { permissions.contains($0) }, "\(name)")
    }
  }

  @Test("what the schemas require is what the readers require")
  func required() throws {
    let manifest = try schema("plugin.schema.json")
    let missing = problems { () throws(Diagnostics) in
      _ = try PluginManifest(yaml: Array("{}".utf8), file: "f", engineVersion: SemanticVersion(1, 0, 0))
    }
    #expect(
      words(manifest["required"])
        == missing.compactMap { $0.split(separator: "'").dropFirst().first.map(String.init) }.sorted())
    let workflow = try schema("workflow.schema.json")
    let absent = problems { () throws(Diagnostics) in _ = try Workflow(bytes: Array("{}".utf8), file: "f") }
    #expect(
      words(workflow["required"])
        == absent.compactMap { $0.split(separator: "'").dropFirst().first.map(String.init) }.sorted())
  }
}
