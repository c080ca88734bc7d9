import GRDB

/// Why the program's database can't be used. What was in it before is as it was.
package enum StateStoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// It, or its directory, can't be made, opened, read or written.
  case unusable(path: String, why: String)
  case notRegular(path: String)
  case foreignOwner(path: String, user: UInt32)
  case writableByOthers(path: String)
  /// A later version of the program has changed it.
  case newer(path: String)
  /// Another program's.
  case foreign(path: String)
  case damaged(path: String, why: String)
  case full(path: String)
  /// Its disk fails, or is so full that SQLite can't even begin.
  case disk(path: String, why: String)
  /// Another process has been writing for longer than one waits.
  case locked(path: String)

  package var description: String {
    switch self {
    case .unusable(_, let why): why
    case .notRegular(let path): "\(path) is not a regular file"
    case .foreignOwner(let path, let user): "\(path) belongs to the user \(user)"
    case .writableByOthers(let path): "others may write to \(path)"
    case .newer: "a newer version of the program has changed it"
    case .foreign: "it is a database of another program"
    case .damaged(_, let why): "it is damaged: \(why)"
    case .full: "there is no space left on its disk"
    case .disk(_, let why): "its disk can't be read or written: \(why)"
    case .locked: "another process holds it, for more than \(Int(StateDatabase.patience)) seconds"
    }
  }

  /// How to mend it.
  package var hint: String {
    switch self {
    case .unusable: "name a directory with --state-dir that this user may write to"
    case .notRegular(let path), .foreign(let path):
      "move \(path) away, or name another directory with --state-dir"
    case .foreignOwner: "name a directory of your own with --state-dir"
    case .writableByOthers(let path): "see what others did there, then: chmod go-w \(path)"
    case .newer: "use that version, or name another directory with --state-dir"
    case .damaged(let path, _):
      "put a copy of yours in its place, or move \(path) and the files beside it of the same name away; "
        + "plugins then have to be granted again what they were"
    case .full: "make space there; nothing was changed"
    case .disk(let path, _): "see whether it is full (df \(path)) or failing (dmesg); nothing was changed"
    case .locked(let path): "see who holds it: fuser \(path)"
    }
  }

  package var path: String {
    switch self {
    case .unusable(let path, _), .disk(let path, _), .notRegular(let path), .foreignOwner(let path, _),
      .writableByOthers(let path),
      .newer(let path), .foreign(let path), .damaged(let path, _), .full(let path), .locked(let path):
      path
    }
  }

  /// By the result codes of sqlite3_errcode(3), https://sqlite.org/rescode.html.
  init(_ error: any Error, path: String) {
    if let known = error as? StateStoreError {
      self = known
      return
    }
    guard let cause = error as? DatabaseError else {
      self = .unusable(path: path, why: "\(error)")
      return
    }
    let message = cause.message ?? cause.resultCode.description
    switch cause.resultCode {
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, why: message)
    case .SQLITE_FULL: self = .full(path: path)
    case .SQLITE_IOERR: self = .disk(path: path, why: message)
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked(path: path)
    default: self = .unusable(path: path, why: message)
    }
  }
}
