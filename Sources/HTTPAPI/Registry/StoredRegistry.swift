import LinuxSystem
import PluginModel
import PluginRegistry
import StateStore

/// A registry in a directory: what is known of the plugins in the program's database, the packages beside it as files, by their checksums.
package struct StoredRegistry: RegistryStore {
  private static let lockName = "registry.lock"
  private static let packagesName = "packages"
  /// Beside them; what no version names is moved there, for a database may be an older one than the packages.
  private static let lostName = "lost"

  private let database: StateDatabase
  private let packages: Directory
  private let files: DedicatedThread
  private let uploads: DedicatedThread
  private let limits: RegistryLimits
  private let report: @Sendable (String) async -> Void
  /// Nobody else offers this directory meanwhile.
  private let lock: FileLock

  /// Makes what is missing, and puts aside what was left by one that was killed while it published.
  /// - Parameter report: told what is wrong with what is stored.
  /// - Throws: also where there are packages and no database: to go on without it would forget whose they are.
  package init(
    directory: String, on files: DedicatedThread, limits: RegistryLimits = RegistryLimits(),
    report: @escaping @Sendable (String) async -> Void = { _ in }
  ) async throws {
    self.files = files
    self.limits = limits
    self.report = report
    uploads = try DedicatedThread(name: "uploads")
    (packages, lock) = try await files.run {
      let packages = try Directory(making: "\(directory)/\(Self.packagesName)", permissions: 0o700)
      guard let lock = try FileLock("\(directory)/\(Self.lockName)", .exclusive) else {
        throw Diagnostic(
          "\(directory) is offered as a registry by another process", hint: "end that one, or name another directory")
      }
      return (packages, lock)
    }
    if try await StateDatabase(existing: directory, on: files) == nil {
      try await files.run { [packages] in
        guard try !packages.names(limit: Self.maximumFiles).contains(where: Self.isPackage) else {
          throw Diagnostic(
            "\(directory) has packages, and the database that says whose they are is missing",
            hint: "put a copy of it back, or move \(packages.path) away")
        }
      }
    }
    database = try await StateDatabase(making: directory, on: files)
    let known = Set(try await database.registryChecksums().map(Self.fileName))
    let moved = try await files.run { [packages] in try Self.sort(packages, directory, known: known) }
    if moved > 0 { await report("\(moved) packages that no version names were moved to \(directory)/\(Self.lostName)") }
  }

  private static let maximumFiles = 1_000_000

  /// Files that something else has put there stay as they are.
  /// - Returns: how many packages were put aside.
  private static func sort(_ packages: Directory, _ directory: String, known: Set<String>) throws -> Int {
    let lost = try Directory(making: "\(directory)/\(lostName)", permissions: 0o700)
    var moved = 0
    for name in try packages.names(limit: maximumFiles) {
      if DraftFile.isTemporary(name) { try packages.remove(name) }
      guard isPackage(name), !known.contains(name) else { continue }
      try packages.move(name, to: lost)
      moved += 1
    }
    // The database that names them is back.
    let there = Set(try packages.names(limit: maximumFiles))
    for name in try lost.names(limit: maximumFiles) where known.contains(name) && !there.contains(name) {
      try lost.move(name, to: packages)
    }
    return moved
  }

  private static func isPackage(_ name: String) -> Bool {
    name.hasSuffix(fileEnding) && ContentDigest(String(name.dropLast(fileEnding.utf8.count))) != nil
  }

  private static let fileEnding = ".zip"
  private static func fileName(_ checksum: ContentDigest) -> String { checksum.hexadecimal + fileEnding }

  package func search(_ query: RegistryQuery) async throws -> RegistryPage {
    let (page, damaged) = try await database.searchRegistry(query)
    for name in damaged { await report("what is stored of the plugin \(name.quoted) can't be read; it isn't listed") }
    return page
  }
  package func plugin(_ name: PluginName) async throws -> RegistryPlugin? { try await database.registryPlugin(name) }
  package func version(_ version: SemanticVersion, of name: PluginName) async throws -> RegistryVersion? {
    try await database.registryVersion(version, of: name)
  }
  package func owner(of name: PluginName) async throws -> PublisherName? {
    try await database.registryOwner(of: name)
  }
  package func name(near name: PluginName) async throws -> String? { try await database.registryName(near: name) }

  package func package(_ checksum: ContentDigest) async throws -> StoredPackage {
    let (file, status) = try await files.run { [packages] () throws(FileError) in
      try packages.file(Self.fileName(checksum))
    }
    return StoredPackage(size: Int(clamping: status.size)) { [files] offset, count in
      try await files.run { () throws(SystemError) in try file.bytes(at: offset, count: count) }
    }
  }

  package func upload() -> FileUpload { FileUpload(in: packages, on: uploads) }

  package func publish(
    _ version: RegistryVersion, of name: PluginName, by publisher: PublisherName, _ upload: FileUpload
  ) async throws -> RegistryPublication {
    // Most of what is refused needs no file; the row decides all the same.
    if let refusal = try await plugin(name)?.refusal(of: version, by: publisher, limits) { return refusal }
    // The file before the row, in the row's transaction: what is refused gets none, and what is killed in between leaves a file that no row
    // names, which is put aside at the next start.
    let draft = try await upload.settle()
    let stored = Self.fileName(version.checksum)
    let outcome: RegistryPublication
    do {
      outcome = try await database.publish(version, of: name, by: publisher, limits: limits) { [packages] in
        try Tree(opening: packages.path).rename(EntryName(draft), over: EntryName(stored))
        try packages.synchronise()
      }
    } catch {
      try? await discard(draft)
      throw error
    }
    if outcome != .created { try await discard(draft) }
    return outcome
  }

  private func discard(_ draft: String) async throws {
    try await files.run { [packages] () throws(FileError) in try packages.remove(draft) }
  }

  package func yank(
    _ name: PluginName, _ version: SemanticVersion, reason: String?, by publisher: PublisherName
  ) async throws -> Bool { try await database.yank(name, version, reason: reason, by: publisher) }
}
