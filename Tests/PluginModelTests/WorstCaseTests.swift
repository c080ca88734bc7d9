import PluginModel
import Testing

/// Large inputs that are built to make a reader work long. Each must be answered, one way or the other, in time that grows
/// no faster than the input.
@Suite("Worst cases")
struct WorstCaseTests {
  private static let size = 256 << 10

  private static func repeated(_ unit: String) -> String {
    String(repeating: unit, count: size / unit.utf8.count)
  }

  static let inputs: [(name: String, text: String)] = [
    ("anchors", repeated("- &a x\n")),
    ("one anchor, and aliases to the limit", "x: [&a x" + String(repeating: ", *a", count: 64_000) + "]\n"),
    ("distinct anchors and aliases", (0..<8_000).map { "- &a\($0) x\n- *a\($0)\n" }.joined()),
    ("tags", repeated("- !!str x\n")),
    ("unknown tags", repeated("- !x y\n")),
    ("tag directives", repeated("%TAG !a! b\n")),
    ("version directives", repeated("%YAML 1.2\n")),
    ("comments", repeated("#\n")),
    ("blank lines", repeated("\n")),
    ("spaces", repeated(" ")),
    ("tabs", repeated("\t")),
    ("carriage returns", repeated("\r")),
    ("one plain scalar", repeated("x")),
    ("a plain scalar of many lines", repeated("x\n")),
    ("one quoted scalar", "\"" + repeated("x").dropLast(2) + "\""),
    ("an open quote", "\"" + repeated("x\n").dropLast(2)),
    ("escapes", "\"" + repeated("\\x41").dropLast(8) + "\""),
    ("a block scalar", "|\n" + repeated(" x\n").dropLast(8)),
    ("block scalar indicators", repeated("|")),
    ("a long integer", repeated("1")),
    ("a long fraction", "0." + repeated("1").dropLast(2)),
    ("a long exponent", "1e" + repeated("1").dropLast(2)),
    ("zeros", repeated("0")),
    ("a flow list", "[" + repeated("1,").dropLast(4) + "]"),
    ("a flow list of nothing", repeated("[]\n")),
    ("commas", repeated(",")),
    ("distinct keys", (0..<15_000).map { "k\($0): 1\n" }.joined()),
    ("one key", repeated("k: 1\n")),
    ("question marks", repeated("?\n")),
    ("colons", repeated(":\n")),
    ("open mappings", repeated("{")),
    ("open lists of one line each", repeated("[\n")),
    ("dashes on one line", repeated("- ")),
    ("document markers", repeated("---\n")),
    ("document ends", repeated("...\n")),
    ("merge keys", repeated("<<: 1\n")),
    (
      "one key behind keys that are none",
      String(repeating: "? []\n: 1\n", count: 12_000) + String(repeating: "k: 1\n", count: 20_000)
    ),
    ("JSON with distinct keys", "{" + (0..<15_000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"),
    ("JSON escapes", "\"" + repeated("\\u0041").dropLast(8) + "\""),
    ("JSON on many lines", "[" + repeated("1\n,").dropLast(8) + "1]"),
    (
      "a long key over many values",
      "{\"with\": {\"" + String(repeating: "k", count: 128 << 10) + "\": [" + String(repeating: "\"a\",", count: 30_000)
        + "1]}}"
    ),
  ]

  @Test("a large input is answered in bounded time", .timeLimit(.minutes(1)), arguments: inputs.indices)
  func bounded(index: Int) {
    let bytes = Array(Self.inputs[index].text.utf8)
    #expect(bytes.count <= Self.size, "\(Self.inputs[index].name)")
    let clock = ContinuousClock()
    let duration = clock.measure {
      for file in ["f.yaml", "f.json"] {
        do throws(Diagnostics) {
          _ = try Workflow(bytes: bytes, file: file)
          Issue.record("\(Self.inputs[index].name) was accepted")
        } catch {
          #expect(error.items.count <= DocumentReport.limit + 1)
          #expect(error.description.utf8.count < 100_000)
        }
      }
    }
    // Unoptimised code needs half a second on a busy machine; quadratic work would need minutes.
    #expect(duration < .seconds(10), "\(Self.inputs[index].name)")
  }

  @Test("a long key can't make the check of many templates slow", .timeLimit(.minutes(1)))
  func longKey() {
    let key = String(repeating: "k", count: 1 << 20)
    let values = String(repeating: "\"${{ x }}\",", count: 50_000)
    let text = """
      {"apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": {"name": "w"},
       "spec": {"nodes": {"a": {"type": "p/t", "with": {"x": {"\(key)": [\(values) 1]}}}}}}
      """
    let found = problems { () throws(Diagnostics) in _ = try Workflow(bytes: Array(text.utf8), file: "w.json") }
    #expect(found.count == DocumentReport.limit + 1)
  }
}
