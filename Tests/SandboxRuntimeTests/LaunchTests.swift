import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  @Suite("A launched worker")
  struct LaunchTests {
    let harness: Harness
    init() throws { harness = try Harness() }

    @Test("runs its program and its end is known")
    func runs() async throws {
      let outcome = try await harness.run(.fixture(["/bin/true"]))
      #expect(outcome.exit.status == .exited(code: 0) && outcome.exit.cleanupErrors.isEmpty)
      #expect(try await harness.run(.shell("exit 7")).exit.status == .exited(code: 7))
      #expect(try await harness.run(.shell("kill -9 $$")).exit.status == .signalled(number: 9))
    }

    @Test("has no capability in any set, no_new_privs and a filter")
    func privileges() async throws {
      let status = try await harness.run(.shell("cat /proc/self/status")).output
      let fields = Dictionary(
        status.split(separator: "\n").compactMap { line -> (String, String)? in
          let parts = line.split(separator: ":", maxSplits: 1)
          return parts.count == 2 ? (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces)) : nil
        }, uniquingKeysWith: { first, _ in first })
      for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(fields[set] == "0000000000000000") }
      #expect(fields["NoNewPrivs"] == "1")
      #expect(fields["Seccomp"] == "2")
      #expect(fields["SigBlk"] == "0000000000000000")
      #expect(fields["SigIgn"] == "0000000000000000")
      #expect(fields["Uid"] == "1000\t1000\t1000\t1000")
      #expect(fields["Gid"] == "1000\t1000\t1000\t1000")
      if effectiveUserIdentifier() == 0 { #expect(fields["Groups"] == "") }
    }

    @Test("has a session keyring of its own, whatever its filter lets it ask for")
    func keyring() async throws {
      // KEYCTL_DESCRIBE of KEY_SPEC_SESSION_KEYRING: type, user, group, permissions, name.
      let script = """
        import ctypes, platform
        number = 250 if platform.machine() == "x86_64" else 219
        text = ctypes.create_string_buffer(200)
        ctypes.CDLL(None).syscall(number, 6, -3, text, 200)
        print(text.value.decode())
        """
      let output = try await harness.run(.python(script)).output
      #expect(output.hasPrefix("keyring;1000;1000;") && output.hasSuffix(";_ses\n"), "\(output)")
    }

    @Test("may run on the processors on which its supervisor may")
    func processors() async throws {
      let output = try await harness.run(.shell("grep Cpus_allowed: /proc/self/status")).output
      let own = try #require(readSmallFile("/proc/self/status"))
      #expect(output.hasPrefix("Cpus_allowed:") && own.contains(output), "\(output)")
    }

    @Test("is in a session and a process group of its own")
    func session() async throws {
      // Fields 5 and 6 of proc(5)'s stat: process group and session.
      let output = try await harness.run(.shell("cut -d' ' -f5,6 /proc/$$/stat")).output
      #expect(output == "2 2\n")
    }

    @Test("finds nothing of pid 1 but that it may not look")
    func initIsClosed() async throws {
      let script = """
        import ctypes, os
        for name in ("environ", "maps", "mem", "fd", "root", "cwd", "exe", "ns/mnt"):
            try:
                os.listdir(f"/proc/1/{name}") if name == "fd" else os.readlink(f"/proc/1/{name}") if name in (
                    "root", "cwd", "exe", "ns/mnt") else open(f"/proc/1/{name}").read(1)
                print(name)
            except OSError:
                pass
        if ctypes.CDLL(None).ptrace(0x4206, 1, 0, 0) == 0:
            print("traced")
        """
      #expect(try await harness.run(.python(script)).output == "")
    }

    @Test("can neither stop nor end pid 1")
    func signalsToInit() async throws {
      let script = "for s in STOP KILL TERM HUP CHLD INT; do kill -$s 1; done; echo on; exit 7"
      let outcome = try await harness.run(.shell(script))
      #expect(outcome.output == "on\n")
      #expect(outcome.exit.status == .exited(code: 7))
    }

    @Test("is alone: two processes, the loopback that is down, its own host name and cgroup root")
    func namespaces() async throws {
      let script = """
        echo pid $$; ls -d /proc/[0-9]*; hostname; cat /proc/self/cgroup | grep ^0::
        cat /proc/net/dev 2>/dev/null | tail -n +3 | cut -d: -f1
        """
      let lines = try await harness.run(.shell(script)).output.split(separator: "\n").map(String.init)
      #expect(lines.first == "pid 2")
      // hidepid=invisible: pid 1 isn't dumpable and so isn't seen.
      #expect(!lines.contains("/proc/1"))
      #expect(lines.contains("worker"))
      #expect(lines.contains("0::/"))
      #expect(!lines.contains { $0.contains("eth") })
    }

    @Test("has its three streams, its socket and no other descriptor")
    func descriptors() async throws {
      let output = try await harness.run(.shell("cd /proc/$$/fd; for n in *; do readlink $n; done")).output
      // The directory that the shell itself had open is gone by the time its link would be read.
      let kinds = output.split(separator: "\n").compactMap { $0.split(separator: ":").first }
      #expect(kinds == ["pipe", "pipe", "pipe", "socket"], "\(output)")
      #expect(try await harness.run(.shell("read line || echo end")).output == "end\n")
    }

    @Test("sees what its plan shows and nothing else of the host")
    func files() async throws {
      let output = try await harness.run(.shell("echo /* /etc/* /dev/*; cat /etc/shadow /root/.profile")).output
      #expect(
        output == "/bin /dev /etc /lib /lib64 /proc /sbin /tmp /usr /etc/passwd /dev/null /dev/zero\n")
    }

    @Test("writes to its scratch and nowhere else")
    func writes() async throws {
      let script = """
        for place in / /usr /usr/bin /etc /dev /proc /tmp; do
          (echo x > $place/new) 2>/dev/null && echo $place
        done; (echo x >> /etc/passwd) 2>/dev/null && echo passwd; echo x > /dev/null && echo null
        """
      #expect(try await harness.run(.shell(script)).output == "/tmp\nnull\n")
      // The mounts alone refuse it as well.
      var plan = SandboxPlan.shell(script)
      plan.landlock = .harmless
      #expect(try await harness.run(plan).output == "/tmp\nnull\n")
    }

    @Test("is held by Landlock where its mounts and the modes of files would let it write")
    func landlockByItself() async throws {
      let open = FilesystemOperation.temporaryFilesystem(
        path("/open"), TemporaryFilesystem(sizeBytes: 1 << 16, inodes: 10, mode: 0o1777))
      var plan = SandboxPlan.shell("echo x > /open/x && echo wrote", adding: [open])
      let held = try await harness.run(plan)
      #expect(held.output == "")
      #expect(held.error.contains("Permission denied"), "\(held.error)")
      plan.landlock = .harmless
      #expect(try await harness.run(plan).output == "wrote\n")
    }

    @Test("has mounts that are nosuid, nodev, and noexec unless said otherwise")
    func mountFlags() async throws {
      let mounts = try await harness.run(.shell("cat /proc/self/mountinfo")).output.split(separator: "\n")
      for mount in mounts {
        let fields = mount.split(separator: " ").map(String.init)
        let (target, flags) = (fields[4], Set(fields[5].split(separator: ",").map(String.init)))
        #expect(flags.contains("nosuid"), "\(mount)")
        #expect(flags.contains("nodev") || target.hasPrefix("/dev/"), "\(mount)")
        #expect(flags.contains("noexec") || target == "/usr" || target == "/" || target.hasPrefix("/usr/"), "\(mount)")
        #expect(flags.contains("ro") || ["/tmp", "/proc"].contains(target) || target.hasPrefix("/dev/"), "\(mount)")
        // Nothing that the host mounts later propagates into the sandbox.
        #expect(!mount.contains("master:") && !mount.contains("shared:"), "\(mount)")
      }
      #expect(
        mounts.contains { $0.contains(" /proc ") && $0.contains("hidepid=invisible") && $0.contains("subset=pid") })
    }

    @Test("can't make a user namespace, not even one that its filter would allow")
    func nestedUserNamespaces() async throws {
      let outcome = try await harness.run(.shell("unshare -U true && echo made"))
      #expect(outcome.output == "")
      #expect(outcome.error.contains("No space left") || outcome.error.contains("not permitted"), "\(outcome.error)")
    }

    @Test("has the limits of its plan and can't raise them")
    func limits() async throws {
      #expect(try await harness.run(.shell("ulimit -n; ulimit -c; ulimit -n 4096 || echo no")).output == "256\n0\nno\n")
    }

    @Test("starts one program, and no other when the plan says so")
    func executesOnce() async throws {
      let script = "/bin/true && echo ran; (exec /bin/true) && echo ran; echo done"
      let outcome = try await harness.run(.shell(script, execution: .workerOnly))
      #expect(outcome.output == "done\n")
      #expect(outcome.error.contains("Permission denied"), "\(outcome.error)")
      #expect(outcome.exit.status == .exited(code: 0) && outcome.exit.deniedExecutions == 2)
      #expect(try await harness.run(.shell("/bin/true && echo ran")).output == "ran\n")
    }

    @Test("says what was enforced")
    func enforcement() async throws {
      let plan = SandboxPlan.fixture(["/bin/true"], execution: .workerOnly)
      let enforcement = try await harness.run(plan).enforcement
      #expect(enforcement.namespaces == Namespace.allCases)
      #expect(enforcement.landlockFilesystem == plan.landlock.handledFilesystem)
      #expect(enforcement.seccompInstructions == 5)
      #expect((enforcement.cgroup != nil) == (Harness.cgroupRoot != nil))
    }

    @Test("is asked to end, and is ended, with everything it has started")
    func ends() async throws {
      let polite = try await harness.launcher.launch(.shell("trap 'exit 9' TERM; while :; do sleep 0.01; done"))
      try await Task.sleep(for: .milliseconds(100))
      polite.terminate()
      #expect(await polite.exit().status == .exited(code: 9))

      let stubborn = try await harness.launcher.launch(.shell("trap '' TERM; (setsid sleep 1000 &); sleep 1000"))
      stubborn.terminate()
      stubborn.kill()
      #expect(await stubborn.exit().status == .killed)
      #expect(await stubborn.exit().cleanupErrors == [])
      stubborn.kill()
      stubborn.terminate()
    }

    @Test("talks over its socket, and its end is seen there")
    func connection() async throws {
      let sandbox = try await harness.launcher.launch(.shell("echo hello >&3"))
      #expect(await sandbox.exit().status == .exited(code: 0))
      #expect(readAll(sandbox.connection) == "hello\n")
      var byte: UInt8 = 0
      #expect(read(sandbox.connection.number, &byte, 1) == 0)
    }
  }
}
