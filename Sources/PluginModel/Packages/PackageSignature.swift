/// Names a key: the first 16 hexadecimal digits of the SHA-256 of its public half. A name only: what a signature is checked with is the
/// key itself, as the operator wrote it.
package struct KeyIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible {
  package static let grammar = "16 lower-case hexadecimal digits"

  package let text: String

  package init?(_ text: String) {
    guard text.utf8.count == 16, text.utf8.allSatisfy(\.isLowercaseHexDigit) else { return nil }
    self.text = text
  }

  /// - Parameter digest: SHA-256 of the 32 bytes of a public key.
  package init(_ digest: ContentDigest) { text = String(digest.hexadecimal.prefix(16)) }

  package var description: String { text }
  package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// The public half of an Ed25519 key, RFC 8032: `ed25519:` and the base64 of its 32 bytes.
package struct PublicKey: Hashable, Sendable, CustomStringConvertible {
  package static let grammar = "'ed25519:' and 44 characters of base64, as orchestrator plugin keygen prints it"
  private static let prefix = "ed25519:"

  /// 32.
  package let bytes: [UInt8]

  package init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  package init?(_ text: String) {
    guard text.hasPrefix(Self.prefix), let bytes = Base64.bytes(String(text.dropFirst(Self.prefix.utf8.count))) else {
      return nil
    }
    self.init(bytes: bytes)
  }

  package var description: String { Self.prefix + Base64.text(bytes) }
}

/// One signature of an index. Whether it is right takes the key.
package struct PackageSignature: Hashable, Sendable {
  package var key: KeyIdentifier
  /// 64, as Ed25519 makes them.
  package var bytes: [UInt8]

  package init(key: KeyIdentifier, bytes: [UInt8]) {
    self.key = key
    self.bytes = bytes
  }

  /// What is signed stands behind this, so that nothing else that the key signs can be taken for an index.
  package static let domain = Array("orchestrator package signature 1".utf8) + [0]

  /// The bytes that a signature is of.
  package static func message(_ index: PackageIndex) -> [UInt8] { domain + index.bytes }
}

/// The member `.package/signatures`: a line `KEY SIGNATURE` for each key, in the order of their names; empty when nobody signed.
package struct PackageSignatures: Hashable, Sendable {
  package static let maximumCount = 64

  /// In the order of their keys, one for each.
  package let items: [PackageSignature]

  package init(_ items: [PackageSignature] = []) { self.items = items.sorted { $0.key < $1.key } }

  package init(_ bytes: [UInt8]) throws(PackageFlaw) {
    var items: [PackageSignature] = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
    for (position, line) in lines.enumerated() {
      let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard position < Self.maximumCount, words.count == 2,
        let key = String(validating: words[0], as: UTF8.self).flatMap({ KeyIdentifier($0) }),
        let signature = String(validating: words[1], as: UTF8.self).flatMap({ Base64.bytes($0) }),
        signature.count == 64, items.last.map({ $0.key < key }) ?? true
      else { throw .signatures(line: position + 1) }
      items.append(PackageSignature(key: key, bytes: signature))
    }
    guard bytes.isEmpty || bytes.last == UInt8(ascii: "\n") else { throw .signatures(line: lines.count + 1) }
    self.items = items
  }

  package var bytes: [UInt8] { Array(items.map { "\($0.key) \(Base64.text($0.bytes))\n" }.joined().utf8) }

  /// With one more, in the place of an earlier one by the same key; nil where that would be more than ``maximumCount``.
  package func adding(_ signature: PackageSignature) -> PackageSignatures? {
    let others = items.filter { $0.key != signature.key }
    return others.count < Self.maximumCount ? PackageSignatures(others + [signature]) : nil
  }
}
