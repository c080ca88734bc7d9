import CLinux

/// Sealed memory while it is written, piece by piece.
package final class SealedMemoryDraft: Sendable {
  private let descriptor: FileDescriptor
  private let count = Lock(0)

  package init() throws(SystemError) {
    descriptor = FileDescriptor(owning: try systemCall("memfd_create", linux_memfd("orchestrator-value")))
  }

  package var byteCount: Int { count.withLock { $0 } }

  /// Appends.
  package func write(_ piece: [UInt8]) throws(SystemError) {
    try count.withLock { count throws(SystemError) in
      var offset = 0
      while offset < piece.count { offset += try descriptor.write(piece, from: offset) ?? 0 }
      count += piece.count
    }
  }

  fileprivate func seal() throws(SystemError) -> FileDescriptor {
    try systemCall("fcntl", on: "F_ADD_SEALS", linux_seal(descriptor.number))
    return descriptor
  }
}

extension SealedMemory {
  /// What was written so far; nothing more can be.
  package convenience init(sealing draft: SealedMemoryDraft) throws(SystemError) {
    self.init(sealed: try draft.seal(), byteCount: draft.byteCount)
  }
}
