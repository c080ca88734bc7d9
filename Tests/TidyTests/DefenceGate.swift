import Foundation

extension Gate {
  private static func table(_ row: String) -> RepositoryFile {
    RepositoryFile(path: "Tests/DEFENCES.md", text: "| defence | test |\n|---|---|\n\(row)\n")
  }

  /// Attempts (`attempt:NAME`) are registered as they run: `Tests/EscapeTests` asks the fixtures for those.
  static let defences = Gate(
    "every test that Tests/DEFENCES.md names exists",
    rejects: [
      table("| a wall | `MadeTests.gone` |"), table("| a wall | `Absent.holds` |"), table("| a wall | |"),
      table("| a wall | believe me |"), table("| a wall | `MadeTests.holds`, `MadeTests.hold` |"),
    ],
    accepts: [
      table("| a wall | `MadeTests.holds`, by hand |"), table("| a wall | `attempt:climb` |"),
      RepositoryFile(path: "Tests/Other.md", text: "| a wall | `MadeTests.gone` |\n"),
    ],
    surroundings: [RepositoryFile(path: "Tests/A/MadeTests.swift", text: "@Test func holds() {}\n")]
  ) { file, repository in
    guard file.path == "Tests/DEFENCES.md" else { return [] }
    return file.lines.enumerated().flatMap { index, line -> [Violation] in
      // The head and the line below it are no rows.
      guard line.hasPrefix("| "), !line.hasPrefix("| defence ") else { return [] }
      let cells = line.split(separator: "|").map(String.init)
      let names = cells.last.map(backquoted) ?? []
      guard !names.isEmpty else {
        return [Violation(path: file.path, line: index + 1, what: "names no test")]
      }
      return names.filter { !isTest($0, in: repository) }.map {
        Violation(path: file.path, line: index + 1, what: "there is no test \($0)")
      }
    }
  }

  /// `FileWithoutSuffix.function`, or an attempt.
  private static func isTest(_ name: String, in repository: Repository) -> Bool {
    if name.hasPrefix("attempt:") { return true }
    let parts = name.split(separator: ".")
    guard parts.count == 2 else { return false }
    return repository.files.contains { file in
      file.path.hasPrefix("Tests/") && file.path.hasSuffix("/\(parts[0]).swift")
        && file.text.contains("func \(parts[1])(")
    }
  }
}
