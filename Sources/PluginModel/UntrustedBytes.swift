/// Bytes that a plugin made up: a path, a name. They need not be UTF-8 and may hold anything; only ``text`` is for people.
package struct UntrustedBytes: Hashable, Sendable {
  /// Longer ones are cut.
  package static let limit = 512

  package let bytes: [UInt8]
  package let isCut: Bool

  package init(_ bytes: some Collection<UInt8>, isCut: Bool = false) {
    self.bytes = Array(bytes.prefix(Self.limit))
    self.isCut = isCut || bytes.count > Self.limit
  }

  package init(_ text: String) { self.init(Array(text.utf8)) }

  /// One line without anything that a terminal obeys or that reorders it (CVE-2021-42574). What isn't UTF-8 is written `\xff`,
  /// what can't be shown `\u{1b}`, a backslash `\\`; two different ones never look alike but for letters that do.
  package var text: String {
    var result = ""
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let scalar = Self.scalar(of: rest) else {
        result += "\\x" + Self.hexadecimal(rest.removeFirst())
        continue
      }
      rest = rest.dropFirst(scalar.utf8.count)
      if scalar == "\\" {
        result += "\\\\"
      } else if Self.isShown(scalar) {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return isCut ? result + "…" : result
  }

  /// The whole of it as it is; nil where ``text`` isn't that.
  package var exact: String? {
    guard !isCut, let whole = String(validating: bytes, as: UTF8.self),
      whole.unicodeScalars.allSatisfy({ Self.isShown($0) })
    else { return nil }
    return whole
  }

  /// The first one; nil where the bytes don't begin with one.
  private static func scalar(of bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
    for length in 1...4 where bytes.count >= length {
      if let text = String(validating: bytes.prefix(length), as: UTF8.self) { return text.unicodeScalars.first }
    }
    return nil
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.utf8.count == 1 ? "0" + digits : digits
  }

  private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }
}

extension UntrustedBytes: CustomStringConvertible {
  package var description: String { text }
}
