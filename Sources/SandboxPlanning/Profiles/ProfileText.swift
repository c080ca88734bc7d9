import PluginModel

extension SecurityProfile {
  /// One setting, for people and for programs.
  struct Setting: Hashable {
    /// As the files write it.
    var key: String
    /// What it is, in words.
    var title: String
    var value: String
    /// Larger is wider; nil where more or less means nothing.
    var amount: Double?
  }

  /// All but the system calls and the permissions, in the order of the files.
  var settingsList: [Setting] {
    var list = limits.map { limit in
      Setting(
        key: limit.kind.rawValue, title: limit.kind.rawValue, value: String(limit.value), amount: Double(limit.value))
    }
    let resources = resources
    list.append(
      Setting(
        key: "memory", title: "memory", value: ByteCount(resources.memory.value).description,
        amount: Double(resources.memory.value)))
    if let high = resources.memoryHigh {
      list.append(
        Setting(
          key: "memoryHigh", title: "memory from which it is slowed down", value: ByteCount(high).description,
          amount: Double(high)))
    }
    list.append(
      Setting(
        key: "cpu", title: "processors", value: coresText(resources.cpuCores.value), amount: resources.cpuCores.value))
    if let weight = resources.cpuWeight {
      list.append(
        Setting(key: "cpuWeight", title: "weight of processor time", value: String(weight), amount: Double(weight)))
    }
    list.append(
      Setting(
        key: "tasks", title: "processes and threads", value: String(resources.tasks), amount: Double(resources.tasks)))
    if let weight = resources.ioWeight {
      list.append(
        Setting(key: "ioWeight", title: "weight of disk access", value: String(weight), amount: Double(weight)))
    }
    if let limit = resources.io {
      list.append(Setting(key: "io", title: "a disk", value: limit.words, amount: nil))
    }
    if !resources.processors.isEmpty {
      let numbers = resources.processors.map(String.init).joined(separator: " ")
      list.append(Setting(key: "processors", title: "on the processors", value: numbers, amount: nil))
    }
    list.append(
      Setting(
        key: "mebibytes", title: "/tmp and /dev/shm, each", value: ByteCount(scratchBytes).description,
        amount: Double(scratchBytes)))
    list.append(
      Setting(
        key: "inodes", title: "files in each of them", value: String(scratchInodes), amount: Double(scratchInodes)))
    let paths = ExecutablePath.allCases.filter(executablePaths.contains).map(\.rawValue)
    list.append(
      Setting(
        key: "execPaths", title: "starts what it writes to",
        value: paths.isEmpty ? "nothing" : paths.joined(separator: " "),
        amount: Double(paths.count)))
    return list
  }

  /// System calls that came into the profile by one entry of a file.
  struct CallGroup: Hashable {
    /// `@files`, or nothing.
    var group: String?
    var why: String
    var location: SourceLocation?
    var names: [String]

    var title: String { group.map { "@\($0)" } ?? why }
  }

  func groups(of names: [String]) -> [CallGroup] {
    var list: [CallGroup] = []
    for name in names {
      let origin = origins.calls[name]
      let entry = CallGroup(
        group: origin?.group, why: origin?.why ?? "", location: origin?.location, names: [])
      if let index = list.firstIndex(where: { $0.title == entry.title && $0.location == entry.location }) {
        list[index].names.append(name)
      } else {
        var entry = entry
        entry.names = [name]
        list.append(entry)
      }
    }
    return list
  }

  /// The names that a file of the chain took out of what it inherits.
  var removedCalls: [String] {
    let listed = Set(systemCalls.allow + systemCalls.deny + systemCalls.exec)
    return origins.calls.keys.filter { !listed.contains($0) }.sorted()
  }

  /// The chain, for a review: the profile's own file first.
  package var chainLines: [String] {
    table(
      origins.chain.enumerated().map { position, file in
        [file.name, file.path, position == 0 ? "" : "inherited"]
      })
  }

  /// What is enforced, with the place of each part.
  package var text: String {
    var lines = ["profile \(name)", "  \(description)", "", "files"]
    lines += chainLines.map { "  \($0)" }
    lines += ["", "permissions that may be granted"]
    if let ceiling {
      lines += (ceiling.permissions.isEmpty ? ["nothing"] : ceiling.permissions.map(\.description)).map { "  \($0)" }
      lines.append("  by \(ceiling.location)")
    } else {
      lines.append("  all")
    }
    lines += ["", "limits"]
    lines += table(settingsList.map { [$0.title, $0.value, origins.settings[$0.key]?.description ?? ""] }).map {
      "  \($0)"
    }
    let lists: [(String, [String])] = [
      ("system calls that are allowed", systemCalls.allow),
      ("system calls that are allowed with system.exec", systemCalls.exec),
      ("system calls that are refused with EPERM", systemCalls.deny),
      ("system calls that were taken out, and are answered with ENOSYS like all that are listed nowhere", removedCalls),
    ]
    for (title, names) in lists where !names.isEmpty {
      lines += ["", "\(title) (\(names.count))"]
      for group in groups(of: names) {
        lines.append("  \(group.title)  \(group.location?.description ?? "")")
        lines += wrappedWords(group.names).map { "    \($0)" }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What is enforced, for programs.
  package var jsonValue: JSONValue {
    func located(_ location: SourceLocation?) -> [JSONValue.Member] {
      guard let location else { return [] }
      return [
        JSONValue.Member("file", .string(location.file)), JSONValue.Member("line", .integer(Int64(location.line))),
        JSONValue.Member("column", .integer(Int64(location.column))),
      ]
    }
    func calls(_ names: [String]) -> JSONValue {
      .array(
        groups(of: names).map { group in
          var members = group.group.map { [JSONValue.Member("group", .string($0))] } ?? []
          members += [JSONValue.Member("why", .string(group.why)), JSONValue.Member("names", .strings(group.names))]
          return .object(members + located(group.location))
        })
    }
    let permissions: JSONValue =
      ceiling.map { ceiling in
        .object(
          [JSONValue.Member("atMost", .strings(ceiling.permissions.map(\.description)))] + located(ceiling.location))
      } ?? .null
    return [
      "name": .string(name), "description": .string(description),
      "chain": .array(origins.chain.map { ["name": .string($0.name), "file": .string($0.path)] }),
      "permissions": permissions,
      "settings": .object(
        settingsList.map { setting in
          JSONValue.Member(
            setting.key,
            .object([JSONValue.Member("value", .string(setting.value))] + located(origins.settings[setting.key])))
        }),
      "systemCalls": [
        "allow": calls(systemCalls.allow), "exec": calls(systemCalls.exec), "deny": calls(systemCalls.deny),
        "removed": calls(removedCalls),
      ],
    ]
  }
}
