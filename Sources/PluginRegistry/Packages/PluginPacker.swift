import Crypto
import LinuxSystem
import PluginModel

/// A plugin's directory, ready to be packed.
package struct PluginPacker: Sendable {
  package let manifest: PluginManifest
  package let index: PackageIndex
  /// What is left out, by its path; of a directory the directory alone, with a slash.
  package let ignored: [String]
  private let directory: Directory
  private let checksums: [UInt32]

  /// Reads the whole directory, and blocks.
  /// - Throws: everything that can't be packed.
  package init(
    _ path: String, engineVersion: SemanticVersion, limits: PackageLimits = PackageLimits()
  ) throws(Diagnostics) {
    let directory: Directory
    let manifest: PluginManifest
    let rules: IgnoreRules
    do {
      directory = try Directory(opening: path)
      let file = PluginDiscovery.manifestName
      let bytes = try directory.contents(file, limit: PluginDiscovery.manifestLimit).bytes
      manifest = try PluginManifest(yaml: bytes, file: "\(path)/\(file)", engineVersion: engineVersion)
      guard !manifest.name.text.hasPrefix(PluginDiscovery.reservedPrefix) else {
        throw PluginDiscovery.reserved(manifest.name, path)
      }
      rules = try IgnoreRules(of: directory, package: manifest.name, shown: path)
    } catch let problems as Diagnostics {
      throw problems
    } catch let problem as Diagnostic {
      throw Diagnostics([problem])
    } catch {
      throw Diagnostics([
        Diagnostic(
          "\(path) can't be packed", why: "\(error)", hint: "name the directory that plugin.yaml lies in")
      ])
    }
    var walk = PackingWalk(rules: rules, limits: limits, root: path)
    walk.visit(directory, prefix: "")
    if !walk.entries.contains(where: { $0.entry.path.text == manifest.entryPoint }) {
      walk.problems.append(
        Diagnostic(
          "the plugin \"\(manifest.name)\" has no entry point \(manifest.entryPoint) that would be packed",
          hint: "entry_point names a Python file relative to \(path); \(IgnoreRules.fileName) must not name it"))
    }
    guard walk.problems.isEmpty else { throw Diagnostics(walk.problems) }
    let entries = walk.entries.sorted { $0.entry.path < $1.entry.path }
    self.manifest = manifest
    self.directory = directory
    index = PackageIndex(name: manifest.name, version: manifest.version, entries: entries.map(\.entry))
    checksums = entries.map(\.checksum)
    ignored = walk.ignored
  }

  package var fileName: String { "\(index.name)-\(index.version).zip" }

  /// Puts the package in the place of `name`, whole or not at all. Blocks.
  /// - Returns: the package's SHA-256 and bytes.
  package func write(
    as name: String, in target: Directory
  ) throws(Diagnostic) -> (checksum: ContentDigest, byteCount: Int) {
    do throws(PackageFlaw) {
      var writer = try PackageWriter(in: target)
      try writer.write(index, PackageSignatures(), checksums) { (_, entry, write) throws(PackageFlaw) in
        let bytes = try file(entry.path)
        guard bytes.count == entry.size, ContentDigest(sha256: bytes) == entry.digest else {
          throw .unreadable("\(entry.path) was changed while it was packed")
        }
        try write(bytes)
      }
      return try writer.publish(as: name, permissions: 0o644)
    } catch {
      throw Diagnostic("\(target.path)/\(name) can't be written", why: error.description)
    }
  }

  private func file(_ path: PackagePath) throws(PackageFlaw) -> [UInt8] {
    do throws(FileError) {
      var place = directory
      for name in path.components.dropLast() { place = try place.directory(String(name)) }
      return try place.contents(String(path.components.last ?? ""), limit: PackageLimits().fileSize).bytes
    } catch {
      throw .unreadable(error.description)
    }
  }
}

extension IgnoreRules {
  private static let directoryLimit = 100_000

  /// Those that hold for a plugin's directory, its `.pluginignore` with them. Blocks.
  /// - Parameter shown: how diagnostics call the directory.
  /// - Throws: `FileError`; `Diagnostics` about the file.
  package init(of directory: Directory, package name: PluginName? = nil, shown: String) throws {
    self.init(package: name)
    guard try directory.names(limit: Self.directoryLimit).contains(Self.fileName) else { return }
    let patterns = try directory.contents(Self.fileName, limit: Self.fileLimit).bytes
    try add(patterns, file: "\(shown)/\(Self.fileName)")
  }
}

/// One walk over one plugin's directory.
private struct PackingWalk {
  let rules: IgnoreRules
  let limits: PackageLimits
  let root: String
  var entries: [(entry: PackageIndex.Entry, checksum: UInt32)] = []
  var ignored: [String] = []
  var problems: [Diagnostic] = []
  private var tree = PackageTree()
  private var total = 0

  init(rules: IgnoreRules, limits: PackageLimits, root: String) {
    self.rules = rules
    self.limits = limits
    self.root = root
  }

  mutating func visit(_ directory: Directory, prefix: String) {
    do throws(FileError) {
      for name in try directory.names(limit: limits.files) {
        let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
        guard problems.count < DocumentReport.limit else { return }
        let kind = try directory.status(name).kind
        if rules.ignores(path, isDirectory: kind == .directory) {
          ignored.append(kind == .directory ? path + "/" : path)
          continue
        }
        switch kind {
        case .directory: try enter(directory.directory(name), path)
        case .regular:
          let file = try directory.contents(name, limit: limits.fileSize)
          add(path, file.bytes, isExecutable: file.status.permissions & 0o111 != 0)
        case .symbolicLink:
          refuse(path, "it is a link, and a package holds none", "put a copy of the file there, or ignore it")
        case .special: refuse(path, "it is a FIFO, a socket or a device", "remove it, or ignore it")
        }
      }
    } catch {
      problems.append(Diagnostic("\(directory.path) can't be packed", why: error.description))
    }
  }

  private mutating func enter(_ directory: Directory, _ path: String) {
    // Of a deeper one every file is refused for its path; one that holds none has no end of its own.
    guard path.utf8.count <= PackagePath.maximumBytes else {
      return refuse(path, PackagePath.Flaw.tooLong.description, "shorten it, or ignore it")
    }
    visit(directory, prefix: path)
  }

  private mutating func add(_ text: String, _ bytes: [UInt8], isExecutable: Bool) {
    do {
      let path = try PackagePath(text)
      try tree.insert(path)
      total += bytes.count
      guard path.components.first.map({ $0.lowercased() }) != ".package" else {
        return refuse(text, "\(PackageFlaw.Member.reserved)", "rename it, or ignore it")
      }
      guard entries.count < limits.files, total <= limits.totalSize else {
        return refuse(
          text, "a package holds at most \(limits.files) files and \(limits.totalSize) bytes",
          "name what isn't needed in \(IgnoreRules.fileName)")
      }
      guard !Self.holdsPrivateKey(bytes) else {
        return refuse(
          text, "it holds a private key, which everybody who gets the package would have",
          "keep it outside of the plugin's directory")
      }
      var checksum = ZipChecksum()
      checksum.update(bytes)
      let entry = PackageIndex.Entry(
        path: path, isExecutable: isExecutable, size: bytes.count, digest: ContentDigest(sha256: bytes))
      entries.append((entry, checksum.value))
    } catch {
      refuse(text, "\(error)", "rename it, or name it in \(IgnoreRules.fileName)")
    }
  }

  /// By the beginning of its PEM, RFC 7468, on a line of its own. Tests that quote one have it in the middle of a line.
  private static func holdsPrivateKey(_ bytes: [UInt8]) -> Bool {
    guard bytes.count <= 1 << 20 else { return false }
    return bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).contains { line in
      line.starts(with: "-----BEGIN ".utf8) && line.reversed().starts(with: " KEY-----".utf8.reversed())
        && line.firstRange(of: Array("PRIVATE".utf8)) != nil
    }
  }

  private mutating func refuse(_ path: String, _ why: String, _ hint: String) {
    problems.append(Diagnostic("\(root)/\(UntrustedBytes(path)) can't be packed", why: why, hint: hint))
  }
}
