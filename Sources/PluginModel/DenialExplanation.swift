/// A denial in words: what was tried, what would allow it, how that is granted, and why one might not want to. Pure; harmless to
/// a terminal.
package struct DenialExplanation: Hashable, Sendable {
  /// A clause about the plugin: `tried to start '/usr/bin/git'`.
  package var what: String
  /// Why it was denied.
  package var why: String
  /// From which process, and how often.
  package var occurrence: String
  package var evidence: Denial.Evidence
  package var permission: Permission?
  /// False where the plugin's manifest doesn't ask for it: a grant alone then changes nothing.
  package var isRequested: Bool
  /// As they would be typed: for good, and for one run. Empty where nothing can be granted.
  package var commands: [String]
  /// What else a grant would let in; nil where there is nothing to grant.
  package var risk: String?
  /// What to do instead or besides.
  package var advice: String?

  package init(_ denial: Denial, subject: DenialSubject) {
    let wanted = denial.permission
    what = denial.attempt.words
    why = denial.attempt.reason(subject: subject, permission: wanted)
    let times = Self.times(denial.count, isExact: denial.isCountExact)
    occurrence = denial.process.map { "\(times), first by the process \($0.text.quoted)" } ?? times
    evidence = denial.evidence
    permission = wanted
    isRequested = wanted.map { wanted in subject.requested.contains { $0.asks(for: wanted) } } ?? false
    let argument = wanted.map { Self.shellWord($0.description) }
    commands =
      argument.map { ["orchestrator plugin grant \(subject.plugin) \($0)", "--grant \(subject.plugin)=\($0)"] } ?? []
    risk = wanted?.risk
    advice = Self.advice(denial, subject, isRequested: isRequested)
  }

  private static func advice(_ denial: Denial, _ subject: DenialSubject, isRequested: Bool) -> String? {
    guard let wanted = denial.permission else { return denial.attempt.advice }
    guard isRequested else {
      return
        "\(subject.plugin)'s manifest doesn't ask for it: its author adds \(wanted) to \"permissions\" in plugin.yaml first"
    }
    switch wanted {
    case .networkHTTP(hosts: []): return "network.http:HOST,… lets it reach those hosts and no others"
    case .systemExec(programs: []): return "system.exec:NAME,… lets it start those programs of /usr/bin and no others"
    default: return nil
    }
  }

  private static func times(_ count: UInt64, isExact: Bool) -> String {
    let words = count == 1 ? "once" : "\(count) times"
    return isExact ? words : count == 1 ? "at least once" : "at least \(words)"
  }

  /// For a POSIX shell.
  private static func shellWord(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { byte in
      (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || ":,./_+@%-".utf8.contains(byte)
    }
    return plain
      ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}

extension Denial.Attempt {
  /// What `--output json` calls it.
  package var kind: String {
    switch self {
    case .execution: "execution"
    case .systemCall: "system_call"
    case .socket: "socket"
    case .file: "file"
    case .network: "network"
    case .device: "device"
    }
  }

  /// What it was about, where that has a name.
  package var target: String? {
    switch self {
    case .execution(let path): path?.text
    case .systemCall(let name, _, _): name
    case .socket(let family): family
    case .file(let path, _, _), .device(let path): path.text
    case .network(let host, let port, _): UntrustedBytes(port.map { "\(host):\($0)" } ?? host).text
    }
  }

  fileprivate var words: String {
    switch self {
    case .execution(let path?) where !path.bytes.isEmpty: "tried to start the program '\(path.text)'"
    case .execution(.some): "tried to start a program that it had open"
    case .execution(nil): "tried to start a program, whose name could not be read"
    case .systemCall(let name, let meaning, _): "made the system call \(name)" + (meaning.map { " (\($0))" } ?? "")
    case .socket("AF_NETLINK"):
      "opened a socket of the family AF_NETLINK, which looking up a host's name begins with"
    case .socket(let family): "opened a socket of the family \(family)"
    case .file(let path, let use, let error): "tried to \(use.rawValue) '\(path.text)' and got \(error)"
    case .network: "tried to reach \(target ?? "a host")"
    case .device(let path): "tried to use the device '\(path.text)'"
    }
  }

  fileprivate func reason(subject: DenialSubject, permission: Permission?) -> String {
    if case .network(_, _, let why) = self { return why }
    if case .systemCall(_, _, let why) = self { return why ?? "the security profile denies it" }
    guard let permission else { return "nothing that can be granted allows it" }
    let same = subject.granted.filter { $0.name == permission.name }
    if same.contains(where: { $0.covers(permission) }) { return "it is denied although \(permission) is granted" }
    return same.isEmpty
      ? "it isn't granted \(permission.name.rawValue)"
      : "it is granted \(same.map(\.description).joined(separator: ", ")), which doesn't cover it"
  }

  /// Where nothing can be granted.
  fileprivate var advice: String? {
    switch self {
    case .systemCall, .socket:
      "libraries often try such calls and do without; where the plugin can't, it doesn't fit into a sandbox"
    case .execution: "programs are never started from where plugins can write"
    case .file(_, .write, _): "let it write to its workspace or to /tmp"
    case .file: "give it a copy of the file in its workspace"
    case .network, .device: nil
    }
  }
}

extension Permission {
  /// Programs that do whatever their input says, or start others.
  private static let interpreters: Set = [
    "sh", "bash", "dash", "zsh", "ksh", "busybox", "env", "xargs", "find", "awk", "gawk", "mawk", "sed", "perl", "ruby",
    "node", "lua", "php", "tclsh", "git", "tar", "make", "ssh", "vim", "vi", "gdb", "nice", "timeout", "setsid",
    "nohup",
  ]

  /// Why one might not want to grant it.
  fileprivate var risk: String {
    switch self {
    case .filesystemRead(nil): "it can read everything in the run's workspace, also what other nodes wrote there"
    case .filesystemRead(.some(let path)):
      "it can read everything at \(path); with a network permission it could also send it away"
    case .filesystemWrite(nil): "it can change and remove everything in the run's workspace"
    case .filesystemWrite(.some(let path)):
      "it can change and remove everything at \(path), at once and whether its node succeeds or not"
    case .networkHTTP(hosts: []), .networkSocket(endpoints: []):
      "it can send all that it can read to anybody"
    case .networkHTTP, .networkSocket: "it can send all that it can read there"
    case .systemExec(programs: []):
      "it can start every program of this host, also on files it wrote itself; each has what the plugin has, and no more"
    case .systemExec(let programs):
      programs.contains { Self.interpreters.contains($0) || $0.hasPrefix("python") }
        ? "this program runs what it is told to, so that it comes near to a grant of system.exec for all; it has what the "
          + "plugin has, and no more"
        : "the program gets arguments and files from the plugin, so that a flaw of it is the plugin's to use; it has what "
          + "the plugin has, and no more"
    case .gpuAccess: "it talks to the GPU's driver, which is a large part of the kernel's surface"
    case .memoryUnlimited: "it can use the memory of all others"
    }
  }
}
