import PluginModel
import Testing

@testable import PipelineEngine

@Suite("A run as an HTML page")
struct HTMLReportTests {
  private static func page(_ sample: ReportSample, suggestions: [String] = []) -> String {
    String(
      decoding: HTMLReport.html(
        graph: sample.graph, report: sample.report, timeline: sample.timeline, suggestions: suggestions), as: UTF8.self)
  }

  /// What stands before, in and behind the element with the data.
  private static func parts(_ page: String) throws -> (before: Substring, data: Substring, after: Substring) {
    let start = try #require(page.firstRange(of: "<script type=\"application/json\" id=\"data\">\n"))
    let end = try #require(page[start.upperBound...].firstRange(of: "\n</script>"))
    return (page[..<start.upperBound], page[start.upperBound..<end.lowerBound], page[end.lowerBound...])
  }

  private static func data(_ sample: ReportSample, detailBytes: Int = HTMLReport.maximumDetailBytes) -> JSONValue {
    HTMLReportData(
      graph: sample.graph, report: sample.report, timeline: sample.timeline, suggestions: [], detailBytes: detailBytes
    ).jsonValue
  }

  @Test(
    "hostile text changes nothing of the page but its data, and comes out of that as it was",
    arguments: ReportSample.hostile)
  func hostile(_ text: String) throws {
    let page = try Self.parts(Self.page(ReportSample.saying(text), suggestions: [text]))
    let plain = try Self.parts(Self.page(ReportSample.saying("plain")))
    #expect(page.before == plain.before && page.after == plain.after)
    #expect(!page.data.contains("<") && !page.data.contains(">") && !page.data.contains("&"))
    for scalar in page.data.unicodeScalars {
      #expect(
        scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && !(0x2028...0x202E).contains(scalar.value))
    }
    let data = try JSONValue(json: Array(page.data.utf8))
    #expect(data["workflow"] == .string(text) && data["suggestions"] == .array([.string(text)]))
    #expect(data["nodes"]?["name"] == .array([.string(text)]))
    #expect(data["details"]?["0"]?["error"]?["message"] == .string(text))
    #expect(data["details"]?["0"]?["lines"]?.arrayValue?.first?.arrayValue?.last == .string(text))
  }

  @Test("asks nobody for anything, and its script makes no markup of text")
  func selfContained() throws {
    let page = Self.page(ReportSample.saying("plain"))
    let meta = try #require(page.firstRange(of: "content=\"\(HTMLReport.policy)\""))
    let firstCode = try #require(page.firstRange(of: "<style>"))
    #expect(meta.upperBound < firstCode.lowerBound, "the policy holds only for what follows it")
    let withoutNamespace = page.replacing("http://www.w3.org/2000/svg", with: "")
    let forbidden = [
      "http:", "https:", "src=", "@import", "url(", "<link", "fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon",
      "import(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(",
      "DOMParser", "createContextualFragment", "setHTMLUnsafe", "srcdoc", "javascript:",
    ]
    for word in forbidden { #expect(!withoutNamespace.contains(word), "\(word)") }
  }

  @Test("a browser runs and shows what the page's own style and script are, and nothing else")
  func policy() throws {
    let page = Self.page(ReportSample.saying("</script><script>alert(1)</script>"))
    func contents(_ start: String, _ end: String) throws -> String {
      let begin = try #require(page.ranges(of: start).last).upperBound
      return String(page[begin..<(try #require(page[begin...].firstRange(of: end))).lowerBound])
    }
    let (script, style) = (try contents("<script>", "</script>"), try contents("<style>", "</style>"))
    #expect(script.contains("JSON.parse") && style.contains("--page"))
    let expected =
      "default-src 'none'; script-src \(HTMLReport.source(script)); style-src \(HTMLReport.source(style)); "
      + "img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    #expect(HTMLReport.policy == expected)
    #expect(HTMLReport.policy(ofPage: Array(page.utf8)) == expected)
    // The digest of the empty text, as FIPS 180-4 has it.
    #expect(HTMLReport.source("") == "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='")
    for other in ["", "<!DOCTYPE html>", "content=\"", "http-equiv=\"Content-Security-Policy\" content=\"a\r\nb\""] {
      #expect(HTMLReport.policy(ofPage: Array(other.utf8)) == nil)
    }
  }

  @Test("a column has a value for every node, and attempts come by node")
  func columns() throws {
    let sample = ReportSample(ReportSample.layered(40, width: 8), parallel: 4, seed: 3, failing: 20)
    let data = Self.data(sample)
    guard case .object(let columns)? = data["nodes"] else { throw NodeFailure(.error, "no columns") }
    #expect(columns.count == 10)
    for column in columns { #expect(column.value.arrayValue?.count == 40, "\(column.key)") }
    let owners = data["attempts"]?["node"]?.arrayValue?.compactMap(\.integerValue) ?? []
    #expect(owners == sample.report.nodes.enumerated().flatMap { Array(repeating: Int64($0), count: $1.attempts) })
    #expect(data["nodes"]?["flags"]?.arrayValue?.prefix(4) == [0, 1, 0, 2])
    let states = data["nodes"]?["state"]?.arrayValue?.compactMap { state in
      state.integerValue.flatMap { data["states"]?.arrayValue?[Int($0)].stringValue }
    }
    #expect(states == sample.report.nodes.map(\.state.rawValue))
  }

  @Test("details of nodes that failed have room before those of others, and what has none is counted")
  func details() throws {
    let sample = ReportSample(ReportSample.layered(40, width: 40, retries: 0), parallel: 4, seed: 5, failing: 20)
    let failed = sample.report.nodes.indices.filter { sample.report.nodes[$0].state == .failed }
    try #require(failed.count > 1)
    func keys(_ data: JSONValue) -> [String] {
      if case .object(let members)? = data["details"] { members.map(\.key) } else { [] }
    }
    let whole = Self.data(sample)
    #expect(keys(whole).count == 40 && whole["details_left_out"] == 0)
    let sizes = failed.compactMap { whole["details"]?["\($0)"]?.utf8().count }
    let short = Self.data(sample, detailBytes: sizes.reduce(0, +))
    #expect(keys(short) == failed.map(String.init))
    #expect(short["details_left_out"] == .integer(Int64(40 - failed.count)))
  }

  @Test("a graph is drawn up to a size, and said not to be beyond")
  func graph() {
    let small = Self.data(ReportSample(ReportSample.layered(6, width: 3), parallel: 2, seed: 0, failing: 0))["graph"]
    #expect(small?["drawn"] == true && small?["boxes"]?.arrayValue?.count == 18)
    #expect(small?["wires"]?.arrayValue?.count == 5)
    let count = HTMLReport.maximumDrawnNodes + 1
    let large = Self.data(ReportSample(ReportSample.layered(count, width: 50), parallel: 8, seed: 0, failing: 0))[
      "graph"]
    #expect(large?["drawn"] == false && large?["boxes"] == nil && large?["most"] == 2_000)
    #expect(large?["wire_count"] == .integer(Int64(2 * (count - 50) - count / 50)))
  }

  @Test("the picture's script goes through the boxes: instances of a node have none, and there may be 100,000")
  func boxes() {
    #expect(HTMLReport.graphScript.contains("node < boxCount;"))
    #expect(!HTMLReport.graphScript.contains("node < nodeCount;"))
  }

  @Test("a report of other nodes than the graph's is shown without a picture")
  func foreignGraph() {
    var sample = ReportSample(ReportSample.layered(6, width: 3), parallel: 2, seed: 0, failing: 0)
    sample.report.nodes.removeLast()
    #expect(Self.data(sample)["graph"]?["drawn"] == false)
  }

  @Test("a node takes little of the page: 100,000 of them are some megabytes")
  func size() {
    let sample = ReportSample(ReportSample.layered(3_000, width: 100), parallel: 8, seed: 2, failing: 0, lines: 0)
    #expect(Self.data(sample).utf8().count < 3_000 * 120)
  }
}
