extension String {
  /// The text between single quotes, safe to print: control and formatting characters are written as `\u{…}`, and what is
  /// longer than 120 characters is cut. Every text from a file or a worker enters a diagnostic through this.
  package var quoted: String {
    var result = "'"
    var count = 0
    for scalar in unicodeScalars {
      if count == 120 {
        result += "…"
        break
      }
      count += 1
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        result.unicodeScalars.append(scalar)
      }
    }
    return result + "'"
  }
}

/// Finds what somebody probably meant.
package enum Suggestion {
  /// The candidate nearest to `text`, or nil where none is near enough to be a slip of the hand: at most a third of the
  /// letters differ. Case, `-` and `_` hardly count.
  package static func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
    let wanted = folded(text)
    guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let other = folded(candidate)
      let allowed = max(1, max(wanted.count, other.count) / 3)
      guard other.count <= 64, abs(other.count - wanted.count) <= allowed else { continue }
      let distance = distance(from: wanted, to: other)
      guard distance <= allowed, distance < min(wanted.count, other.count) || wanted == other else { continue }
      if let known = best, known.distance <= distance { continue }
      best = (candidate, distance)
    }
    return best?.candidate
  }

  /// `did you mean 'x'?`, or else the list of what is known where it is short enough to read.
  package static func hint(for text: String, among candidates: some Collection<String>) -> String? {
    if let nearest = nearest(to: text, among: candidates) { return "did you mean \(nearest.quoted)?" }
    guard !candidates.isEmpty, candidates.count <= 24 else { return nil }
    return "known: " + candidates.map(\.self).joined(separator: ", ")
  }

  private static func folded(_ text: String) -> [UInt8] {
    text.utf8.prefix(65).map { byte in
      switch byte {
      case 0x41...0x5A: byte | 0x20
      case 0x2D: 0x5F
      default: byte
      }
    }
  }

  /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
  private static func distance(from left: [UInt8], to right: [UInt8]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: right.count + 1)
    var previous = Array(0...right.count)
    for i in left.indices {
      var current = [i + 1]
      current.reserveCapacity(right.count + 1)
      for j in right.indices {
        let substitution = previous[j] + (left[i] == right[j] ? 0 : 1)
        var cost = min(substitution, previous[j + 1] + 1, current[j] + 1)
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          cost = min(cost, beforePrevious[j - 1] + 1)
        }
        current.append(cost)
      }
      beforePrevious = previous
      previous = current
    }
    return previous[right.count]
  }
}
