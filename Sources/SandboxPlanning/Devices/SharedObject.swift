/// Reads the one thing of a shared library that a sandbox has to know: its DT_SONAME, elf(5). Only for 64-bit little-endian files.
package enum SharedObject {
  /// At most `count` bytes from `offset`; fewer at the end of the file, nil where they can't be read.
  package typealias Read = (_ offset: UInt64, _ count: Int) -> [UInt8]?

  private struct Segment {
    var kind: UInt64
    var offset: UInt64
    var address: UInt64
    var size: UInt64
  }
  private struct Tag {
    /// DT_NULL, DT_STRTAB, DT_STRSZ and DT_SONAME.
    static let end: UInt64 = 0
    static let texts: UInt64 = 5
    static let textsSize: UInt64 = 10
    static let name: UInt64 = 14
  }
  /// PT_LOAD and PT_DYNAMIC.
  private static let load: UInt64 = 1
  private static let dynamic: UInt64 = 2

  /// Nil for what is no shared library of this kind, or has no such name.
  package static func soname(_ read: Read) -> String? {
    // ELFCLASS64, ELFDATA2LSB.
    guard let header = read(0, 64), header.count == 64, header.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
      return nil
    }
    let count = Int(number(header, 56, 2))
    guard number(header, 54, 2) == 56, count <= 128,
      let table = read(number(header, 32, 8), count * 56), table.count == count * 56
    else { return nil }
    let segments = (0..<count).map { index in
      let start = index * 56
      return Segment(
        kind: number(table, start, 4), offset: number(table, start + 8, 8), address: number(table, start + 16, 8),
        size: number(table, start + 32, 8))
    }
    guard let section = segments.first(where: { $0.kind == dynamic }),
      let entries = read(section.offset, Int(min(section.size, 64 << 10)))
    else { return nil }
    var values: [UInt64: UInt64] = [:]
    for start in stride(from: 0, to: entries.count - 15, by: 16) {
      let tag = number(entries, start, 8)
      if tag == Tag.end { break }
      values[tag] = number(entries, start + 8, 8)
    }
    guard let name = values[Tag.name], let texts = values[Tag.texts], let size = values[Tag.textsSize], name < size,
      let home = segments.first(where: { $0.kind == load && texts >= $0.address && texts - $0.address < $0.size })
    else { return nil }
    let (place, overflows) = home.offset.addingReportingOverflow(texts - home.address)
    let (start, overflowsToo) = place.addingReportingOverflow(name)
    guard !overflows, !overflowsToo, let bytes = read(start, 256) else { return nil }
    let text = bytes.prefix { $0 != 0 }
    // A name with a slash is a path, which nobody looks up.
    guard !text.isEmpty, text.count < bytes.count, !text.contains(0x2F),
      text.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    return String(validating: text, as: UTF8.self)
  }

  private static func number(_ bytes: [UInt8], _ offset: Int, _ size: Int) -> UInt64 {
    (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
  }
}
