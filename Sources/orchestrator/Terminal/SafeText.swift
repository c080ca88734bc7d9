/// Text from plugins, made fit for a terminal: without escape sequences, control characters, and characters that
/// reorder or hide their neighbours (Unicode TR 36, CVE-2021-42574).
package enum SafeText {
  static func nodes(_ count: Int) -> String { count == 1 ? "1 node" : "\(count) nodes" }

  /// One line of at most `limit` characters. What can't be shown becomes `�`, line ends and tabs a space.
  package static func line(_ text: String, limit: Int = 4096) -> String {
    // Most text is such: nothing of it has to be looked up.
    guard text.utf8.count > limit || !isPlain(text) else { return text }
    var result = String.UnicodeScalarView()
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < limit else {
        result.append("…")
        break
      }
      count += 1
      switch scalar.value {
      case 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029: result.append(" ")
      default: result.append(isHarmless(scalar) ? scalar : "\u{FFFD}")
      }
    }
    return String(result)
  }

  /// All of it is printable ASCII.
  private static func isPlain(_ text: String) -> Bool {
    func isEach(_ bytes: some Sequence<UInt8>) -> Bool { bytes.allSatisfy { (0x20..<0x7F).contains($0) } }
    return text.utf8.withContiguousStorageIfAvailable(isEach) ?? isEach(text.utf8)
  }

  /// The lines of a text, each made safe, at most `limit` of them: the last ones.
  package static func lines(_ text: String, limit: Int = 200) -> [String] {
    let all = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
    let trimmed = all.last?.isEmpty == true ? all.dropLast() : all[...]
    let kept = trimmed.suffix(limit).map { line($0) }
    return trimmed.count > limit ? ["… \(trimmed.count - limit) lines before"] + kept : Array(kept)
  }

  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    // Cf holds the bidirectional controls, joiners, the byte order mark and the tag characters.
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }

  /// Columns that a terminal needs for a safe text: none for combining marks, two for East Asian wide characters and
  /// emoji (the ranges of Unicode TR 11 that terminals agree on).
  package static func width(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

  /// The start of a safe text that fits `columns`, with `…` where something was cut.
  package static func fit(_ text: String, columns: Int) -> String {
    guard width(text) > columns else { return text }
    guard columns > 1 else { return columns == 1 ? "…" : "" }
    var result = String.UnicodeScalarView()
    var used = 0
    for scalar in text.unicodeScalars {
      let width = width(scalar)
      guard used + width <= columns - 1 else { break }
      used += width
      result.append(scalar)
    }
    return String(result) + "…"
  }

  /// `text` with spaces up to `columns`.
  package static func pad(_ text: String, columns: Int) -> String {
    let fitted = fit(text, columns: columns)
    return fitted + String(repeating: " ", count: max(0, columns - width(fitted)))
  }

  private static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
      0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
