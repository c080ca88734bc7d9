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
