import HTTPAPI
import PluginModel
import StateStore

/// What somebody asks for with a new run.
struct RunSubmission: Sendable {
  enum Source: Sendable {
    case stored(WorkflowName, version: Int?)
    /// What was sent with the request.
    case written([UInt8])
  }

  var source: Source
  var inputs: [JSONValue.Member] = []
  /// As `--timeout` has it.
  var timeout: String?
  var usesCache = true
  /// Uploads, by where they are to be in the workspace.
  var files: [(path: PackagePath, upload: String)] = []

  /// Of one run.
  static let mostFiles = 256

  private enum Key: String, CaseIterable {
    case workflow, version, document, source, inputs, timeout, files
    case noCache = "no_cache"
  }

  static let keys = Set(Key.allCases.map(\.rawValue))

  init(_ body: JSONValue) throws(APIProblem) {
    func wrong(_ key: Key, _ must: String) -> APIProblem { .unusable(key.rawValue, must) }
    let given = [Key.workflow, .document, .source].filter { body[$0.rawValue] != nil }
    guard given.count == 1, let key = given.first, let value = body[key.rawValue] else {
      throw APIProblem(
        422, "exactly one of \"workflow\", \"document\" and \"source\" is needed",
        hint: "name a stored workflow, or send one as JSON or as text")
    }
    switch key {
    case .workflow:
      guard let name = value.stringValue.flatMap({ WorkflowName($0) }) else { throw wrong(key, WorkflowName.grammar) }
      var version: Int?
      if let number = body[Key.version.rawValue], number != .null {
        guard let whole = number.integerValue, (1...Int64(Int32.max)).contains(whole) else {
          throw wrong(.version, "a whole number from 1")
        }
        version = Int(whole)
      }
      source = .stored(name, version: version)
    case .document:
      guard case .object = value else { throw wrong(key, "a workflow as JSON") }
      source = .written(value.utf8())
    default:
      guard let text = value.stringValue else { throw wrong(key, "a workflow as text") }
      source = .written(Array(text.utf8))
    }
    guard key == .workflow || body[Key.version.rawValue] == nil else {
      throw APIProblem(422, "only a stored workflow has a version")
    }
    switch body[Key.inputs.rawValue] {
    case nil, .null: break
    case .object(let members): inputs = members
    default: throw wrong(.inputs, "an object: a value for each input by its name")
    }
    switch body[Key.files.rawValue] {
    case nil, .null: break
    case .object(let members) where members.count <= Self.mostFiles: files = try Self.files(members)
    default: throw wrong(.files, "an object of at most \(Self.mostFiles): an upload for each path in the workspace")
    }
    switch body[Key.timeout.rawValue] {
    case nil, .null: break
    case .string(let text) where Quantity.duration(text) != nil: timeout = text
    default: throw wrong(.timeout, "a whole number above 0 and one of ms, s, m, h, d")
    }
    switch body[Key.noCache.rawValue] {
    case nil, .null, .bool(false): break
    case .bool(true): usesCache = false
    default: throw wrong(.noCache, "true or false")
    }
  }

  /// Such paths mean the same everywhere and lead nowhere else, and no two of them lie in each other's way.
  private static func files(_ members: [JSONValue.Member]) throws(APIProblem) -> [(path: PackagePath, upload: String)] {
    var (tree, files, wrong) = (PackageTree(), [(path: PackagePath, upload: String)](), [Diagnostic]())
    for member in members {
      let shown = String(member.key.prefix(200)).quoted
      guard let upload = member.value.stringValue, ServerUploads.isIdentifier(upload) else {
        wrong.append(
          Diagnostic("there is no such upload for \(shown)", hint: "name one by what POST /api/v1/uploads said"))
        continue
      }
      do {
        let path = try PackagePath(member.key)
        try tree.insert(path)
        files.append((path, upload))
      } catch let flaw as PackagePath.Flaw {
        wrong.append(Diagnostic("no file of a workspace can be called \(shown)", why: "\(flaw)"))
      } catch {
        wrong.append(Diagnostic("\(shown) and another of the files can't lie in one workspace"))
      }
    }
    guard wrong.isEmpty else { throw APIProblem(CommandFailure(.invalidInput, wrong)) }
    return files
  }

  init(source: Source, inputs: [JSONValue.Member], usesCache: Bool = true) {
    self.source = source
    self.inputs = inputs
    self.usesCache = usesCache
  }
}

extension APIProblem {
  /// What a command would end with.
  /// - Parameter subjects: of the workflow that it is about.
  init(_ failure: CommandFailure, status: Int? = nil, of subjects: WorkflowSubjects? = nil) {
    let first = failure.diagnostics.first { $0.severity == .error } ?? failure.diagnostics.first
    let usual: Int =
      switch failure.status {
      case .sandboxUnavailable: 503
      case .invalidInput, .success, .nodeFailed, .deadline, .interrupted: 422
      }
    self.init(
      status ?? usual, first?.what ?? "it can't be done", why: first?.why, hint: first?.hint,
      diagnostics: failure.diagnostics.map { $0.json(subjects) })
  }

  init(_ error: StateStoreError) {
    self.init(503, "the server's state can't be read or written", why: nil, retryAfter: 10)
  }
}

/// Does what a command would do, and says what went wrong as a server does.
func served<Value: Sendable>(
  _ status: Int? = nil, isolation: isolated (any Actor)? = #isolation,
  _ work: () async throws(CommandFailure) -> Value
) async throws(APIProblem) -> Value {
  do throws(CommandFailure) { return try await work() } catch { throw APIProblem(error, status: status) }
}

extension StateDatabase {
  /// Asks what somebody wants to know over HTTP.
  func served<Value>(
    isolation: isolated (any Actor)? = #isolation, _ body: (StateDatabase) async throws(StateStoreError) -> Value
  ) async throws(APIProblem) -> Value {
    do throws(StateStoreError) { return try await body(self) } catch { throw APIProblem(error) }
  }
}
