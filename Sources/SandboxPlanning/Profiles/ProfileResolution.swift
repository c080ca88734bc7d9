import PluginModel

/// Makes one profile of a chain of files: each says what changes over those before it.
struct ProfileResolution {
  var groups: SystemCallGroups
  private var problems: [Diagnostic] = []
  /// In the order of the files, so that the same files give the same profile.
  private var order: [String] = []
  private var calls: [String: (list: ProfileDocument.List, origin: SecurityProfile.Origins.Call)] = [:]
  private var limits: [ResourceLimit.Kind: Located<UInt64>] = [:]
  private var resources = ProfileDocument.Resources()
  private var scratchMebibytes: Located<UInt64>?
  private var scratchInodes: Located<UInt64>?
  private var executablePaths: Located<[SecurityProfile.ExecutablePath]>?
  private var ceiling: PermissionCeiling?

  init(groups: SystemCallGroups) { self.groups = groups }

  mutating func apply(_ document: ProfileDocument) {
    applyCalls(of: document)
    limits.merge(document.limits) { $1 }
    // What slows a worker down before its end belongs to the limit that it was written for.
    if document.resources.memory != nil { resources.memoryHigh = nil }
    resources = resources.overridden(by: document.resources)
    scratchMebibytes = document.scratchMebibytes ?? scratchMebibytes
    scratchInodes = document.scratchInodes ?? scratchInodes
    executablePaths = document.executablePaths ?? executablePaths
    if let permissions = document.permissions {
      ceiling = PermissionCeiling(
        profile: document.name, permissions: permissions.value, location: permissions.location)
    }
  }

  private mutating func applyCalls(of document: ProfileDocument) {
    var own: [String: ProfileDocument.Calls] = [:]
    for item in document.calls {
      let names: [Located<String>]
      let group: SystemCallGroupName?
      let why: String
      switch item.content {
      case .names(let listed, let reason): (names, group, why) = (listed, nil, reason)
      case .group(let name):
        guard let known = groups.groups[name] else {
          problems.append(
            Diagnostic(
              "there is no group '@\(name)'",
              hint: Suggestion.hint(for: name.text, among: groups.groups.keys.map(\.text)),
              at: item.location))
          continue
        }
        (names, group, why) = (known.names.map { Located($0, at: item.location) }, name, known.why)
      }
      for name in names {
        if let first = own.updateValue(item, forKey: name.value), first.list != item.list {
          problems.append(
            Diagnostic(
              "\(name.value.quoted) is listed twice",
              why: "under \(first.list.rawValue.quoted) in line \(first.location.line), and under "
                + "\(item.list.rawValue.quoted)", hint: "keep the one that is meant", at: name.location))
        }
        if item.list == .remove, calls[name.value] == nil {
          // A name of a group may be missing in what is inherited; one that was written out is a mistake.
          if group == nil {
            problems.append(
              Diagnostic(
                "\(name.value.quoted) can't be removed", why: "no profile that it inherits from lists it",
                hint: "leave it out", at: name.location))
          }
          continue
        }
        if calls[name.value] == nil { order.append(name.value) }
        calls[name.value] = (
          item.list, SecurityProfile.Origins.Call(group: group?.text, why: why, location: name.location)
        )
      }
    }
  }

  /// - Throws: what is wrong with the files together.
  func profile(chain: [ProfileDocument]) throws(Diagnostics) -> SecurityProfile {
    var problems = problems
    let least = LimitBounds.memoryMB.lowerBound
    if let memory = resources.memory, let high = resources.memoryHigh, high.value > memory.value {
      problems.append(
        Diagnostic(
          "'memoryHigh' must be from \(least)Mi to \(ByteCount(memory.value))", why: "'memory' is the most there is",
          at: high.location))
    }
    guard problems.isEmpty else {
      throw Diagnostics(problems.sorted { ($0.location?.description ?? "") < ($1.location?.description ?? "") })
    }
    guard let document = chain.first, let memory = resources.memory, let cpu = resources.cpu,
      let tasks = resources.tasks, let mebibytes = scratchMebibytes, let inodes = scratchInodes
    else { throw Diagnostics([Diagnostic("\(chain.first?.file ?? "it") is not a whole security profile")]) }
    func names(_ list: ProfileDocument.List) -> [String] { order.filter { calls[$0]?.list == list } }
    var profile = SecurityProfile(
      name: document.name, description: document.description,
      systemCalls: SecurityProfile.SystemCalls(
        allow: names(.allow), deny: names(.deny), exec: names(.exec)),
      limits: ResourceLimit.Kind.allCases.compactMap { kind in limits[kind].map { ResourceLimit(kind, $0.value) } },
      scratchBytes: mebibytes.value << 20, scratchInodes: inodes.value,
      resources: SecurityProfile.Resources(
        memory: memory, memoryHigh: resources.memoryHigh?.value, cpuCores: cpu, cpuWeight: resources.cpuWeight?.value,
        tasks: tasks.value, ioWeight: resources.ioWeight?.value, io: resources.io?.value,
        processors: resources.processors?.value ?? []))
    profile.executablePaths = Set(executablePaths?.value ?? [])
    profile.ceiling = ceiling
    profile.origins = SecurityProfile.Origins(
      chain: chain.map { SecurityProfile.Origins.File(name: $0.name, path: $0.file) },
      calls: calls.mapValues(\.origin), settings: settings)
    return profile
  }

  /// Under the keys that the files use.
  private var settings: [String: SourceLocation] {
    var result: [String: SourceLocation] = [:]
    for (kind, limit) in limits { result[kind.rawValue] = limit.location }
    result["memory"] = resources.memory?.location
    result["memoryHigh"] = resources.memoryHigh?.location
    result["cpu"] = resources.cpu?.location
    result["cpuWeight"] = resources.cpuWeight?.location
    result["tasks"] = resources.tasks?.location
    result["ioWeight"] = resources.ioWeight?.location
    result["io"] = resources.io?.location
    result["processors"] = resources.processors?.location
    result["mebibytes"] = scratchMebibytes?.location
    result["inodes"] = scratchInodes?.location
    result["execPaths"] = executablePaths?.location
    return result
  }
}

extension ProfileDocument.Resources {
  fileprivate func overridden(by heir: Self) -> Self {
    Self(
      memory: heir.memory ?? memory, memoryHigh: heir.memoryHigh ?? memoryHigh, cpu: heir.cpu ?? cpu,
      cpuWeight: heir.cpuWeight ?? cpuWeight, tasks: heir.tasks ?? tasks, ioWeight: heir.ioWeight ?? ioWeight,
      io: heir.io ?? io, processors: heir.processors ?? processors)
  }
}
