/// Who did something that is written down.
package enum AuditActor: Hashable, Sendable, CustomStringConvertible {
  static let consoleText = "console"

  /// Somebody at the machine, by a command.
  case console
  case token(AccessTokenName)

  /// Reads what ``description`` wrote; nil for anything else.
  package init?(_ text: String) {
    if text == Self.consoleText {
      self = .console
    } else if let name = AccessTokenName(text) {
      self = .token(name)
    } else {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .console: Self.consoleText
    case .token(let name): name.text
    }
  }
}

/// What was done: two words, that which it was done to and the deed. An open set: what a later version writes is listed by an earlier one.
package struct AuditAction: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "action"
  package static let grammar = "two words of lower-case letters, digits and '_' with a point between them"
  package static func accepts(_ text: String) -> Bool {
    let words = text.split(separator: ".", omittingEmptySubsequences: false)
    return words.count == 2 && text.utf8.count <= 64
      && words.allSatisfy { PluginName.accepts(String($0)) && !$0.utf8.contains(UInt8(ascii: "-")) }
  }

  package static let createToken = AuditAction(unchecked: "token.create")
  package static let revokeToken = AuditAction(unchecked: "token.revoke")
  package static let installPlugin = AuditAction(unchecked: "plugin.install")
  package static let rollBackPlugin = AuditAction(unchecked: "plugin.rollback")
  package static let removePlugin = AuditAction(unchecked: "plugin.remove")
  package static let grant = AuditAction(unchecked: "plugin.grant")
  package static let revokeGrants = AuditAction(unchecked: "plugin.revoke")
  package static let setPlugin = AuditAction(unchecked: "plugin.set")
  package static let yank = AuditAction(unchecked: "registry.yank")
  package static let undoYank = AuditAction(unchecked: "registry.undo_yank")
  package static let reload = AuditAction(unchecked: "server.reload")
}

package enum AuditOutcome: String, CaseIterable, Sendable {
  case done
  case failed
}

/// A grant or an act of administration, written down before it is done.
package struct AuditEntry: Hashable, Sendable {
  /// Unicode scalars of a subject; more are cut.
  package static let maximumSubject = 256
  /// Bytes of a detail as JSON; of a larger one its size is kept.
  package static let maximumDetail = 64 << 10

  /// Milliseconds since 1970.
  package var time: Int64
  package var actor: AuditActor
  package var action: AuditAction
  /// What it is done to: the name of a plugin, of a token.
  package let subject: String
  /// What else there is to know. Never a secret.
  package let detail: JSONValue

  package init(
    time: Int64, actor: AuditActor, action: AuditAction, subject: String, detail: JSONValue = .object([])
  ) {
    self.time = time
    self.actor = actor
    self.action = action
    self.subject = String(String.UnicodeScalarView(subject.unicodeScalars.prefix(Self.maximumSubject)))
    let size = detail.utf8().count
    self.detail = size <= Self.maximumDetail ? detail : ["omitted_bytes": .integer(Int64(size))]
  }
}

/// An entry of the audit log.
package struct AuditRecord: Hashable, Sendable {
  /// Ascends from entry to entry.
  package var number: Int64
  package var entry: AuditEntry
  /// Nil: it hasn't ended, or the program died over it.
  package var outcome: AuditOutcome?

  package init(number: Int64, entry: AuditEntry, outcome: AuditOutcome?) {
    self.number = number
    self.entry = entry
    self.outcome = outcome
  }

  package var jsonValue: JSONValue {
    [
      "id": .integer(number), "time_ms": .integer(entry.time), "actor": .string(entry.actor.description),
      "action": .string(entry.action.text), "subject": .string(entry.subject), "detail": entry.detail,
      "outcome": outcome.map { .string($0.rawValue) } ?? .null,
    ]
  }
}
