import LinuxSystem
import PluginModel
import PluginRegistry

/// What a registry of plugins keeps. Errors are a ``RegistryProblem`` for who asked, or anything else for who runs it.
package protocol RegistryStore: Sendable {
  func search(_ query: RegistryQuery) async throws -> RegistryPage
  /// Nil: there is none of the name.
  func plugin(_ name: PluginName) async throws -> RegistryPlugin?
  /// Nil: there is no such version, or no such plugin.
  func version(_ version: SemanticVersion, of name: PluginName) async throws -> RegistryVersion?
  /// Nil: nobody has published it.
  func owner(of name: PluginName) async throws -> PublisherName?
  /// A name that is like one that isn't there.
  func name(near name: PluginName) async throws -> String?
  /// The package of this checksum.
  func package(_ checksum: ContentDigest) async throws -> StoredPackage
  /// Where a package is put while it comes; of what isn't published nothing stays.
  func upload() async throws -> FileUpload
  /// Whole or not at all, and on the disk before it is told of.
  func publish(
    _ version: RegistryVersion, of name: PluginName, by publisher: PublisherName, _ upload: FileUpload
  ) async throws -> RegistryPublication
  /// - Parameter reason: nil: it may be used again.
  func yank(
    _ name: PluginName, _ version: SemanticVersion, reason: String?, by publisher: PublisherName
  ) async throws -> Bool
}

/// A package that a registry hands out.
package struct StoredPackage: Sendable {
  /// Bytes.
  package var size: Int
  /// At most so many bytes from an offset on.
  package var read: @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]

  package init(size: Int, read: @escaping @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]) {
    self.size = size
    self.read = read
  }
}

// A package, while it comes.
extension FileUpload {
  /// What was written, in memory that nobody changes any more, checked as any package is before anything is done with it.
  /// - Throws: ``Diagnostic`` for what is wrong with it.
  package func package(_ title: String) throws -> PackageFile {
    let descriptor = try opened().descriptor
    var offset = 0
    let memory = try SealedMemory { () throws(SystemError) in
      let piece = try descriptor.bytes(at: offset, count: 1 << 20)
      offset += piece.count
      return piece.isEmpty ? nil : piece
    }
    do throws(PackageFlaw) { return try PackageFile(memory, path: title) } catch { throw error.diagnostic(of: title) }
  }

  /// The same, with its manifest. Nothing is decompressed: only what is stored can be read here.
  /// - Throws: ``Diagnostic`` or ``Diagnostics`` for what is wrong with it.
  package func verified(_ title: String) throws -> (package: PackageFile, manifest: PluginManifest) {
    let package = try package(title)
    let content: PackageContent?
    do throws(PackageFlaw) { content = try package.storedContent() } catch { throw error.diagnostic(of: title) }
    guard let content else {
      throw Diagnostic(
        "\(title) is compressed", why: "a registry reads no compressed packages",
        hint: "publish it as orchestrator plugin pack makes it")
    }
    return (package, try content.manifest(engineVersion: nil))
  }
}
