/// What a publisher proves by that it is one. Never shown: neither in an error nor in a description.
package struct RegistryToken: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  package static let grammar = "16 to 512 letters, digits, '-', '.', '_', '~', '+', '/' or '='"
  /// What it is sent as: RFC 6750.
  package static let scheme = "Bearer"

  /// Only for the header.
  package let secret: String

  /// `b64token` of RFC 6750 section 2.1; line ends and blanks around it don't count. Nil for anything else.
  package init?(_ text: String) {
    let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
    let bytes = text.utf8.drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed()
    let isToken = bytes.allSatisfy { $0.isLetter || $0.isDigit || "-._~+/=".utf8.contains($0) }
    guard (16...512).contains(bytes.count), isToken else { return nil }
    secret = String(decoding: Array(bytes), as: UTF8.self)
  }

  /// Of the field `Authorization`.
  package init?(authorization text: String) {
    let halves = text.split(separator: " ", maxSplits: 1)
    guard halves.count == 2, halves[0].lowercased() == Self.scheme.lowercased() else { return nil }
    self.init(String(halves[1]))
  }

  package var authorization: String { "\(Self.scheme) \(secret)" }
  package var description: String { "a token" }
  package var debugDescription: String { description }
}

/// Who may publish, as the registry's side keeps it: a line `PUBLISHER sha256:…` for each token. Whoever reads it learns no token.
package struct RegistryTokens: Hashable, Sendable {
  package static let maximumBytes = 1 << 20
  private let publishers: [ContentDigest: PublisherName]

  /// - Throws: the number of the first line that is none. Empty lines and those that begin with `#` don't count.
  package init(_ text: String) throws(Line) {
    var publishers: [ContentDigest: PublisherName] = [:]
    for (position, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      let words = line.split(separator: " ")
      guard words.count == 2, let name = PublisherName(String(words[0])),
        let digest = ContentDigest(described: String(words[1]))
      else { throw Line(number: position + 1) }
      publishers[digest] = name
    }
    self.publishers = publishers
  }

  package struct Line: Error, Hashable, Sendable {
    package var number: Int
  }

  package static func line(_ publisher: PublisherName, _ digest: ContentDigest) -> String { "\(publisher) \(digest)\n" }

  /// - Parameter digest: SHA-256 of the token. A token is random and long: nobody learns one by trying digests, or from how long this takes.
  package func publisher(_ digest: ContentDigest) -> PublisherName? { publishers[digest] }
}
