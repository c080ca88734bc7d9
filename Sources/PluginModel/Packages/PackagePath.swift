/// The path of a file in a package, relative to its top: `src/plugin.py`. Such a path means the same to every file system, unpacker and
/// reader, and leads nowhere else; see ``Flaw`` for what it is not.
package struct PackagePath: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// What a packed tree must not hold and what a path in a package must not be.
  package enum Flaw: Error, Hashable, Sendable {
    case empty
    case notUTF8
    case absolute
    case backslash
    /// `.` or `..` between slashes.
    case dots
    /// `a//b`, `a/`
    case emptyComponent
    case tooLong
    case tooDeep
    /// Control characters; what reorders text (CVE-2021-42574) or isn't seen; what no version of Unicode has assigned.
    case unseen(UInt32)
    /// A mark that is put on the letter before it, or a letter that normalisation (NFC, UAX #15) changes: two spellings of one name.
    case composed(UInt32)
    /// A dot or a blank at the end, a blank at the start: Windows drops them, people overlook them.
    case edge
  }

  package static let maximumBytes = 512
  /// As most file systems have it: NAME_MAX in limits.h.
  package static let maximumComponentBytes = 255
  /// Directories above the file.
  package static let maximumDepth = 32

  package let text: String

  package init(_ bytes: some Collection<UInt8>) throws(Flaw) {
    guard !bytes.isEmpty else { throw .empty }
    guard bytes.count <= Self.maximumBytes else { throw .tooLong }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    guard bytes.first != UInt8(ascii: "/") else { throw .absolute }
    guard !bytes.contains(UInt8(ascii: "\\")) else { throw .backslash }
    for scalar in text.unicodeScalars where scalar.value >= 0x7F || scalar.value < 0x20 { try Self.check(scalar) }
    let components = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard components.count <= Self.maximumDepth + 1 else { throw .tooDeep }
    for component in components { try Self.check(component) }
    self.text = text
  }

  package init(_ text: String) throws(Flaw) { try self.init(Array(text.utf8)) }

  private static func check(_ scalar: Unicode.Scalar) throws(Flaw) {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      // Blanks that look like the one that everybody can type, or like nothing.
      .spaceSeparator:
      throw .unseen(scalar.value)
    case .nonspacingMark, .spacingMark, .enclosingMark: throw .composed(scalar.value)
    default: break
    }
    // The Hangul letters that compose, and what NFC writes otherwise.
    if (0x1100...0x11FF).contains(scalar.value) || scalar.properties.isFullCompositionExclusion {
      throw .composed(scalar.value)
    }
    // Letters that fill no room: the fillers of Hangul, for example.
    if scalar.properties.isDefaultIgnorableCodePoint { throw .unseen(scalar.value) }
  }

  private static func check(_ component: Substring.UTF8View) throws(Flaw) {
    guard let first = component.first, let last = component.last else { throw .emptyComponent }
    guard component.count <= maximumComponentBytes else { throw .tooLong }
    let (dot, blank) = (UInt8(ascii: "."), UInt8(ascii: " "))
    if component.elementsEqual([dot]) || component.elementsEqual([dot, dot]) { throw .dots }
    if first == blank || last == blank || last == dot { throw .edge }
  }

  package var description: String { text }
  package var components: [Substring] { text.split(separator: "/") }

  /// In the order of the bytes.
  package static func < (left: Self, right: Self) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
}

extension PackagePath.Flaw: CustomStringConvertible {
  package var description: String {
    switch self {
    case .empty: "it is empty"
    case .notUTF8: "it is not UTF-8"
    case .absolute: "it is absolute"
    case .backslash: "it holds a backslash, which some systems take for a slash"
    case .dots: "it holds '.' or '..', which lead out of the package or nowhere"
    case .emptyComponent: "it has nothing before, between or after its slashes: a directory is no member of a package"
    case .tooLong:
      "it is longer than \(PackagePath.maximumBytes) bytes, or a name in it than \(PackagePath.maximumComponentBytes)"
    case .tooDeep: "it lies more than \(PackagePath.maximumDepth) directories deep"
    case .unseen(let scalar): "it holds U+\(Self.digits(scalar)), which can't be seen or isn't assigned"
    case .composed(let scalar): "it holds U+\(Self.digits(scalar)), with which one name can be written in two ways"
    case .edge: "a name in it begins or ends with a blank, or ends with a dot"
    }
  }

  private static func digits(_ scalar: UInt32) -> String {
    let digits = String(scalar, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }
}

/// Paths that can lie in one tree, on a file system that tells letters by their case and on one that doesn't.
package struct PackageTree: Sendable {
  package enum Clash: Error, Hashable, Sendable {
    case duplicate(PackagePath)
    /// They differ in the case of letters only.
    case twins(String, String)
    /// One is a file, and the other lies beneath it.
    case fileAbove(PackagePath, file: String)
  }

  private enum Kind { case file, directory }

  /// By the path without the difference of cases. A `String` equals every canonically equivalent one.
  private var entries: [String: (spelling: String, kind: Kind)] = [:]

  package init() {}

  package mutating func insert(_ path: PackagePath) throws(Clash) {
    let components = path.components
    var spelling = ""
    for (position, component) in components.enumerated() {
      spelling += position == 0 ? String(component) : "/" + component
      let kind = position == components.count - 1 ? Kind.file : .directory
      let known = entries.updateValue((spelling, kind), forKey: Self.folded(spelling))
      guard let known else { continue }
      guard known.spelling.utf8.elementsEqual(spelling.utf8) else { throw .twins(known.spelling, spelling) }
      switch (known.kind, kind) {
      case (.directory, .directory): continue
      case (.file, .file): throw .duplicate(path)
      case (.file, .directory), (.directory, .file): throw .fileAbove(path, file: spelling)
      }
    }
  }

  /// Up and down again, so that `ß` and `SS`, `ſ` and `s`, the Kelvin sign and `k` are told from one another by none of them.
  static func folded(_ text: String) -> String {
    text.isEachByte { $0 < 0x80 } ? text.lowercased() : text.lowercased().uppercased().lowercased()
  }
}
