import Foundation
import PluginModel
import SandboxPlanning
import Testing

@testable import LinuxSystem
@testable import SandboxRuntime

extension RealSandboxes {
  @Suite("What pid 1 refuses it tells,")
  struct RefusedCallTests {
    let harness: Harness
    init() throws { harness = try Harness() }

    private static let header = """
      import ctypes, os, sys, threading, time
      libc = ctypes.CDLL(None, use_errno=True)
      def execve(path):
          try:
              os.execv(path, [b"x"])
          except OSError as error:
              return error.errno

      """

    private func run(_ script: String) async throws -> (outcome: Harness.Outcome, denials: DenialRecord) {
      var plan = SandboxPlan.python(Self.header + script)
      plan.execution = .workerOnly
      plan.seccomp.program = Filter.telling
      plan.seccomp.tellsDenials = true
      let sandbox = try await harness.launcher.launch(plan)
      let exit = await sandbox.exit()
      let outcome = Harness.Outcome(
        exit: exit, output: readAll(sandbox.standardOutput), error: readAll(sandbox.standardError),
        enforcement: sandbox.enforcement)
      return (outcome, sandbox.takeDenials())
    }

    private func path(of denial: Denial?) -> UntrustedBytes? {
      if case .execution(let path)? = denial?.attempt { path } else { nil }
    }

    @Test("with the path, how often and by whom")
    func paths() async throws {
      let (outcome, record) = try await run(
        """
        print([execve(b"/usr/bin/git"), execve(b"/usr/bin/git"), execve(b"/bin/\\xff\\n\\x1b[2J")])
        """)
      #expect(outcome.output == "[13, 13, 13]\n", "\(outcome.error)")
      #expect(record.denials.map(\.count) == [2, 1] && record.further == 0)
      #expect(record.denials.allSatisfy { $0.isCountExact && $0.evidence == .certain })
      #expect(path(of: record.denials.first)?.text == "/usr/bin/git")
      #expect(path(of: record.denials.last)?.bytes == Array("/bin/".utf8) + [0xFF, 0x0A, 0x1B] + Array("[2J".utf8))
      #expect(record.denials.first?.process?.text == "python3")
      #expect(outcome.exit.deniedExecutions == 3)
    }

    @Test("with the error that the filter itself gave before, and the family of a socket")
    func errors() async throws {
      let (outcome, record) = try await run(
        """
        import socket
        def attempt(family):
            try:
                socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                return error.errno
        print([attempt(f) for f in (2, 10, 2, 40)], libc.ptrace(0, 0, 0, 0), ctypes.get_errno())
        """)
      #expect(outcome.output == "[1, 1, 1, 1] -1 1\n", "\(outcome.error)")
      #expect(
        record.denials.map(\.attempt.target) == ["AF_INET", "AF_INET6", "AF_VSOCK", "number \(Filter.ptrace)"])
      #expect(record.denials.map(\.count) == [2, 1, 1, 1])
      #expect(record.denials.map { $0.permission?.description } == ["network.http", "network.http", nil, nil])
    }

    @Test("also where the memory of who tries can't be read, or the path lies nowhere: refused, and told without it")
    func unreadable() async throws {
      let (outcome, record) = try await run(
        """
        libc.prctl(4, 0, 0, 0, 0)
        first = execve(b"/usr/bin/git")
        libc.prctl(4, 1, 0, 0, 0)
        number = \(Filter.execve)
        seen = set()
        for address in (0, 1, 2**47 - 1, 2**63, 2**64 - 1):
            libc.syscall(ctypes.c_long(number), ctypes.c_ulong(address), 0, 0)
            seen.add(ctypes.get_errno())
        print(first, seen)
        """)
      #expect(outcome.output == "13 {13}\n", "\(outcome.error)")
      #expect(record.denials.count == 1 && record.denials[0].attempt == .execution(nil))
      #expect(record.denials[0].count == 6)
    }

    @Test("a path that ends with its page is read to there, and a long one is cut")
    func boundaries() async throws {
      let (outcome, record) = try await run(
        """
        import mmap
        libc.mmap.restype = ctypes.c_void_p
        pages = libc.mmap(None, ctypes.c_size_t(8192), 3, 0x22, -1, 0)
        libc.munmap(ctypes.c_void_p(pages + 4096), ctypes.c_size_t(4096))
        ctypes.memmove(pages + 4096 - 6, b"/a/bc\\0", 6)
        libc.syscall(ctypes.c_long(\(Filter.execve)), ctypes.c_ulong(pages + 4096 - 6), 0, 0)
        ctypes.memmove(pages + 4096 - 3, b"/ab", 3)
        libc.syscall(ctypes.c_long(\(Filter.execve)), ctypes.c_ulong(pages + 4096 - 3), 0, 0)
        execve(b"/" + b"x" * 3000)
        """)
      #expect(outcome.exit.status == .exited(code: 0), "\(outcome.error)")
      let paths = record.denials.map { path(of: $0) }
      #expect(paths.map { $0?.bytes.count } == [5, 3, UntrustedBytes.limit])
      #expect(paths.map { $0?.isCut } == [false, true, true])
    }

    @Test(
      "a hundred thousand attempts by many threads at once are told in a few messages, and the worker ends by itself")
    func flood() async throws {
      let (outcome, record) = try await run(
        """
        arguments = (ctypes.c_char_p * 2)(b"x", None)
        def work(number):
            for _ in range(25000):
                if libc.execv(b"/usr/bin/p%d" % number, arguments) == 0 or ctypes.get_errno() != 13:
                    os._exit(1)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print("done")
        """)
      #expect(outcome.output == "done\n", "\(outcome.error)")
      #expect(outcome.exit.status == .exited(code: 0) && outcome.exit.deniedExecutions == 100_000)
      #expect(record.denials.map(\.count) == [25_000, 25_000, 25_000, 25_000] && record.further == 0)
    }

    @Test("more different ones than there is room for are counted, and the worker's end is told all the same")
    func manyPaths() async throws {
      let (outcome, record) = try await run(
        """
        for number in range(1000):
            execve(b"/" + (b"%d" % number) + b"x" * 600)
        """)
      #expect(outcome.exit.status == .exited(code: 0))
      #expect(record.denials.count == DenialRecord.limit && record.denials.allSatisfy { $0.count == 1 })
      #expect(record.further == UInt64(1000 - DenialRecord.limit))
    }

    @Test("callers that are killed while they wait leave pid 1 to the others")
    func killed() async throws {
      let (outcome, record) = try await run(
        """
        children = []
        for _ in range(40):
            child = os.fork()
            if child == 0:
                while True:
                    execve(b"/usr/bin/killed")
            children.append(child)
        for child in children:
            time.sleep(0.002)
            os.kill(child, 9)
            os.waitpid(child, 0)
        print(execve(b"/usr/bin/last"))
        """)
      #expect(outcome.output == "13\n", "\(outcome.error)")
      #expect(outcome.exit.status == .exited(code: 0))
      #expect(record.denials.map { path(of: $0)?.text } == ["/usr/bin/killed", "/usr/bin/last"])
      #expect(record.denials.last?.count == 1)
    }

    @Test("of a worker that is killed, at least that it was; asked before, how often")
    func collected() async throws {
      for asks in [false, true] {
        var plan = SandboxPlan.python(
          Self.header + "for _ in range(500): execve(b'/usr/bin/git')\nprint('done', flush=True)\ntime.sleep(60)")
        plan.execution = .workerOnly
        plan.seccomp.program = Filter.telling
        plan.seccomp.tellsDenials = true
        let sandbox = try await harness.launcher.launch(plan)
        while readAll(sandbox.standardOutput).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        if asks {
          await sandbox.collectDenials()
          await sandbox.collectDenials()
        }
        sandbox.kill()
        _ = await sandbox.exit()
        let record = sandbox.takeDenials()
        #expect(record.denials.count == 1)
        #expect(record.denials.first?.count == (asks ? 500 : 1) && record.denials.first?.isCountExact == asks)
        #expect(sandbox.takeDenials().isEmpty)
      }
    }

    @Test("where programs may be started, they are; other calls are refused and told of")
    func allowedExecution() async throws {
      var plan = SandboxPlan.python(
        "import os\nprint(os.system('exit 3') >> 8, flush=True)\nimport ctypes\nctypes.CDLL(None).ptrace(0,0,0,0)")
      plan.seccomp.program = Filter.tellingOnlyPtrace
      plan.seccomp.tellsDenials = true
      let sandbox = try await harness.launcher.launch(plan)
      #expect(await sandbox.exit().status == .exited(code: 0))
      #expect(readAll(sandbox.standardOutput) == "3\n")
      #expect(sandbox.takeDenials().denials.map(\.attempt.target) == ["number \(Filter.ptrace)"])
    }
  }
}

extension Filter {
  #if arch(x86_64)
    static let (execve, execveat, socket, ptrace): (UInt32, UInt32, UInt32, UInt32) = (59, 322, 41, 101)
  #else
    static let (execve, execveat, socket, ptrace): (UInt32, UInt32, UInt32, UInt32) = (221, 281, 198, 117)
  #endif
  private static let asked = (UInt16(0x06), UInt8(0), UInt8(0), UInt32(0x7FC0_0000))
  private static let allowed = (UInt16(0x06), UInt8(0), UInt8(0), UInt32(0x7FFF_0000))

  /// execve, execveat, ptrace and every socket that isn't AF_UNIX are asked about, all else is allowed.
  static var telling: [UInt8] {
    bytes([
      (0x20, 0, 0, 0), (0x15, 6, 0, execve), (0x15, 5, 0, execveat), (0x15, 4, 0, ptrace), (0x15, 0, 2, socket),
      (0x20, 0, 0, 16), (0x15, 0, 1, 1), allowed, asked,
    ])
  }

  static var tellingOnlyPtrace: [UInt8] { bytes([(0x20, 0, 0, 0), (0x15, 0, 1, ptrace), asked, allowed]) }
}
