/// Reads numbers in network order and stops at the end: nothing that a worker sends can make it read beyond.
struct ByteReader {
  let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

  var isAtEnd: Bool { position == bytes.count }

  mutating func u8() -> UInt8? {
    guard position < bytes.count else { return nil }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func u16() -> UInt16? {
    take(2).map { $0.reduce(0) { $0 << 8 | UInt16($1) } }
  }

  mutating func u24() -> Int? {
    take(3).map { $0.reduce(0) { $0 << 8 | Int($1) } }
  }

  mutating func u32() -> UInt32? {
    take(4).map { $0.reduce(0) { $0 << 8 | UInt32($1) } }
  }

  mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count <= bytes.count - position else { return nil }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// What is announced by a length of one byte.
  mutating func vector8() -> ArraySlice<UInt8>? { u8().flatMap { take(Int($0)) } }
  /// What is announced by a length of two bytes.
  mutating func vector16() -> ArraySlice<UInt8>? { u16().flatMap { take(Int($0)) } }
}
