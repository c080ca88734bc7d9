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
    page += Array(style.utf8)
    page += Array(body.utf8)
    page += data.jsonValue.utf8()
    page += Array(beforeScript.utf8)
    for part in [basicScript, summaryScript, tableScript, detailScript, chartScript, graphScript, startScript] {
      page += Array(part.utf8)
      page.append(0x0A)
    }
    page += Array(end.utf8)
    return page
  }
}
