/// Text of a plugin on its way to terminals, logs and pages. What a terminal would obey (escape sequences, carriage returns,
/// C1 controls) and what reorders the line for its reader (CVE-2021-42574) is written out, as `\u{1b}`.
package enum TerminalText {
  /// A control, a direction override or a separator that some programs take for a line end.
  package static func isHostile(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB,
      0xE0000...0xE007F:
      true
    default: false
    }
  }

  /// One line: line ends are written out too, tabs stay. Longer texts are cut, with `…` at the end.
  package static func line(_ text: some StringProtocol, limit: Int) -> String {
    neutralised(text, limit: limit, keepsLines: false)
  }

  /// Several lines.
  package static func block(_ text: some StringProtocol, limit: Int) -> String {
    neutralised(text, limit: limit, keepsLines: true)
  }

  /// `limit` is in bytes of UTF-8, before anything is written out.
  private static func neutralised(_ text: some StringProtocol, limit: Int, keepsLines: Bool) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      count += scalar.utf8.count
      guard count <= limit else { return result + "…" }
      if scalar == "\t" || keepsLines && scalar == "\n" || !isHostile(scalar) {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return result
  }
}
