/// The order in which runs of digits count by their value and all else by its bytes: `gpu2` before `gpu10`. It is the one of the GNU C
/// library's cache of libraries, which is searched by it: ``LoaderCache``.
enum NaturalOrder {
  /// Negative where `left` comes first, 0 where the loader takes both for one.
  static func compare(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    var (first, second) = (0, 0)
    while first < left.count {
      guard second < right.count else { return 1 }
      let (byte, other) = (left[first], right[second])
      switch (isDigit(byte), isDigit(other)) {
      case (true, true):
        let difference = number(left, &first) &- number(right, &second)
        if difference != 0 { return Int(difference) }
      case (true, false): return 1
      case (false, true): return -1
      case (false, false):
        // C's char is signed on x86-64, where the loader compares by it.
        if byte != other { return Int(Int8(bitPattern: byte)) - Int(Int8(bitPattern: other)) }
        first += 1
        second += 1
      }
    }
    return second < right.count ? -1 : 0
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  /// Wraps as an int does, so that the order is the loader's for absurd names too.
  private static func number(_ bytes: [UInt8], _ index: inout Int) -> Int32 {
    var value: Int32 = 0
    while index < bytes.count, isDigit(bytes[index]) {
      value = value &* 10 &+ Int32(bytes[index] - 0x30)
      index += 1
    }
    return value
  }
}
