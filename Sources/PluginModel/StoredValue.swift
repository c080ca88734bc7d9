/// SHA-256 of some bytes (FIPS 180-4), by which they are found again and known to be whole.
package struct ContentDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Eight bytes each, the first of them the highest: so they compare as the digits do. Every node of a run has a key of several digests:
  /// as text, each would be memory of its own.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// - Parameter bytes: 32 of them.
  package init(unchecked bytes: UnsafeRawBufferPointer) {
    func word(_ offset: Int) -> UInt64 {
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    words = (word(0), word(8), word(16), word(24))
  }

  /// Nil unless `text` is 64 lower-case hexadecimal digits.
  package init?(_ text: String) { self.init(digits: text.utf8) }

  private init?(digits: some Collection<UInt8>) {
    guard digits.count == 64 else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    for digit in digits {
      guard let half = Self.half(digit) else { return nil }
      // All of it moves up by one digit.
      words.0 = words.0 << 4 | words.1 >> 60
      words.1 = words.1 << 4 | words.2 >> 60
      words.2 = words.2 << 4 | words.3 >> 60
      words.3 = words.3 << 4 | UInt64(half)
    }
    self.words = words
  }

  /// As ``description`` writes it; nil for anything else.
  package init?(described text: String) {
    guard text.utf8.starts(with: Self.prefix.utf8) else { return nil }
    self.init(digits: text.utf8.dropFirst(Self.prefix.utf8.count))
  }

  private static let prefix = "sha256:"

  /// Nil unless there are 32 bytes.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self = Array(bytes).withUnsafeBytes { ContentDigest(unchecked: $0) }
  }

  private static func half(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }

  /// 64 lower-case hexadecimal digits.
  package var hexadecimal: String {
    var digits: [UInt8] = []
    digits.reserveCapacity(64)
    write(to: &digits)
    return String(decoding: digits, as: UTF8.self)
  }

  /// ``hexadecimal`` behind what is there, without a text.
  package func write(to bytes: inout [UInt8]) {
    func digits(_ word: UInt64) -> (UInt64, UInt64) {
      (Self.digits(of: UInt32(truncatingIfNeeded: word >> 32)), Self.digits(of: UInt32(truncatingIfNeeded: word)))
    }
    withUnsafeBytes(of: (digits(words.0), digits(words.1), digits(words.2), digits(words.3))) { bytes += $0 }
  }

  /// Eight digits, as they lie in memory. All at once: one byte for each half of a byte, then what makes a digit or a letter of it.
  private static func digits(of number: UInt32) -> UInt64 {
    var halves = UInt64(number)
    halves = (halves << 16 | halves) & 0x0000_FFFF_0000_FFFF
    halves = (halves << 8 | halves) & 0x00FF_00FF_00FF_00FF
    halves = (halves << 4 | halves) & 0x0F0F_0F0F_0F0F_0F0F
    let letters = (halves + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return (halves + 0x3030_3030_3030_3030 + letters * 0x27).bigEndian
  }

  package var description: String { "sha256:\(hexadecimal)" }
  package static func == (left: Self, right: Self) -> Bool { left.words == right.words }
  package static func < (left: Self, right: Self) -> Bool { left.words < right.words }
  package func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

extension String {
  /// Two lower-case digits for each byte.
  package init(hexadecimal bytes: some Sequence<UInt8>) {
    func digit(_ half: UInt8) -> UInt8 { half + (half < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) }
    self.init(decoding: bytes.flatMap { [digit($0 >> 4), digit($0 & 15)] }, as: UTF8.self)
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
