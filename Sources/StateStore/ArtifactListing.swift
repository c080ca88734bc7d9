import LinuxSystem
import PipelineEngine
import PluginModel

/// Looking through the store, and removing from it. Makes no choice.
extension ArtifactFiles {
  /// In one directory: two million objects, each of more than 16 KiB.
  private static let mostEntries = 8192

  /// All objects. What isn't named like one, or is no regular file, is not this program's.
  func allObjects() throws(ArtifactError) -> [ArtifactCollection.Object] {
    var found: [ArtifactCollection.Object] = []
    for number in 0..<256 {
      let prefix = (number < 16 ? "0" : "") + String(number, radix: 16)
      guard let directory = try absent({ () throws(FileError) in try objects.directory(prefix) }) else { continue }
      for name in try attempt({ () throws(FileError) in try directory.names(limit: Self.mostEntries) }) {
        guard let digest = ContentDigest(prefix + name),
          let status = try absent({ () throws(FileError) in try directory.status(name) }), status.kind == .regular
        else { continue }
        found.append(.init(digest: digest, byteCount: status.size, lastUsed: status.modified))
      }
    }
    return found
  }

  /// Half-written files that have a name.
  func leftovers() throws(ArtifactError) -> [(name: String, lastWritten: FileTime)] {
    var found: [(name: String, lastWritten: FileTime)] = []
    for name in try attempt({ () throws(FileError) in try drafts.names(limit: Self.mostEntries) }) {
      guard let status = try absent({ () throws(FileError) in try drafts.status(name) }), status.kind == .regular
      else { continue }
      found.append((name, status.modified))
    }
    return found
  }

  /// Removes objects that are still as old as in `listing`, and half-written files.
  func remove(
    _ plan: [ContentDigest], of listing: [ArtifactCollection.Object], leftovers: [String]
  ) throws(ArtifactError) -> ArtifactCollection.Report {
    let known = Dictionary(listing.map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first })
    var report = ArtifactCollection.Report()
    let lock = try attempt { () throws(FileError) in try DirectoryLock(Self.lockName, in: objects) }
    for digest in plan {
      guard let object = known[digest] else { continue }
      let place = Self.place(digest)
      // For each alone: whoever stores waits for one removal at most.
      let isRemoved = try absent { () throws(FileError) in
        let directory = try objects.directory(place.directory)
        return try lock.hold(.exclusive) { () throws(FileError) in
          guard try directory.status(place.name).modified == object.lastUsed else { return false }
          try directory.remove(place.name)
          return true
        }
      }
      switch isRemoved {
      case true?:
        report.removed += 1
        report.freed &+= object.byteCount
      case false?: report.spared += 1
      // Another collection was faster.
      case nil: break
      }
    }
    for name in leftovers where try absent({ () throws(FileError) in try drafts.remove(name) }) != nil {
      report.leftovers += 1
    }
    return report
  }

  /// Its name leads nowhere any more; where that can't be, it stays damaged, and is told so again. Looked at once more, alone: another may
  /// have stored it anew meanwhile.
  func removeDamaged(_ stored: StoredValue) {
    let place = Self.place(stored.digest)
    _ = try? absent { () throws(FileError) in
      let directory = try objects.directory(place.directory)
      let lock = try DirectoryLock(Self.lockName, in: objects)
      return try lock.hold(.exclusive) { () throws(FileError) in
        if let file = try? directory.file(place.name), file.status.size == UInt64(stored.byteCount),
          let hash = try? Self.hash(file.descriptor, limit: stored.byteCount),
          ContentDigest(hash.digest) == stored.digest
        {
          return
        }
        try directory.remove(place.name)
      }
    }
  }

  /// Nil for what isn't there, or not any more.
  private func absent<Result>(_ body: () throws(FileError) -> Result) throws(ArtifactError) -> Result? {
    do { return try body() } catch {
      if error.isAbsence { return nil }
      throw ArtifactError(error, path: objects.path)
    }
  }
}
