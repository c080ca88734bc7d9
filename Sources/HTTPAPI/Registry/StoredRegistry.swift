import LinuxSystem
import PluginModel
import PluginRegistry
import StateStore

/// A registry in a directory: what is known of the plugins in the program's database, the packages beside it as files, by their checksums.
package struct StoredRegistry: RegistryStore {
  private static let lockName = "registry.lock"
  private static let packagesName = "packages"

  private let database: StateDatabase
  private let packages: Directory
  private let files: DedicatedThread
  private let uploads: DedicatedThread
  private let limits: RegistryLimits
  /// Nobody else offers this directory meanwhile.
  private let lock: FileLock

  /// Makes what is missing, and removes what was left by one that was killed while it published.
  package init(
    directory: String, on files: DedicatedThread, limits: RegistryLimits = RegistryLimits()
  ) async throws {
    database = try await StateDatabase(making: directory, on: files)
    self.files = files
    self.limits = limits
    uploads = try DedicatedThread(name: "uploads")
    (packages, lock) = try await files.run {
      let packages = try Directory(making: "\(directory)/\(Self.packagesName)", permissions: 0o700)
      guard let lock = try FileLock("\(directory)/\(Self.lockName)", .exclusive) else {
        throw Diagnostic(
          "\(directory) is offered as a registry by another process", hint: "end that one, or name another directory")
      }
      return (packages, lock)
    }
    let known = try await database.registryChecksums()
    try await files.run { [packages] in
      let names = Set(known.map(Self.fileName))
      for name in try packages.names(limit: 1_000_000) where !names.contains(name) { try packages.remove(name) }
    }
  }

  private static func fileName(_ checksum: ContentDigest) -> String { "\(checksum.hexadecimal).zip" }

  package func search(_ query: RegistryQuery) async throws -> RegistryPage { try await database.searchRegistry(query) }
  package func plugin(_ name: PluginName) async throws -> RegistryPlugin? { try await database.registryPlugin(name) }
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

  package func upload() -> PackageUpload { PackageUpload(in: packages, on: uploads) }

  package func publish(
    _ version: RegistryVersion, of name: PluginName, by publisher: PublisherName, _ upload: PackageUpload
  ) async throws -> RegistryPublishing {
    // Most of what is refused needs no file; who comes first of several the row decides.
    if let plugin = try await plugin(name) {
      guard plugin.owner == publisher else { return .foreign(plugin.owner) }
      if let there = plugin[version.version] {
        return there.checksum == version.checksum ? .same : .taken(there.checksum)
      }
    }
    // Before the row. What is killed in between leaves a file that no row names, and goes at the next start.
    try await upload.land(as: Self.fileName(version.checksum), in: packages)
    switch try await database.publish(version, of: name, by: publisher, limits: limits) {
    case .created: return .created
    case .same: return .same
    case .taken(let checksum): return .taken(checksum)
    case .foreign(let owner): return .foreign(owner)
    case .full: return .full
    }
  }

  package func yank(
    _ name: PluginName, _ version: SemanticVersion, reason: String?, by publisher: PublisherName
  ) async throws -> Bool { try await database.yank(name, version, reason: reason, by: publisher) }
}
