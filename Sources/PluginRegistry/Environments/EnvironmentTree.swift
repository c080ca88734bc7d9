import LinuxSystem
import PluginModel

/// Why what was built is no environment.
package enum EnvironmentTreeError: Error, Hashable, Sendable, CustomStringConvertible {
  case system(SystemError)
  /// A link, a FIFO, a socket or a device.
  case unfit(String)
  case tooLarge(limit: Int64)
  case tooManyFiles(limit: Int)
  case tooDeep(String)

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .unfit(let path): "\(path) is neither a file nor a directory"
    case .tooLarge(let limit): "the packages hold more than \(limit >> 20) MiB"
    case .tooManyFiles(let limit): "the packages have more than \(limit) files and directories"
    case .tooDeep(let path): "\(path) lies too many directories deep"
    }
  }
}

/// A tree of packages, as a sandbox has left it: nothing in it is believed.
package enum EnvironmentTree {
  package static let maximumFiles = 500_000
  private static let maximumDepth = 64

  /// Makes sure that there are files and directories alone, that every worker can read them, and that none of them is written to by
  /// others. Blocks.
  /// - Parameter limit: bytes of all files.
  package static func seal(_ directory: AbsolutePath, limit: Int64) throws(EnvironmentTreeError) {
    var walk = Walk(limit: limit)
    try walk.visit(try attempt { () throws(SystemError) in try Tree(opening: directory.text) }, seals: true)
  }

  /// What a tree holds while somebody writes to it: what goes away meanwhile isn't counted. Blocks.
  /// - Returns: what is too much of it; nil: nothing.
  package static func excess(in directory: AbsolutePath, limit: Int64) -> EnvironmentTreeError? {
    guard let tree = try? Tree(opening: directory.text) else { return nil }
    var walk = Walk(limit: limit)
    do throws(EnvironmentTreeError) {
      try walk.visit(tree, seals: false)
      return nil
    } catch {
      switch error {
      case .tooLarge, .tooManyFiles, .tooDeep: return error
      case .system, .unfit: return nil
      }
    }
  }

  private static func attempt<Value>(
    _ body: () throws(SystemError) -> Value
  ) throws(EnvironmentTreeError) -> Value {
    do throws(SystemError) { return try body() } catch { throw .system(error) }
  }

  private struct Walk {
    let limit: Int64
    private var bytes: Int64 = 0
    private var count = 0

    init(limit: Int64) { self.limit = limit }

    mutating func visit(_ tree: Tree, seals: Bool, depth: Int = 0) throws(EnvironmentTreeError) {
      guard depth <= maximumDepth else { throw .tooDeep(tree.path) }
      if seals { try attempt { () throws(SystemError) in try tree.set(permissions: 0o755) } }
      // Of what is being built, what is downloaded is beside what is unpacked of it.
      let most = seals ? maximumFiles : 2 * maximumFiles
      let names = try attempt { () throws(SystemError) in try tree.names(limit: most - count + 1) }
      for name in names {
        count += 1
        guard count <= most else { throw .tooManyFiles(limit: maximumFiles) }
        guard let entry = try attempt({ () throws(SystemError) in try tree.entry(name) }) else { continue }
        switch entry.kind {
        case .directory:
          guard let inner = try opened(tree, name, isSure: seals) else { continue }
          try visit(inner, seals: seals, depth: depth + 1)
        case .file:
          bytes += entry.size
          guard bytes <= limit else { throw .tooLarge(limit: limit) }
          let permissions: UInt32 = entry.permissions & 0o111 == 0 ? 0o644 : 0o755
          if seals, entry.permissions != permissions {
            try attempt { () throws(SystemError) in try tree.set(permissions: permissions, of: name) }
          }
        case .link, .whiteout, .fifo, .socket, .device:
          if seals { throw .unfit(tree.text(name)) }
        }
      }
    }

    private func opened(_ tree: Tree, _ name: EntryName, isSure: Bool) throws(EnvironmentTreeError) -> Tree? {
      guard isSure else { return try? tree.directory(name) }
      return try attempt { () throws(SystemError) in try tree.directory(name) }
    }
  }
}
