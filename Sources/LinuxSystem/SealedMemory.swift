import CLinux

/// Bytes in a memfd that nobody can change, grow or shrink any more (memfd_create(2), `F_ADD_SEALS` in fcntl(2)). It is handed
/// from process to process as a descriptor, without a copy; this process reads it by pread(2) and never maps it.
package final class SealedMemory: Sendable {
  package let descriptor: FileDescriptor
  package let byteCount: Int

  /// Why a descriptor was not accepted.
  package enum Refusal: Error, Hashable, Sendable {
    /// It can't be sealed at all: a file, a pipe, a socket.
    case notMemory
    /// `F_SEAL_*` bits that are missing.
    case unsealed(missing: UInt32)
    /// It lies in a pool of huge pages (hugetlbfs): touching it would raise SIGBUS when the pool is empty.
    case hugePages
    case wrongSize(actual: Int64, claimed: UInt64)
  }

  /// Copies `bytes` into a new memfd and seals it.
  package init(copying bytes: [UInt8]) throws(SystemError) {
    let descriptor = FileDescriptor(owning: try systemCall("memfd_create", linux_memfd("orchestrator-value")))
    var offset = 0
    while offset < bytes.count {
      offset += try descriptor.write(bytes, from: offset) ?? 0
    }
    try systemCall("fcntl", on: "F_ADD_SEALS", linux_seal(descriptor.number))
    self.descriptor = descriptor
    self.byteCount = bytes.count
  }

  /// Puts pieces one behind the other into a new memfd, until there are no more (nil), and seals it.
  package convenience init(filling next: () throws(SystemError) -> [UInt8]?) throws(SystemError) {
    let draft = try SealedMemoryDraft()
    while let piece = try next() { try draft.write(piece) }
    try self.init(sealing: draft)
  }

  /// Of this process's own, sealed before.
  init(sealed descriptor: FileDescriptor, byteCount: Int) {
    self.descriptor = descriptor
    self.byteCount = byteCount
  }

  /// Takes a descriptor that another process sent, after checking what is final about it. The order matters: a size that was
  /// read before the seals would prove nothing. The kernel refuses F_SEAL_WRITE while a writable mapping exists.
  package init(adopting descriptor: FileDescriptor, claimedByteCount: UInt64) throws(Refusal) {
    var facts = linux_memory()
    guard linux_memory_facts(descriptor.number, &facts) >= 0 else { throw .notMemory }
    let required = UInt32(LINUX_SEALS_REQUIRED)
    guard facts.seals & required == required else { throw .unsealed(missing: required & ~facts.seals) }
    guard facts.ordinary != 0 else { throw .hugePages }
    guard let size = UInt64(exactly: facts.size), size == claimedByteCount, let byteCount = Int(exactly: size) else {
      throw .wrongSize(actual: facts.size, claimed: claimedByteCount)
    }
    self.descriptor = descriptor
    self.byteCount = byteCount
  }

  /// Copies out at most `limit` bytes from the start.
  package func prefix(_ limit: Int) throws(SystemError) -> [UInt8] { try bytes(at: 0, count: limit) }

  /// Copies out at most `count` bytes from `offset` on; fewer only where they end.
  package func bytes(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
    let start = min(max(0, offset), byteCount)
    let wanted = min(max(0, count), byteCount - start)
    return try descriptor.bytes(at: start, count: wanted)
  }
}
