import PluginModel

/// What a worker said of itself in hello.
package struct WorkerIdentity: Hashable, Sendable {
  package var sdk: String
  package var language: String
}

/// An error frame: what the plugin's code, or the code that carries it, had to say.
package struct PluginError: Hashable, Sendable {
  package enum Class: String, CaseIterable, Sendable {
    case load
    case initialize
    case input
    case output
    case error
    case cancelled
    case unknown
  }
  package var kind: Class
  /// The exception's type.
  package var type: String
  package var message: String
  package var traceback: String?
  package var hint: String?
  /// The limit that it says was reached.
  package var limit: ClaimedLimit?
  /// What it says it was not let do.
  package var denied: ClaimedDenial?
  /// What tests it ran before, as it says.
  package var tests: TestReport?

  package init(
    _ kind: Class, type: String, message: String, traceback: String? = nil, hint: String? = nil,
    limit: ClaimedLimit? = nil, denied: ClaimedDenial? = nil, tests: TestReport? = nil
  ) {
    self.tests = tests
    self.denied = denied
    self.limit = limit
    self.kind = kind
    self.type = type
    self.message = message
    self.traceback = traceback
    self.hint = hint
  }
}

/// A limit that the worker says it came up against. Its word and no more: it may add a hint.
package enum ClaimedLimit: Hashable, Sendable {
  /// Processes and threads: EAGAIN of clone(2).
  case tasks
  /// EMFILE.
  case openFiles
  /// ENOSPC; the paths are those of its directories that have no space left.
  case space(full: [String])
}

/// What a node tells while it runs.
package enum WorkerReport: Hashable, Sendable {
  package enum Level: String, CaseIterable, Sendable {
    case debug
    case info
    case warning
    case error
  }
  /// The call has reached the worker.
  case started
  /// A fraction from 0 to 1.
  case progress(fraction: Double?, message: String)
  case log(level: Level, logger: String, message: String)
  /// A line of standard output or standard error.
  case output(line: String, isError: Bool)
}

/// The JSON objects that a worker sends, as values. All texts are bounded and harmless to a terminal afterwards.
enum Message {
  static let textLimit = 65_536
  static let nameLimit = 256

  static func object(_ bytes: [UInt8], in kind: FrameKind) throws(ProtocolViolation) -> JSONValue {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(
        json: bytes, limits: DocumentLimits(maximumBytes: 1 << 20, maximumDepth: 64, maximumNodes: 131_072))
    } catch {
      var harmless = error
      harmless.what = TerminalText.line(error.what, limit: 512)
      throw .invalidJSON(kind, harmless)
    }
    guard case .object = value else { throw .invalidMessage(kind, "it is a \(value.typeName), not an object") }
    return value
  }

  static func hello(_ body: [UInt8]) throws(ProtocolViolation) -> WorkerIdentity {
    let fields = Fields(kind: .hello, value: try object(body, in: .hello))
    let version = try fields.integer("protocol")
    guard version >= 1 else { throw .unsupportedVersion(version) }
    return WorkerIdentity(
      sdk: TerminalText.line(try fields.string("sdk"), limit: nameLimit),
      language: TerminalText.line(try fields.string("language"), limit: nameLimit))
  }

  static func error(
    _ body: [UInt8], _ mask: SecretMask = .none
  ) throws(ProtocolViolation) -> PluginError {
    let fields = Fields(kind: .error, value: try object(body, in: .error).masked(mask))
    guard let kind = PluginError.Class(rawValue: try fields.string("class")) else {
      throw .invalidMessage(.error, "its class is not one of the table's")
    }
    return PluginError(
      kind, type: TerminalText.line(try fields.string("type"), limit: nameLimit),
      message: TerminalText.block(try fields.string("message"), limit: textLimit),
      traceback: try fields.optionalString("traceback").map { TerminalText.block($0, limit: textLimit) },
      hint: try fields.optionalString("hint").map { TerminalText.block($0, limit: textLimit) },
      limit: try limit(fields), denied: try ClaimedDenial(fields.value["denied"], in: .error),
      tests: try TestReport(claimed: fields.value["tests"], in: .error))
  }

  /// The names are those of the page's table.
  private enum LimitName: String {
    case tasks
    case openFiles = "open_files"
    case space
  }

  /// A name that isn't known is one of a later version.
  private static func limit(_ fields: Fields) throws(ProtocolViolation) -> ClaimedLimit? {
    switch try fields.optionalString("limit").flatMap(LimitName.init) {
    case nil: nil
    case .tasks: .tasks
    case .openFiles: .openFiles
    case .space: .space(full: try fields.optionalStrings("full", atMost: 8, bytes: nameLimit))
    }
  }

  static func progress(_ body: [UInt8], _ mask: SecretMask) throws(ProtocolViolation) -> WorkerReport {
    let fields = Fields(kind: .progress, value: try object(body, in: .progress).masked(mask))
    let fraction = try fields.optionalNumber("fraction")
    if let fraction, !(0...1).contains(fraction) {
      throw .invalidMessage(.progress, "its fraction is not from 0 to 1")
    }
    let message = try fields.optionalString("message") ?? ""
    return .progress(fraction: fraction, message: TerminalText.line(message, limit: textLimit))
  }

  static func log(_ body: [UInt8], _ mask: SecretMask) throws(ProtocolViolation) -> WorkerReport {
    let fields = Fields(kind: .log, value: try object(body, in: .log).masked(mask))
    guard let level = WorkerReport.Level(rawValue: try fields.string("level")) else {
      throw .invalidMessage(.log, "its level is not one of debug, info, warning and error")
    }
    return .log(
      level: level, logger: TerminalText.line(try fields.string("logger"), limit: nameLimit),
      message: TerminalText.block(try fields.string("message"), limit: textLimit))
  }
}

/// The members of one object, by type. Keys that aren't known are ignored, so that later versions can add some.
struct Fields {
  let kind: FrameKind
  let value: JSONValue

  func string(_ key: String) throws(ProtocolViolation) -> String {
    guard let text = value[key]?.stringValue else { throw .invalidMessage(kind, "\"\(key)\" is not a string") }
    return text
  }

  /// Nil where the key is absent or null.
  func optionalString(_ key: String) throws(ProtocolViolation) -> String? {
    switch value[key] {
    case nil, .null: nil
    case .string(let text): text
    default: throw .invalidMessage(kind, "\"\(key)\" is neither a string nor null")
    }
  }

  /// Empty where the key is absent or null.
  func optionalStrings(_ key: String, atMost count: Int, bytes: Int) throws(ProtocolViolation) -> [String] {
    switch value[key] {
    case nil, .null: return []
    case .array(let items) where items.count <= count:
      let texts = items.compactMap(\.stringValue).filter { $0.utf8.count <= bytes }
      if texts.count == items.count { return texts }
    default: break
    }
    throw .invalidMessage(kind, "\"\(key)\" is not a list of at most \(count) short strings")
  }

  func integer(_ key: String) throws(ProtocolViolation) -> Int64 {
    guard let number = value[key]?.integerValue else { throw .invalidMessage(kind, "\"\(key)\" is not an integer") }
    return number
  }

  func optionalNumber(_ key: String) throws(ProtocolViolation) -> Double? {
    switch value[key] {
    case nil, .null: nil
    case .integer(let number): Double(number)
    case .double(let number): number
    default: throw .invalidMessage(kind, "\"\(key)\" is neither a number nor null")
    }
  }
}
