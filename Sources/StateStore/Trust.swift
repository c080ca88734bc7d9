import LinuxSystem

/// Why what lies in the state directory isn't believed: somebody else could have written it.
enum Distrust: Error, Hashable, Sendable {
  case foreignOwner(path: String, user: UInt32)
  case writableByOthers(path: String)
}

extension FileStatus {
  /// It belongs to this user or to root, and nobody else may write to it.
  func demandTrust(at path: String) throws(Distrust) {
    guard isOwn else { throw .foreignOwner(path: path, user: owner) }
    guard !isWritableByOthers else { throw .writableByOthers(path: path) }
  }
}

extension StateStoreError {
  init(_ distrust: Distrust) {
    switch distrust {
    case .foreignOwner(let path, let user): self = .foreignOwner(path: path, user: user)
    case .writableByOthers(let path): self = .writableByOthers(path: path)
    }
  }
}
