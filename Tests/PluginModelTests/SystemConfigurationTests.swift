import PluginModel
import Testing

@Suite("The operator's plugin_system.yaml")
struct SystemConfigurationTests {
  private static let documented = """
    plugins:
      directories:
        - ./plugins
        - ~/.pipeline/plugins
        - /usr/share/pipeline/plugins
      security:
        enable_sandboxing: true
        sandbox_type: process
        default_permissions:
          - filesystem.read
      development:
        hot_reload: true
        watch_interval: 1.0
        debug_mode: true
      registry:
        enable: true
        url: http://localhost:5000/api/registry
      limits:
        max_memory_mb: 512
        max_cpu_percent: 50
        execution_timeout: 60
    """

  private func read(_ text: String) throws(Diagnostics) -> SystemConfiguration {
    try SystemConfiguration(yaml: Array(text.utf8), file: "s.yaml")
  }

  @Test("says how workers of a server come and go, and how many nodes of a plugin run at one time")
  func workers() throws {
    let usual = try read("plugins: {}").workers
    #expect(
      usual.idleMilliseconds == 300_000 && usual.crashes.limit == 3 && usual.crashes.windowMilliseconds == 300_000)
    #expect(usual.concurrency.isEmpty)
    let said = try read(
      "plugins: {workers: {idle_timeout: 90s, crash_limit: 0, crash_window: 10m, concurrency: {shop: 2, files: 1}}}"
    ).workers
    #expect(said.idleMilliseconds == 90_000 && said.crashes.limit == 0 && said.crashes.windowMilliseconds == 600_000)
    #expect(said.concurrency.map { "\($0.key) \($0.value)" }.sorted() == ["files 1", "shop 2"])
    do throws(Diagnostics) {
      _ = try read(
        "plugins: {workers: {idle_timeout: 5, crash_limit: -1, crash_window: x, concurrency: {shop: 0, A B: 1}, idle: 1s}}"
      )
      Issue.record("wrong values were accepted")
    } catch {
      #expect(error.items.count == 6, "\(error)")
    }
  }

  @Test("says where devices are described, by absolute paths")
  func devices() throws {
    let system = try read("plugins: {devices: {cdi_spec_dirs: [/etc/cdi, /srv/cdi]}}")
    #expect(system.cdiDirectories?.map(\.text) == ["/etc/cdi", "/srv/cdi"])
    #expect(try read("plugins: {}").cdiDirectories == nil)
    do throws(Diagnostics) {
      _ = try read("plugins: {devices: {cdi_spec_dirs: [cdi, ../x, 7], cdi_spec_dir: /etc/cdi}}")
      Issue.record("relative paths were accepted")
    } catch {
      #expect(error.items.count == 4 && error.items.allSatisfy { $0.location?.line == 1 }, "\(error)")
    }
  }

  @Test("is read whole, as it is documented")
  func documented() throws {
    let system = try read(Self.documented)
    #expect(system.directories == ["./plugins", "~/.pipeline/plugins", "/usr/share/pipeline/plugins"])
    #expect(system.defaultPermissions == [.filesystemRead(nil)])
    #expect(system.limits.memoryMB?.value == 512)
    #expect(system.limits.memoryMB?.location == PluginModel.SourceLocation(file: "s.yaml", line: 19, column: 20))
    #expect(system.limits.cpuPercent?.value == 50)
    #expect(system.limits.executionMilliseconds?.value == 60_000)
    #expect(system.warnings.isEmpty)
    #expect(system.registry.address?.description == "http://localhost:5000/api/registry")
    #expect(system.development.hotReload?.value == true)
    #expect(system.development.watchInterval == 1)
  }

  @Test("may demand limits that the kernel itself holds")
  func required() throws {
    let system = try read("plugins: {security: {require: [cgroup, memory]}}")
    #expect(system.required.map(\.value) == [.cgroup, .memory])
    #expect(system.required.first?.location == PluginModel.SourceLocation(file: "s.yaml", line: 1, column: 32))
  }

  @Test("may leave everything out")
  func empty() throws {
    #expect(try read("plugins: {}") == SystemConfiguration())
    #expect(try read("{}") == SystemConfiguration())
    let off = "plugins: {development: {hot_reload: false, debug_mode: false}, registry: {enable: false}}"
    #expect(try read(off).warnings.isEmpty)
  }

  @Test(
    "is refused where it would weaken a sandbox or says something unknown, with its line",
    arguments: [
      ("enable_sandboxing: true", "enable_sandboxing: false", "s.yaml:7:24: error: sandboxing can't be turned off"),
      ("sandbox_type: process", "sandbox_type: wasm", "s.yaml:8:19: error: this kind of sandbox is not available"),
      ("sandbox_type: process", "sandbox_type: jail", "s.yaml:8:19: error: 'jail' is not a value"),
      ("max_memory_mb", "max_memory", "s.yaml:19:5: error: unknown key 'max_memory'"),
      ("- filesystem.read", "- filesystem.reed", "s.yaml:10:9: error: "),
      ("hot_reload: true", "hot_reload: 1", "s.yaml:12:17: error: "),
      ("watch_interval: 1.0", "watch_interval: 0", "s.yaml:13:21: error: "),
      ("- ./plugins", "- \"\"", "s.yaml:3:7: error: "),
      ("sandbox_type: process", "require: [cgroups]", "s.yaml:8:15: error: 'cgroups' is not a value"),
      ("sandbox_type: process", "require: cgroup", "s.yaml:8:14: error: "),
    ])
  func wrong(original: String, replacement: String, expected: String) throws {
    let text = Self.documented.replacing(original, with: replacement)
    #expect(text != Self.documented)
    let found = problems { () throws(Diagnostics) in _ = try read(text) }
    #expect(found.count == 1 && found[0].hasPrefix(expected), "\(found)")
  }

  @Test("tells all that is wrong at once")
  func allAtOnce() {
    let text = Self.documented.replacing("512", with: "0").replacing("url:", with: "uri:")
      .replacing("sandboxing: true", with: "sandboxing: false")
    #expect(problems { () throws(Diagnostics) in _ = try read(text) }.count == 4)
  }

  @Test("gives nodes without a deadline its own, and refuses later ones with their lines")
  func deadlines() throws {
    func workflow(_ defaults: String, _ node: String) throws(Diagnostics) -> Workflow {
      try Workflow(
        bytes: Array(
          """
          apiVersion: orchestrator/v1
          kind: Workflow
          metadata: {name: w}
          spec:
            defaults: {\(defaults)}
            nodes:
              a: {type: demo/source}
              b: {type: demo/source, \(node)}
          """.utf8), file: "w.yaml")
    }
    let limits = try read(Self.documented).limits
    let bounded = try workflow("", "timeout: 30s").bounded(by: limits)
    #expect(bounded.defaults.timeoutMilliseconds == 60_000)
    #expect(bounded.nodes[1].policy.timeoutMilliseconds == 30_000)
    #expect(try workflow("timeout: 9s", "").bounded(by: limits).defaults.timeoutMilliseconds == 9_000)
    #expect(
      try workflow("timeout: 2h", "timeout: 3h").bounded(by: OperatorLimits()).defaults.timeoutMilliseconds == 7_200_000
    )
    let late = try workflow("timeout: 61s", "timeout: 2m")
    let found = problems { () throws(Diagnostics) in _ = try late.bounded(by: limits) }
    #expect(found.count == 2)
    #expect(found.first?.hasPrefix("w.yaml:5:23: error: the workflow's defaults may not have a timeout of 61s") == true)
    #expect(found.last?.hasPrefix("w.yaml:8:37: error: ") == true, "\(found)")
    let hint = hints { () throws(Diagnostics) in _ = try late.bounded(by: limits) }.first
    #expect(hint?.contains("from 1ms to 60000ms") == true)
  }
}
