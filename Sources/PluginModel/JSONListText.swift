/// A list as JSON text (RFC 8259), taken apart at its commas and put together again. Items stay as they are written: numbers keep their
/// digits, objects their order, and nothing is decoded that only its reader can judge.
package enum JSONListText {
  package enum Problem: Error, Hashable, Sendable {
    /// It is something else: `string`, `number`, `mapping`, `boolean`, `null`; nil: no JSON.
    case isNoList(String?)
    /// It begins as a list, and its brackets, quotes or commas don't fit.
    case isBroken
  }

  /// The items of the list, in their order. Takes as long as there are bytes, however deep they are nested.
  /// - Parameter limit: items that are returned; all are counted.
  package static func items(
    of bytes: [UInt8], limit: Int
  ) throws(Problem) -> (items: [[UInt8]], count: Int) {
    guard let open = bytes.firstIndex(where: { !isSpace($0) }) else { throw .isNoList(nil) }
    guard bytes[open] == UInt8(ascii: "[") else { throw .isNoList(kind(bytes[open])) }
    var items: [[UInt8]] = []
    var count = 0
    var brackets: [UInt8] = []
    var start = open + 1
    var position = start
    func take(isLast: Bool) throws(Problem) {
      let item = trimmed(bytes[start..<position])
      if item.isEmpty {
        guard isLast, count == 0 else { throw .isBroken }
        return
      }
      count += 1
      if items.count < limit { items.append(Array(item)) }
    }
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        guard let end = endOfString(from: position + 1, in: bytes) else { throw .isBroken }
        position = end
      case UInt8(ascii: "["), UInt8(ascii: "{"): brackets.append(byte)
      case UInt8(ascii: "}"): guard brackets.popLast() == UInt8(ascii: "{") else { throw .isBroken }
      case UInt8(ascii: "]"):
        guard let opened = brackets.popLast() else {
          try take(isLast: true)
          guard bytes[(position + 1)...].allSatisfy(isSpace) else { throw .isBroken }
          return (items, count)
        }
        guard opened == UInt8(ascii: "[") else { throw .isBroken }
      case UInt8(ascii: ","):
        if brackets.isEmpty {
          try take(isLast: false)
          start = position + 1
        }
      default: break
      }
      position += 1
    }
    throw .isBroken
  }

  /// The list of what each of `items` says.
  /// - Throws: where one of them isn't one value, so that the list would have another number of items.
  package static func list(of items: [[UInt8]]) throws(Problem) -> [UInt8] {
    var list: [UInt8] = []
    list.reserveCapacity(items.reduce(2) { $0 + $1.count + 1 })
    list.append(UInt8(ascii: "["))
    for (index, item) in items.enumerated() {
      if index > 0 { list.append(UInt8(ascii: ",")) }
      // Each by itself: of two that are broken one may mend the other.
      let bracketed = [UInt8(ascii: "[")] + item + [UInt8(ascii: "]")]
      guard try self.items(of: bracketed, limit: 0).count == 1 else { throw .isBroken }
      list += item
    }
    list.append(UInt8(ascii: "]"))
    return list
  }

  /// Where the quotation mark is that ends a string; nil: there is none.
  private static func endOfString(from start: Int, in bytes: [UInt8]) -> Int? {
    var position = start
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    return position < bytes.count ? position : nil
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let rest = bytes.drop(while: isSpace)
    guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return [] }
    return rest[...last]
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  private static func kind(_ first: UInt8) -> String? {
    switch first {
    case UInt8(ascii: "\""): "string"
    case UInt8(ascii: "{"): "mapping"
    case UInt8(ascii: "t"), UInt8(ascii: "f"): "boolean"
    case UInt8(ascii: "n"): "null"
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): "number"
    default: nil
    }
  }
}
