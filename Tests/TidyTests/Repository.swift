import Foundation

/// One text file of the repository, by its path from the root.
struct RepositoryFile: Sendable {
  let path: String
  let text: String
  /// The text without comments and without what stands between quotes; line numbers stay.
  let code: String

  init(path: String, text: String) {
    self.path = path
    self.text = text
    let isCode = [".swift", ".c", ".h", ".py"].contains { path.hasSuffix($0) }
    code = isCode && !path.hasPrefix("Tests/") ? SwiftCode.withoutCommentsAndStrings(text) : text
  }

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
  var fileExtension: String { path.contains(".") ? String(path.split(separator: ".").last ?? "") : "" }
  /// `PluginModel` for `Sources/PluginModel/Names.swift`.
  var module: String? {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
  }
  var isSwiftSource: Bool { path.hasPrefix("Sources/") && fileExtension == "swift" }
}

/// The files that a commit would hold, whether read from the disk or made up for a test.
struct Repository: Sendable {
  let files: [RepositoryFile]
  private let paths: Set<String>

  init(files: [RepositoryFile], otherPaths: [String] = []) {
    self.files = files
    var paths = Set(otherPaths)
    for file in files { paths.insert(file.path) }
    for path in paths {
      var directory = path[...]
      while let slash = directory.lastIndex(of: "/") {
        directory = directory[..<slash]
        paths.insert(String(directory))
      }
    }
    self.paths = paths
  }

  /// True for files and directories.
  func contains(_ path: String) -> Bool { paths.contains(path) }
  func file(_ path: String) -> RepositoryFile? { files.first { $0.path == path } }
  var modules: Set<String> { Set(files.compactMap { file in file.isSwiftSource ? file.module : nil }) }

  /// The root of this very checkout, four components above this file.
  static var root: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// Everything under the root but what .gitignore names; read once.
  static func ofThisCheckout() throws -> Repository { try read.get() }
  private static let read = Result { try readCheckout() }

  private static func readCheckout() throws -> Repository {
    let manager = FileManager.default
    let prefix = root.path + "/"
    guard let walker = manager.enumerator(at: root, includingPropertiesForKeys: [.isRegularFileKey]) else {
      throw CocoaError(.fileReadNoSuchFile)
    }
    var files: [RepositoryFile] = []
    var others: [String] = []
    for case let url as URL in walker {
      if isIgnored(url.lastPathComponent) {
        walker.skipDescendants()
        continue
      }
      guard try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { continue }
      let path = String(url.path.dropFirst(prefix.count))
      if let text = String(data: try Data(contentsOf: url), encoding: .utf8), !path.hasPrefix("Tests/Fuzz/Corpus/") {
        files.append(RepositoryFile(path: path, text: text))
      } else {
        others.append(path)
      }
    }
    return Repository(files: files.sorted { $0.path < $1.path }, otherPaths: others)
  }

  private static func isIgnored(_ name: String) -> Bool {
    let names: Set = [
      ".git", ".build", "__pycache__", ".pytest_cache", ".mypy_cache", ".hypothesis", "Package.resolved",
      "license-report", ".swiftpm",
    ]
    return names.contains(name) || name.hasPrefix(".build-") || name.hasSuffix(".egg-info") || name.hasSuffix(".pyc")
  }
}

/// What a gate found, as `path:line: what`.
struct Violation: CustomStringConvertible, Sendable {
  let path: String
  let line: Int
  let what: String
  var description: String { "\(path):\(line): \(what)" }
}
