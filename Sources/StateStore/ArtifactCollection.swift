import LinuxSystem
import PluginModel

/// Which stored values go. Decides and does nothing.
package enum ArtifactCollection {
  /// Seconds for which a value stays that nothing refers to: it may be stored and its reference not yet written.
  package static let grace: Int64 = 3600

  /// One that is in the store.
  package struct Object: Hashable, Sendable {
    package var digest: ContentDigest
    /// Bytes.
    package var byteCount: UInt64
    /// When it was last stored or loaded.
    package var lastUsed: FileTime

    package init(digest: ContentDigest, byteCount: UInt64, lastUsed: FileTime) {
      self.digest = digest
      self.byteCount = byteCount
      self.lastUsed = lastUsed
    }
  }

  /// What a collection did.
  package struct Report: Hashable, Sendable {
    package var removed = 0
    /// Bytes.
    package var freed: UInt64 = 0
    /// Files of writers that died.
    package var leftovers = 0
    /// Those that were to go, and were stored or loaded again just before.
    package var spared = 0
  }

  /// What is removed, in this order: the least recently used first, of one time by digest. Never what is referred to, and never
  /// what was used within `grace` seconds before `now`, or after it: a clock may have been set back.
  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - cap: bytes. Nil: all that may go does. Otherwise unreferenced ones stay too, as long as all objects together, referred
  ///     to or not, have no more bytes.
  package static func plan(
    objects: [Object], references: Set<ContentDigest>, now: Int64, grace: Int64 = grace, cap: UInt64?
  ) -> [ContentDigest] {
    let candidates = objects.filter { !references.contains($0.digest) && isOld($0.lastUsed, now: now, grace: grace) }
      .sorted { ($0.lastUsed, $0.digest) < ($1.lastUsed, $1.digest) }
    guard let cap else { return candidates.map(\.digest) }
    // No disk has so many bytes; one that says so is over any cap.
    var total = objects.reduce(UInt64(0)) { sum, object in
      let (next, isOver) = sum.addingReportingOverflow(object.byteCount)
      return isOver ? .max : next
    }
    return candidates.prefix { object in
      guard total > cap else { return false }
      total -= min(total, object.byteCount)
      return true
    }.map(\.digest)
  }

  /// Which half-written files go: nobody writes to a file for so long without its time changing.
  package static func plan(
    leftovers: [(name: String, lastWritten: FileTime)], now: Int64, grace: Int64 = grace
  ) -> [String] {
    leftovers.filter { isOld($0.lastWritten, now: now, grace: grace) }.map(\.name).sorted()
  }

  private static func isOld(_ time: FileTime, now: Int64, grace: Int64) -> Bool {
    // What can't be told is young.
    let (age, isUnknown) = now.subtractingReportingOverflow(time.seconds)
    return !isUnknown && age > grace
  }
}
