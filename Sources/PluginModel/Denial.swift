/// Something that a plugin tried and was not let do. All texts of it that come from the plugin are untrusted.
package struct Denial: Hashable, Sendable {
  package enum Attempt: Hashable, Sendable {
    /// Starting a program; nil: which one could not be read.
    case execution(UntrustedBytes?)
    /// `meaning`: of its arguments, where they decide. `why`: what no profile may allow it for.
    case systemCall(name: String, meaning: String?, why: String?)
    /// AF_INET and the like, address_families(7).
    case socket(family: String)
    /// `error` is the name of errno(3) that it got.
    case file(UntrustedBytes, FileUse, error: String)
    /// A connection, or looking up the name of the host.
    case network(host: String, port: UInt16?, why: String)
    case device(UntrustedBytes)
  }

  package enum FileUse: String, CaseIterable, Sendable {
    case read
    case write
    /// Reading or writing: not known.
    case use
  }

  package enum Evidence: String, CaseIterable, Sendable {
    /// Whoever said no tells it: the kernel's filter, the relay.
    case certain
    /// The plugin's word about an error that it got, compared with what its sandbox shows.
    case inferred
  }

  package var attempt: Attempt
  package var count: UInt64
  /// False where it is not known how often it was tried after the first time.
  package var isCountExact: Bool
  /// The process that tried it first; nil: not known.
  package var process: UntrustedBytes?
  package var evidence: Evidence
  /// What would have allowed it; nil: nothing that can be granted.
  package var permission: Permission?

  package init(
    _ attempt: Attempt, count: UInt64 = 1, isCountExact: Bool = true, process: UntrustedBytes? = nil,
    evidence: Evidence, permission: Permission?
  ) {
    self.attempt = attempt
    self.count = count
    self.isCountExact = isCountExact
    self.process = process
    self.evidence = evidence
    self.permission = permission
  }
}

/// What one node was denied, each once, in the order of the first time. Bounded, whatever a plugin does.
package struct DenialRecord: Hashable, Sendable {
  package static let limit = 64
  package private(set) var denials: [Denial] = []
  /// Further ones, of which nothing but their number is known.
  package private(set) var further: UInt64 = 0

  package init(_ denials: [Denial] = [], further: UInt64 = 0) {
    self.further = further
    for denial in denials { add(denial) }
  }

  package var isEmpty: Bool { denials.isEmpty && further == 0 }

  package mutating func add(_ denial: Denial) {
    let known = denials.firstIndex { $0.attempt == denial.attempt && $0.evidence == denial.evidence }
    if let known {
      denials[known].count = Self.sum(denials[known].count, denial.count)
      denials[known].isCountExact = denials[known].isCountExact && denial.isCountExact
    } else if denials.count < Self.limit {
      denials.append(denial)
    } else {
      further = Self.sum(further, denial.count)
    }
  }

  package mutating func add(_ record: DenialRecord) {
    for denial in record.denials { add(denial) }
    further = Self.sum(further, record.further)
  }

  /// Without what would tell a secret: that is counted, and not named.
  package func masked(_ mask: SecretMask) -> DenialRecord {
    var record = DenialRecord(further: further)
    for denial in denials {
      if denial.untrusted.contains(where: { mask.finds(in: $0) }) {
        record.further = Self.sum(record.further, denial.count)
      } else {
        record.add(denial)
      }
    }
    return record
  }

  private static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let (sum, isTooLarge) = first.addingReportingOverflow(second)
    return isTooLarge ? .max : sum
  }
}

extension Denial {
  /// What of it the plugin chose.
  fileprivate var untrusted: [[UInt8]] {
    let texts: [[UInt8]] =
      switch attempt {
      case .execution(let path): [path?.bytes ?? []]
      case .systemCall, .socket: []
      case .file(let path, _, _), .device(let path): [path.bytes]
      case .network(let host, _, let why): [Array(host.utf8), Array(why.utf8)]
      }
    return texts + [process?.bytes ?? []]
  }
}

/// Whose denials they are, and what it has: enough to say what is missing.
package struct DenialSubject: Hashable, Sendable {
  package var plugin: PluginName
  package var version: SemanticVersion
  /// What its manifest asks for.
  package var requested: [Permission]
  package var granted: [Permission]
  package var watched: [Watched]

  /// What is noticed when it is denied.
  package enum Watched: String, CaseIterable, Sendable {
    /// Starting programs.
    case programs
    /// System calls and socket families that the profile denies.
    case systemCalls = "system_calls"
    /// Connections that its relay refuses.
    case network
    /// Errors that the plugin raises about files and hosts.
    case errors
  }

  package init(
    plugin: PluginName, version: SemanticVersion, requested: [Permission], granted: [Permission], watched: [Watched]
  ) {
    self.plugin = plugin
    self.version = version
    self.requested = requested
    self.granted = granted
    self.watched = watched
  }
}

/// The denials of one node, all its attempts together.
package struct NodeDenials: Hashable, Sendable {
  package var subject: DenialSubject
  package var record: DenialRecord

  package init(subject: DenialSubject, record: DenialRecord) {
    self.subject = subject
    self.record = record
  }

  package func followed(by next: NodeDenials) -> NodeDenials {
    var record = record
    record.add(next.record)
    return NodeDenials(subject: next.subject, record: record)
  }

  package var explanations: [DenialExplanation] {
    record.denials.map { DenialExplanation($0, subject: subject) }
  }
}

extension Permission {
  /// The narrowest that lets a plugin start the program of this path; nil where none does.
  package static func starting(_ path: UntrustedBytes?) -> Permission? {
    guard let path else { return .systemExec(programs: []) }
    guard let text = path.exact else { return nil }
    // What lies there can never be executed: noexec, mount(8).
    let neverExecutable = ["/tmp/", "/dev/", "/workspace/"]
    if neverExecutable.contains(where: { text.hasPrefix($0) }) { return nil }
    for directory in ["/usr/bin/", "/bin/", ""] where text.hasPrefix(directory) {
      let name = text.dropFirst(directory.count)
      if !name.contains("/"), let named = try? Permission("system.exec:\(name)"), case .systemExec(let names) = named,
        names.count == 1
      {
        return named
      }
    }
    return .systemExec(programs: [])
  }

  /// The narrowest that lets a plugin reach this host; nil where none does.
  package static func reaching(host: String, port: UInt16?) -> Permission? {
    if let port, port != 80, port != 443 { return try? Permission("network.socket:\(host):\(port)") }
    guard !host.contains(",") else { return nil }
    return try? Permission("network.http:\(host)")
  }

  /// True where a grant of `other` has an effect on whoever asks for `self`: a bare request asks for every scope.
  package func asks(for other: Permission) -> Bool { name == other.name && (scope == nil || covers(other)) }
}
