/// What proves who asks over HTTP, a publisher in a registry too. Never shown: neither in an error nor in a description.
package struct BearerToken: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// What those that this program makes begin with, so that scanners of sources find one that got there.
  package static let prefix = "orchestrator_"
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

  /// - Parameter random: as many hexadecimal digits as nobody guesses.
  package init(random digits: String) { secret = Self.prefix + digits }

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
