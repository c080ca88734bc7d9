import Foundation
import Testing

/// `UPDATE_GOLDEN=1` writes the file anew.
func compare(_ actual: String, with name: String) throws {
  let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
  if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
    try Data(actual.utf8).write(to: file)
    return
  }
  let expected = String(decoding: try Data(contentsOf: file), as: UTF8.self)
  if actual != expected {
    Issue.record(
      "Golden/\(name) differs; if that is meant: UPDATE_GOLDEN=1 swift test --filter Golden\n\(difference(expected, actual))"
    )
  }
}

/// Removed and added lines, in the order of the files.
private func difference(_ expected: String, _ actual: String) -> String {
  let old = expected.split(separator: "\n", omittingEmptySubsequences: false)
  let new = actual.split(separator: "\n", omittingEmptySubsequences: false)
  return new.difference(from: old).map { change in
    switch change {
    case .remove(let line, let text, _): "-\(line + 1): \(text)"
    case .insert(let line, let text, _): "+\(line + 1): \(text)"
    }
  }.joined(separator: "\n")
}
