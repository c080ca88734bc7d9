import Foundation
import PluginModel
import SandboxPlanning
import Testing

@testable import LinuxSystem
@testable import SandboxRuntime

extension RealSandboxes {
  @Suite("A worker that is watched")
  struct ObservationTests {
    let harness: Harness
    init() throws { harness = try Harness() }

    private func run(
      _ script: String, _ program: [UInt8] = Filter.allowAll, execution: ExecutionRule = .workerOnly
    ) async throws -> (outcome: Harness.Outcome, seen: Observation, denials: DenialRecord) {
      var plan = SandboxPlan.python(
        "import ctypes, os, sys, threading, time\nlibc = ctypes.CDLL(None, use_errno=True)\n" + script)
      plan.execution = execution
      plan.seccomp.program = program
      plan.seccomp.watch = SandboxPlan.watch(Filter.architecture)
      let sandbox = try await harness.launcher.launch(plan)
      let exit = await sandbox.exit()
      let outcome = Harness.Outcome(
        exit: exit, output: readAll(sandbox.standardOutput), error: readAll(sandbox.standardError),
        enforcement: sandbox.enforcement)
      let seen = try #require(await sandbox.takeObservation())
      return (outcome, seen, sandbox.takeDenials())
    }

    private func uses(_ seen: Observation, _ path: String) -> Set<ObservedPath.Use>? {
      seen.paths.first { $0.place?.text == path }?.uses
    }

    @Test("works as ever, and what it named is known: absolute, relative to a directory, and what for")
    func paths() async throws {
      let (outcome, seen, _) = try await run(
        """
        os.chdir("/tmp")
        os.mkdir("d")
        open("d/made", "w").close()
        open("/etc/passwd").read()
        handle = os.open("d", os.O_RDONLY | os.O_DIRECTORY)
        os.stat("made", dir_fd=handle)
        os.rename("d/made", "d/../d/other")
        os.access("/tmp/nothing", os.R_OK)
        print(os.listdir("d"))
        """)
      #expect(outcome.output == "['other']\n", "\(outcome.error)")
      #expect(outcome.exit.status == .exited(code: 0))
      #expect(uses(seen, "/tmp/d/made") == [.write, .change, .look])
      #expect(uses(seen, "/etc/passwd") == [.read])
      #expect(uses(seen, "/tmp/d") == [.change, .read, .list])
      #expect(uses(seen, "/tmp/d/other") == [.change])
      #expect(uses(seen, "/tmp/nothing") == [.look])
      let names = Set(seen.paths.map(\.path.text))
      #expect(names.contains("/tmp/d/../d/other") && names.contains("/tmp/d/made"))
      #expect(seen.unreadPaths == 0 && seen.furtherPaths == 0)
    }

    @Test("is denied by the kernel what it is denied otherwise, whatever it does, and programs by their number")
    func denied() async throws {
      let (outcome, seen, denials) = try await run(
        """
        def execve(path):
            try:
                os.execv(path, [b"x"])
            except OSError as error:
                return error.errno
        libc.ptrace(0, 0, 0, 0)
        print(ctypes.get_errno(), execve(b"/usr/bin/git"), execve(b"/usr/bin/git"))
        """, Filter.refusesPtrace)
      #expect(outcome.output == "1 13 13\n", "\(outcome.error)")
      #expect(denials.denials.map(\.attempt.target) == ["/usr/bin/git"] && denials.denials[0].count == 2)
      #expect(outcome.exit.deniedExecutions == 2)
      #expect(!seen.calls.keys.contains("number \(Filter.ptrace)"), "it never came to be asked about")
      #expect(!seen.paths.contains { $0.uses.contains(.execute) })
    }

    @Test("starts programs where it may, and those are known")
    func programs() async throws {
      let (outcome, seen, denials) = try await run("print(os.system('exit 3') >> 8)", execution: .allowed)
      #expect(outcome.output == "3\n", "\(outcome.error)")
      #expect(uses(seen, "/bin/sh")?.contains(.execute) == true, "\(seen.paths.map(\.path))")
      #expect(denials.isEmpty && seen.tasks >= 1)
    }

    @Test("in many threads at once, with signals, forks and waits, comes to its end and every call is counted")
    func threads() async throws {
      let clock = ContinuousClock.now
      let (outcome, seen, _) = try await run(
        """
        import signal
        fired = []
        signal.signal(signal.SIGALRM, lambda *a: fired.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
        answered = []
        def work():
            # A signal may come before the supervisor has taken the call: that one ends with EINTR, and was never made.
            answered.append(sum(libc.getppid() >= 0 for number in range(5000)))
            time.sleep(0.01)
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        stopped = False
        while not stopped:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                stopped = True
            except InterruptedError:
                pass
        children = [os.fork() or os._exit(7) for _ in range(20)]
        codes = {os.waitpid(child, 0)[1] >> 8 for child in children}
        print(codes, len(fired) > 0, sum(answered))
        """, execution: .allowed)
      let words = outcome.output.split(whereSeparator: \.isWhitespace)
      #expect(words.dropLast() == ["{7}", "True"], "\(outcome.error)")
      let answered = try #require(words.last.flatMap { Int($0) })
      #expect(answered > 30_000)
      #expect(seen.calls["number \(Filter.getppid)"] ?? 0 >= answered)
      #expect(ContinuousClock.now - clock < .seconds(30))
    }

    @Test("names more paths than there is room for: the first are kept, the rest are counted, and it ends by itself")
    func flood() async throws {
      let (outcome, seen, _) = try await run(
        """
        for number in range(20000):
            libc.access(b"/tmp/%d\\n" % number + b"x" * (number % 700), 0)
        print("done")
        """)
      #expect(outcome.output == "done\n", "\(outcome.error)")
      #expect(seen.paths.count == ObservedCalls.pathLimit)
      let kept = seen.paths.filter { $0.path.bytes.starts(with: "/tmp/".utf8) }.map(\.count).reduce(0, +)
      #expect(kept + seen.furtherPaths >= 20_000)
      #expect(seen.paths.contains { $0.path.isCut })
      #expect(seen.paths.allSatisfy { $0.place?.text.contains("\n") != true })
    }

    @Test("of one whose memory can't be read only the calls are known; it goes on all the same")
    func unreadable() async throws {
      let (outcome, seen, _) = try await run(
        """
        libc.prctl(4, 0, 0, 0, 0)
        print(libc.access(b"/usr/share/common-licenses", 4), libc.access(ctypes.c_void_p(1), 4))
        """)
      #expect(outcome.output == "0 -1\n", "\(outcome.error)")
      #expect(seen.unreadPaths >= 2)
      #expect(uses(seen, "/usr/share/common-licenses") == nil)
    }

    @Test("that is killed leaves all that it did until then, and the highest descriptor and its files in memory")
    func killed() async throws {
      var plan = SandboxPlan.python(
        "import os, time\nfd = os.dup2(1, 200)\nos.write(200, b'')\nopen('/tmp/big', 'wb').write(bytes(300000))\n"
          + "os.access('/tmp/last', 0)\nprint('done', flush=True)\ntime.sleep(60)")
      plan.seccomp.watch = SandboxPlan.watch(Filter.architecture)
      let sandbox = try await harness.launcher.launch(plan)
      while readAll(sandbox.standardOutput).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
      let before = try #require(await sandbox.takeObservation())
      #expect(before.scratchBytes >= 300_000 && before.openFiles == 201)
      #expect(uses(before, "/tmp/last") == [.look])
      sandbox.kill()
      _ = await sandbox.exit()
      let after = try #require(await sandbox.takeObservation())
      #expect(uses(after, "/tmp/last") == nil, "it was told already")
    }
  }
}

extension Filter {
  #if arch(x86_64)
    static let (architecture, getppid): (HostFacts.Architecture, Int) = (.x86_64, 110)
  #else
    static let (architecture, getppid): (HostFacts.Architecture, Int) = (.aarch64, 173)
  #endif
  /// ptrace is EPERM, all else is allowed.
  static var refusesPtrace: [UInt8] {
    bytes([(0x20, 0, 0, 0), (0x15, 0, 1, ptrace), (0x06, 0, 0, 0x0005_0001), (0x06, 0, 0, 0x7FFF_0000)])
  }
}
