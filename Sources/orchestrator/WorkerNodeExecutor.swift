import LinuxSystem
import PipelineEngine
import PluginModel
import SandboxPlanning
import StateStore
import WorkerHost

/// Runs the engine's nodes in sandboxed workers: translates between the engine's words and the worker host's, and
/// decides nothing.
struct WorkerNodeExecutor: NodeExecutor {
  let pool: WorkerPool
  /// For every node of the workflow.
  let configurations: [NodeName: WorkerConfiguration]
  let gpus: NodeGPUs
  /// Of every node of the workflow.
  let limits: [NodeName: NodeLimits]
  let explainer: DenialExplainer
  let secrets: RunSecrets
  /// Told what each attempt at a node was seen to do, where its worker is observed.
  var observed: @Sendable (NodeName, Observation) -> Void = { _, _ in }

  func execute(
    _ call: NodeCall, report: @escaping @Sendable (NodeReport) -> Void,
    accept: @escaping NodeAcceptance
  ) async throws(NodeFailure) -> NodeSuccess {
    guard let configuration = configurations[call.prepared] else {
      throw NodeFailure(.sandbox, "no sandbox was prepared for the node \"\(call.node)\"")
    }
    let execution = try await execution(of: call)
    do throws(NodeFailure) {
      let configuration = try await gpus.configuration(of: call, otherwise: configuration)
      return try await run(execution, call, on: configuration, report: report, accept: accept)
    } catch {
      throw error.masked(mask)
    }
  }

  private func execution(of call: NodeCall) async throws(NodeFailure) -> NodeExecution {
    var inputs: [NodeExecution.Input] = []
    for (port, values, isMultiple) in call.inputs {
      var loaded: [NodeValue] = []
      for value in values { loaded.append(try await value.loaded(as: port)) }
      inputs.append(NodeExecution.Input(port: port, values: loaded, isMultiple: isMultiple))
    }
    return NodeExecution(
      run: call.run, node: call.node, nodeType: call.type.nodeType, parameters: call.parameters, inputs: inputs,
      attempt: call.attempt, secrets: secrets.byNode[call.prepared] ?? [], mask: mask)
  }

  private var mask: SecretMask { secrets.mask }

  func ownKey(of call: NodeCall) async throws(NodeFailure) -> String? {
    // A worker with a device is started when it is to run.
    guard gpus.nodes[call.prepared] == nil, let configuration = configurations[call.prepared] else { return nil }
    let execution = try await execution(of: call)
    do throws(WorkerFailure) {
      return try await pool.cacheKey(of: execution, on: configuration)
    } catch {
      throw NodeFailure(error, LimitFindings(of: error, usage: nil, plan: configuration.plan))
    }
  }

  private func run(
    _ execution: NodeExecution, _ call: NodeCall, on configuration: WorkerConfiguration,
    report: @escaping @Sendable (NodeReport) -> Void,
    accept: @escaping NodeAcceptance
  ) async throws(NodeFailure) -> NodeSuccess {
    // What came of asking, which happens before what the node wrote lands.
    let answer = Lock<Result<NodeSuccess, NodeFailure>?>(nil)
    @Sendable func ask(_ outcome: NodeOutcome) async -> Result<NodeSuccess, NodeFailure> {
      do throws(NodeFailure) {
        try outcome.demandNoSecret(mask)
        return .success(try await accept(NodeSuccess(outcome)))
      } catch {
        return .failure(error)
      }
    }
    let seen = Lock(CallAccount())
    let limits = limits[call.prepared]
    let configuration = try limits?.raise(configuration, for: call) ?? configuration
    // Its limits are those of this plan, once an estimate has changed them.
    let plan = Lock(configuration.plan)
    func findings(_ failure: WorkerFailure?) async -> (limits: LimitFindings, account: NodeAccount) {
      var seen = seen.withLock { $0 }
      if let egress = seen.egress { seen.denials.add(egress.record) }
      let plan = plan.withLock { $0 }
      let limits = LimitFindings(of: failure, usage: seen.usage, plan: plan)
      let hadWorker = if case .launchRefused = failure { false } else { true }
      return (
        limits,
        NodeAccount(
          usage: seen.usage, limits: limits.reached,
          denials: await explainer.denials(seen.denials, failure, plan: plan), egress: seen.egress,
          held: hadWorker ? [HeldLimits(plan, attempt: call.attempt)] : [])
      )
    }
    let outcome: Result<NodeOutcome, WorkerFailure>
    do throws(WorkerFailure) {
      outcome = .success(
        try await pool.execute(
          execution, on: configuration, limit: call.timeoutMilliseconds.map { .milliseconds($0) },
          report: { report(NodeReport($0)) },
          accept: { outcome in
            let result = await ask(outcome)
            answer.withLock { $0 = result }
            if case .success = result { return true }
            return false
          },
          estimation: limits?.estimation(call, on: configuration.plan) { changed in plan.withLock { $0 = changed } },
          account: { account in
            seen.withLock { $0.add(account) }
            if let observation = account.observation { observed(call.prepared, observation) }
          }))
    } catch {
      outcome = .failure(error)
    }
    let asked = answer.withLock { $0 }
    if let tests = outcome.tests { report(.tests(tests)) }
    var failure: NodeFailure
    let account: NodeAccount
    switch outcome {
    case .success(let outcome):
      account = await findings(nil).account
      let accepted = if let asked { asked } else { await ask(outcome) }
      switch accepted {
      case .success(var success):
        success.account = account.masked(mask)
        return success
      case .failure(let refusal): failure = refusal
      }
    case .failure(let error):
      let (limits, used) = await findings(error)
      account = used
      failure =
        if case .failure(let refusal)? = asked { refusal } else { NodeFailure(error, limits, of: call.type) }
    }
    failure.account = account
    throw failure
  }
}

extension NodeValue {
  /// What lies in the store of results, in memory that a worker can be handed.
  fileprivate func loaded(as port: PortName) async throws(NodeFailure) -> NodeValue {
    guard case .shared(let shared) = content, let kept = shared as? StoredBytes else { return self }
    var value = self
    do throws(ArtifactError) {
      value.content =
        switch try await kept.load() {
        case .inline(let bytes): .inline(bytes)
        case .shared(let memory): .shared(memory)
        }
    } catch {
      throw NodeFailure(
        .error, "what the input \(port.text.quoted) is connected to can't be had again", cause: error.description,
        hint: error.hint)
    }
    return value
  }
}

extension NodeSuccess {
  fileprivate init(_ outcome: NodeOutcome) { self.init(outputs: outcome.outputs, isFallback: outcome.isFallback) }
}

extension NodeReport {
  init(_ report: WorkerReport) {
    self =
      switch report {
      case .started: .started
      case .progress(let fraction, let message): .progress(fraction: fraction, message: message)
      case .log(let level, _, let message): .log(level: LogLevel(level), message: message)
      case .output(let line, let isError): .output(line: line, isError: isError)
      }
  }
}

extension NodeReport.LogLevel {
  init(_ level: WorkerReport.Level) {
    self =
      switch level {
      case .debug: .debug
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
  }
}

extension NodeFailure {
  /// - Parameter type: that of the node; nil: nothing was executed.
  init(_ failure: WorkerFailure, _ limits: LimitFindings, of type: NodeTypeReference? = nil) {
    let command = type == .command ? failure.ofCommand : nil
    self.init(
      Self.kind(failure), command ?? failure.message,
      cause: command != nil && limits.cause == failure.cause ? nil : limits.cause, hint: limits.hint,
      traceback: failure.traceback, lastOutput: failure.lastOutput)
  }

  private static func kind(_ failure: WorkerFailure) -> Class {
    switch failure {
    case .launchRefused: .sandbox
    case .startupTimedOut, .timedOut, .estimateTimedOut: .timeout
    case .loadFailed, .estimateRefused, .inputsTooLarge, .resultsLost, .landing: .error
    case .outOfMemory: .oom
    case .protocolViolation, .crashed, .notAcknowledged, .stopped, .system: .crash
    case .cancelled, .notAccepted, .poolClosed: .cancelled
    case .pluginError(let error, _): error.kind == .cancelled ? .cancelled : .error
    }
  }
}

extension WorkerFailure {
  /// What a step of a workflow says that ended badly: nobody who writes `run` knows of a plugin that raises.
  fileprivate var ofCommand: String? {
    guard case .pluginError(let error, _) = self, error.kind == .error,
      ["CommandFailed", "CommandError"].contains(error.type)
    else { return nil }
    return error.message
  }
}

extension Result<NodeOutcome, WorkerFailure> {
  /// What the node said of the tests that it ran, however it ended.
  fileprivate var tests: TestReport? {
    switch self {
    case .success(let outcome): outcome.tests
    case .failure(.pluginError(let error, _)): error.tests
    case .failure: nil
    }
  }
}

// MARK: Secrets

extension NodeOutcome {
  /// Outputs are written down. What is in a file, or no text, isn't looked at.
  fileprivate func demandNoSecret(_ mask: SecretMask) throws(NodeFailure) {
    guard !mask.isEmpty else { return }
    for (port, values) in outputs where values.contains(where: { $0.tells(mask) }) {
      throw NodeFailure(
        .error, "the output \(port.text.quoted) holds a secret",
        cause: "outputs are kept with the run, and others read them",
        hint: "leave the secret out of what the node returns, and out of the names of its files")
    }
  }
}

extension NodeValue {
  fileprivate func tells(_ mask: SecretMask) -> Bool {
    if mask.finds(in: label.utf8) { return true }
    guard codec == .json else { return false }
    switch content {
    case .inline(let bytes): return mask.finds(in: bytes)
    case .shared(let shared): return (try? shared.bytes(at: 0, count: shared.byteCount)).map(mask.finds) ?? true
    }
  }
}

extension NodeFailure {
  /// What the worker says was masked before it was read; the supervisor's own words name files that the plugin named.
  fileprivate func masked(_ mask: SecretMask) -> NodeFailure {
    NodeFailure(
      kind, mask.masked(message), cause: cause.map(mask.masked), hint: hint.map(mask.masked),
      traceback: traceback.map(mask.masked), lastOutput: lastOutput.map(mask.masked), account: account.masked(mask))
  }
}

extension NodeAccount {
  fileprivate func masked(_ mask: SecretMask) -> NodeAccount {
    var account = self
    guard !mask.isEmpty else { return self }
    if let denials { account.denials?.record = denials.record.masked(mask) }
    if let egress { account.egress = egress.masked(mask) }
    return account
  }
}
