import LinuxSystem
import PluginModel

/// A file that a command is to write and that mustn't be there, unless it may be replaced: looked at before anything is done.
struct NewFile: Sendable {
  private let path: String
  private let name: String
  private let directory: Directory
  private let replaces: Bool
  private let files: DedicatedThread

  /// - Parameter option: by which it was named.
  init(_ path: String, option: String, replaces: Bool, _ bootstrap: Bootstrap) async throws(CommandFailure) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let name = parts.last.map(String.init) ?? ""
    let parent = parts.count > 1 ? parts.dropLast().joined(separator: "/") + "/" : "."
    guard !name.isEmpty, name != ".", name != ".." else {
      throw CommandFailure(.invalidInput, "\(option) \(path.quoted) is not the name of a file")
    }
    self.path = path
    self.name = name
    self.replaces = replaces
    files = bootstrap.files
    do throws(FileError) {
      directory = try await bootstrap.files.run { () throws(FileError) in
        try Directory(opening: ProcessEnvironment.resolve(parent) ?? parent)
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "\(path) can't be written", why: error.description, hint: "make its directory first")
    }
    let isThere = await files.run { [directory] in (try? directory.status(name)) != nil }
    if isThere, !replaces { throw exists }
  }

  private var exists: CommandFailure {
    CommandFailure(.invalidInput, "\(path) is there already", hint: "name another file, or replace it with --force")
  }

  func write(_ text: String) async throws(CommandFailure) {
    do throws(FileError) {
      try await files.run { [self] () throws(FileError) in
        let bytes = Array(text.utf8)
        if replaces { try directory.replace(name, with: bytes) } else { try directory.create(name, bytes) }
      }
    } catch {
      if case .system(let cause) = error, cause.code == .exists { throw exists }
      throw CommandFailure(.invalidInput, "\(path) can't be written", why: error.description)
    }
  }
}
