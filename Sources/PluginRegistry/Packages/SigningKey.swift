import Crypto
import PluginModel

/// The private half of an Ed25519 key. On disk it is PKCS #8 in PEM (RFC 8410, RFC 7468), as `openssl genpkey -algorithm ed25519` writes it.
package struct SigningKey: Sendable {
  /// What stands before the 32 bytes of the key: a PrivateKeyInfo of version 0 with id-Ed25519, RFC 8410 section 7.
  private static let prefix: [UInt8] = [
    0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]
  private static let (first, last) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----")
  /// Bytes of such a file.
  package static let fileLimit = 4096

  private let key: Curve25519.Signing.PrivateKey
  package let publicKey: PublicKey

  /// A new one, from the system's source of randomness.
  package static func generate() -> SigningKey? { SigningKey(Curve25519.Signing.PrivateKey()) }

  /// Nil unless `text` is the PEM of one Ed25519 key and nothing else.
  package init?(pem text: String) {
    let lines = text.split { $0.isNewline }.map(String.init)
    guard lines.count == 3, lines[0] == Self.first, lines[2] == Self.last, let bytes = Base64.bytes(lines[1]),
      bytes.starts(with: Self.prefix),
      let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes.dropFirst(Self.prefix.count))
    else { return nil }
    self.init(key)
  }

  private init?(_ key: Curve25519.Signing.PrivateKey) {
    guard let publicKey = PublicKey(bytes: Array(key.publicKey.rawRepresentation)) else { return nil }
    self.key = key
    self.publicKey = publicKey
  }

  package var pem: String {
    "\(Self.first)\n\(Base64.text(Self.prefix + key.rawRepresentation))\n\(Self.last)\n"
  }

  /// Nil where the library fails, which it has no reason to.
  package func signature(of index: PackageIndex) -> PackageSignature? {
    guard let bytes = try? key.signature(for: PackageSignature.message(index)) else { return nil }
    return PackageSignature(key: publicKey.identifier, bytes: Array(bytes))
  }
}

extension PublicKey {
  package var identifier: KeyIdentifier { KeyIdentifier(ContentDigest(sha256: bytes)) }

  /// Whether the private half of this key made `signature` of exactly this index.
  package func made(_ signature: PackageSignature, of index: PackageIndex) -> Bool {
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
    return key.isValidSignature(signature.bytes, for: PackageSignature.message(index))
  }
}

extension ContentDigest {
  /// Of these bytes.
  package init(sha256 bytes: some Collection<UInt8>) {
    var hash = SHA256()
    hash.update(data: Array(bytes))
    self.init(hash.finalize())
  }

  init(_ digest: SHA256.Digest) { self = digest.withUnsafeBytes { ContentDigest(unchecked: $0) } }
}

extension TrustPolicy {
  /// Compares each signature with the key that it names, and decides.
  package func verdict(on package: PackageFile, today: CalendarDate) -> TrustVerdict {
    let known = Dictionary(keys.map { ($0.key.identifier, [$0.key]) }, uniquingKeysWith: +)
    let checked = package.signatures.items.map { signature -> CheckedSignature in
      guard let candidates = known[signature.key] else { return CheckedSignature(key: signature.key, .unknownKey) }
      let maker = candidates.first { $0.made(signature, of: package.index) }
      return CheckedSignature(key: signature.key, maker.map { .right($0) } ?? .wrong)
    }
    return verdict(
      on: Subject(
        plugin: package.index.name, version: package.index.version, checksum: package.checksum,
        contents: package.contents, signatures: checked),
      today: today)
  }
}
