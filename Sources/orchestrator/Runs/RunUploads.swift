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
