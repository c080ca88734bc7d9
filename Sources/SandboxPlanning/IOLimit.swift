import PluginModel

/// What a worker may move to and from one disk: a line of `io.max`, the kernel's cgroup-v2 documentation. Nil: no limit.
package struct IOLimit: Hashable, Sendable {
  /// Of the whole disk, as lsblk(8) shows it under MAJ:MIN; the kernel refuses a partition.
  package var major: UInt32
  package var minor: UInt32
  /// Bytes in a second.
  package var readBytes: UInt64?
  package var writtenBytes: UInt64?
  /// Operations in a second.
  package var reads: UInt64?
  package var writes: UInt64?

  package init(
    major: UInt32, minor: UInt32, readBytes: UInt64? = nil, writtenBytes: UInt64? = nil, reads: UInt64? = nil,
    writes: UInt64? = nil
  ) {
    self.major = major
    self.minor = minor
    self.readBytes = readBytes
    self.writtenBytes = writtenBytes
    self.reads = reads
    self.writes = writes
  }

  private var amounts: [(key: String, amount: UInt64?, words: (UInt64) -> String)] {
    [
      ("rbps", readBytes, { "\(ByteCount($0)) read" }), ("wbps", writtenBytes, { "\(ByteCount($0)) written" }),
      ("riops", reads, { "\($0) reads" }), ("wiops", writes, { "\($0) writes" }),
    ]
  }

  /// As the kernel writes and reads it.
  var text: String {
    "\(major):\(minor) " + amounts.map { "\($0.key)=\($0.amount.map(String.init) ?? "max")" }.joined(separator: " ")
  }

  /// For people: `8:0, 10Mi read, 100 writes a second`.
  var words: String {
    let limits = amounts.compactMap { limit in limit.amount.map(limit.words) }
    return (["\(major):\(minor)"] + limits).joined(separator: ", ") + " a second"
  }

  /// The same disk without limits.
  var lifted: IOLimit { IOLimit(major: major, minor: minor) }

  /// Lets more through in some way than `other`, or doesn't limit the disk that `other` does.
  func isWider(than other: IOLimit) -> Bool {
    if (major, minor) != (other.major, other.minor) { return true }
    return zip(amounts, other.amounts).contains { mine, theirs in
      guard let bound = theirs.amount else { return false }
      return mine.amount.map { $0 > bound } ?? true
    }
  }
}
