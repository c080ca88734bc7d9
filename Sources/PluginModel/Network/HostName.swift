/// The name of a host in ASCII (RFC 952, RFC 1123 §2.1), in lower case and without the dot of the root.
///
/// A name of another script is written as A-labels (`xn--…`, RFC 5890): names are matched by their bytes, so that no letter
/// that only looks like another matches it. What a program would take for an address is no name, however it is spelled.
package struct HostName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package static let maximumBytes = 253
  package let text: String

  /// Why a text is no host name.
  package enum Problem: Error, Hashable, Sendable {
    case empty
    case tooLong
    case trailingDot
    case emptyLabel
    case longLabel
    case notASCII
    case controlCharacter
    case invalidCharacter
    case hyphenAtEdge
    /// An address in a canonical or another spelling; nil where it would be one that doesn't exist.
    case numeric(IPv4Address?)
  }

  package init(_ text: some StringProtocol) throws(Problem) {
    // A digit of another script is named as what it would become.
    if let spelling = NumericSpelling(text) { throw .numeric(spelling.address) }
    try self.init(bytes: text.utf8)
  }

  /// Of what came over a wire.
  package init(bytes: some Collection<UInt8>) throws(Problem) {
    guard !bytes.isEmpty else { throw .empty }
    guard bytes.count <= Self.maximumBytes + 1 else { throw .tooLong }
    var name: [UInt8] = []
    name.reserveCapacity(bytes.count)
    var labelStart = 0
    for byte in bytes {
      switch byte {
      case 0...0x1F, 0x7F: throw .controlCharacter
      case 0x80...: throw .notASCII
      case UInt8(ascii: "."):
        try Self.checkLabel(name[labelStart...])
        name.append(byte)
        labelStart = name.count
      default:
        guard byte.isLetter || byte.isDigit || byte == UInt8(ascii: "-") else { throw .invalidCharacter }
        name.append(byte.lowercasedLetter)
      }
    }
    guard labelStart < name.count else { throw .trailingDot }
    try Self.checkLabel(name[labelStart...])
    guard name.count <= Self.maximumBytes else { throw .tooLong }
    let text = String(decoding: name, as: UTF8.self)
    if let spelling = NumericSpelling(text) { throw .numeric(spelling.address) }
    self.text = text
  }

  private static func checkLabel(_ label: ArraySlice<UInt8>) throws(Problem) {
    guard !label.isEmpty else { throw .emptyLabel }
    guard label.count <= 63 else { throw .longLabel }
    guard label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-") else { throw .hyphenAtEdge }
  }

  package var labels: [Substring] { text.split(separator: ".") }

  /// True for `a.example.org` and `b.a.example.org` beneath `example.org`, and not for `example.org` itself.
  package func isBeneath(_ base: HostName) -> Bool {
    let (name, suffix) = (text.utf8, base.text.utf8)
    return name.count > suffix.count + 1 && name.suffix(suffix.count).elementsEqual(suffix)
      && name.dropLast(suffix.count).last == UInt8(ascii: ".")
  }

  package var description: String { text }
  package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

extension HostName.Problem {
  /// What is wrong, to follow the text in question.
  package var words: String {
    switch self {
    case .empty: "it is empty"
    case .tooLong: "a host name has at most \(HostName.maximumBytes) characters"
    case .trailingDot: "a dot stands at its end"
    case .emptyLabel: "there is nothing between two dots, or before the first"
    case .longLabel: "between two dots are more than 63 characters"
    case .notASCII: "names are matched in ASCII, so that no other letter can look like one of them"
    case .controlCharacter: "it has a control character"
    case .invalidCharacter: "a host name has letters, digits, '-' and '.'"
    case .hyphenAtEdge: "'-' stands at the beginning or the end of a part"
    case .numeric(let address?): "programs take it for the address \(address)"
    case .numeric(nil): "it ends in a number, as addresses do"
    }
  }

  /// How to mend it in a list.
  package var hint: String {
    switch self {
    case .notASCII: "write the name as it is in the DNS, with 'xn--' (an A-label, RFC 5890)"
    case .trailingDot: "leave the dot out"
    case .numeric(let address?): "write \(address)"
    case .empty, .tooLong, .emptyLabel, .longLabel, .controlCharacter, .invalidCharacter, .hyphenAtEdge, .numeric(nil):
      "write a host name or an address, for example 'api.example.org', '192.0.2.7' or '[2001:db8::7]'"
    }
  }
}
