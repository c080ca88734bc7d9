/// SHA-256 of some bytes (FIPS 180-4), by which they are found again and known to be whole.
package struct ContentDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  package let hexadecimal: String

  package init(unchecked hexadecimal: String) { self.hexadecimal = hexadecimal }

  /// Nil unless `text` is 64 lower-case hexadecimal digits.
  package init?(_ text: String) {
    guard text.utf8.count == 64, text.utf8.allSatisfy(Self.isDigit) else { return nil }
    hexadecimal = text
  }

  /// Nil unless there are 32 bytes.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    hexadecimal = String(hexadecimal: bytes)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }

  package var description: String { "sha256:\(hexadecimal)" }
  package static func < (left: Self, right: Self) -> Bool { left.hexadecimal < right.hexadecimal }
}

extension String {
  /// Two lower-case digits for each byte.
  package init(hexadecimal bytes: some Sequence<UInt8>) {
    self = Array(bytes).withUnsafeBytes { String(hexadecimalOf: $0) }
  }

  /// The same, of bytes in their place: every node of a run has a key of several digests, and a sequence whose kind isn't known here
  /// takes ten times as long to walk through as all else that a digest costs.
  package init(hexadecimalOf bytes: UnsafeRawBufferPointer) {
    func digit(_ half: UInt8) -> UInt8 { half + (half < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) }
    self.init(unsafeUninitializedCapacity: 2 * bytes.count) { digits in
      for (index, byte) in bytes.enumerated() {
        digits[2 * index] = digit(byte >> 4)
        digits[2 * index + 1] = digit(byte & 15)
      }
      return 2 * bytes.count
    }
  }
}

/// A value that was put where it survives this process: what is needed to have it again as a ``NodeValue``.
package struct StoredValue: Hashable, Sendable {
  package enum Content: Hashable, Sendable {
    /// Short ones are kept with what refers to them.
    case inline([UInt8])
    /// In the artifact store, under ``StoredValue/digest``.
    case object
  }

  /// The most bytes that are kept inline.
  package static let longestInline = 16 << 10

  package var codec: ValueCodec
  package var label: String
  package var byteCount: Int
  /// Of the bytes alone.
  package var digest: ContentDigest
  package var content: Content

  package init(codec: ValueCodec, label: String, byteCount: Int, digest: ContentDigest, content: Content) {
    self.codec = codec
    self.label = label
    self.byteCount = byteCount
    self.digest = digest
    self.content = content
  }
}
