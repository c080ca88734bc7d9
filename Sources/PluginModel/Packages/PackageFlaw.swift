/// Why a file is no package. Nothing of it was unpacked or written.
package enum PackageFlaw: Error, Hashable, Sendable {
  /// By the operating system.
  case unreadable(String)
  case tooLarge(bytes: Int, limit: Int)
  /// Nothing at its end says where the files are: it is cut short, has something behind it, or is no zip file.
  case noEnd
  case comment
  case zip64
  case severalDisks
  case files(count: Int, limit: Int)
  /// The directory doesn't lie right before the end.
  case directoryPlace
  /// Something stands where an entry of the directory should be.
  case directoryEntry(number: Int)
  case member(UntrustedBytes, Member)
  case clash(PackageTree.Clash)
  /// The first two members are not the index and the signatures.
  case noIndex
  /// Members are not in the order of their paths.
  case order(PackagePath)
  case totalSize(bytes: Int, limit: Int)
  case index(PackageIndex.Flaw)
  /// What came out of it is larger or smaller than its index says.
  case unpackedSize(bytes: Int, index: Int)
  case signatures(line: Int)

  /// What is wrong with one member.
  package enum Member: Error, Hashable, Sendable {
    case path(PackagePath.Flaw)
    /// Its name isn't ASCII, and nothing says that it is UTF-8.
    case encoding
    case encrypted
    case flags(UInt16)
    case method(UInt16)
    case version(UInt16)
    /// Extra fields or a comment: a second name, a second size or links can stand in them.
    case extra
    /// Made on a system without permissions.
    case system(UInt8)
    /// Not that of a regular file with 0644 or 0755.
    case mode(UInt32)
    case attributes(UInt16)
    /// It doesn't begin where the one before it ends.
    case place
    /// The header before its content doesn't say what the directory says.
    case header
    /// The sizes behind its content don't say what the directory says.
    case descriptor
    case storedSize
    case size(bytes: Int, limit: Int)
    case ratio(limit: Int)
    /// Beneath `.package`, where only the index and the signatures may be.
    case reserved
    /// The index or the signatures are compressed or executable.
    case notPlain
    case notIndexed
    case differsFromIndex
    case digest
    case checksum
  }
}

extension PackageFlaw {
  /// - Parameter package: the name of the file, as it was given.
  package func diagnostic(of package: String) -> Diagnostic {
    Diagnostic("\(package) is not a package", why: description, hint: hint)
  }

  private var hint: String? {
    switch self {
    case .unreadable, .tooLarge: nil
    case .noEnd: "get it again"
    case .member(_, .encrypted): "packages are signed, not encrypted"
    case .member(_, .extra), .member(_, .mode), .member(_, .attributes), .noIndex, .order:
      "make packages with: orchestrator plugin pack"
    default: "what makes a package is on the page Packages; don't install this one"
    }
  }
}

extension PackageFlaw: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreadable(let why): why
    case .tooLarge(let bytes, let limit): "it has \(bytes) bytes, and a package at most \(limit)"
    case .noEnd: "it doesn't end as a zip file does: it is cut short, or something was added"
    case .comment: "it has a comment at its end, in which another zip file could lie"
    case .zip64: "it has zip64 records, which repeat sizes and places"
    case .severalDisks: "it says to be one of several parts"
    case .files(let count, let limit): "it has \(count) members, and a package 2 to \(limit)"
    case .directoryPlace: "its directory doesn't lie right before its end"
    case .directoryEntry(let number): "the entry \(number) of its directory is none"
    case .member(let name, let flaw): "the member \"\(name)\" \(flaw)"
    case .clash(let clash): clash.description
    case .noIndex:
      "its first two members are not \(PackageArchive.indexPath) and \(PackageArchive.signaturesPath)"
    case .order(let path): "the member \"\(path)\" is not in the order of the paths"
    case .totalSize(let bytes, let limit): "its files have \(bytes) bytes, and a package's at most \(limit)"
    case .unpackedSize(let bytes, let index): "it unpacks to \(bytes) bytes, and its index says \(index)"
    case .index(let flaw): "its index can't be used: \(flaw)"
    case .signatures(let line):
      "line \(line) of its signatures is not a key's id and a signature, in the order of the ids"
    }
  }
}

extension PackageFlaw.Member: CustomStringConvertible {
  package var description: String {
    switch self {
    case .path(let flaw): "has a path that a package can't have: \(flaw)"
    case .encoding: "has a name that isn't ASCII and isn't marked as UTF-8"
    case .encrypted: "is encrypted"
    case .flags(let flags): "has the flags 0x\(String(flags, radix: 16)), which a package can't have"
    case .method(let method): "is compressed by method \(method): only stored (0) and deflated (8) are read"
    case .version(let version): "needs version \(version) of the zip format, and packages 20 at most"
    case .extra: "has extra fields or a comment, which could say another name or size"
    case .system(let system): "was made on the system \(system), not on Unix (3)"
    case .mode(let mode): "has the mode \(String(mode, radix: 8)): a package holds regular files of 100644 or 100755"
    case .attributes(let attributes): "has the attributes 0x\(String(attributes, radix: 16)) of another system"
    case .place: "doesn't begin where the one before ends: members overlap, or something lies between them"
    case .header: "has another header before its content than in the directory"
    case .descriptor: "has other sizes behind its content than in the directory"
    case .storedSize: "is stored and has two sizes"
    case .size(let bytes, let limit): "has \(bytes) bytes, and at most \(limit) are taken"
    case .ratio(let limit): "would become more than \(limit) times as large"
    case .reserved: "lies beneath .package, where only the index and the signatures may be"
    case .notPlain: "must be stored, and not executable"
    case .notIndexed: "is not what the index names in its place"
    case .differsFromIndex: "has another size or mode than the index says"
    case .digest: "is not the file that the index names: its SHA-256 differs"
    case .checksum: "is damaged: its CRC-32 differs"
    }
  }
}

extension PackageTree.Clash: CustomStringConvertible {
  package var description: String {
    switch self {
    case .duplicate(let path): "there are two members \"\(path)\""
    case .twins(let one, let other):
      "\"\(UntrustedBytes(one))\" and \"\(UntrustedBytes(other))\" differ in the case of letters only"
    case .fileAbove(let path, let file): "\"\(path)\" makes a file and a directory of \"\(UntrustedBytes(file))\""
    }
  }
}
