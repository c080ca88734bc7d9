import Crypto
import LinuxSystem
import PluginModel

/// A file while it comes: one without a name, of which nothing stays unless it gets one. Works on a thread of its own, since all of it
/// blocks.
package actor FileUpload {
  private let thread: DedicatedThread
  private let place: Directory
  private var draft: DraftFile?
  private var hash = SHA256()
  package private(set) var byteCount = 0

  package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// - Parameter place: on the filesystem on which it will stay.
  package init(in place: Directory, on thread: DedicatedThread) {
    self.place = place
    self.thread = thread
  }

  /// Appends.
  package func write(_ bytes: [UInt8]) throws(FileError) {
    let draft = try opened()
    try draft.write(bytes)
    hash.update(data: bytes)
    byteCount += bytes.count
  }

  /// Of what was written.
  package var digest: ContentDigest {
    hash.finalize().withUnsafeBytes { ContentDigest(unchecked: $0) }
  }

  /// Gives it a name where it was put, once all of it is on the disk.
  /// - Parameter name: nil: one of its own, which is that of a draft.
  /// - Returns: the name.
  @discardableResult
  package func settle(as name: String? = nil) throws(FileError) -> String {
    let draft = try opened()
    let name = if let name { name } else { try DraftFile.temporaryName() }
    try draft.set(permissions: 0o600)
    try draft.synchronise()
    try draft.publish(as: name, in: place)
    return name
  }

  func opened() throws(FileError) -> DraftFile {
    if let draft { return draft }
    let draft = try DraftFile(in: place)
    self.draft = draft
    return draft
  }
}

extension APICall {
  /// Writes all of the body to a file, as it comes.
  ///
  /// - Parameters:
  ///   - what: for people, such as "the file".
  ///   - allow: given the size of each piece, before it is written.
  /// - Throws: an ``APIProblem``, or a `FileError` where it can't be written.
  package func write(
    to upload: FileUpload, called what: String, isolation: isolated (any Actor)? = #isolation,
    allow: (Int) async throws(APIProblem) -> Void
  ) async throws {
    do {
      for try await piece in body {
        try await allow(piece.readableBytes)
        try await upload.write(Array(piece.readableBytesView))
      }
    } catch let problem as APIProblem {
      throw problem
    } catch let error as FileError {
      throw error
    } catch {
      throw APIProblem(400, "\(what) didn't come whole")
    }
  }
}
