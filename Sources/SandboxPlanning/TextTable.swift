/// Columns as wide as their widest cell, two spaces between them, nothing after the last.
func table(_ rows: [[String]]) -> [String] {
  let count = rows.map(\.count).max() ?? 0
  let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return rows.map { row in
    let cells = row.enumerated().map {
      $0.element + String(repeating: " ", count: widths[$0.offset] - $0.element.count)
    }
    let line = cells.joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}

/// Words in lines of at most 100 characters.
func wrappedWords(_ words: [String]) -> [String] {
  words.reduce(into: [String]()) { lines, word in
    if let last = lines.last, last.count + word.count < 100 {
      lines[lines.count - 1] = last + " " + word
    } else {
      lines.append(word)
    }
  }
}
