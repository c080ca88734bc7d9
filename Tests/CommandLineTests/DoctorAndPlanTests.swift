import Foundation
import PluginModel
import Testing

@Suite("doctor and plan show")
struct DoctorAndPlanTests {
  @Test("doctor names every feature with its state, and a remedy for each that is not whole")
  func doctor() throws {
    let directory = try TemporaryDirectory()
    let outcome = try Program.run(["doctor", "--output", "json"], in: directory)
    let value = try JSONValue(json: outcome.output)
    #expect(outcome.status == (value["can_run"] == true ? 0 : 3))
    let features = try #require(value["features"]?.arrayValue)
    #expect(features.count >= 8)
    for feature in features {
      let isWhole = feature["status"] == "ok"
      #expect(isWhole || feature["remedy"]?.stringValue?.isEmpty == false, "\(feature.text())")
      #expect(feature["purpose"]?.stringValue?.isEmpty == false)
    }
    let text = try Program.run(["doctor"], in: directory)
    #expect(text.output.contains("Landlock"))
    #expect(!text.output.contains("\u{1B}"))
  }

  @Test("doctor names the capabilities that the supervisor lacks as root, and says that nothing can start")
  func capabilities() throws {
    let outcome = try Program.run(
      ["doctor"], in: TemporaryDirectory(),
      through: ["/usr/bin/setpriv"] + (geteuid() == 0 ? ["--bounding-set", "-setuid", "--inh-caps", "-all"] : []))
    #expect(outcome.status == (geteuid() == 0 ? 3 : 0))
    #expect(
      outcome.output.contains(
        geteuid() == 0 ? ": without cap_setuid root can't map the users of plugins" : "workers start rootless"))
    let whole = try JSONValue(json: Program.run(["doctor", "--output", "json"], in: TemporaryDirectory()).output)
    #expect(whole["capabilities"]?.arrayValue?.contains("cap_setuid") == (geteuid() == 0))
  }

  /// A filter such as containers have around what is in them.
  private static let withoutSethostname = """
    import ctypes, os, sys
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    context = ctypes.c_void_p(library.seccomp_init(0x7FFF0000))
    number = library.seccomp_syscall_resolve_name(b"sethostname")
    assert library.seccomp_rule_add(context, ctypes.c_uint32(0x00050001), ctypes.c_int(number), ctypes.c_uint(0)) == 0
    assert library.seccomp_load(context) == 0
    os.execv(sys.argv[1], sys.argv[1:])
    """

  @Test("doctor says that nothing can start where no sandbox may have a host name of its own, and what would let it")
  func hostName() throws {
    let outcome = try Program.run(
      ["doctor"], in: TemporaryDirectory(), through: ["/usr/bin/python3", "-c", Self.withoutSethostname])
    #expect(outcome.status == 3)
    #expect(outcome.output.contains("sethostname: Operation not permitted (EPERM)"))
    #expect(outcome.output.contains("allow sethostname in its seccomp profile"))
  }

  @Test("doctor ends with 3 where no Python can be found")
  func noPython() throws {
    let outcome = try Program.run(["doctor", "--python", "/nonexistent/python3"], in: TemporaryDirectory())
    #expect(outcome.status == 3)
    #expect(outcome.output.contains("✗ Python"))
  }

  @Test("plan show prints what is granted and nothing else")
  func plan() throws {
    let directory = try TemporaryDirectory()
    let arguments = ["plan", "show", "files", "--state-dir", "state"]
    let plain = try Program.run(arguments, in: directory)
    #expect(plain.status == 0, "\(plain.errors)")
    #expect(!plain.output.contains("/usr/share/common-licenses"))
    #expect(plain.errors.contains("--grant files=filesystem.write"))
    let granted = try Program.run(
      arguments + ["--grant", "files=filesystem.read:/usr/share/common-licenses"], in: directory)
    #expect(granted.output.contains("/usr/share/common-licenses"))
  }

  @Test("plan show writes JSON, and an OCI configuration without capabilities")
  func formats() throws {
    let directory = try TemporaryDirectory()
    let arguments = ["plan", "show", "files", "--state-dir", "state"]
    let json = try JSONValue(json: Program.run(arguments + ["--json"], in: directory).output)
    #expect(json["plugin"] == "files")
    let oci = try JSONValue(json: Program.run(arguments + ["--oci"], in: directory).output)
    #expect(oci["ociVersion"]?.stringValue?.hasPrefix("1.") == true)
    #expect(oci["process"]?["noNewPrivileges"] == true)
    #expect(oci["process"]?["user"]?["uid"] != 0)
  }

  @Test("plan show gives each plugin a host user of its own when it runs as root")
  func identities() throws {
    let directory = try TemporaryDirectory()
    let users = try ["files", "text"].map { plugin in
      let outcome = try Program.run(["plan", "show", plugin, "--json", "--state-dir", "state"], in: directory)
      return try JSONValue(json: outcome.output)["identity"]?["userOnHost"]
    }
    #expect(users[0] != nil)
    #expect((users[0] == users[1]) == (geteuid() != 0))
    #expect(users[0] != .some(0))
  }

  @Test("plan show refuses a grant of what the sandbox is made of", arguments: ["/proc", "/etc", "/usr/lib", "/"])
  func reserved(_ path: String) throws {
    let outcome = try Program.run(
      ["plan", "show", "files", "--state-dir", "state", "--grant", "files=filesystem.read:\(path)"],
      in: TemporaryDirectory())
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
  }

  @Test("plan show says that a workspace can't be one, as invalid input")
  func workspace() throws {
    let outcome = try Program.run(
      ["plan", "show", "files", "--state-dir", "state", "--workspace", "../up"], in: TemporaryDirectory())
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("--workspace ../up"))
  }

  @Test("a profile that doesn't exist, or that is broken, is told with its place")
  func profiles() throws {
    let directory = try TemporaryDirectory()
    let arguments = ["plan", "show", "files", "--state-dir", "state", "--profile"]
    let unknown = try Program.run(arguments + ["strickt"], in: directory)
    #expect(unknown.status == 2)
    #expect(unknown.errors.contains("strict"))
    try directory.write("mine.yaml", "apiVersion: orchestrator/v1\nkind: Wrong\n")
    let broken = try Program.run(arguments + ["mine.yaml"], in: directory)
    #expect(broken.status == 2)
    #expect(broken.errors.contains("mine.yaml:2:7"))
  }

  @Test(
    "doctor says that no plugin runs where /proc/sys is read-only, as runtimes of containers have it",
    .enabled(if: geteuid() == 0))
  func readOnlySettings() throws {
    let outcome = try Program.run(
      ["doctor"], in: TemporaryDirectory(),
      through: [
        "/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec",
        "mount --bind /proc/sys /proc/sys\nmount -o remount,bind,ro /proc/sys\nexec \"$@\"", "sh",
      ])
    #expect(outcome.status == 3, "\(outcome.output)")
    #expect(outcome.output.contains("max_user_namespaces is mounted read-only"))
  }
}
