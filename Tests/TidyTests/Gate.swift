import Foundation
import Testing

/// A rule that every file of the repository keeps. Each carries made-up files that it must reject and near misses that
/// it must accept, so that a gate that has stopped working is noticed.
struct Gate: Sendable, CustomTestStringConvertible {
  /// What holds of the repository, as a sentence.
  let claim: String
  let violations: @Sendable (RepositoryFile, Repository) -> [Violation]
  let rejects: [RepositoryFile]
  let accepts: [RepositoryFile]
  /// The rest of the made-up repository that `rejects` and `accepts` live in.
  let surroundings: [RepositoryFile]

  init(
    _ claim: String, rejects: [RepositoryFile], accepts: [RepositoryFile] = [], surroundings: [RepositoryFile] = [],
    violations: @escaping @Sendable (RepositoryFile, Repository) -> [Violation]
  ) {
    self.claim = claim
    self.rejects = rejects
    self.accepts = accepts
    self.surroundings = surroundings
    self.violations = violations
  }

  var testDescription: String { claim }

  /// A gate that looks for regular expressions in the code (not the comments, not the strings) of some files.
  static func banned(
    _ claim: String, in applies: @escaping @Sendable (RepositoryFile) -> Bool, _ patterns: [BannedPattern],
    rejects: [RepositoryFile], accepts: [RepositoryFile] = []
  ) -> Gate {
    Gate(claim, rejects: rejects, accepts: accepts) { file, _ in
      guard applies(file) else { return [] }
      return patterns.flatMap { pattern in
        pattern.lines(in: file.code).map { Violation(path: file.path, line: $0, what: pattern.reason) }
      }
    }
  }

  func violations(in repository: Repository) -> [Violation] {
    repository.files.flatMap { violations($0, repository) }
  }
}

/// Something that must not stand in the code, and what to do instead.
struct BannedPattern: Sendable {
  let expression: NSRegularExpression?
  let reason: String

  init(_ pattern: String, _ reason: String) {
    expression = try? NSRegularExpression(pattern: pattern, options: .anchorsMatchLines)
    self.reason = reason
  }

  /// The numbers of the lines that it stands in; line 0 where the expression itself is wrong.
  func lines(in code: String) -> [Int] {
    guard let expression else { return [0] }
    let text = code as NSString
    return expression.matches(in: code, range: NSRange(location: 0, length: text.length)).map { match in
      1 + text.substring(to: match.range.location).utf8.count { $0 == 10 }
    }
  }

  /// A call of a function by its bare name: not a method, not a longer name, not a declaration of one's own.
  static func call(_ name: String, _ reason: String) -> BannedPattern {
    BannedPattern("(?<![A-Za-z0-9_.`])(?<!func )(?<!case )\\b\(name)\\(", "\(name)(): \(reason)")
  }
}
