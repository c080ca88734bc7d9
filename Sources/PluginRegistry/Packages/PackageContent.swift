import Crypto
import LinuxSystem
import PluginModel

/// The files of a package, unpacked, in sealed memory; each has the size and the SHA-256 that the index says, or there is no such value.
package struct PackageContent: Sendable {
  package let package: PackageFile
  private let memory: SealedMemory
  /// Where each file of the index begins.
  private let offsets: [Int]

  /// Takes the files as a sandbox unpacked them: one behind the other, in the order of the index. Whoever unpacked them isn't believed.
  /// Blocks while it reads all of it.
  package init(_ package: PackageFile, unpacked memory: SealedMemory) throws(PackageFlaw) {
    var (offsets, offset) = ([Int](), 0)
    for entry in package.index.entries {
      offsets.append(offset)
      offset += entry.size
    }
    guard memory.byteCount == offset else { throw .unpackedSize(bytes: memory.byteCount, index: offset) }
    try self.init(package, in: memory, at: offsets)
  }

  init(_ package: PackageFile, in memory: SealedMemory, at offsets: [Int]) throws(PackageFlaw) {
    self.package = package
    self.memory = memory
    self.offsets = offsets
    for (position, entry) in package.index.entries.enumerated() {
      let name = UntrustedBytes(entry.path.text)
      var (hash, checksum) = (SHA256(), ZipChecksum())
      try memory.pieces(place(position)) { bytes in
        hash.update(data: bytes)
        checksum.update(bytes)
      }
      guard ContentDigest(hash.finalize()) == entry.digest else { throw .member(name, .digest) }
      guard checksum.value == package.archive.files[package.archive.files.startIndex + position].checksum else {
        throw .member(name, .checksum)
      }
    }
  }

  private func place(_ position: Int) -> Range<Int> {
    offsets[position]..<offsets[position] + package.index.entries[position].size
  }

  /// CRC-32, in the order of the index.
  var checksums: [UInt32] { package.archive.files.map(\.checksum) }

  func pieces(
    of position: Int, _ body: ([UInt8]) throws(PackageFlaw) -> Void
  ) throws(PackageFlaw) { try memory.pieces(place(position), body) }

  /// What `plugin.yaml` says. Its name and version are those that were signed.
  /// - Parameter engineVersion: nil: made for whichever.
  package func manifest(engineVersion: SemanticVersion?) throws(Diagnostics) -> PluginManifest {
    let file = PluginDiscovery.manifestName
    let index = package.index
    guard let position = index.entries.firstIndex(where: { $0.path.text == file }) else {
      throw Diagnostics([Diagnostic("\(package.path) holds no \(file)", why: "it is the package of no plugin")])
    }
    let size = index.entries[position].size
    guard size <= PluginDiscovery.manifestLimit else {
      throw Diagnostics([
        Diagnostic(
          "\(file) in \(package.path) has \(size) bytes, and at most \(PluginDiscovery.manifestLimit) are read")
      ])
    }
    let bytes: [UInt8]
    do throws(PackageFlaw) {
      bytes = try memory.part(offsets[position], size)
    } catch {
      throw Diagnostics([error.diagnostic(of: package.path)])
    }
    let manifest = try PluginManifest(yaml: bytes, file: "\(package.path)/\(file)", engineVersion: engineVersion)
    var problems: [Diagnostic] = []
    if manifest.name != index.name || manifest.version != index.version {
      problems.append(
        Diagnostic(
          "\(package.path) is another plugin than its index says",
          why: "its manifest says \(manifest.name) \(manifest.version), and its index \(index.name) \(index.version)",
          hint: "make packages with: orchestrator plugin pack"))
    }
    if !index.entries.contains(where: { $0.path.text == manifest.entryPoint }) {
      problems.append(
        Diagnostic(
          "\(package.path) has no entry point \(manifest.entryPoint)",
          hint: "entry_point of plugin.yaml names a Python file of the package"))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return manifest
  }

  /// Writes all files into `directory`, which must be empty, with the modes of the index, and waits until they are on the disk. When it
  /// fails, the directory is empty again. Blocks.
  package func write(into directory: Directory) throws(Diagnostic) {
    do throws(PackageFlaw) {
      try Self.file { () throws(FileError) in
        guard try directory.names(limit: 1).isEmpty else {
          throw .system(SystemError("mkdir", directory.path, .notEmpty))
        }
      }
      try writeAll(into: directory)
    } catch {
      throw Diagnostic(
        "\(package.path) can't be unpacked into \(directory.path)", why: error.description,
        hint: "name an empty directory on a disk with \(package.index.totalSize) bytes of room")
    }
  }

  private func writeAll(into directory: Directory) throws(PackageFlaw) {
    do throws(PackageFlaw) {
      // The directories above the last file, from the top. Files of one directory follow each other.
      var open: [(name: Substring, directory: Directory)] = []
      for (position, entry) in package.index.entries.enumerated() {
        let components = entry.path.components
        let parents = components.dropLast()
        let common = zip(open, parents).prefix { $0.name == $1 }.count
        open.removeLast(open.count - common)
        for name in parents.dropFirst(common) {
          let parent = open.last?.directory ?? directory
          open.append((name, try Self.file { () throws(FileError) in try parent.fresh(String(name)) }))
        }
        guard let name = components.last else { continue }
        try write(position, entry, as: String(name), in: open.last?.directory ?? directory)
      }
      try Self.system { () throws(SystemError) in try Tree(opening: directory.path).synchronise() }
    } catch {
      directory.empty()
      throw error
    }
  }

  private func write(
    _ position: Int, _ entry: PackageIndex.Entry, as name: String, in directory: Directory
  ) throws(PackageFlaw) {
    let draft = try Self.file { () throws(FileError) in try DraftFile(in: directory) }
    try pieces(of: position) { bytes throws(PackageFlaw) in
      try Self.file { () throws(FileError) in try draft.write(bytes) }
    }
    try Self.file { () throws(FileError) in
      try draft.set(permissions: entry.permissions)
      try draft.publish(as: name, in: directory)
    }
  }

  private static func file<Success>(_ body: () throws(FileError) -> Success) throws(PackageFlaw) -> Success {
    do throws(FileError) { return try body() } catch { throw .unreadable(error.description) }
  }

  private static func system<Success>(_ body: () throws(SystemError) -> Success) throws(PackageFlaw) -> Success {
    do throws(SystemError) { return try body() } catch { throw .unreadable(error.description) }
  }
}

extension Directory {
  /// A new directory that everybody may read, whatever the umask.
  fileprivate func fresh(_ name: String) throws(FileError) -> Directory {
    let directory = try makeDirectory(name)
    try directory.setPermissions(0o755)
    return directory
  }

  /// Removes everything in it, as far as that can be done.
  fileprivate func empty() {
    guard let tree = try? Tree(opening: path) else { return }
    while let names = try? tree.names(limit: 4096), !names.isEmpty {
      for name in names { guard (try? tree.remove(name)) != nil else { return } }
    }
  }
}
