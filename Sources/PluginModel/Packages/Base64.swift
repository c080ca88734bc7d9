/// RFC 4648, section 4: with padding, and one text for each value.
package enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  package static func text(_ bytes: some Collection<UInt8>) -> String {
    var result: [UInt8] = []
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let group = rest.prefix(3)
      rest = rest.dropFirst(3)
      let word = (0..<3).reduce(UInt32(0)) { $0 << 8 | (group.count > $1 ? UInt32(group[group.startIndex + $1]) : 0) }
      for position in 0..<4 {
        let digit = alphabet[Int(word >> (18 - 6 * UInt32(position)) & 0x3F)]
        result.append(position <= group.count ? digit : padding)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Nil for anything that ``text(_:)`` doesn't write.
  package static func bytes(_ text: String) -> [UInt8]? {
    guard text.utf8.count.isMultiple(of: 4) else { return nil }
    var result: [UInt8] = []
    var word: UInt32 = 0
    for (position, byte) in text.utf8.enumerated() {
      if byte != padding {
        guard let digit = alphabet.firstIndex(of: byte) else { return nil }
        word |= UInt32(digit) << (18 - 6 * UInt32(position % 4))
      }
      guard position % 4 == 3 else { continue }
      result += [
        UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 8), UInt8(truncatingIfNeeded: word),
      ]
      word = 0
    }
    result.removeLast(min(2, text.utf8.reversed().prefix { $0 == padding }.count))
    return self.text(result) == text ? result : nil
  }
}
