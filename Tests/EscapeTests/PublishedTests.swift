import Foundation
import Testing

@Suite("A published escape")
struct PublishedTests {
  @Test("doesn't lead out of this sandbox", arguments: PublishedEscape.all)
  func closed(_ escape: PublishedEscape) async throws {
    #expect(!escape.attempts.isEmpty || !escape.tests.isEmpty, "nothing stands for it")
    for name in escape.attempts {
      let bare = try #require(try await Attempts.withoutGrants.value[name], "\(name) was not tried")
      #expect(bare.outcome == "denied", "\(name): \(bare.detail)")
      let granted = try #require(try await Attempts.withEveryGrant.value[name])
      #expect(granted.outcome == "denied", "\(name), with every grant: \(granted.detail)")
    }
  }

  @Test("is cited where it is tried", arguments: PublishedEscape.all)
  func cited(_ escape: PublishedEscape) throws {
    var texts = HostilePlugin.attempts.filter { escape.attempts.contains($0.name) }.map(\.claim)
    #expect(texts.count == escape.attempts.count, "an attempt is missing")
    for test in escape.tests {
      let words = test.split(separator: ".")
      let text = try #require(try Self.source(of: "\(words[0]).swift"), "there is no \(words[0]).swift in Tests")
      #expect(text.contains("func \(words[1])("), "there is no \(test)")
      texts.append(text)
    }
    for cve in escape.cves { #expect(texts.contains { $0.contains(cve) }, "nobody cites \(cve)") }
  }

  @Test("has its line in SECURITY.md, with the same tests")
  func listed() throws {
    let text = try String(contentsOf: Program.root.appendingPathComponent("SECURITY.md"), encoding: .utf8)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| CVE-") }.map { row in
      row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    let expected = PublishedEscape.all.map { escape in
      [
        escape.cves.joined(separator: ", "), escape.what,
        (escape.attempts.map { "`attempt:\($0)`" } + escape.tests.map { "`\($0)`" }).joined(separator: ", "),
      ]
    }
    #expect(rows == expected)
  }

  private static func source(of file: String) throws -> String? {
    let tests = Program.root.appendingPathComponent("Tests")
    for suite in try FileManager.default.contentsOfDirectory(atPath: tests.path) {
      let candidate = tests.appendingPathComponent(suite).appendingPathComponent(file)
      if let text = try? String(contentsOf: candidate, encoding: .utf8) { return text }
    }
    return nil
  }
}
