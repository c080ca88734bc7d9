import PluginModel

/// `/etc/ld.so.cache` of the GNU C library, as data: ldconfig(8) is a program, and none is run to make it.
///
/// The format is that of `ldconfig -c new`, the usual one since version 2.32: a header of 48 bytes, an entry of 24 bytes for each library,
/// and the texts. The loader searches by bisection, from the highest name down.
package struct LoaderCache: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    /// By which programs ask for it.
    package var name: String
    /// Where it is.
    package var path: String
    /// The class of the library: FLAG_ELF_LIBC6 and one for the architecture.
    package var flags: Int32

    package init(name: String, path: String, flags: Int32) {
      self.name = name
      self.path = path
      self.flags = flags
    }
  }

  /// What the host's own cache has, in its order.
  package private(set) var hostEntries: [Entry]
  /// What a sandbox has besides. These count before the host's of the same name.
  package private(set) var added: [Entry] = []

  package init(_ entries: [Entry] = []) { hostEntries = entries }

  /// The class of this architecture's own libraries.
  package static func flags(of architecture: HostFacts.Architecture) -> Int32 {
    switch architecture {
    case .x86_64: 0x0303
    case .aarch64: 0x0A03
    }
  }

  package func adding(_ entries: [Entry]) -> LoaderCache {
    var cache = self
    cache.added = entries + added
    return cache
  }

  // MARK: Bytes

  private static let magic = Array("glibc-ld.so.cache1.1".utf8)
  private static let headerSize = 48
  private static let entrySize = 24
  /// Texts are paths.
  private static let maximumText = 4096

  /// Nil for anything but a well-formed cache of this format. Entries for one kind of processor alone are left out: the loader
  /// then takes the same library's general one.
  package init?(_ bytes: [UInt8]) {
    func word(_ offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }
    guard bytes.count >= Self.headerSize, bytes.starts(with: Self.magic) else { return nil }
    let count = Int(word(20))
    guard count <= (bytes.count - Self.headerSize) / Self.entrySize else { return nil }
    func text(at offset: UInt32) -> String? {
      guard Int(offset) < bytes.count else { return nil }
      let text = bytes[Int(offset)...].prefix(Self.maximumText + 1).prefix { $0 != 0 }
      guard text.count <= Self.maximumText, text.endIndex < bytes.count else { return nil }
      return String(validating: text, as: UTF8.self)
    }
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for index in 0..<count {
      let offset = Self.headerSize + index * Self.entrySize
      guard let name = text(at: word(offset + 4)), let path = text(at: word(offset + 8)) else { return nil }
      let needsProcessor = word(offset + 16) != 0 || word(offset + 20) != 0
      if !needsProcessor {
        entries.append(Entry(name: name, path: path, flags: Int32(bitPattern: word(offset))))
      }
    }
    hostEntries = entries
  }

  package var bytes: [UInt8] {
    // Of two of one name the first counts, and the sort of the standard library keeps the order of equals.
    let sorted = (added + hostEntries).sorted { NaturalOrder.compare($0.name, $1.name) > 0 }
    let textStart = Self.headerSize + sorted.count * Self.entrySize
    var texts: [UInt8] = []
    var places: [String: UInt32] = [:]
    func place(_ text: String) -> UInt32 {
      if let known = places[text] { return known }
      let offset = UInt32(truncatingIfNeeded: textStart + texts.count)
      texts += Array(text.utf8) + [0]
      places[text] = offset
      return offset
    }
    let table = sorted.flatMap { entry in
      Self.littleEndian(UInt32(bitPattern: entry.flags)) + Self.littleEndian(place(entry.name))
        + Self.littleEndian(place(entry.path)) + [UInt8](repeating: 0, count: 12)
    }
    var header = Self.magic
    header += Self.littleEndian(UInt32(truncatingIfNeeded: sorted.count))
    header += Self.littleEndian(UInt32(truncatingIfNeeded: texts.count))
    // Little-endian; no extensions.
    header += [2] + [UInt8](repeating: 0, count: Self.headerSize - header.count - 1)
    return header + table + texts
  }

  private static func littleEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }
}
