/// `plugin_system.yaml`: what the operator of a host decides for all plugins.
package struct SystemConfiguration: Hashable, Sendable {
  /// Where plugins are looked for, after those named on the command line. Nil: the usual places.
  package var directories: [String]?
  /// What every plugin that asks for it gets. Nil: the usual.
  package var defaultPermissions: [Permission]?
  /// What is granted to plugins by name, and what to none; a file's that comes first names the profile.
  package var policies: [SecurityPolicy]
  package var limits: OperatorLimits
  /// What this host's kernel must enforce itself, or nothing of a plugin is started.
  package var required: [Located<SecurityRequirement>]
  /// What plugins may reach of the network, whatever they are granted.
  package var network: OperatorNetwork
  /// Where CDI files lie, in ascending order of precedence. Nil: the usual places.
  package var cdiDirectories: [AbsolutePath]?
  /// What nodes may hold, and how many units of it there are on this host: licences, say.
  package var semaphores: [SemaphoreLabel: Int] = [:]
  /// Where the operator's own security profiles lie, in the order in which they count.
  package var profileDirectories: [AbsolutePath]?
  /// What it sets of the `configuration` of plugins, by plugin.
  package var pluginSettings: [PluginName: PluginSettings] = [:]
  /// Who may sign which plugins' packages.
  package var trust = TrustPolicy()
  package var development = DevelopmentSettings()
  /// Where the Python packages come from that plugins depend on.
  package var python = PythonSettings()
  package var registry = RegistrySettings()
  package var workers = WorkerSettings()
  /// What was read and has no effect in this version.
  package var warnings: [Diagnostic]

  /// Of a host that has no such file.
  package init(
    directories: [String]? = nil, defaultPermissions: [Permission]? = nil, policies: [SecurityPolicy] = [],
    limits: OperatorLimits = OperatorLimits(), required: [Located<SecurityRequirement>] = [],
    network: OperatorNetwork = OperatorNetwork(),
    cdiDirectories: [AbsolutePath]? = nil, warnings: [Diagnostic] = []
  ) {
    self.network = network
    self.cdiDirectories = cdiDirectories
    self.directories = directories
    self.defaultPermissions = defaultPermissions
    self.policies = policies
    self.limits = limits
    self.required = required
    self.warnings = warnings
  }
}

/// What an operator may demand of a host, where workers would otherwise run with less: `plugins.security.require`.
package enum SecurityRequirement: String, CaseIterable, Sendable {
  /// Limits of memory, processor time and tasks, all of them by cgroup v2.
  case cgroup
  case memory
  case cpu
  case pids
}

/// Ceilings that no worker exceeds, whatever a workflow, a plugin or a profile says. Nil: none.
package struct OperatorLimits: Hashable, Sendable {
  /// Mebibytes, of one worker.
  package var memoryMB: Located<Int>?
  /// Of one processor: 100 is all of one, 200 all of two.
  package var cpuPercent: Located<Double>?
  /// For nodes that name no deadline, and the latest that one may name.
  package var executionMilliseconds: Located<Int64>?

  package init(
    memoryMB: Located<Int>? = nil, cpuPercent: Located<Double>? = nil, executionMilliseconds: Located<Int64>? = nil
  ) {
    self.memoryMB = memoryMB
    self.cpuPercent = cpuPercent
    self.executionMilliseconds = executionMilliseconds
  }
}

extension SystemConfiguration {
  package enum RootKey: String, CaseIterable { case plugins }
  package enum PluginsKey: String, CaseIterable {
    case directories, security, development, registry, limits, devices, scheduler, configuration, python, workers
  }
  package enum SecurityKey: String, CaseIterable {
    case enableSandboxing = "enable_sandboxing"
    case sandboxType = "sandbox_type"
    case defaultPermissions = "default_permissions"
    case filesystemRoots = "filesystem_roots"
    case forbiddenPermissions = "forbidden_permissions"
    case plugins
    case require
    case network
    case profileDirectories = "profile_directories"
    case trust
  }
  package enum DevelopmentKey: String, CaseIterable {
    case hotReload = "hot_reload"
    case watchInterval = "watch_interval"
    case debugMode = "debug_mode"
  }
  package enum RegistryKey: String, CaseIterable {
    case enable, url
    case allowsPlain = "allow_http"
    case certificates = "ca_file"
    case token = "token_file"
  }
  package enum LimitsKey: String, CaseIterable {
    case maximumMemory = "max_memory_mb"
    case maximumCPU = "max_cpu_percent"
    case executionTimeout = "execution_timeout"
  }
  package enum SchedulerKey: String, CaseIterable { case semaphores }
  package enum DevicesKey: String, CaseIterable {
    /// As containerd and CRI-O call it.
    case cdiDirectories = "cdi_spec_dirs"
  }
  enum SandboxType: String, CaseIterable { case process, container, wasm }

  /// Where plugins are looked for, unless the file says otherwise.
  package static let usualDirectories = ["./plugins", "~/.pipeline/plugins", "/usr/share/pipeline/plugins"]

  /// Reads `plugin_system.yaml`. Every key may be left out.
  /// - Parameters:
  ///   - bytes: the file; nil where there is none.
  ///   - overrides: what the environment says in place of the file.
  /// - Throws: everything that is wrong with the file. What is right and without effect in this version becomes a warning.
  package init(yaml bytes: [UInt8]?, file: String, overrides: [SettingOverride] = []) throws(Diagnostics) {
    let report = DocumentReport(file: file)
    let plugins = report.read(bytes, overrides: overrides)?.mapping(RootKey.self)?.optional(.plugins)?
      .mapping(PluginsKey.self)
    var result = SystemConfiguration()
    result.directories = plugins?.optional(.directories)?.list(maximumCount: 256)?.compactMap(Self.directory)
    if let security = plugins?.optional(.security)?.mapping(SecurityKey.self) { result.read(security) }
    if let development = plugins?.optional(.development)?.mapping(DevelopmentKey.self) {
      result.development = DevelopmentSettings(development)
    }
    if let registry = plugins?.optional(.registry)?.mapping(RegistryKey.self) {
      result.registry = RegistrySettings(registry)
    }
    if let python = plugins?.optional(.python)?.mapping(PythonSettings.SectionKey.self) {
      result.python = PythonSettings(python)
    }
    if let workers = plugins?.optional(.workers)?.mapping(WorkerSettings.Key.self) {
      result.workers = WorkerSettings(workers)
    }
    if let limits = plugins?.optional(.limits)?.mapping(LimitsKey.self) {
      result.limits = OperatorLimits(limits)
    }
    if let scheduler = plugins?.optional(.scheduler)?.mapping(SchedulerKey.self) {
      result.semaphores = scheduler.optional(.semaphores)?.semaphores() ?? [:]
    }
    if let configuration = plugins?.optional(.configuration) {
      result.pluginSettings = PluginSettings.read(configuration)
    }
    if let devices = plugins?.optional(.devices)?.mapping(DevicesKey.self) {
      result.cdiDirectories = devices.optional(.cdiDirectories)?.list(maximumCount: 64)?.compactMap {
        $0.absoluteDirectory()
      }
    }
    try report.check()
    self = result
  }

  private static func directory(_ reader: ValueReader) -> String? {
    guard let text = reader.string() else { return nil }
    guard !text.isEmpty else {
      reader.error("\(reader.subject) is empty", hint: "name a directory")
      return nil
    }
    return text
  }

  mutating func read(_ security: MappingReader<SecurityKey>) {
    defaultPermissions = Self.permissions(security)
    required =
      security.optional(.require)?.list(maximumCount: SecurityRequirement.allCases.count)?.compactMap { item in
        item.choice(SecurityRequirement.self).map { Located($0, at: item.location) }
      } ?? []
    if let network = security.optional(.network) { self.network = OperatorNetwork(network) }
    profileDirectories = security.optional(.profileDirectories)?.list(maximumCount: 64)?.compactMap {
      $0.absoluteDirectory()
    }
    if let trust = security.optional(.trust)?.mapping(TrustPolicy.SectionKey.self) { self.trust = TrustPolicy(trust) }
    let policy = SecurityPolicy(security)
    if !policy.isEmpty { policies = [policy] }
  }

  /// What would weaken every worker is refused: nothing of a plugin ever runs outside of a sandbox.
  private static func permissions(_ security: MappingReader<SecurityKey>) -> [Permission]? {
    let sandboxing = security.optional(.enableSandboxing)
    if sandboxing?.bool() == false {
      sandboxing?.error(
        "sandboxing can't be turned off", why: "plugins are other people's programs",
        hint: "remove 'enable_sandboxing: false'; what plugins may do is granted with 'default_permissions' or --grant")
    }
    let type = security.optional(.sandboxType)
    switch type?.choice(SandboxType.self) {
    case .process, nil: break
    case .container, .wasm:
      type?.error(
        "this kind of sandbox is not available", why: "another one than was asked for would be used",
        hint: "write 'sandbox_type: process': every worker is a process in kernel namespaces of its own")
    }
    return security.optional(.defaultPermissions)?.list(maximumCount: 256)?.unique { $0.permission() }
  }
}

extension ValueReader {
  func absoluteDirectory() -> AbsolutePath? {
    guard let text = string() else { return nil }
    guard let path = AbsolutePath(text) else {
      error("\(text.quoted) is not an absolute path", hint: "start it with '/', and leave out '.' and '..'")
      return nil
    }
    return path
  }
}

extension OperatorLimits {
  fileprivate init(_ limits: MappingReader<SystemConfiguration.LimitsKey>) {
    let memory = limits.optional(.maximumMemory)
    let cpu = limits.optional(.maximumCPU)
    let timeout = limits.optional(.executionTimeout)
    let percent = LimitBounds.cpuCores.lowerBound * 100...LimitBounds.cpuCores.upperBound * 100
    self.init(
      memoryMB: memory.flatMap { item in
        item.integer(in: LimitBounds.memoryMB).map { Located($0, at: item.location) }
      },
      cpuPercent: cpu.flatMap { item in item.number(in: percent).map { Located($0, at: item.location) } },
      executionMilliseconds: timeout.flatMap { item in
        item.number(in: LimitBounds.seconds).map { Located(Int64(($0 * 1000).rounded()), at: item.location) }
      })
  }
}

extension Workflow {
  /// With the operator's deadline for the nodes that have none.
  /// - Throws: every deadline that is later than the operator allows.
  package func bounded(by limits: OperatorLimits) throws(Diagnostics) -> Workflow {
    guard let latest = limits.executionMilliseconds else { return self }
    let others = (library?.files ?? [:]).sorted { $0.key < $1.key }.map(\.value)
    let problems = ([self] + others).flatMap { $0.deadlines(later: latest) }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    var result = self
    result.defaults.timeoutMilliseconds = defaults.timeoutMilliseconds ?? latest.value
    return result
  }

  private func deadlines(later latest: Located<Int64>) -> [Diagnostic] {
    let policies =
      [("the workflow's defaults", defaults)] + nodes.map { ("the node \($0.name.text.quoted)", $0.policy) }
    return policies.compactMap { subject, policy -> Diagnostic? in
      guard let asked = policy.timeoutMilliseconds, asked > latest.value else { return nil }
      return Diagnostic(
        "\(subject) may not have a timeout of \(Self.seconds(asked))",
        why: "'execution_timeout' is \(Self.seconds(latest.value)) in \(latest.location)",
        hint: "write one from 1ms to \(latest.value)ms, or have the operator raise 'execution_timeout'",
        at: policy.timeoutLocation)
    }
  }

  private static func seconds(_ milliseconds: Int64) -> String {
    milliseconds.isMultiple(of: 1000) ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}
