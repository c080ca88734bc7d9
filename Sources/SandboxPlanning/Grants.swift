import PluginModel

/// The granted permissions, sorted by what they do to a plan. Several grants of one name add up.
struct Grants {
  /// Nil: no bare filesystem permission.
  var workspace: Bind.Access?
  /// Host paths; none lies beneath another with the same access, so that no mount repeats or narrows another.
  var paths: [ScopedPath] = []
  var execution: ExecutionScope = .nothing
  /// The most GPUs that it may have; nil: none.
  var gpus: Int?
  /// What the network permissions come to.
  var egress: EgressPolicy = .nothing
  /// Where they come to everything.
  var openNetwork: OpenNetwork?
  /// The names of `system.exec:NAME,…`, sorted; empty unless `execution` is `.listedPrograms`.
  var programs: [String] = []

  struct ScopedPath: Hashable {
    var path: AbsolutePath
    var access: Bind.Access
    /// The one of the operator's roots that covers it.
    var root: AbsolutePath
  }

  init(_ request: SandboxRequest, host: HostFacts, problems: inout PlanRefusal) {
    var access: [AbsolutePath: Bind.Access] = [:]
    var network: [Permission] = []
    for permission in Set(request.granted).sorted() {
      switch permission {
      case .filesystemRead(nil): workspace = workspace ?? .readOnly
      case .filesystemWrite(nil): workspace = .readWrite
      case .filesystemRead(.some(let path)): access[path] = access[path] ?? .readOnly
      case .filesystemWrite(.some(let path)): access[path] = .readWrite
      case .systemExec(let names):
        if names.isEmpty { execution = .everything } else { programs += names }
      case .networkHTTP, .networkSocket:
        network.append(permission)
      case .gpuAccess(let count): gpus = max(gpus ?? 0, count ?? .max)
      // A matter of limits alone.
      case .memoryUnlimited: break
      }
    }
    if workspace != nil, request.workspace == nil {
      problems.request.append(
        Diagnostic(
          "\(request.plugin) is granted the run's workspace, but there is none",
          hint: "run it in a workflow, or name the path: filesystem.read:/srv/data"))
    }
    if workspace == .readWrite, let path = request.workspace,
      let refusal = ReservedPaths(request: request, host: host)
        .refusal(ofWritableWorkspace: path, to: request.plugin)
    {
      problems.request.append(refusal)
    }
    egress = EgressPlan.decided(network, request, host: host, problems: &problems)
    openNetwork = OpenNetwork.decided(egress, host: host)
    checkGPUs(request, problems: &problems)
    paths = Self.confined(access, request: request, host: host, problems: &problems)
    resolvePrograms(request, host: host, problems: &problems)
  }

  /// More than was granted is never cut: what was assigned is what the node's author says it needs.
  private func checkGPUs(_ request: SandboxRequest, problems: inout PlanRefusal) {
    let asked = request.gpus.gpus.count
    guard asked > gpus ?? 0 else { return }
    let words = GPUDemand(count: asked).words
    problems.request.append(
      Diagnostic(
        "\(request.plugin) can't be given \(words)",
        why: gpus.map { "gpu.access allows it \($0)" } ?? "it isn't granted gpu.access",
        hint:
          "grant it, if its manifest asks for it: --grant \(request.plugin)=gpu.access, or let its node ask for fewer"))
  }

  private mutating func resolvePrograms(_ request: SandboxRequest, host: HostFacts, problems: inout PlanRefusal) {
    if execution == .everything || (programs.isEmpty && request.programs.isEmpty) {
      programs = []
    } else {
      execution = .listedPrograms
      programs = Set(programs).sorted()
      if !host.sealsExecutableMemory {
        problems.host.append(
          Diagnostic(
            "system.exec with a list of programs needs Linux 6.3 or newer, this is \(host.kernelRelease)",
            why: "older kernels can't keep a worker from starting programs from its memory (MFD_NOEXEC_SEAL)",
            hint: "grant system.exec without a list, or use a newer kernel"))
      }
    }
    for name in programs where !Self.isProgramName(name) {
      problems.request.append(
        Diagnostic(
          "system.exec names \(name.quoted), which is not the name of a program",
          hint: "name programs as they are called in /usr/bin, without a path: system.exec:git,tar"))
    }
    if execution != .nothing, host.binaryDirectories.isEmpty {
      problems.host.append(
        Diagnostic(
          "system.exec is granted, but no directory of programs is known on this host", hint: "see: orchestrator doctor"
        ))
    }
  }

  private static func isProgramName(_ name: String) -> Bool {
    !name.contains("/") && AbsolutePath("/" + name)?.components.count == 1
  }

  /// The scoped grants with those dropped that a wider one already covers, outermost first; refusals go to `problems`.
  private static func confined(
    _ access: [AbsolutePath: Bind.Access], request: SandboxRequest, host: HostFacts, problems: inout PlanRefusal
  ) -> [ScopedPath] {
    let reserved = ReservedPaths(request: request, host: host)
    var accepted: [ScopedPath] = []
    let outermostFirst = access.keys.sorted { ($0.components.count, $0.text) < ($1.components.count, $1.text) }
    for path in outermostFirst {
      guard let wanted = access[path] else { continue }
      guard
        let root = request.filesystemRoots.filter({ path.isEqualToOrBeneath($0) }).max(by: {
          $0.text.utf8.count < $1.text.utf8.count
        })
      else {
        problems.request.append(outside(path, wanted, request))
        continue
      }
      if let refusal = reserved.refusal(of: path, wanted) {
        problems.request.append(refusal)
        continue
      }
      // A read grant beneath a writable one takes nothing away: grants add up.
      let covered = accepted.contains {
        path.isEqualToOrBeneath($0.path) && ($0.access == .readWrite || wanted == .readOnly)
      }
      if !covered { accepted.append(ScopedPath(path: path, access: wanted, root: root)) }
    }
    return accepted
  }

  private static func outside(_ path: AbsolutePath, _ access: Bind.Access, _ request: SandboxRequest) -> Diagnostic {
    let name: Permission = access == .readOnly ? .filesystemRead(path) : .filesystemWrite(path)
    let roots = request.filesystemRoots.map(\.text).sorted().joined(separator: ", ")
    return Diagnostic(
      "\(name) reaches outside of the paths that the operator lets plugins have",
      why: roots.isEmpty ? "filesystem_roots is empty" : "filesystem_roots has \(roots)",
      hint: "add \(path) to filesystem_roots under \"security\" in plugin_system.yaml, or revoke the grant")
  }
}

extension HostFacts {
  /// Major and minor of `kernelRelease`; 0.0 where it can't be read, so that nothing is assumed.
  var kernelVersion: (major: Int, minor: Int) {
    let numbers = kernelRelease.split(separator: ".", maxSplits: 2).map {
      Int($0.prefix { $0.isASCII && $0.isNumber }) ?? 0
    }
    return numbers.count >= 2 ? (numbers[0], numbers[1]) : (0, 0)
  }

  /// A grant of `system.exec` with a list of programs can be had.
  package var canListPrograms: Bool { sealsExecutableMemory }

  /// MFD_NOEXEC_SEAL, memfd_create(2).
  var sealsExecutableMemory: Bool { kernelVersion >= (6, 3) }

  /// RLIMIT_NPROC counts the processes of the user namespace rather than all of the user's, getrlimit(2).
  var countsProcessesPerNamespace: Bool { kernelVersion >= (5, 14) }
}
