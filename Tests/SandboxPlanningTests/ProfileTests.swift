import Foundation
import PluginModel
import SandboxPlanning
import Testing

@Suite("security profiles") struct ProfileTests {
  private static let valid = """
    apiVersion: orchestrator/v1
    kind: SecurityProfile
    metadata: {name: small, description: For tests}
    spec:
      systemCalls:
        allow: [{why: reading, names: [read, close]}]
        deny: [{why: mounts, names: [mount]}]
        exec: [{why: programs, names: [execve]}]
      limits: {RLIMIT_CORE: 0, RLIMIT_NOFILE: 64}
      resources: {memory: 64Mi, memoryHigh: 48Mi, cpu: 0.5, cpuWeight: 20, tasks: 32, ioWeight: 30, processors: [0, 2], io: {device: "8:0", readBytes: 10Mi, writes: 90}}
      scratch: {mebibytes: 2, inodes: 100}
    """

  private func problems(_ text: String) -> Diagnostics? {
    do throws(Diagnostics) {
      _ = try SecurityProfile(yaml: [UInt8](text.utf8), file: "small.yaml")
      return nil
    } catch {
      return error
    }
  }

  @Test("reads every field")
  func reads() throws {
    var profile = try SecurityProfile(yaml: [UInt8](Self.valid.utf8), file: "small.yaml")
    #expect(profile.origins.chain.map(\.path) == ["small.yaml"])
    #expect(profile.origins.settings["RLIMIT_NOFILE"]?.description == "small.yaml:9:43")
    #expect(profile.origins.calls["mount"]?.why == "mounts")
    profile.origins = SecurityProfile.Origins()
    #expect(
      profile
        == SecurityProfile(
          name: "small", description: "For tests",
          systemCalls: SecurityProfile.SystemCalls(allow: ["read", "close"], deny: ["mount"], exec: ["execve"]),
          limits: [ResourceLimit(.coreSize, 0), ResourceLimit(.openFiles, 64)], scratchBytes: 2 << 20,
          scratchInodes: 100,
          resources: SecurityProfile.Resources(
            memory: Located(64 << 20, at: PluginModel.SourceLocation(file: "small.yaml", line: 10, column: 23)),
            memoryHigh: 48 << 20,
            cpuCores: Located(0.5, at: PluginModel.SourceLocation(file: "small.yaml", line: 10, column: 52)),
            cpuWeight: 20,
            tasks: 32, ioWeight: 30, io: IOLimit(major: 8, minor: 0, readBytes: 10 << 20, writes: 90),
            processors: [0, 2])))
  }

  @Test("the shipped profiles make plans on both architectures", arguments: shippedProfileNames)
  func shipped(name: String) throws {
    let profile = try shippedProfile(name)
    #expect(profile.name == name)
    for architecture: HostFacts.Architecture in [.x86_64, .aarch64] {
      var host = try debianHost()
      host.architecture = architecture
      let plan = try SandboxPlanner.plan(request(profile: profile), host: host)
      for call in [
        "openat", "newfstatat", "mmap", "futex", "clone", "execve", "rt_sigreturn", "exit_group", "sendmsg", "recvmsg",
      ] {
        #expect(plan.seccomp.allowed.contains(call), "\(architecture) \(call)")
      }
    }
  }

  @Test(
    "what is wrong is told with its line",
    arguments: [
      ("RLIMIT_CORE: 0", "RLIMIT_COER: 0", "RLIMIT_CORE"), ("RLIMIT_CORE: 0", "RLIMIT_CORE: -1", "must be from 0"),
      ("RLIMIT_CORE: 0", "RLIMIT_CORE: null", "RLIMIT_CORE"), ("mebibytes: 2", "mebibytes: 0", "must be from 1"),
      ("mebibytes: 2", "mebibytes: two", "whole number"), ("why: mounts, ", "", "why"),
      ("[mount]", "[Mount]", "not the name of a system call"),
      ("[mount]", "[mount, read]", "listed twice"), ("[mount]", "mount", "list"),
      ("kind: SecurityProfile", "kind: Profile", "kind"),
      ("name: small", "name: ../etc", "plugin name"), ("orchestrator/v1", "orchestrator/v2", "orchestrator/v1"),
      ("    exec:", "    exek:", "exec"), ("memory: 64Mi, ", "", "'memory' is missing"),
      ("cpu: 0.5, ", "", "'cpu' is missing"), ("tasks: 32, ", "", "'tasks' is missing"),
      ("memoryHigh: 48Mi", "memoryHigh: 65Mi", "from 16Mi to 64Mi"), ("device: \"8:0\"", "device: sda", "not a device"),
      ("device: \"8:0\"", "device: \"08:0\"", "not a device"), (", readBytes: 10Mi, writes: 90", "", "limits nothing"),
      ("device: \"8:0\", ", "", "'device' is missing"),
    ])
  func wrong(original: String, replacement: String, expected: String) throws {
    let text = Self.valid.replacingOccurrences(of: original, with: replacement)
    #expect(text != Self.valid)
    let found = try #require(problems(text))
    #expect(found.description.contains(expected), "\(found)")
    #expect(found.items.allSatisfy { $0.location?.file == "small.yaml" })
  }

  @Test(
    "absurd limits are refused with the line and the range",
    arguments: [
      (
        "memory: 64Mi", "memory: ", "from 16Mi to 1024Ti",
        ["0Mi", "-1Mi", "1e30", "1Ki", "64", "64Mo", ".nan", "[64Mi]"]
      ),
      ("memoryHigh: 48Mi", "memoryHigh: ", "from 16Mi to", ["0Mi", "-1Mi", "1e30", "48", ".nan", "65Mi"]),
      ("cpu: 0.5", "cpu: ", "from 0.01 to 4096", ["0", "-1", "1e30", ".nan", "half", "4097", "[1]"]),
      ("cpuWeight: 20", "cpuWeight: ", "from 1 to 10000", ["0", "-1", "1e30", ".nan", "0.5", "10001", "high"]),
      ("tasks: 32", "tasks: ", "from 8 to 4194304", ["0", "-1", "1e30", ".nan", "7", "4194305", "max"]),
      ("ioWeight: 30", "ioWeight: ", "from 1 to 10000", ["0", "-1", "1e30", ".nan", "10001", "true"]),
      ("writes: 90", "writes: ", "from 10 to 1073741824", ["0", "-1", "1e30", ".nan", "9", "many"]),
      ("readBytes: 10Mi", "readBytes: ", "from 1Mi to 1024Ti", ["0Mi", "-1Mi", "1e30", "10", "1Ki", ".nan"]),
      ("processors: [0, 2]", "processors: ", "from 0 to 8191", ["[-1]", "[1e30]", "[.nan]", "[8192]", "[one]"]),
    ])
  func absurd(original: String, key: String, range: String, values: [String]) throws {
    for value in values {
      let text = Self.valid.replacingOccurrences(of: original, with: key + value)
      #expect(text != Self.valid)
      let found = try #require(problems(text), "\(key)\(value)").items
      #expect(found.allSatisfy { $0.location?.line == 10 }, "\(found)")
      #expect(found.contains { $0.description.contains(range) }, "\(key)\(value): \(found)")
    }
  }

  @Test("all problems are reported at once")
  func allAtOnce() throws {
    let text = Self.valid.replacingOccurrences(of: "mebibytes: 2", with: "mebibytes: 0")
      .replacingOccurrences(of: "[mount]", with: "[Mount]")
    #expect(try #require(problems(text)).items.count == 2)
  }
}
