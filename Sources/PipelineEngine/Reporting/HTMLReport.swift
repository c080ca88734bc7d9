import Crypto
import PluginModel

/// A run as one HTML page that needs nothing else: no request leaves it, and its content security policy would let none.
///
/// No text of a plugin, a workflow or a person ever becomes markup. All of it lies in one JSON text, which ``JSONValue/text(_:)`` keeps
/// from ending its element; the page's script reads it with `JSON.parse` and shows it as `textContent` only, which the policy's
/// `require-trusted-types-for` holds it to in browsers that know that.
package enum HTMLReport {
  /// A larger graph isn't drawn: nobody could read it.
  package static let maximumDrawnNodes = 2_000
  static let maximumDrawnWires = 10_000
  /// Bytes of JSON for failures, logs and denials together. Nodes that didn't succeed come first.
  package static let maximumDetailBytes = 48 << 20

  /// UTF-8.
  /// - Parameter suggestions: sentences about what to do better, plain text.
  package static func html(
    graph: WorkflowGraph, report: RunReport, timeline: RunTimeline, suggestions: [String] = []
  ) -> [UInt8] {
    let data = HTMLReportData(graph: graph, report: report, timeline: timeline, suggestions: suggestions)
    var page = Array(head.utf8)
    page += Array(styleElement.utf8)
    page += Array(body.utf8)
    page += data.jsonValue.utf8()
    page += Array(beforeScript.utf8)
    page += Array(scriptElement.utf8)
    page += Array(end.utf8)
    return page
  }

  // MARK: What a browser may do with it

  /// What stands in the element, to the letter.
  static let styleElement = "\n" + style
  static let scriptElement =
    "\n"
    + [basicScript, summaryScript, tableScript, detailScript, chartScript, graphScript, startScript]
    .map { $0 + "\n" }.joined()

  /// The page's content security policy: its own style and its own script, known by their digests, and nothing else.
  package static let policy =
    "default-src 'none'; script-src \(source(scriptElement)); style-src \(source(styleElement)); img-src data:; "
    + "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"

  /// CSP level 3, section 2.3.1.
  static func source(_ text: String) -> String { "'sha256-\(Base64.text(Array(SHA256.hash(data: Array(text.utf8)))))'" }

  /// Bytes at a page's start that have its policy.
  package static let policyBytes = 2048

  /// That of a page which this or another version has written, for the header of a response. Nil: it is no such page.
  /// - Parameter start: its first ``policyBytes``. What isn't of this program stands behind them.
  package static func policy(ofPage start: [UInt8]) -> String? {
    let text = String(decoding: start.prefix(policyBytes), as: UTF8.self)
    let words = "http-equiv=\"Content-Security-Policy\" content=\""
    guard let begin = text.firstRange(of: words)?.upperBound, let end = text[begin...].firstIndex(of: "\"") else {
      return nil
    }
    let policy = text[begin..<end]
    return policy.utf8.allSatisfy { (0x20..<0x7F).contains($0) } ? String(policy) : nil
  }
}
