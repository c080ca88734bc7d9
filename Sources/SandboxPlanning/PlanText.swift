import PluginModel

extension SandboxPlan {
  /// The whole plan for a person who reviews it: nothing is left out or summed up.
  package var text: String {
    let sections: [(title: String, lines: [String])] = [
      ("permissions", permissions.isEmpty ? ["none"] : permissions.map(\.description)),
      ("identity", identityLines),
      ("namespaces", [namespaces.map(\.rawValue).joined(separator: " ")]),
      ("capabilities", ["none, in all five sets; no_new_privs"]),
      ("command", commandLines),
      ("environment", environment.map { "\($0.name)=\($0.value)" }),
      ("programs", [execution.words]),
      ("GPUs", deviceLines),
      ("network", egress.lines + (relay?.lines ?? []) + (openNetwork?.lines ?? [])),
      ("filesystem", filesystemLines),
      ("landlock", landlockLines),
      ("devices", deviceRules.map(\.words) + [deviceGuard.words]),
      ("limits", table(limits.map { [$0.kind.rawValue, String($0.value)] })),
      ("limits of all processes together", table(groupLimitRows)),
      ("system calls", seccomp.lines),
    ]
    let head = "sandbox of the plugin \(plugin)\n"
    return sections.filter { !$0.lines.isEmpty }.reduce(head) { text, section in
      text + "\n\(section.title)\n" + section.lines.map { "  \($0)\n" }.joined()
    }
  }

  private var identityLines: [String] {
    table([
      ["inside", "user \(identity.userInside), group \(identity.groupInside)"],
      ["on the host", "user \(identity.userOnHost), group \(identity.groupOnHost)"],
      ["host name", hostname],
    ])
  }

  private var deviceLines: [String] {
    devices.flatMap { device in ["\(device.reference)  by \(device.source)"] + device.notes.map { "  \($0)" } }
  }

  private var commandLines: [String] {
    [command.map { $0.contains(" ") || $0.isEmpty ? $0.quoted : $0 }.joined(separator: " "), "in \(workingDirectory)"]
  }

  private var filesystemLines: [String] {
    table(
      filesystem.map { operation in
        [
          operation.word, operation.target.text,
          [operation.options.joined(separator: ","), operation.detail].filter { !$0.isEmpty }.joined(separator: "  "),
        ]
      })
  }

  private var landlockLines: [String] {
    var lines = ["ABI \(landlock.abi); everything else is denied"]
    lines += table(landlock.rules.map { [$0.path.text, $0.rights.names.joined(separator: " ")] })
    lines.append(
      "network   "
        + (landlock.networkWords.isEmpty
          ? "not known to this kernel"
          : landlock.connectPorts.isEmpty
            ? "none: \(landlock.networkWords.joined(separator: " ")) denied"
            : "connect-tcp to \(landlock.connectPorts.map(String.init).joined(separator: " ")); no bind-tcp"))
    lines.append(
      "outside   "
        + (landlock.scopeWords.isEmpty
          ? "not known to this kernel" : "none: \(landlock.scopeWords.joined(separator: " ")) stay inside"))
    if !landlock.missingRights.isEmpty {
      lines.append("not known to this kernel: \(landlock.missingRights.names.joined(separator: " "))")
    }
    return lines
  }
}

extension FilesystemOperation {
  /// Where it comes from, or what is in it.
  fileprivate var detail: String {
    switch self {
    case .directory, .temporaryFilesystem, .process, .makeReadOnly: ""
    case .symbolicLink(_, let destination): "-> \(destination)"
    case .loaderCache(let cache):
      "\(cache.hostEntries.count) names of the host's, and "
        + cache.added.map { "\($0.name) in \($0.path)" }.joined(separator: ", ")
    case .file(_, let contents): contents.split(separator: "\n").joined(separator: " | ")
    case .bind(let bind):
      [bind.source == bind.target ? nil : "from \(bind.source)", bind.note].compactMap(\.self).joined(separator: ", ")
    }
  }
}

extension SeccompPlan {
  /// Every call that has a rule; those with one answer as a list, those whose arguments decide one by one.
  fileprivate var lines: [String] {
    let always = Dictionary(grouping: calls.filter(\.rules.isEmpty)) { $0.otherwise.description }
    var lines = [
      "profile \(profile), \(architecture.rawValue), \(instructionCount) instructions",
      "ENOSYS for every number that is not listed; kill for those of other architectures",
    ]
    if tellsDenials { lines.append("EPERM through sandbox-init, which tells what was tried") }
    for answer in always.keys.sorted() {
      let names = (always[answer] ?? []).map(\.name).sorted()
      lines.append("\(answer) (\(names.count))")
      lines += wrappedWords(names).map { "  \($0)" }
    }
    lines.append("by argument")
    for call in calls where !call.rules.isEmpty {
      for rule in call.rules {
        let condition = rule.conditions.map(\.description).joined(separator: " and ")
        lines.append("  \(call.name): \(rule.verdict) if \(condition) (\(rule.meaning))")
      }
      lines.append("  \(call.name): otherwise \(call.otherwise)")
    }
    return lines
  }
}
