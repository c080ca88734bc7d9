import PluginModel

extension SandboxPlan {
  /// The whole plan for programs: `orchestrator plan show --json`. The filter is there as rules, not as a program.
  package var jsonValue: JSONValue {
    guard configuresNetwork, case .object(var members) = jsonWithoutEgress else { return jsonWithoutEgress }
    members.append(JSONValue.Member("egress", egress.jsonValue))
    if let relay { members.append(JSONValue.Member("relay", relay.jsonValue)) }
    if let openNetwork { members.append(JSONValue.Member("openNetwork", openNetwork.jsonValue)) }
    return .object(members)
  }

  private var jsonWithoutEgress: JSONValue {
    [
      "plugin": .string(plugin.text),
      "permissions": .strings(permissions.map(\.description)),
      "hostname": .string(hostname),
      "identity": [
        "userInside": .integer(Int64(identity.userInside)), "groupInside": .integer(Int64(identity.groupInside)),
        "userOnHost": .integer(Int64(identity.userOnHost)), "groupOnHost": .integer(Int64(identity.groupOnHost)),
      ],
      "namespaces": .strings(namespaces.map(\.rawValue)),
      "capabilities": [],
      "noNewPrivileges": true,
      "command": .strings(command),
      "workingDirectory": .string(workingDirectory.text),
      "environment": .object(environment.map { JSONValue.Member($0.name, .string($0.value)) }),
      "execution": .string(execution.name),
      "gpus": .array(
        devices.map { device in
          [
            "name": .string(device.reference.description), "source": .string(device.source),
            "notes": .strings(device.notes),
          ]
        }),
      "filesystem": .array(filesystem.map(\.jsonValue)),
      "landlock": landlock.jsonValue,
      "devices": devicesJSON,
      "limits": .object(limits.map { JSONValue.Member($0.kind.rawValue, .integer(Int64(clamping: $0.value))) }),
      "groupLimits": groupLimitsJSON,
      "seccomp": seccomp.jsonValue,
    ]
  }
}

extension SandboxPlan {
  private var devicesJSON: JSONValue {
    var members = [
      JSONValue.Member("allowed", .strings(deviceRules.map(\.words))),
      JSONValue.Member("enforcement", .string(deviceGuard.name)),
    ]
    switch deviceGuard {
    case .program: break
    case .mounts(let why): members.append(JSONValue.Member("why", .string(why)))
    }
    return .object(members)
  }
}

extension JSONValue {
  static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}

extension FilesystemOperation {
  fileprivate var jsonValue: JSONValue {
    var members = [
      JSONValue.Member("operation", .string(word)), JSONValue.Member("target", .string(target.text)),
    ]
    switch self {
    case .directory, .process, .makeReadOnly: break
    case .symbolicLink(_, let destination): members.append(JSONValue.Member("destination", .string(destination)))
    case .file(_, let contents): members.append(JSONValue.Member("contents", .string(contents)))
    case .loaderCache(let cache):
      members.append(JSONValue.Member("hostLibraries", .integer(Int64(cache.hostEntries.count))))
      let added = cache.added.map { JSONValue.Member($0.name, .string($0.path)) }
      members.append(JSONValue.Member("libraries", .object(added)))
    case .bind(let bind):
      members.append(JSONValue.Member("source", .string(bind.source.text)))
      members.append(JSONValue.Member("kind", .string(bind.kindWord)))
      if case .characterDevice(let major, let minor) = bind.kind {
        members.append(JSONValue.Member("device", .string("\(major):\(minor)")))
      }
      if let root = bind.confinedTo { members.append(JSONValue.Member("confinedTo", .string(root.text))) }
    case .temporaryFilesystem(_, let memory):
      members.append(JSONValue.Member("sizeBytes", .integer(Int64(clamping: memory.sizeBytes))))
    }
    if !options.isEmpty { members.append(JSONValue.Member("options", .strings(options))) }
    return .object(members)
  }
}

extension LandlockPlan {
  fileprivate var jsonValue: JSONValue {
    var members: [JSONValue.Member] = [
      ("abi", .integer(Int64(abi))), ("handled", .strings(LandlockRights(rawValue: handledFilesystem).names)),
      ("handledNetwork", .strings(networkWords)), ("scoped", .strings(scopeWords)),
      ("unknownToKernel", .strings(missingRights.names)),
      (
        "rules",
        .array(rules.map { ["path": .string($0.path.text), "allowed": .strings($0.rights.names)] })
      ),
    ].map { JSONValue.Member($0, $1) }
    if !connectPorts.isEmpty {
      members.append(JSONValue.Member("connectPorts", .array(connectPorts.map { .integer(Int64($0)) })))
    }
    return .object(members)
  }
}

extension SeccompPlan {
  fileprivate var jsonValue: JSONValue {
    [
      "profile": .string(profile),
      "architecture": .string(architecture.rawValue),
      "instructions": .integer(Int64(instructionCount)),
      "unlisted": .string(SystemCallVerdict.fail(.notImplemented).description),
      "tellsDenials": .bool(tellsDenials),
      "calls": .array(calls.map(\.jsonValue)),
    ]
  }
}

extension SystemCallRule {
  fileprivate var jsonValue: JSONValue {
    var members = [
      JSONValue.Member("name", .string(name)), JSONValue.Member("number", .integer(Int64(number))),
      JSONValue.Member("verdict", .string(otherwise.description)),
    ]
    if !rules.isEmpty {
      let exceptions = rules.map { rule -> JSONValue in
        [
          "verdict": .string(rule.verdict.description),
          "if": .strings(rule.conditions.map(\.description)),
          "meaning": .string(rule.meaning),
        ]
      }
      members.append(JSONValue.Member("unless", .array(exceptions)))
    }
    return .object(members)
  }
}
