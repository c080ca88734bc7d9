import LinuxSystem
import PluginModel

/// Runs nodes for a program at the other end of a socket, one after the other, in the words of the worker protocol: it sends a call, and
/// gets progress and log frames and then a result or an error. It is trusted no more than a worker is: what it sends is bounded and checked
/// in the same way, and the first frame that breaks a rule ends the service.
///
/// Every output comes as a list of values: whoever asks knows which ports take several.
package struct NodeService: Sendable {
  /// A node to run, as the other end asks for it.
  package struct Request: Sendable {
    package var execution: NodeExecution
    /// The values of the manifest's `configuration`: an object.
    package var config: JSONValue
    /// Nil: none was named.
    package var limit: Duration?
  }

  /// What came of it.
  package enum Answer: Sendable {
    case outcome(NodeOutcome)
    /// - Parameter hint: beside the failure's own.
    case failure(WorkerFailure, hint: String?)
    /// The node could not be run.
    case refusal(Diagnostic)
  }

  package typealias Run = @Sendable (Request, @escaping WorkerPool.Report) async -> Answer

  /// Bytes of one read.
  private static let most = 65_536
  private let connection: UnixSocket
  private let loop: EventLoop
  private let run: Run

  package init(_ connection: UnixSocket, loop: EventLoop, run: @escaping Run) {
    self.connection = connection
    self.loop = loop
    self.run = run
  }

  /// Returns when the other end has closed the connection, or this task is cancelled.
  /// - Returns: the rule that it broke; nil: none.
  package func serve() async -> ProtocolViolation? {
    do {
      try await serveCalls()
      return nil
    } catch let violation as ProtocolViolation {
      return violation
    } catch {
      // The connection is gone, or the task was cancelled.
      return nil
    }
  }

  private func serveCalls() async throws {
    var decoder = FrameDecoder<FileDescriptor>()
    while true {
      guard let received = try connection.receive(atMost: Self.most) else {
        try await loop.wait(until: .readable, connection.descriptor)
        continue
      }
      if let violation = received.violation { throw violation }
      guard !received.bytes.isEmpty else { return }
      decoder.append(received.bytes, received.descriptors)
      while let frame = try decoder.next() {
        guard frame.kind == .call else { throw ProtocolViolation.invalidMessage(frame.kind, "only calls are served") }
        for answer in try await answers(to: frame) { try await send(answer) }
      }
    }
  }

  private func answers(to call: Frame<FileDescriptor>) async throws(ProtocolViolation) -> [Frame<FileDescriptor>] {
    let table = try ValueTable(call.body, descriptors: call.descriptors)
    let request: Request
    do {
      request = try Request(table)
    } catch let problem as Diagnostic {
      return [Self.error(Self.object(problem), call.callID)]
    } catch let violation as ProtocolViolation {
      throw violation
    } catch {
      return []
    }
    let told = ReportBuffer()
    let answer = await run(request) { told.add($0) }
    var frames = told.objects.map { Frame<FileDescriptor>($0.kind, callID: call.callID, object: $0.object) }
    switch answer {
    case .outcome(let outcome): frames.append(Self.result(outcome, call.callID))
    case .failure(let failure, let hint): frames.append(Self.error(Self.object(failure, hint), call.callID))
    case .refusal(let problem): frames.append(Self.error(Self.object(problem), call.callID))
    }
    return frames
  }

  private func send(_ frame: Frame<FileDescriptor>) async throws {
    let bytes = frame.bytes
    var offset = 0
    while offset < bytes.count {
      let descriptors = offset == 0 ? frame.descriptors : []
      if let count = try connection.send(bytes, from: offset, descriptors: descriptors) {
        offset += count
      } else {
        try await loop.wait(until: .writable, connection.descriptor)
      }
    }
  }

  // MARK: Answers

  private static func result(_ outcome: NodeOutcome, _ callID: UInt64) -> Frame<FileDescriptor> {
    let outputs = outcome.outputs.map { NodeExecution.Input(port: $0.port, values: $0.values, isMultiple: true) }
    do throws(WorkerFailure) {
      let call = try WorkerCall(metadata: ["fallback": .bool(outcome.isFallback)], inputs: outputs).encoded()
      return Frame(.result, callID: callID, body: call.body, descriptors: call.descriptors)
    } catch {
      return Self.error(object(error, nil), callID)
    }
  }

  private static func error(_ object: JSONValue, _ callID: UInt64) -> Frame<FileDescriptor> {
    Frame(.error, callID: callID, object: object)
  }

  private static func object(_ problem: Diagnostic) -> JSONValue {
    [
      "class": "worker", "type": "", "message": .string(problem.why.map { "\(problem.what): \($0)" } ?? problem.what),
      "traceback": "", "hint": problem.hint.map { .string($0) } ?? .null,
    ]
  }

  private static func object(_ failure: WorkerFailure, _ hint: String?) -> JSONValue {
    let hints = [failure.hint, hint].compactMap(\.self).joined(separator: "\n")
    let hint: JSONValue = hints.isEmpty ? .null : .string(hints)
    if case .pluginError(let error, _) = failure {
      return [
        "class": .string(error.kind.rawValue), "type": .string(error.type), "message": .string(error.message),
        "traceback": .string(error.traceback ?? ""), "hint": hint,
      ]
    }
    let details = ([failure.traceback].compactMap(\.self) + failure.lastOutput).joined(separator: "\n")
    return [
      "class": "worker", "type": "", "message": .string(failure.summary), "traceback": .string(details), "hint": hint,
    ]
  }
}

/// What a node has told, until it is sent with its answer. What comes beyond is dropped.
private final class ReportBuffer: Sendable {
  private static let most = 1000
  private static let mostBytes = 1 << 20
  private let stored = Lock((objects: [(kind: FrameKind, object: JSONValue)](), bytes: 0))
  var objects: [(kind: FrameKind, object: JSONValue)] { stored.withLock { $0.objects } }

  func add(_ report: WorkerReport) {
    guard let (kind, object, size) = Self.object(report) else { return }
    stored.withLock { stored in
      guard stored.objects.count < Self.most, stored.bytes + size <= Self.mostBytes else { return }
      stored.objects.append((kind, object))
      stored.bytes += size
    }
  }

  private static func object(_ report: WorkerReport) -> (FrameKind, JSONValue, Int)? {
    switch report {
    case .started: nil
    case .progress(let fraction, let message):
      (
        .progress, ["fraction": fraction.map { .double($0) } ?? .null, "message": .string(message)],
        message.utf8.count
      )
    case .log(let level, let logger, let message):
      (.log, log(level, logger, message), message.utf8.count)
    case .output(let line, let isError):
      (.log, log(.info, isError ? "standard error" : "standard output", line), line.utf8.count)
    }
  }

  private static func log(_ level: WorkerReport.Level, _ logger: String, _ message: String) -> JSONValue {
    ["level": .string(level.rawValue), "logger": .string(logger), "message": .string(message)]
  }
}

// MARK: Requests

extension NodeService.Request {
  private static let attempts: ClosedRange<Int64> = 1...1000
  /// A day.
  private static let milliseconds: ClosedRange<Int64> = 0...86_400_000

  /// Reads a call, and takes its descriptors over.
  /// - Throws: a diagnostic where it asks for what can't be had, a violation where it breaks a rule.
  init(_ table: ValueTable<FileDescriptor>) throws {
    let fields = table.metadata
    guard fields["operation"]?.stringValue == "execute" else { throw Self.problem("the operation is not \"execute\"") }
    guard let node = fields["node"]?.stringValue.flatMap({ NodeName($0) }) else {
      throw Self.problem("the node's id is not \(NodeName.grammar)")
    }
    guard let type = fields["node_type"]?.stringValue.flatMap({ NodeTypeName($0) }) else {
      throw Self.problem("the node type is not \(NodeTypeName.grammar)")
    }
    guard let attempt = fields["attempt"]?.integerValue, Self.attempts.contains(attempt) else {
      throw Self.problem("the attempt is not a number from 1 to 1000")
    }
    guard case .object? = fields["config"] else { throw Self.problem("the configuration is not a mapping") }
    config = fields["config"] ?? .object([])
    limit = try Self.limit(fields["deadline_ms"])
    let isMultiple = Set(table.values.filter { $0.position != nil }.map(\.name))
    let inputs = try table.adopted().map { port, values in
      NodeExecution.Input(port: port, values: values, isMultiple: isMultiple.contains(port))
    }
    execution = NodeExecution(
      run: "test", node: node, nodeType: type, parameters: try Self.parameters(fields["parameters"]), inputs: inputs,
      attempt: Int(attempt), secrets: try Self.secrets(fields["secrets"]))
  }

  private static func problem(_ why: String) -> Diagnostic { Diagnostic("the node can't be run", why: why) }

  private static func limit(_ value: JSONValue?) throws(Diagnostic) -> Duration? {
    switch value {
    case nil, .null: return nil
    case .integer(let number) where milliseconds.contains(number): return .milliseconds(number)
    default: throw problem("the deadline is not within a day")
    }
  }

  private static func parameters(_ value: JSONValue?) throws(Diagnostic) -> [(name: ParameterName, value: JSONValue)] {
    guard case .object(let members)? = value else { throw problem("the parameters are not a mapping") }
    var parameters: [(name: ParameterName, value: JSONValue)] = []
    for member in members {
      guard let name = ParameterName(member.key) else {
        throw problem("\(member.key.prefix(80).debugDescription) is not \(ParameterName.grammar)")
      }
      parameters.append((name, member.value))
    }
    return parameters
  }

  private static func secrets(_ value: JSONValue?) throws(Diagnostic) -> [Secret] {
    switch value {
    case nil, .null: return []
    case .object(let members) where members.count <= 64:
      var secrets: [Secret] = []
      for member in members {
        guard let name = SecretName(member.key), let text = member.value.stringValue else {
          throw problem("the secrets are not texts by their names")
        }
        secrets.append(try Secret(name, text))
      }
      return secrets
    default: throw problem("the secrets are not at most 64 texts by their names")
    }
  }
}
