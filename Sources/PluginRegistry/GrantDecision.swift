import PluginModel

/// What one plugin may do, and where that differs from what was asked for or granted.
package struct GrantDecision: Hashable, Sendable {
  package var plugin: PluginName
  /// Of its files.
  package var digest: String
  /// By the manifest.
  package var asked: [Permission]
  /// What was granted to it, by whatever means, whether or not it asks for it.
  package var grants: [Grant]
  /// What the sandbox will allow.
  package var effective: [Permission] = []
  /// Asked for by the manifest, and not granted at all.
  package var missing: [Permission] = []
  /// Those of `missing` that can't be granted as they are asked for.
  package var forbidden: [ForbiddenRequest] = []
  /// Granted by the operator, and not asked for: without effect.
  package var useless: [Grant] = []
  /// Paths that were granted: a scoped grant is the operator's own word, so it is a root.
  package var roots: [AbsolutePath] = []
  /// The security profile that the operator chose for it.
  package var profile: Located<PluginName>?
  /// Its files are not those that were granted something.
  package var change: GrantChange?
  /// Why it must not be started.
  package var refusals: [Diagnostic] = []

  package init(plugin: PluginName, digest: String, asked: [Permission] = [], grants: [Grant] = []) {
    self.plugin = plugin
    self.digest = digest
    self.asked = asked
    self.grants = grants
  }

  /// Of what it has, what every plugin has that asks for it.
  package var givenToAll: [Permission] {
    grants.filter { $0.source == .defaults }.flatMap { grant in asked.compactMap { $0.meet(grant.permission) } }
      .filter(effective.contains)
  }

  /// It may be given a GPU.
  package var givesGPUs: Bool { effective.contains { $0.name == .gpuAccess } }

  /// Without what somebody has just been asked about, and doesn't allow.
  package var declined: GrantDecision {
    var result = self
    result.missing = forbidden.map(\.permission)
    result.change = nil
    return result
  }

  /// Those of `missing` that somebody could grant.
  package var grantable: [Permission] { missing.filter { request in !forbidden.contains { $0.permission == request } } }

  /// What to ask a person about: what earlier files were allowed, and what was never granted.
  package var offered: [Permission] {
    let earlier = change?.permissions ?? []
    let new = grantable.filter { request in !earlier.contains { request.meet($0) != nil } }
    return (earlier + new).sorted()
  }

  /// The options that would grant what is missing, as they would be typed.
  package var missingOptions: [String] { Self.options(plugin, grantable) }

  private static func options(_ plugin: PluginName, _ permissions: [Permission]) -> [String] {
    permissions.map { "--grant " + ShellText.word("\(plugin)=\($0)") }
  }

  /// Warnings, for before the run.
  /// - Parameter options: of the command line, which the proposed command must have too; with a blank before each.
  package func diagnostics(options: String = "") -> [Diagnostic] {
    var result: [Diagnostic] = []
    let wanted = grantable.filter { request in
      !(change?.permissions.contains { request.meet($0) != nil } ?? false)
    }
    if !wanted.isEmpty {
      let list = wanted.map(\.description)
      result.append(
        Diagnostic(
          "the plugin \"\(plugin)\" asks for \(list.joined(separator: ", ")), not granted", why: "it runs without",
          hint: "to allow it: orchestrator plugin grant \(plugin) \(ShellText.words(list))\(options)\n"
            + "for one run: \(Self.options(plugin, wanted).joined(separator: " "))", severity: .warning))
    }
    result += forbidden.map { request in
      Diagnostic(
        "the plugin \"\(plugin)\" asks for \(request.permission), which is forbidden",
        why: "forbidden_permissions has \(request.rule.value), for every plugin; it runs without",
        at: request.rule.location, severity: .warning)
    }
    result += useless.map { grant in
      let location: SourceLocation? = if case .policy(let place) = grant.source { place } else { nil }
      return Diagnostic(
        "granting \(grant.permission) to \"\(plugin)\" changes nothing", why: "its manifest doesn't ask for it",
        at: location, severity: .warning)
    }
    return result
  }
}

/// Something that a manifest asks for and the operator forbids.
package struct ForbiddenRequest: Hashable, Sendable {
  package var permission: Permission
  package var rule: Located<Permission>
}

/// A plugin's files are others than those that were allowed something.
package struct GrantChange: Hashable, Sendable {
  /// What was allowed last, for other files of this plugin. Never empty.
  package var earlier: [GrantRecord]
  /// What the plugin would be allowed if it were still granted.
  package var permissions: [Permission]

  /// What the manifest asked for then.
  package var askedBefore: [Permission] { earlier.last?.asked ?? [] }

  /// - Parameter options: of the command line, which the proposed commands must have too; with a blank before each.
  package func diagnostic(of decision: GrantDecision, options: String, severity: Diagnostic.Severity) -> Diagnostic {
    let list = permissions.map(\.description)
    let (before, now) = (DigestText.short(earlier.last?.digest ?? ""), DigestText.short(decision.digest))
    let user = earlier.last.map { " on \($0.time) by user \($0.user)" } ?? ""
    return Diagnostic(
      "the files of the plugin \"\(decision.plugin)\" have changed since it was granted \(list.joined(separator: ", "))",
      why: "a grant holds for exactly the files that it was given for: \(before)\(user); now they are \(now)",
      hint: "once you have looked at the change: orchestrator plugin grant \(decision.plugin) "
        + "\(ShellText.words(list))\(options)\n"
        + "to run without: orchestrator plugin revoke \(decision.plugin) --all\(options)", severity: severity)
  }
}

/// Digests as people compare them.
package enum DigestText {
  /// `sha256:` and twelve digits.
  package static func short(_ digest: String) -> String { String(digest.prefix(19)) }
}

/// Words as a shell takes them, sh(1).
package enum ShellText {
  /// Between quotes where it needs them.
  package static func word(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "-_./:=,@+%".utf8.contains(byte)
    }
    return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
  }

  package static func words(_ texts: [String]) -> String { texts.map(word).joined(separator: " ") }
}
