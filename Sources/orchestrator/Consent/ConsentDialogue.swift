import LinuxSystem
import PluginModel
import PluginRegistry
import StateStore

/// Asks the person at the terminal, once for each plugin that isn't granted what it asks for.
struct ConsentDialogue: Sendable {
  let bootstrap: Bootstrap
  let state: String
  private let input = TerminalInput()
  /// Lines that are no answer, after which it is no.
  private static let attempts = 3

  /// Somebody is there: standard input and standard error are a terminal, and no build server says that it is one (`CI`).
  static func isPossible() -> Bool {
    let build = ProcessEnvironment.variable("CI")
    return TerminalInput().isInteractive && Terminal(.standardError).isInteractive
      && (build == nil || build == "false" || build == "0")
  }

  /// Asks about each of `plugins` that `policy` leaves something to ask about.
  /// - Returns: the policy with what was allowed, and the plugins that were refused it.
  func ask(
    about plugins: [DiscoveredPlugin], _ policy: GrantPolicy
  ) async throws(CommandFailure) -> (policy: GrantPolicy, refused: Set<PluginName>) {
    var policy = policy
    var refused: Set<PluginName> = []
    for plugin in plugins {
      let decision = policy.decision(for: plugin)
      // What must not be started anyway needs no answer.
      guard !decision.offered.isEmpty, decision.refusals.isEmpty else { continue }
      switch await answer(to: ConsentQuestion(plugin: plugin, decision: decision)) {
      case .remember:
        // What can't be given now would stop every later run.
        _ = try await bootstrap.grantedFiles(decision.offered)
        try await bootstrap.remember(decision.offered, for: plugin, way: .consent, state: state)
        policy.consent(to: decision.offered, for: plugin.manifest.name)
      case .onlyThisRun: policy.consent(to: decision.offered, for: plugin.manifest.name)
      case .runWithout: refused.insert(plugin.manifest.name)
      }
    }
    return (policy, refused)
  }

  private func answer(to question: ConsentQuestion) async -> ConsentAnswer {
    for line in question.lines(style: bootstrap.console.errorStyle) { await bootstrap.console.printError(line) }
    // Typed before it could be read.
    input.discardTyped()
    for _ in 0..<Self.attempts {
      await bootstrap.console.prompt(ConsentQuestion.prompt)
      guard let line = await bootstrap.files.run({ input.line() }) else {
        // The cursor stands behind the question.
        await bootstrap.console.printError("")
        return .runWithout
      }
      if let answer = ConsentAnswer(line) { return answer }
      await bootstrap.console.printError("Type y, o or n.")
    }
    await bootstrap.console.printError("It is not allowed.")
    return .runWithout
  }
}

extension Bootstrap {
  /// Stores grants for the files that the plugin has now.
  func remember(
    _ permissions: [Permission], for plugin: DiscoveredPlugin, way: GrantRecord.Way, state: String
  ) async throws(CommandFailure) {
    let records = permissions.map { permission in
      GrantRecord(
        plugin: plugin.manifest.name, digest: plugin.digest.description, permission: permission,
        asked: plugin.manifest.permissions, time: ProcessEnvironment.readableTime(), way: way,
        user: ProcessEnvironment.effectiveUser)
    }
    do throws(StateStoreError) {
      try await StateDatabase(making: state, on: files).add(records)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// What was granted before. Nothing is made where nothing was.
  func storedGrants(state: String) async throws(CommandFailure) -> [GrantRecord] {
    do throws(StateStoreError) {
      return try await StateDatabase(existing: state, on: files)?.grants() ?? []
    } catch {
      throw CommandFailure(error)
    }
  }
}

extension CommandFailure {
  init(_ error: StateStoreError) {
    self.init(
      .invalidInput, "what is kept in \(error.path) can't be used", why: error.description, hint: error.hint)
  }
}
