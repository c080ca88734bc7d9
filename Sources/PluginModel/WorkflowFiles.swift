/// The files that a workflow is made of: its own, those that its nodes name with `workflow`, and those that these name. Pure: whoever
/// reads files adds what ``wanted`` asks for, until that is empty.
package struct WorkflowFiles: Sendable {
  /// What came of an attempt to read a file.
  package enum Content: Sendable {
    case bytes([UInt8])
    case unreadable(why: String, hint: String?)
  }

  package static let maximumCount = 256
  /// Workflows within each other, the first not counted.
  package static let maximumDepth = 8
  /// Of all files together: they are kept with each run.
  package static let maximumBytes = 16 << 20

  private struct File {
    let workflow: Workflow
    /// By the node's place: what it names. Nil: that was refused.
    let named: [(path: String?, location: SourceLocation)]
  }

  /// Of the workflow itself, as diagnostics name it.
  package let path: String
  /// The rest of its path, which is what the others are called by.
  private let root: String
  private var files: [String: File] = [:]
  /// Those that were read.
  package private(set) var bytes: [String: [UInt8]] = [:]
  /// In the order in which they are found; by a path relative to the directory of the workflow.
  package private(set) var wanted: [String] = []
  private var known: Set<String> = []
  private var places: [String: SourceLocation] = [:]
  private var problems: [Diagnostic] = []
  private var byteCount = 0

  /// - Throws: everything that is wrong with the workflow's own file.
  package init(path: String, bytes: [UInt8]) throws(Diagnostics) {
    let workflow = try Workflow(bytes: bytes, file: path)
    self.path = path
    root = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
    known = [root]
    byteCount = bytes.count
    add(workflow, at: root)
  }

  /// What diagnostics call a file.
  package func name(of file: String) -> String { file == root ? path : String(path.dropLast(root.count)) + file }

  /// One that is ``wanted``.
  package mutating func add(_ content: Content, at file: String) {
    guard let index = wanted.firstIndex(of: file) else { return }
    wanted.remove(at: index)
    switch content {
    case .unreadable(let why, let hint):
      problems.append(
        Diagnostic("the workflow \(file.quoted) can't be read", why: why, hint: hint, at: places[file]))
    case .bytes(let read):
      byteCount += read.count
      guard byteCount <= Self.maximumBytes else {
        refuse("the files of the workflow have more than \(Self.maximumBytes) bytes together", at: places[file])
        return
      }
      bytes[file] = read
      do throws(Diagnostics) {
        let workflow = try Workflow(bytes: read, file: name(of: file))
        add(workflow, at: file)
      } catch {
        problems += error.items
      }
    }
  }

  /// Nothing more is read: what follows would be of no use.
  private mutating func refuse(_ what: String, why: String? = nil, at location: SourceLocation?) {
    wanted = []
    problems.append(Diagnostic(what, why: why, hint: "make several workflows of it", at: location))
  }

  private mutating func add(_ workflow: Workflow, at file: String) {
    var named: [(path: String?, location: SourceLocation)] = []
    for node in workflow.nodes {
      guard let written = node.subworkflow else { continue }
      var path: String?
      do throws(Diagnostic) { path = try WorkflowPath.resolve(written, from: file, root: self.path) } catch {
        problems.append(error)
      }
      named.append((path, written.location))
      guard let path, known.insert(path).inserted else { continue }
      places[path] = written.location
      wanted.append(path)
    }
    files[file] = File(workflow: workflow, named: named)
    if known.count > Self.maximumCount {
      refuse(
        "the workflow is made of more than \(Self.maximumCount) files", why: "\(known.count) are named so far",
        at: named.last?.location)
    }
  }

  /// The workflow with all its files.
  /// - Throws: everything that is wrong with any of them on its own, and with how they name each other.
  package func workflow() throws(Diagnostics) -> Workflow {
    var problems = problems
    if problems.isEmpty {
      var search = Nesting(files: files.mapValues(\.named))
      search.visit(root, at: nil)
      problems = search.problems
    }
    guard problems.isEmpty else { throw Diagnostics(problems.sortedByPlace) }
    guard var workflow = files[root]?.workflow else { throw Diagnostics([]) }
    guard files.count > 1 else { return workflow }
    workflow.library = WorkflowLibrary(
      root: root, path: path, files: files.mapValues(\.workflow).filter { $0.key != root })
    return workflow
  }

  /// Which files name themselves, by others or not, and how deep they lie in each other.
  private struct Nesting {
    let files: [String: [(path: String?, location: SourceLocation)]]
    var problems: [Diagnostic] = []
    private var chain: [String] = []
    /// How many lie in each other below a file that was seen.
    private var depths: [String: Int] = [:]

    init(files: [String: [(path: String?, location: SourceLocation)]]) { self.files = files }

    /// - Returns: how many lie in each other below it.
    @discardableResult
    mutating func visit(_ file: String, at location: SourceLocation?) -> Int {
      if let start = chain.firstIndex(of: file) {
        let words = (chain[start...] + [file]).joined(separator: " → ")
        problems.append(
          Diagnostic(
            "the workflow \(file.quoted) would be a part of itself: \(words)", why: "it would never end",
            hint: "remove one of these nodes", at: location))
        return 0
      }
      if let depth = depths[file] { return depth }
      chain.append(file)
      var deepest = 0
      for (path, place) in files[file] ?? [] {
        guard let path else { continue }
        let count = problems.count
        let depth = 1 + visit(path, at: place)
        // Told once, by the innermost.
        if problems.count == count, chain.count - 1 + depth > WorkflowFiles.maximumDepth {
          problems.append(tooDeep(chain + [path], at: place))
        }
        deepest = max(deepest, depth)
      }
      chain.removeLast()
      depths[file] = deepest
      return deepest
    }

    private func tooDeep(_ chain: [String], at location: SourceLocation?) -> Diagnostic {
      Diagnostic(
        "workflows lie more than \(WorkflowFiles.maximumDepth) deep in each other",
        why: chain.joined(separator: " → "), hint: "name the inner ones from a workflow further out", at: location)
    }
  }
}

/// The files of a workflow beside its own.
package struct WorkflowLibrary: Sendable {
  /// What the workflow's own file is called among them.
  package let root: String
  /// Of the workflow's own file.
  package let path: String
  /// By a path relative to the directory of the workflow.
  package var files: [String: Workflow]
}

extension Workflow {
  /// The plugins that nodes of the workflow, or of any file that it is made of, name.
  package var pluginsOfNodes: Set<PluginName> {
    var names = Set(nodes.lazy.filter { $0.subworkflow == nil }.map(\.type.value.plugin))
    guard let library else { return names }
    for other in library.files.values { names.formUnion(other.pluginsOfNodes) }
    return names
  }
}

/// The path of a workflow's file, as another names it.
enum WorkflowPath {
  /// - Parameters:
  ///   - file: the one that names it, relative to the directory of the workflow.
  ///   - root: the path of the workflow, for people.
  /// - Returns: relative to the directory of the workflow.
  static func resolve(_ written: Located<String>, from file: String, root: String) throws(Diagnostic) -> String {
    let text = written.value
    guard text.utf8.first != UInt8(ascii: "/") else {
      throw Diagnostic(
        "\(text.quoted) is an absolute path", why: "a workflow is made of files that lie in its own directory or below",
        hint: "write a path relative to this file", at: written.location)
    }
    var steps = file.split(separator: "/").dropLast().map(String.init)
    for step in text.split(separator: "/") where step != "." {
      guard step == ".." else {
        steps.append(String(step))
        continue
      }
      guard steps.popLast() != nil else {
        throw Diagnostic(
          "\(text.quoted) leads out of the directory of the workflow",
          why: "\(root.quoted) is made of files that lie in its own directory or below",
          hint: "move the file there, or run a workflow that lies further up", at: written.location)
      }
    }
    guard let last = text.split(separator: "/", omittingEmptySubsequences: false).last, !last.isEmpty, last != ".",
      last != ".."
    else {
      throw Diagnostic(
        "\(text.quoted) names no file", hint: "write the path of a workflow's file", at: written.location)
    }
    return steps.joined(separator: "/")
  }
}

extension [Diagnostic] {
  /// In the order of the files; what has no place in one comes last.
  package var sortedByPlace: [Diagnostic] {
    enumerated().sorted { left, right in
      switch (left.element.location, right.element.location) {
      case (let first?, let second?): first == second ? left.offset < right.offset : first < second
      case (.some, nil): true
      case (nil, .some): false
      case (nil, nil): left.offset < right.offset
      }
    }.map(\.element)
  }
}
