import PluginModel

extension SandboxPlan {
  /// The plan as `config.json` of the OCI runtime specification, for reviewers and other runtimes.
  ///
  /// The specification has no words for some of it. That goes into annotations under `org.orchestrator`, so that nothing
  /// is lost, and where a runtime would otherwise be weaker it is made to refuse: `SCMP_ACT_NOTIFY` without a listener.
  ///
  /// - Parameter seccompAgent: the socket of a program that answers for `sandbox-init`: the runtime's execve of the worker
  ///   with SECCOMP_USER_NOTIF_FLAG_CONTINUE and every later one with EACCES, seccomp_unotify(2).
  package func ociConfiguration(seccompAgent: AbsolutePath? = nil) -> JSONValue {
    [
      // The lowest version with all that is used here (`listenerPath` is the newest): every runtime of 1.1 and later
      // takes it, and Debian 12's crun takes none above.
      "ociVersion": "1.1.0",
      "process": process,
      // An empty directory; what is to be in it but isn't a mount is in the annotations.
      "root": ["path": "rootfs", "readonly": true],
      "hostname": .string(hostname),
      "mounts": .array(filesystem.compactMap(\.ociMount)),
      "linux": [
        "namespaces": .array(namespaces.map { ["type": .string($0.rawValue)] }),
        "uidMappings": Self.mapping(inside: identity.userInside, outside: identity.userOnHost),
        "gidMappings": Self.mapping(inside: identity.groupInside, outside: identity.groupOnHost),
        "devices": .array(filesystem.compactMap(\.ociDevice)),
        // Without these runc has no right to open what it has just been told to make.
        "resources": .object(
          [JSONValue.Member("devices", .array(Self.noDevice + deviceRules.map(\.ociPermission)))]
            + cgroup.ociMembers),
        "rootfsPropagation": "private",
        "seccomp": seccomp.ociValue(agent: execution == .workerOnly ? seccompAgent : nil),
        // Not there under subset=pid; hidden again for a runtime that drops the option.
        "maskedPaths": .strings(["/proc/kcore", "/proc/keys", "/proc/sched_debug", "/proc/timer_list"]),
        "readonlyPaths": .strings(["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]),
      ],
      "annotations": .object(annotations),
    ]
  }

  private var process: JSONValue {
    [
      "terminal": false,
      "user": ["uid": .integer(Int64(identity.userInside)), "gid": .integer(Int64(identity.groupInside))],
      "args": .strings(command),
      "env": .strings(environment.map { "\($0.name)=\($0.value)" }),
      "cwd": .string(workingDirectory.text),
      "capabilities": ["bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": []],
      "rlimits": .array(
        limits.map {
          let value = JSONValue.integer(Int64(clamping: $0.value))
          return ["type": .string($0.kind.rawValue), "hard": value, "soft": value]
        }),
      "noNewPrivileges": true,
    ]
  }

  /// Runtimes become root of the container's user namespace to build it, and can't start one that has none. So there is
  /// one, who is nobody on the host: above the ids of plugins, in what systemd leaves unused (UIDS-GIDS, systemd.io). The
  /// worker can't become it: it has no capabilities and `noNewPrivileges`.
  private static let runtimeIdentifier: UInt32 = 1_900_065_536

  private static func mapping(inside: UInt32, outside: UInt32) -> JSONValue {
    let pairs = [(UInt32(0), runtimeIdentifier), (inside, outside)]
    return .array(
      pairs.map { ["containerID": .integer(Int64($0)), "hostID": .integer(Int64($1)), "size": 1] })
  }

  private static let noDevice: [JSONValue] = [["allow": false, "access": "rwm"]]

  /// What OCI can't say, as text, because annotations are text.
  private var annotations: [JSONValue.Member] {
    var made: [String] = []
    var ownerMapped: [String] = []
    var staged: [String] = []
    var confined: [String] = []
    for operation in filesystem {
      switch operation {
      case .directory(let path): made.append("directory \(path)")
      case .symbolicLink(let path, let destination): made.append("link \(path) -> \(destination)")
      case .file(let path, let contents): made.append("file \(path): \(JSONValue.string(contents).text())")
      case .loaderCache(let cache):
        let added = cache.added.map { "\($0.name) in \($0.path)" }.joined(separator: ", ")
        made.append("file \(Inside.loaderCache): the host's, and \(added)")
      case .makeReadOnly(let path): made.append("seal \(path)")
      case .bind(let bind):
        if bind.mapsOwner { ownerMapped.append(bind.target.text) }
        if bind.stagesWrites { staged.append(bind.target.text) }
        if let root = bind.confinedTo { confined.append("\(bind.target) beneath \(root)") }
      case .temporaryFilesystem, .process: break
      }
    }
    let landlockText = JSONValue.object(
      landlock.rules.map { JSONValue.Member($0.path.text, .strings($0.rights.names)) })
    // To another runtime it is a namespace with nothing in it: the routes, the sockets and who answers them are ours.
    let network =
      [
        configuresNetwork ? ("egress", egress.jsonValue.text()) : nil,
        relay.map { ("egress.relay", $0.jsonValue.text()) },
        openNetwork.map { ("egress.open-network", $0.jsonValue.text()) },
      ].compactMap(\.self)
    return
      ([
        ("plugin", plugin.text),
        ("permissions", permissions.map(\.description).joined(separator: " ")),
        // Which programs may follow the worker.
        ("execution", execution.name),
        // Directories, links and files of the root itself, in order.
        ("root", made.joined(separator: "\n")),
        // Idmapped so that the owner on the disk is the worker: OCI's mappings need the owner's number.
        ("mounts.maps-owner", ownerMapped.joined(separator: "\n")),
        // An overlay, whose changes come to the source when the node has succeeded.
        ("mounts.staged", staged.joined(separator: "\n")),
        // Opened with RESOLVE_BENEATH.
        ("mounts.confined", confined.joined(separator: "\n")),
        ("landlock.abi", String(landlock.abi)),
        ("landlock.rules", landlockText.text()),
        ("landlock.network", landlock.networkWords.joined(separator: " ")),
        ("landlock.scoped", landlock.scopeWords.joined(separator: " ")),
      ] + network).map { JSONValue.Member("org.orchestrator.\($0)", .string($1)) }
  }
}

extension FilesystemOperation {
  /// Nil for what isn't a mount, for the root, which OCI has elsewhere, and for devices.
  fileprivate var ociMount: JSONValue? {
    switch self {
    case .directory, .symbolicLink, .file, .loaderCache, .makeReadOnly, .temporaryFilesystem(.root, _): return nil
    case .process(let path):
      return ["destination": .string(path.text), "type": "proc", "source": "proc", "options": .strings(options)]
    case .temporaryFilesystem(let path, let memory):
      let options = [
        "rw", "nosuid", "nodev", memory.executable ? "exec" : "noexec", "size=\(memory.sizeBytes)",
        "nr_inodes=\(memory.inodes)", "mode=\(octal(memory.mode))",
      ]
      return ["destination": .string(path.text), "type": "tmpfs", "source": "tmpfs", "options": .strings(options)]
    case .bind(let bind):
      if case .characterDevice = bind.kind { return nil }
      let options = ["bind", "private"] + bind.options.filter { $0 != "idmap" && $0 != "overlay" }
      return [
        "destination": .string(bind.target.text), "type": "bind", "source": .string(bind.source.text),
        "options": .strings(options),
      ]
    }
  }

  /// Nil for what isn't a device.
  fileprivate var ociDevice: JSONValue? {
    guard case .bind(let bind) = self, case .characterDevice(let major, let minor) = bind.kind else { return nil }
    return [
      "path": .string(bind.target.text), "type": "c", "major": .integer(Int64(major)), "minor": .integer(Int64(minor)),
      "fileMode": .integer(bind.access == .readOnly ? 0o444 : 0o666),
    ]
  }
}

extension DeviceRule {
  fileprivate var ociPermission: JSONValue {
    var members: [JSONValue.Member] = [
      ("allow", true), ("type", .string(kind.letter)), ("major", .integer(Int64(major))),
    ].map { JSONValue.Member($0, $1) }
    if let minor { members.append(JSONValue.Member("minor", .integer(Int64(minor)))) }
    members.append(JSONValue.Member("access", .string(access.letters)))
    return .object(members)
  }
}

extension SeccompPlan {
  fileprivate func ociValue(agent: AbsolutePath?) -> JSONValue {
    // Nobody listens to what a runtime's worker is denied.
    let unconditional = Dictionary(grouping: calls.filter(\.rules.isEmpty)) { call in
      call.otherwise.error.map(SystemCallVerdict.fail) ?? call.otherwise
    }
    var entries = unconditional.sorted { $0.key.returnValue > $1.key.returnValue }.map { verdict, calls in
      Self.entry(names: calls.map(\.name).sorted(), verdict: verdict, arguments: [])
    }
    for call in calls where !call.rules.isEmpty {
      entries += call.cells.map { cell in
        Self.entry(names: [call.name], verdict: cell.verdict, arguments: cell.ociArguments)
      }
    }
    var members: [JSONValue.Member] = [
      ("defaultAction", "SCMP_ACT_ERRNO"),
      ("defaultErrnoRet", .integer(Int64(SystemCallVerdict.Failure.notImplemented.rawValue))),
      ("architectures", .strings([architecture.seccompName])),
      ("syscalls", .array(entries)),
    ].map { JSONValue.Member($0, $1) }
    if let agent { members.append(JSONValue.Member("listenerPath", .string(agent.text))) }
    return .object(members)
  }

  private static func entry(names: [String], verdict: SystemCallVerdict, arguments: [JSONValue]) -> JSONValue {
    var members = [JSONValue.Member("names", .strings(names))]
    switch verdict {
    case .allow: members.append(JSONValue.Member("action", "SCMP_ACT_ALLOW"))
    case .notify: members.append(JSONValue.Member("action", "SCMP_ACT_NOTIFY"))
    case .kill: members.append(JSONValue.Member("action", "SCMP_ACT_KILL_PROCESS"))
    case .fail, .refuse:
      members.append(JSONValue.Member("action", "SCMP_ACT_ERRNO"))
      if let error = verdict.error { members.append(JSONValue.Member("errnoRet", .integer(Int64(error.rawValue)))) }
    }
    if !arguments.isEmpty { members.append(JSONValue.Member("args", .array(arguments))) }
    return .object(members)
  }
}

extension ArgumentCell {
  fileprivate var ociArguments: [JSONValue] {
    matches.sorted { $0.key < $1.key }.map { argument, match in
      [
        "index": .integer(Int64(argument)), "value": .integer(Int64(match.mask)),
        "valueTwo": .integer(Int64(match.value)), "op": "SCMP_CMP_MASKED_EQ",
      ]
    }
  }
}
