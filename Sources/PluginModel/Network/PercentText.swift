/// Percent-encoding: RFC 3986 section 2.1.
package enum PercentText {
  /// What isn't unreserved is written `%XX`.
  package static func encoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if byte.isUnreserved {
        bytes.append(byte)
      } else {
        bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// - Parameter isQuery: a plus sign is a blank, as forms write it.
  /// - Returns: nil where a percent sign begins nothing.
  package static func bytes(of text: Substring, isQuery: Bool = false) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case 0x25:
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
        bytes.append(high << 4 | low)
      case 0x2B where isQuery: bytes.append(0x20)
      default: bytes.append(byte)
      }
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// The same as text.
  /// - Returns: nil also where it isn't UTF-8, or holds a zero byte.
  package static func decoded(_ text: Substring, isQuery: Bool = false) -> String? {
    guard text.utf8.contains(where: { $0 == 0x25 || $0 == 0x2B }) else { return String(text) }
    guard let bytes = bytes(of: text, isQuery: isQuery), !bytes.contains(0) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// `a=1&b=2`, in its order.
  /// - Returns: nil where a part can't be decoded.
  package static func items(ofQuery query: String) -> [(name: String, value: String)]? {
    var items: [(name: String, value: String)] = []
    for part in query.split(separator: "&") {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decoded(halves[0], isQuery: true),
        let value = halves.count == 2 ? decoded(halves[1], isQuery: true) : ""
      else { return nil }
      items.append((name, value))
    }
    return items
  }
}
