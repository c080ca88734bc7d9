/// A set of small numbers, a bit for each.
struct SlotSet: Sendable {
  private var words: [UInt64] = []

  mutating func insert(_ slot: Int) {
    while words.count <= slot / 64 { words.append(0) }
    words[slot / 64] |= 1 << UInt64(slot % 64)
  }

  mutating func remove(_ slot: Int) {
    guard slot / 64 < words.count else { return }
    words[slot / 64] &= ~(1 << UInt64(slot % 64))
  }

  /// Calls `body` for each that is in both, in ascending order.
  func forEachCommon(with other: SlotSet, _ body: (Int) -> Void) {
    for index in 0..<min(words.count, other.words.count) {
      var word = words[index] & other.words[index]
      while word != 0 {
        body(64 * index + word.trailingZeroBitCount)
        word &= word - 1
      }
    }
  }
}
