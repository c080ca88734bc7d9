/// Just enough of Swift's (and C's) lexical structure to tell code from comments and strings.
enum SwiftCode {
  /// Every comment and every string's contents become blanks; newlines, and so line numbers, stay. The code inside an
  /// interpolation stays too.
  static func withoutCommentsAndStrings(_ text: String) -> String {
    var scanner = Scanner(Array(text.unicodeScalars))
    scanner.code(untilClosingParenthesis: false)
    return scanner.result
  }

  private struct Scanner {
    let input: [Unicode.Scalar]
    var position = 0
    var output = String.UnicodeScalarView()

    init(_ input: [Unicode.Scalar]) { self.input = input }
    var result: String { String(output) }

    func matches(_ text: String, at offset: Int = 0) -> Bool {
      var index = position + offset
      for scalar in text.unicodeScalars {
        guard index < input.count, input[index] == scalar else { return false }
        index += 1
      }
      return true
    }

    mutating func keep(_ count: Int = 1) {
      for _ in 0..<count where position < input.count {
        output.append(input[position])
        position += 1
      }
    }

    mutating func blank(_ count: Int = 1) {
      for _ in 0..<count where position < input.count {
        output.append(input[position] == "\n" ? "\n" : " ")
        position += 1
      }
    }

    mutating func code(untilClosingParenthesis: Bool) {
      var depth = 0
      while position < input.count {
        if matches("//") {
          while position < input.count, input[position] != "\n" { blank() }
        } else if matches("/*") {
          blockComment()
        } else if input[position] == "\"" || input[position] == "#", let hashes = hashesBeforeQuote() {
          string(hashes: hashes)
        } else {
          if input[position] == "(" { depth += 1 }
          if input[position] == ")" {
            if depth == 0, untilClosingParenthesis { return keep() }
            depth -= 1
          }
          keep()
        }
      }
    }

    /// Comments nest in Swift.
    mutating func blockComment() {
      var depth = 0
      repeat {
        if matches("/*") {
          depth += 1
          blank(2)
        } else if matches("*/") {
          depth -= 1
          blank(2)
        } else {
          blank()
        }
      } while depth > 0 && position < input.count
    }

    func hashesBeforeQuote() -> Int? {
      var hashes = 0
      while position + hashes < input.count, input[position + hashes] == "#" { hashes += 1 }
      return position + hashes < input.count && input[position + hashes] == "\"" ? hashes : nil
    }

    mutating func string(hashes: Int) {
      let hash = String(repeating: "#", count: hashes)
      let isMultiline = matches("\"\"\"", at: hashes)
      let quote = isMultiline ? "\"\"\"" : "\""
      keep(hashes + quote.count)
      while position < input.count {
        if matches(quote + hash) { return keep(quote.count + hashes) }
        if !isMultiline, input[position] == "\n" { return }
        if matches("\\" + hash + "(") {
          blank(1 + hashes)
          keep()
          code(untilClosingParenthesis: true)
        } else if matches("\\" + hash) {
          blank(2 + hashes)
        } else {
          blank()
        }
      }
    }
  }
}
