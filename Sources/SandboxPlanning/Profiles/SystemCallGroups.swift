import PluginModel

/// The name of a group of system calls, which profiles write with `@` before it.
package struct SystemCallGroupName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "name of a group"
  package static let grammar = PluginName.grammar
  package static func accepts(_ text: String) -> Bool { PluginName.accepts(text) }
}

/// Named groups of system calls: `groups.yaml` beside the profiles.
package struct SystemCallGroups: Hashable, Sendable {
  package struct Group: Hashable, Sendable {
    package var why: String
    package var names: [String]
    package var location: SourceLocation
  }

  package private(set) var groups: [SystemCallGroupName: Group] = [:]

  private enum RootKey: String, CaseIterable { case apiVersion, kind, spec }
  private enum SpecKey: String, CaseIterable { case groups }
  private enum GroupKey: String, CaseIterable { case why, names }
  private enum Version: String, CaseIterable { case v1 = "orchestrator/v1" }
  private enum Kind: String, CaseIterable { case groups = "SystemCallGroups" }

  package init() {}

  /// - Throws: every problem of the file.
  package init(yaml bytes: [UInt8], file: String) throws(Diagnostics) {
    let report = DocumentReport(file: file)
    let root = report.read(bytes, syntax: .yaml)?.mapping(RootKey.self)
    _ = root?.required(.apiVersion)?.choice(Version.self)
    _ = root?.required(.kind)?.choice(Kind.self)
    let entries = root?.required(.spec)?.mapping(SpecKey.self)?.required(.groups)?.entries(
      named: SystemCallGroupName.self)
    for entry in entries ?? [] {
      guard let reader = entry.value.mapping(GroupKey.self) else { continue }
      let why = reader.required(.why)?.string()
      let names = reader.required(.names)?.list()?.unique { $0.systemCallName() }
      if let why, let names { groups[entry.name] = Group(why: why, names: names, location: entry.keyLocation) }
    }
    try report.check()
  }

  /// Groups of another file. One that is there already would change what every profile that names it allows.
  /// - Throws: every group that both define.
  package mutating func add(_ others: SystemCallGroups) throws(Diagnostics) {
    var problems: [Diagnostic] = []
    for (name, group) in others.groups {
      if let known = groups[name] {
        problems.append(
          Diagnostic(
            "the group '@\(name)' is defined twice", why: "it is also in \(known.location)",
            hint: "give this one a name of its own", at: group.location))
      } else {
        groups[name] = group
      }
    }
    guard problems.isEmpty else {
      throw Diagnostics(problems.sorted { $0.description < $1.description })
    }
  }
}

extension ValueReader {
  /// The name of a system call by its grammar; whether there is one of that name depends on the architecture.
  func systemCallName() -> String? {
    guard let name = string(maximumBytes: 64) else { return nil }
    let isValid =
      !name.isEmpty
      && name.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
      }
    guard isValid else {
      error("\(name.quoted) is not the name of a system call", hint: "use lower-case letters, digits and '_': openat")
      return nil
    }
    return name
  }
}
