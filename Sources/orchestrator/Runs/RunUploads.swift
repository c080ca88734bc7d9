import LinuxSystem
import PluginModel
import StateStore

/// A file that a run was given: it lies in the run's workspace before the run begins.
struct RunUpload: Hashable, Sendable {
  /// In the workspace.
  var path: PackagePath
  var upload: String
  var digest: ContentDigest
  var bytes: Int

  init(path: PackagePath, _ upload: StoredUpload) {
    self.path = path
    self.upload = upload.identifier
    digest = upload.digest
    bytes = upload.bytes
  }

  var jsonValue: JSONValue {
    [
      "path": .string(path.text), "upload": .string(upload), "digest": .string(digest.description),
      "bytes": .integer(Int64(bytes)),
    ]
  }

  /// Nil where another version wrote it.
  init?(_ value: JSONValue) {
    guard let path = value["path"]?.stringValue.flatMap({ try? PackagePath($0) }),
      let upload = value["upload"]?.stringValue,
      let digest = value["digest"]?.stringValue.flatMap({ ContentDigest(described: $0) }),
      let bytes = value["bytes"]?.integerValue
    else { return nil }
    self.path = path
    self.upload = upload
    self.digest = digest
    self.bytes = Int(bytes)
  }
}

extension RunStore {
  /// Of the files that were sent, by their identifiers.
  static let uploadsName = "uploads"
  var uploads: String { "\(state)/\(Self.uploadsName)" }

  /// In the directory of a run while files are put into its workspace, until it is written down.
  static let placingName = "placing"

  func beginPlacing(in run: String) throws(FileError) {
    try Directory(opening: directory(of: run)).create(Self.placingName, [], permissions: 0o600)
  }

  func endPlacing(in run: String) throws(FileError) {
    try Directory(opening: directory(of: run)).remove(Self.placingName)
  }

  /// Removes what a server has left that was killed while it gave files to a run, which never was one.
  func removeUnbegun() async throws(CommandFailure) {
    let placing = await files.run { [state] () -> [String] in
      guard let runs = try? Directory(opening: "\(state)/runs"), let names = try? runs.names(limit: 1_000_000) else {
        return []
      }
      return names.filter { (try? runs.directory($0).status(Self.placingName)) != nil }
    }
    for run in placing where await holder(of: run) == nil {
      let begun = try await asking { database throws(StateStoreError) in try await database.run(run) }
      await files.run { try? endPlacing(in: run) }
      if begun == nil { try await remove([run], workspaces: true) }
    }
  }

  /// Puts files into a workspace that was made for a run, whole and on the disk, before the run is written down. Blocks.
  /// - Throws: also where something is there already, which a workspace that was made hasn't.
  func place(_ files: [RunUpload], in workspace: AbsolutePath) throws(FileError) {
    guard !files.isEmpty else { return }
    let sources = try Directory(opening: uploads)
    var places: [String: Directory] = ["": try Directory(opening: workspace.text)]
    for file in files {
      let (name, above) = (file.path.components.last ?? "", file.path.components.dropLast())
      var (place, path) = (places[""], "")
      for component in above {
        path += path.isEmpty ? String(component) : "/" + component
        if let known = places[path] {
          place = known
        } else {
          // Ours alone has been here: nothing is there that this hasn't made.
          place = try place?.makeDirectory(String(component))
          places[path] = place
        }
      }
      guard let place else { continue }
      let (source, status) = try sources.file(file.upload)
      guard status.size == UInt64(file.bytes) else { throw .notRegular(path: "\(uploads)/\(file.upload)") }
      let draft = try DraftFile(in: place)
      try draft.copy(source, count: file.bytes)
      try draft.set(permissions: 0o644)
      try draft.synchronise()
      try draft.publish(as: String(name), in: place)
    }
    for place in places.values { try place.synchronise() }
  }
}
