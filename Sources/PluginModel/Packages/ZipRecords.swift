/// The three records of a zip file that a package consists of, byte by byte: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
enum ZipRecords {
  static let endLength = 22
  static let entryLength = 46
  static let headerLength = 30
  /// Of a data descriptor (4.3.9), with and without its optional signature.
  static let descriptorLengths = [16, 12]
  static let descriptorSignature: UInt32 = 0x0807_4B50

  /// General purpose flags, 4.4.4.
  enum Flags {
    static let encrypted: UInt16 = 1 << 0 | 1 << 6 | 1 << 13
    /// How much the compressor tried.
    static let effort: UInt16 = 1 << 1 | 1 << 2
    static let descriptor: UInt16 = 1 << 3
    static let unicode: UInt16 = 1 << 11
    static let known = effort | descriptor | unicode
  }

  /// Version 2.0 of the format: what deflated members need.
  static let version: UInt16 = 20
  static let unix: UInt8 = 3
  /// 1980-01-01 as MS-DOS has it, the earliest there is; midnight is 0.
  static let date: UInt16 = 1 << 5 | 1

  /// What the header before a member's content and the directory must agree on.
  struct Common: Hashable {
    var version: UInt16
    var flags: UInt16
    var method: UInt16
    var time: UInt16
    var date: UInt16
    /// CRC-32 of the content.
    var checksum: UInt32
    var compressedSize: UInt32
    var size: UInt32
    var nameLength: UInt16
    var extraLength: UInt16

    func write(to bytes: inout [UInt8]) {
      for word in [version, flags, method, time, date] { bytes.append(littleEndian: word) }
      for word in [checksum, compressedSize, size] { bytes.append(littleEndian: word) }
      for word in [nameLength, extraLength] { bytes.append(littleEndian: word) }
    }
  }

  static let endSignature: UInt32 = 0x0605_4B50
  static let entrySignature: UInt32 = 0x0201_4B50
  static let headerSignature: UInt32 = 0x0403_4B50
}

/// Little-endian numbers from the front of some bytes. Past the end everything is 0, and ``isExhausted``.
struct ZipReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int
  private(set) var isExhausted = false

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_ type: Number.Type = Number.self) -> Number {
    take(Number.bitWidth / 8).reversed().reduce(0) { $0 << 8 | Number($1) }
  }

  mutating func take(_ count: Int) -> ArraySlice<UInt8> {
    guard bytes.endIndex - position >= count else {
      isExhausted = true
      return []
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  mutating func common() -> ZipRecords.Common {
    ZipRecords.Common(
      version: number(), flags: number(), method: number(), time: number(), date: number(), checksum: number(),
      compressedSize: number(), size: number(), nameLength: number(), extraLength: number())
  }
}

extension [UInt8] {
  mutating func append<Number: FixedWidthInteger & UnsignedInteger>(littleEndian number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }
}

/// CRC-32 as zip files have it: ISO 3309, ITU-T V.42. It finds damage, and proves nothing.
package struct ZipChecksum: Sendable {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
  }

  private var state: UInt32 = .max
  package init() {}

  package mutating func update(_ bytes: [UInt8]) {
    var state = state
    Self.table.withUnsafeBufferPointer { table in
      bytes.withUnsafeBufferPointer { bytes in
        for byte in bytes { state = state >> 8 ^ table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] }
      }
    }
    self.state = state
  }

  package var value: UInt32 { ~state }
}
