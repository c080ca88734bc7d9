import PluginModel
import SandboxPlanning
import Testing

@testable import WorkerHost

@Suite("What a plugin's error says of a denial") struct DenialFindingsTests {
  private let plan: SandboxPlan = {
    func bind(_ target: StaticString, _ access: Bind.Access, granted: Bool) -> FilesystemOperation {
      let path = AbsolutePath(constant: target)
      return .bind(Bind(source: path, target: path, kind: .directory, access: access, confinedTo: granted ? path : nil))
    }
    let memory = TemporaryFilesystem(sizeBytes: 1, inodes: 1, mode: 0o755)
    return SandboxPlan(
      plugin: PluginName(unchecked: "p"), hostname: "p", namespaces: [],
      identity: Identity(userInside: 1, groupInside: 1, userOnHost: 1, groupOnHost: 1),
      filesystem: [
        .temporaryFilesystem(.root, memory), bind("/usr", .readOnly, granted: false),
        .temporaryFilesystem(Inside.scratch, memory), .temporaryFilesystem(Inside.devices, memory),
        .process(Inside.processes), bind("/workspace", .readOnly, granted: false),
        bind("/srv/data", .readOnly, granted: true), bind("/srv/out", .readWrite, granted: true),
      ],
      landlock: LandlockPlan(abi: 1, handledFilesystem: 1, handledNetwork: 0, scoped: 0, rules: []),
      seccomp: SeccompPlan(program: [], profile: "p", allowed: [], denied: []), execution: .allowed, limits: [],
      environment: [], command: [], workingDirectory: .root, permissions: [])
  }()

  private func permission(
    _ access: ClaimedDenial.Access?, _ path: String, _ error: String = "ENOENT", on host: HostPlace
  ) -> String? {
    let claim = ClaimedDenial(access: access, error: error, path: UntrustedBytes(path))
    return claim.denial(in: plan, host: host).map { $0.permission?.description ?? "none" }
  }

  private func there(_ path: StaticString) -> HostPlace {
    HostPlace(resolved: AbsolutePath(constant: path), parent: AbsolutePath(constant: path).parent)
  }

  @Test("a file of the host that isn't shown needs its path, as the host's own links have it")
  func hidden() {
    #expect(permission(.read, "/home/a.csv", on: there("/home/a.csv")) == "filesystem.read:/home/a.csv")
    #expect(permission(nil, "/home/link", on: there("/mnt/real")) == "filesystem.read:/mnt/real")
    #expect(permission(.write, "/home/a.csv", on: there("/home/a.csv")) == "filesystem.write:/home/a.csv")
  }

  @Test("what isn't on the host either was denied to nobody")
  func absent() {
    #expect(permission(.read, "/home/none", on: HostPlace(parent: AbsolutePath("/home"))) == nil)
    #expect(permission(.write, "/none/at/all", on: HostPlace()) == nil)
    #expect(permission(.execute, "none", on: HostPlace()) == nil)
    // It can be made where the directory is.
    #expect(permission(.write, "/home/new", on: HostPlace(parent: AbsolutePath("/home"))) == "filesystem.write:/home")
  }

  @Test("what the sandbox has for itself is no denial, and what it shows read-only needs the right to write")
  func shown() {
    #expect(permission(.read, "/tmp/x", on: there("/tmp/x")) == nil)
    #expect(permission(.write, "/srv/out/x", "EACCES", on: there("/srv/out")) == nil)
    #expect(permission(.read, "/srv/data/x", on: there("/srv/data/x")) == nil)
    #expect(permission(.write, "/srv/data/x", "EROFS", on: there("/srv/data/x")) == "filesystem.write:/srv/data")
    #expect(permission(nil, "/workspace/x", "EROFS", on: HostPlace()) == "filesystem.write")
    #expect(permission(.write, "/usr/share/x", "EROFS", on: there("/usr/share/x")) == "none")
  }

  @Test(
    "nothing is proposed that would be refused",
    arguments: ["/etc/shadow", "/proc/1/environ", "/sys/kernel/x", "/run/x"])
  func reserved(path: String) {
    #expect(permission(.read, path, "EACCES", on: HostPlace(resolved: AbsolutePath(path))) == "none")
  }

  @Test("devices of GPUs need gpu.access, others nothing that there is")
  func devices() {
    #expect(permission(.write, "/dev/nvidia0", on: there("/dev/nvidia0")) == "gpu.access")
    #expect(permission(.read, "/dev/mem", on: there("/dev/mem")) == "none")
  }

  @Test("a program that isn't listed needs its name; where none may be started, the filter tells of it")
  func programs() {
    #expect(permission(.execute, "git", on: there("/usr/bin/git")) == "system.exec:git")
    var strict = plan
    strict.execution = .workerOnly
    let claim = ClaimedDenial(access: .execute, error: "EACCES", path: UntrustedBytes("git"))
    #expect(claim.hostPath?.text == "/usr/bin/git")
    #expect(claim.denial(in: strict, host: there("/usr/bin/git")) == nil)
  }

  @Test("a host needs its name, and is told by the relay where there is a network")
  func hosts() throws {
    let claim = ClaimedDenial(access: .connect, error: "EPERM", host: "example.org", port: 443)
    #expect(claim.denial(in: plan, host: HostPlace())?.permission?.description == "network.http:example.org")
    #expect(claim.denial(in: plan, host: HostPlace())?.evidence == .inferred)
    var connected = plan
    connected.permissions = [try Permission("network.http:example.com")]
    #expect(claim.denial(in: connected, host: HostPlace()) == nil)
  }

  @Test("other errors are the plugin's own", arguments: ["EIO", "EMFILE", "ENOSPC", "", "EVERYTHING"])
  func others(error: String) { #expect(permission(.read, "/home/x", error, on: there("/home/x")) == nil) }

  @Test("is read by length and form, and its path by its bytes")
  func wire() throws {
    func read(_ denied: String) throws -> ClaimedDenial? {
      try Message.error(
        Array(#"{"class":"error","type":"T","message":"","denied":\#(denied)}"#.utf8)
      ).denied
    }
    #expect(try read("null") == nil)
    let whole = try #require(try read(#"{"access":"read","error":"EACCES","path":"/a%20%FF%2f"}"#))
    #expect(whole.path?.bytes == Array("/a ".utf8) + [0xFF, 0x2F] && whole.access == .read)
    #expect(try read(#"{"access":"later","error":"EPERM","host":"h","port":80,"new":1}"#)?.access == nil)
    for broken in [
      "1", "[]", "{}", #"{"error":1}"#, #"{"error":""}"#, #"{"error":"\#(String(repeating: "x", count: 33))"}"#,
      #"{"error":"E","path":"%"}"#, #"{"error":"E","path":"%+1"}"#, #"{"error":"E","path":"é"}"#,
      #"{"error":"E","path":1}"#, #"{"error":"E","port":65536}"#, #"{"error":"E","port":-1}"#,
      #"{"error":"E","port":"80"}"#, #"{"error":"E","host":"\#(String(repeating: "h", count: 256))"}"#,
      #"{"error":"E","path":"\#(String(repeating: "x", count: 16_385))"}"#, #"{"error":"E","access":1}"#,
    ] {
      #expect(throws: ProtocolViolation.self, "\(broken.prefix(60))") { try read(broken) }
    }
  }
}
