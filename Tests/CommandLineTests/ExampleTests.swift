import Foundation
import PluginModel
import Testing

/// The example that the README shows, with the bundled plugins and the licence texts of this very system.
@Suite("The example license-report", .serialized)
struct ExampleTests {
  private static let example = Program.package + "/deploy/examples/license-report.yaml"
  private static let grants = [
    "--grant", "files=filesystem.read:/usr/share/common-licenses", "--grant", "files=filesystem.write",
  ]

  private func expectPage(_ directory: TemporaryDirectory, _ outcome: Program.Outcome) throws {
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let page = try directory.read("out/license-report.html")
    #expect(page.contains("<svg"))
    #expect(page.contains("GPL-3"))
    #expect(page.contains("Apache-2.0"))
    #expect(!page.contains("<script"))
    let words = try String(contentsOfFile: "/usr/share/common-licenses/BSD", encoding: .utf8).split { $0.isWhitespace }
    #expect(words.count > 100)
  }

  @Test("writes its page from the licence texts of this system")
  func run() throws {
    let directory = try TemporaryDirectory()
    let outcome = try Program.run(
      ["run", Self.example, "--workspace", "out", "--state-dir", "state"] + Self.grants, in: directory)
    try expectPage(directory, outcome)
    #expect(try leftovers(of: directory) == [])
  }

  @Test("runs for an ordinary user, from a copy of the checkout")
  func unprivileged() throws {
    let directory = try TemporaryDirectory(readableByAll: true)
    let executable = try Program.copyCheckout(into: directory)
    // Who isn't root is an ordinary user already.
    let wrapper =
      geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"] : []
    let outcome = try Program.run(
      ["run", "checkout/deploy/examples/license-report.yaml", "--workspace", "out"] + Self.grants, in: directory,
      through: wrapper, executable: executable)
    try expectPage(directory, outcome)
    let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/out/license-report.html")
    #expect(attributes[.ownerAccountID] as? Int == (geteuid() == 0 ? 54321 : Int(geteuid())))
    #expect(try leftovers(of: directory) == [])
  }

  @Test("fails with the grant that is missing, and writes nothing, when it may not write")
  func missingGrant() throws {
    let directory = try TemporaryDirectory()
    let outcome = try Program.run(
      ["run", Self.example, "--workspace", "out", "--state-dir", "state"] + Self.grants.prefix(2), in: directory)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("--grant files=filesystem.write"))
    #expect(!directory.exists("out/license-report.html"))
  }

  @Test("is valid, and can be drawn")
  func drawn() throws {
    let directory = try TemporaryDirectory()
    let state = ["--state-dir", "state"]
    let valid = try Program.run(["validate", Self.example] + state, in: directory)
    #expect(valid.status == 0, "\(valid.errors)")
    let drawn = try Program.run(["graph", Self.example, "-o", "graph.svg"] + state, in: directory)
    #expect(drawn.status == 0, "\(drawn.errors)")
    let parser = XMLParserCheck(try directory.read("graph.svg"))
    #expect(parser.isWellFormed)
    #expect(parser.text.contains("similarity"))
    let text = try Program.run(["graph", Self.example, "--format", "text"] + state, in: directory)
    #expect(text.output.contains("write"))
  }
}

/// Enough of XML to know that every element that is opened is closed, in order.
private struct XMLParserCheck {
  let text: String

  init(_ text: String) { self.text = text }

  var isWellFormed: Bool {
    var open: [Substring] = []
    var rest = text[...]
    while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("?") || tag.hasPrefix("!") || tag.hasSuffix("/") { continue }
      if tag.hasPrefix("/") {
        guard open.popLast() == tag.dropFirst() else { return false }
      } else {
        open.append(tag.prefix { !$0.isWhitespace })
      }
    }
    return open.isEmpty && text.contains("<svg")
  }
}
