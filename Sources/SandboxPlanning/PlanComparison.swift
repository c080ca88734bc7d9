import PluginModel

extension SandboxPlan {
  /// True when a worker under this plan can do nothing that it couldn't do under `other`.
  package func isNarrowerOrEqual(than other: SandboxPlan) -> Bool { widenings(over: other).isEmpty }

  /// What this plan allows and `other` doesn't, one line each: for a review of an upgrade. Errs on the side of naming
  /// something that makes no difference.
  package func widenings(over other: SandboxPlan) -> [String] {
    identityWidenings(over: other) + filesystemWidenings(over: other) + landlock.widenings(over: other.landlock)
      + systemCallWidenings(over: other) + limitWidenings(over: other)
      + egress.widenings(over: other.egress)
  }

  private func identityWidenings(over other: SandboxPlan) -> [String] {
    var found: [String] = []
    if identity != other.identity { found.append("identity: \(identity) instead of \(other.identity)") }
    found += Set(other.namespaces).subtracting(namespaces).map { "namespace: \($0.rawValue) is shared" }.sorted()
    found += Set(environment).subtracting(other.environment).map { "environment: \($0.name)=\($0.value)" }.sorted()
    if execution == .allowed, other.execution == .workerOnly { found.append("execution: \(execution.words)") }
    if deviceGuard != .program, other.deviceGuard == .program { found.append("devices: \(deviceGuard.words)") }
    return found
  }

  // MARK: Mounts

  /// What is seen at one path.
  private enum View: Equatable {
    /// The directories, links and files of the root itself, which are read-only once sealed.
    case skeleton(sealed: Bool)
    case memory(TemporaryFilesystem, sealed: Bool)
    /// What the host's own cache has, and more.
    case loaderCache
    case processes
    case host(AbsolutePath, Bind)
  }

  private func view(at path: AbsolutePath) -> View {
    var view = View.skeleton(sealed: isSealed(.root))
    // Later mounts cover earlier ones.
    for operation in filesystem where path.isEqualToOrBeneath(operation.target) {
      switch operation {
      case .directory, .symbolicLink, .file, .makeReadOnly, .temporaryFilesystem(.root, _): break
      case .process: view = .processes
      case .loaderCache: view = .loaderCache
      case .temporaryFilesystem(let target, let memory): view = .memory(memory, sealed: isSealed(target))
      case .bind(let bind):
        let rest = path.components.dropFirst(bind.target.components.count).joined(separator: "/")
        view = .host(rest.isEmpty ? bind.source : bind.source.appending(rest) ?? bind.source, bind)
      }
    }
    return view
  }

  private func isSealed(_ path: AbsolutePath) -> Bool { filesystem.contains(.makeReadOnly(path)) }

  private func filesystemWidenings(over other: SandboxPlan) -> [String] {
    let targets = Set(filesystem.map(\.target)).union(other.filesystem.map(\.target))
    return targets.sorted().compactMap { target in
      let mine = view(at: target)
      let theirs = other.view(at: target)
      return Self.isNarrowerOrEqual(mine, than: theirs) ? nil : "filesystem: \(target)"
    }
  }

  private static func isNarrowerOrEqual(_ mine: View, than theirs: View) -> Bool {
    switch (mine, theirs) {
    case (.skeleton(let mine), .skeleton(let theirs)): return mine || !theirs
    // Where the other plan shows something, this one shows an empty place that can't be filled.
    case (.skeleton(let sealed), _), (.memory(_, let sealed), .host): return sealed
    case (.memory(let mine, let mineSealed), .memory(let theirs, let theirsSealed)):
      return mine.sizeBytes <= theirs.sizeBytes && mine.inodes <= theirs.inodes
        && (!mine.executable || theirs.executable)
        && (mineSealed || !theirsSealed)
    case (.processes, .processes), (.loaderCache, .loaderCache): return true
    case (.host(Inside.loaderCache, let mine), .loaderCache): return mine.access == .readOnly
    case (.host(let mineSource, let mine), .host(let theirSource, let theirs)):
      return mineSource == theirSource && (mine.access == .readOnly || theirs.access == .readWrite)
        && (!mine.executable || theirs.executable) && (!mine.mapsOwner || theirs.mapsOwner)
        && (mine.access == .readOnly || mine.stagesWrites || !theirs.stagesWrites)
        && (theirs.confinedTo == nil || mine.confinedTo == theirs.confinedTo)
    default: return false
    }
  }

  // MARK: System calls and limits

  private func systemCallWidenings(over other: SandboxPlan) -> [String] {
    guard seccomp.architecture == other.seccomp.architecture else { return ["system calls: another architecture"] }
    return seccomp.calls.compactMap { call in
      // Memory that can't be started as a program because nothing can.
      if call.name == "memfd_create", execution == .workerOnly { return nil }
      let theirs = other.seccomp.rule(number: call.number)
      return call.isNarrowerOrEqual(than: theirs) ? nil : "system call: \(call.name)"
    }
  }

  private func limitWidenings(over other: SandboxPlan) -> [String] {
    other.limits.compactMap { theirs in
      let mine = limits.first { $0.kind == theirs.kind }?.value ?? .max
      return mine <= theirs.value ? nil : "limit: \(theirs.kind.rawValue)"
    } + groupWidenings(over: other.cgroup)
  }

  private func groupWidenings(over other: CgroupPlan) -> [String] {
    func isAbove<Amount: Comparable>(_ mine: Amount?, _ theirs: Amount?) -> Bool {
      guard let theirs else { return false }
      return mine.map { $0 > theirs } ?? true
    }
    let files: [(CgroupPlan.File, Bool)] = [
      (.memoryMax, isAbove(cgroup.memoryMax, other.memoryMax)),
      (.memoryHigh, isAbove(cgroup.memoryHigh, other.memoryHigh)),
      (.swapMax, !cgroup.holdsMemory && other.holdsMemory), (.cpuMax, isAbove(cgroup.cpu?.cores, other.cpu?.cores)),
      (.cpuWeight, isAbove(cgroup.cpuWeight ?? 100, other.cpuWeight ?? 100)),
      (.tasksMax, isAbove(cgroup.tasksMax, other.tasksMax)),
      (.ioMax, other.io.map { theirs in cgroup.io.map { $0.isWider(than: theirs) } ?? true } ?? false),
      (.ioWeight, isAbove(cgroup.ioWeight ?? 100, other.ioWeight ?? 100)),
      (
        .processors,
        !other.processors.isEmpty && !Set(cgroup.processors).isSubset(of: other.processors)
          || cgroup.processors.isEmpty && !other.processors.isEmpty
      ),
    ]
    return files.filter(\.1).map { "limit: \($0.0.rawValue)" }
  }
}

extension SystemCallRule {
  /// By cells: each is a case of ours, and `other`'s answers to all cases that overlap with it must be as wide.
  func isNarrowerOrEqual(than other: SystemCallRule?) -> Bool {
    if self == other { return true }
    let theirs = other?.cells ?? [ArgumentCell(verdict: .fail(.notImplemented))]
    return cells.allSatisfy { mine in
      theirs.allSatisfy { !mine.overlaps($0) || mine.verdict.width <= $0.verdict.width }
    }
  }
}

extension ArgumentCell {
  fileprivate func overlaps(_ other: ArgumentCell) -> Bool {
    matches.allSatisfy { argument, mine in
      guard let theirs = other.matches[argument] else { return true }
      return (mine.value ^ theirs.value) & mine.mask & theirs.mask == 0
    }
  }
}

extension LandlockPlan {
  /// What some rule allows at `path`.
  func rights(at path: AbsolutePath) -> LandlockRights {
    rules.filter { path.isEqualToOrBeneath($0.path) }.reduce([]) { $0.union($1.rights) }
  }

  fileprivate func widenings(over other: LandlockPlan) -> [String] {
    var found: [String] = []
    if other.handledFilesystem & ~handledFilesystem != 0 || other.handledNetwork & ~handledNetwork != 0
      || other.scoped & ~scoped != 0
    {
      found.append("landlock: handles less")
    }
    for rule in rules {
      let added = rights(at: rule.path).subtracting(other.rights(at: rule.path))
      if !added.isEmpty { found.append("landlock: \(rule.path): \(added.names.joined(separator: " "))") }
    }
    let ports = Set(connectPorts).subtracting(other.connectPorts)
    if other.handledNetwork != 0, !ports.isEmpty {
      found.append("landlock: connecting to \(ports.sorted().map(String.init).joined(separator: " "))")
    }
    return found
  }
}
