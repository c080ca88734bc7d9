/// Untrusted text in XML 1.0 (W3C, fifth edition): never structure, always well-formed.
enum XMLText {
  /// What no XML document may hold (production 2, Char) and the controls that it had better not become U+FFFD. What turns the
  /// direction of text (CVE-2021-42574) is written as a number: whoever looks at the file sees it, and a parser reads the same.
  /// - Parameter isAttribute: line breaks and tabs, which a parser would make spaces (3.3.3), are numbers too.
  static func escaped(_ text: String, isAttribute: Bool = false) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      // ']]>' may not stand in text (2.4).
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\u{9}" where isAttribute: result += "&#9;"
      case "\u{A}" where isAttribute: result += "&#10;"
      // A parser would make it a line feed (2.11).
      case "\u{D}": result += "&#13;"
      case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}":
        result += "\u{FFFD}"
      case "\u{200E}", "\u{200F}", "\u{2028}"..."\u{202E}", "\u{2066}"..."\u{2069}":
        result += "&#x\(String(scalar.value, radix: 16));"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
