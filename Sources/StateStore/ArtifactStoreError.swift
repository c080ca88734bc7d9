import LinuxSystem
import PluginModel

/// Why a value can't be stored or had again. What was stored before is as it was.
package enum ArtifactError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong with a stored value.
  package enum Damage: Hashable, Sendable, CustomStringConvertible {
    case missing
    /// A directory, a link, a FIFO.
    case notRegular
    case wrongSize(actual: UInt64, expected: Int)
    /// Its bytes are others than were stored.
    case changed
  }

  /// The store, or a place that a file is to be written to, can't be made, opened, read or written.
  case unusable(path: String, why: String)
  case notDirectory(path: String)
  case foreignOwner(path: String, user: UInt32)
  case writableByOthers(path: String)
  case full(path: String)
  /// Bytes.
  case tooLarge(byteCount: Int, limit: Int)
  case damaged(ContentDigest, Damage)
  /// The memory that the value came in, or that it was to go to.
  case memory(why: String)
  /// What was to be stored is a directory, a FIFO, a socket or a device.
  case notRegular
  /// More objects than are looked through.
  case tooMany(path: String, limit: Int)

  package var description: String {
    switch self {
    case .unusable(_, let why): why
    case .notDirectory(let path): "\(path) is not a directory"
    case .foreignOwner(let path, let user): "\(path) belongs to the user \(user)"
    case .writableByOthers(let path): "others may write to \(path)"
    case .full(let path): "there is no space left on the disk of \(path)"
    case .tooLarge(let byteCount, let limit): "the value has \(byteCount) bytes, and the store takes \(limit)"
    case .damaged(let digest, let damage): "the stored value \(digest) \(damage)"
    case .memory(let why): "the value's memory can't be read or made: \(why)"
    case .notRegular: "it is not a regular file"
    case .tooMany(let path, let limit): "\(path) has more than \(limit) entries"
    }
  }

  /// How to mend it.
  package var hint: String {
    switch self {
    case .unusable: "name a directory with --state-dir that this user may write to"
    case .notDirectory(let path): "move \(path) away, or name another directory with --state-dir"
    case .foreignOwner: "name a directory of your own with --state-dir"
    case .writableByOthers(let path): "see what others did there, then: chmod go-w \(path)"
    case .full: "make space there, or name a directory on another disk with --state-dir; nothing of the value was kept"
    case .tooLarge: "return less, or write it to a file in the workspace and return its path"
    case .damaged: "run the node again: what it returns is stored anew"
    case .memory: "see whether memory is short: free -h"
    case .notRegular: "name a regular file"
    case .tooMany(let path, _): "remove what no run needs any more, or move \(path) away"
    }
  }

  init(_ distrust: Distrust) {
    switch distrust {
    case .foreignOwner(let path, let user): self = .foreignOwner(path: path, user: user)
    case .writableByOthers(let path): self = .writableByOthers(path: path)
    }
  }

  /// - Parameter path: whose disk it is that may be full.
  init(_ error: FileError, path: String) {
    switch error {
    case .system(let cause): self.init(cause, path: path)
    case .notRegular: self = .notRegular
    case .tooManyEntries(let path, let limit): self = .tooMany(path: path, limit: limit)
    case .tooLarge: self = .unusable(path: path, why: error.description)
    }
  }

  /// EFBIG is the file size that the process or the filesystem allows: no more fits there either.
  init(_ error: SystemError, path: String) {
    let full: [ErrorCode] = [.noSpace, .quotaExceeded, .fileTooLarge]
    self = full.contains(error.code) ? .full(path: path) : .unusable(path: path, why: error.description)
  }
}

extension ArtifactError.Damage {
  package var description: String {
    switch self {
    case .missing: "is missing"
    case .notRegular: "is damaged: it is no regular file"
    case .wrongSize(let actual, let expected): "is damaged: it has \(actual) bytes instead of \(expected)"
    case .changed: "is damaged: its bytes have changed"
    }
  }
}
