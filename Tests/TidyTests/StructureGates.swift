import Foundation

extension Gate {
  private static let contributing = RepositoryFile(
    path: "CONTRIBUTING.md",
    text: """
      | module | what it is | may import |
      |---|---|---|
      | `LinuxSystem` | calls | `CLinux`, `Glibc` |
      | `PluginModel` | words | – |
      | `orchestrator` | the program | every module, `ArgumentParser` |

      """)

  /// The table of CONTRIBUTING.md: module to what it may import. nil stands for `every module`.
  static func importTable(_ repository: Repository) -> [String: (everyModule: Bool, named: Set<String>)] {
    var table: [String: (everyModule: Bool, named: Set<String>)] = [:]
    for line in repository.file("CONTRIBUTING.md")?.lines ?? [] where line.hasPrefix("| `") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 3, let name = backquoted(cells[0]).first else { continue }
      table[name] = (cells[2].contains("every module"), Set(backquoted(cells[2])))
    }
    return table
  }

  static func backquoted(_ text: String) -> [String] {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
  }

  /// The module of a line such as `@testable package import struct Module.Name`.
  static func importedModule(_ line: Substring) -> String? {
    var words = line.split(whereSeparator: \.isWhitespace)[...]
    while let word = words.first,
      word.hasPrefix("@") || ["package", "internal", "private", "fileprivate", "public"].contains(word)
    {
      words.removeFirst()
    }
    guard words.first == "import" else { return nil }
    words.removeFirst()
    if let kind = words.first, words.count > 1,
      ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"].contains(kind)
    {
      words.removeFirst()
    }
    return words.first?.split(separator: ".").first.map(String.init)
  }

  static let imports = Gate(
    "every module imports only what the table in CONTRIBUTING.md gives it",
    rejects: [
      RepositoryFile(path: "Sources/PluginModel/Made.swift", text: "import LinuxSystem\n"),
      RepositoryFile(path: "Sources/PluginModel/Made.swift", text: "import Foundation\n"),
      RepositoryFile(path: "Sources/LinuxSystem/Made.swift", text: "@preconcurrency import struct Foundation.Data\n"),
      RepositoryFile(path: "Sources/Unlisted/Made.swift", text: "let a = 1\n"),
      RepositoryFile(path: "Sources/orchestrator/Made.swift", text: "import FoundationEssentials\n"),
    ],
    accepts: [
      RepositoryFile(path: "Sources/LinuxSystem/Made.swift", text: "package import CLinux\nimport Glibc\n"),
      RepositoryFile(path: "Sources/orchestrator/Made.swift", text: "import ArgumentParser\nimport LinuxSystem\n"),
    ],
    surroundings: [contributing, RepositoryFile(path: "Sources/LinuxSystem/A.swift", text: "\n")]
  ) { file, repository in
    guard file.isSwiftSource, let module = file.module else { return [] }
    guard let row = importTable(repository)[module] else {
      return [Violation(path: file.path, line: 1, what: "the module \(module) has no row in CONTRIBUTING.md's table")]
    }
    var allowed = row.named
    if row.everyModule { allowed.formUnion(repository.modules) }
    return file.code.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
      guard let imported = importedModule(line), !allowed.contains(imported) else { return nil }
      return Violation(path: file.path, line: index + 1, what: "\(module) may not import \(imported)")
    }
  }

  static let length = Gate(
    "no file is longer than 600 lines",
    rejects: [RepositoryFile(path: "Tests/A/Made.swift", text: String(repeating: "let a = 1\n", count: 601))],
    accepts: [RepositoryFile(path: "Tests/A/Made.swift", text: String(repeating: "let a = 1\n", count: 600))]
  ) { file, _ in
    guard ["swift", "c", "h", "py", "sh"].contains(file.fileExtension) else { return [] }
    let count = file.lines.count - 1
    return count > 600
      ? [Violation(path: file.path, line: 601, what: "\(count) lines: split it by what it is about")] : []
  }

  static let text = Gate(
    "text files end with one newline and have no trailing blanks",
    rejects: [
      RepositoryFile(path: "made.md", text: "a"), RepositoryFile(path: "made.md", text: "a \n"),
      RepositoryFile(path: "made.md", text: "a\n\n"), RepositoryFile(path: "made.md", text: "a\r\n"),
      RepositoryFile(path: "made.swift", text: "\tlet a = 1\n"),
    ],
    accepts: [RepositoryFile(path: "made.md", text: "a\n"), RepositoryFile(path: "empty.txt", text: "")]
  ) { file, _ in
    // Kept byte for byte: hostile or foreign files, what a program printed, and a licence.
    let path = file.path.lowercased()
    guard !path.contains("/fixtures/"), !path.contains("/golden/"), !file.text.isEmpty, file.path != "LICENSE" else {
      return []
    }
    var found: [Violation] = []
    for (index, line) in file.lines.enumerated() {
      if line.utf8.last == 32 || line.utf8.last == 9 {
        found.append(Violation(path: file.path, line: index + 1, what: "trailing blanks"))
      }
      if line.utf8.contains(13) {
        found.append(Violation(path: file.path, line: index + 1, what: "a carriage return"))
      }
      if file.fileExtension == "swift", line.utf8.contains(9) {
        found.append(Violation(path: file.path, line: index + 1, what: "a tab"))
      }
    }
    if file.text.utf8.last != 10 || file.text.hasSuffix("\n\n") {
      found.append(Violation(path: file.path, line: file.lines.count, what: "must end with exactly one newline"))
    }
    return found
  }

  /// Written in two parts, so that this file is clean itself.
  private static let machinePaths = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/"]

  static let portable = Gate(
    "no file knows the machine it was written on",
    rejects: machinePaths.map { RepositoryFile(path: "deploy/made", text: "cd \($0)orchestrator\n") },
    accepts: [RepositoryFile(path: "deploy/made", text: "cd /workspace/ && ls /rootfs\n")]
  ) { file, _ in
    file.lines.enumerated().flatMap { index, line in
      // Tests may name home directories that they make up.
      machinePaths.prefix(file.path.hasPrefix("Tests/") ? 1 : 3).filter { line.contains($0) }
        .map { Violation(path: file.path, line: index + 1, what: "a path of one machine: \($0)") }
    }
  }

  static let links = Gate(
    "every link between documents leads somewhere",
    rejects: [
      RepositoryFile(path: "README.md", text: "[a](deploy/absent)\n"),
      RepositoryFile(path: "README.md", text: "![a](absent.svg)\n"),
      RepositoryFile(path: "Sources/orchestrator/Documentation.docc/A.md", text: "<doc:Absent>\n"),
    ],
    accepts: [
      RepositoryFile(path: "README.md", text: "[a](Sources/orchestrator/Documentation.docc/B.md#part) [b](#c)\n"),
      RepositoryFile(path: "README.md", text: "[a](https://swift.org) `[a](b)`\n"),
      RepositoryFile(path: "Sources/orchestrator/Documentation.docc/A.md", text: "<doc:B>\n"),
    ],
    surroundings: [RepositoryFile(path: "Sources/orchestrator/Documentation.docc/B.md", text: "# B\n")]
  ) { file, repository in
    guard file.fileExtension == "md" else { return [] }
    let directory = file.path.split(separator: "/").dropLast()
    return prose(file).flatMap { index, line in
      let paths = line.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }
      let documents = line.matches(of: /<doc:([A-Za-z0-9_-]+)>/).map { String($0.1) }
      let brokenPaths = paths.filter { path in
        guard !path.hasPrefix("#"), !path.contains("://"), !path.hasPrefix("mailto:") else { return false }
        let target = path.split(separator: "#", omittingEmptySubsequences: false).first ?? ""
        return !repository.contains(normalised(directory + target.split(separator: "/")))
      }
      let brokenDocuments = documents.filter { name in
        !repository.files.contains { $0.path.contains(".docc/") && $0.path.hasSuffix("/\(name).md") }
      }
      return (brokenPaths + brokenDocuments).map {
        Violation(path: file.path, line: index + 1, what: "the link to \($0) leads nowhere")
      }
    }
  }

  /// The lines of a Markdown file without code blocks and code spans.
  private static func prose(_ file: RepositoryFile) -> [(Int, String)] {
    var isCode = false
    return file.lines.enumerated().compactMap { index, line in
      if line.drop(while: { $0 == " " }).hasPrefix("```") {
        isCode.toggle()
        return nil
      }
      return isCode ? nil : (index, String(line.replacing(/`[^`]*`/, with: "")))
    }
  }

  private static func normalised(_ parts: ArraySlice<Substring>) -> String {
    var result: [Substring] = []
    for part in parts where part != "." {
      if part == ".." { _ = result.popLast() } else { result.append(part) }
    }
    return result.joined(separator: "/")
  }

  static let decisions = Gate(
    "every decision record says context, decision and consequence",
    rejects: [
      RepositoryFile(
        path: "Sources/orchestrator/Documentation.docc/Decisions/0001-made.md",
        text: "# A\n\n## Context\n\n## Decision\n")
    ],
    accepts: [
      RepositoryFile(
        path: "Sources/orchestrator/Documentation.docc/Decisions/0001-made.md",
        text: "# A\n\n## Context\n\n## Decision\n\n## Consequence\n")
    ]
  ) { file, _ in
    guard file.path.contains(".docc/Decisions/"), file.fileExtension == "md" else { return [] }
    return ["## Context", "## Decision", "## Consequence"].filter { !file.lines.contains(Substring($0)) }
      .map { Violation(path: file.path, line: 1, what: "lacks the heading \"\($0)\"") }
  }

  static let scripts = Gate(
    "every shell script stops at the first error",
    rejects: [RepositoryFile(path: "deploy/made", text: "#!/usr/bin/env bash\necho a\n")],
    accepts: [
      RepositoryFile(path: "deploy/made", text: "#!/usr/bin/env bash\n# Does a.\nset -euo pipefail\n"),
      RepositoryFile(path: "deploy/examples/made.yaml", text: "a: 1\n"),
    ]
  ) { file, _ in
    guard let first = file.lines.first, first.hasPrefix("#!"), first.hasSuffix("sh") else { return [] }
    return file.lines.contains("set -euo pipefail")
      ? [] : [Violation(path: file.path, line: 1, what: "lacks `set -euo pipefail`")]
  }
}
