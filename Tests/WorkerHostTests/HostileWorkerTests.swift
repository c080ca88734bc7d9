import Foundation
import LinuxSystem
import PluginModel
import SandboxRuntime
import Testing

@testable import WorkerHost

/// Each worker here breaks one rule; each must end in one failure that names it, with nothing left over.
@Suite("A hostile worker", .serialized)
struct HostileWorkerTests {
  @Test(
    "breaks a rule of the protocol, is killed, and the failure names the rule",
    arguments: [
      ("garbage", "it sent a frame of the unknown kind 47"),
      ("huge", "it announced 2147483648 bytes in a frame of the kind hello; the limit is 1048576"),
      ("truncated", "its stream ended in the middle of a frame"),
      ("unknown-kind", "it sent a frame of the unknown kind 12"),
      ("flags", "it sent a frame with the flags 1, which must be 0"),
      ("too-many", "it announced 65 file descriptors in one frame; the limit is 64"),
      ("supervisor-kind", "it sent cancel although only the supervisor does"),
      ("ready-first", "it sent ready before hello"),
      ("old-version", "it speaks version 0 of the protocol; this supervisor speaks 1"),
      ("deep", "the JSON of its hello frame is not accepted: "),
      ("not-an-object", "its hello frame is not understood: it is a list, not an object"),
      ("dribbles", "it sent 189 file descriptors that belong to no frame"),
      ("result-before-ack", "it sent result before the call's ack"),
      ("acks-twice", "it sent ack twice for one call"),
      ("unknown-call", "it sent result for call 8, which is not open"),
      ("pipe", "it sent 1 file descriptors that are not memfds"),
      ("file", "it sent 1 file descriptors that are not memfds"),
      ("unsealed", "the memory of its value \"aa\" is not sealed (F_SEAL bits 0xf are missing)"),
      // F_SEAL_SEAL, SHRINK, GROW and WRITE, each by itself.
      ("lacks-seal-1", "the memory of its value \"aa\" is not sealed (F_SEAL bits 0x1 are missing)"),
      ("lacks-seal-2", "the memory of its value \"aa\" is not sealed (F_SEAL bits 0x2 are missing)"),
      ("lacks-seal-4", "the memory of its value \"aa\" is not sealed (F_SEAL bits 0x4 are missing)"),
      ("lacks-seal-8", "the memory of its value \"aa\" is not sealed (F_SEAL bits 0x8 are missing)"),
      ("wrong-size", "the memory of its value \"aa\" has 99999 bytes and not the 100000 that were announced"),
      ("missing", "it sent a frame that claims 1 file descriptors, and 0 came"),
      ("unclaimed", "it sent 1 file descriptors that belong to no frame"),
      ("floods-log", "it sent more than 1048576 bytes of log and progress text in one call"),
      ("speaks-when-idle", "it sent progress for call 9, which is not open"),
    ])
  func violations(mode: String, rule: String) async throws {
    let failure = try await failure(of: mode)
    guard case .protocolViolation(let violation, _) = failure else {
      Issue.record("\(mode) ended in \(String(describing: failure))")
      return
    }
    #expect(violation.description.hasPrefix(rule))
    #expect(failure?.leavesWorkerUsable == false)
  }

  @Test("sends memory of huge pages, which may not be there when it is read")
  func hugePages() async throws {
    let failure = try await failure(of: "huge-pages")
    switch failure {
    case .protocolViolation(.memoryRefused(_, .hugePages), _): break
    // Where the kernel makes no such memfd, the fixture says so.
    case .crashed(let end): #expect(end.exit.status == .exited(code: 72))
    default: Issue.record("it ended in \(String(describing: failure))")
    }
  }

  @Test("sends a socket whose close waits 20 seconds: nobody waits for it")
  func lingering() async throws {
    let clock = ContinuousClock()
    let start = clock.now
    guard case .protocolViolation(.notMemory(count: 1), _) = try await failure(of: "lingering") else {
      Issue.record("it was not refused")
      return
    }
    #expect(start.duration(to: clock.now) < .seconds(10))
  }

  @Test("sends more descriptors than this process may open: what the kernel dropped is noticed")
  func truncatedDescriptors() async throws {
    await #expect(processExitsWith: .success) {
      let execution = try execution("any")
      let program = try Fixture.hostile.program()
      do {
        try await withWorker([program, "full"]) { worker in
          // MSG_CTRUNC of recvmsg(2): room for some of the 64 that come in one message.
          var limit = rlimit()
          getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
          limit.rlim_cur = rlim_t(openDescriptors().count + 24)
          setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
          _ = try await worker.execute(execution, limit: nil, report: { _ in })
        }
        exit(70)
      } catch WorkerFailure.resultsLost {
        exit(0)
      }
    }
  }

  @Test("may send as much as the limits allow")
  func full() async throws {
    #expect(try await failure(of: "full") == nil)
  }

  @Test("answers twice: the first answer stands, and the worker serves no more")
  func resultTwice() async throws {
    let command = [try Fixture.hostile.program(), "result-twice"]
    let execution = try execution("any")
    try await withWorker(command) { worker in
      _ = try await worker.execute(execution, limit: nil, report: { _ in })
      let failure = await #expect(throws: WorkerFailure.self) {
        _ = try await worker.execute(execution, limit: nil, report: { _ in })
      }
      #expect(failure?.cause == "it sent result for call 1, which is not open")
    }
  }

  @Test(
    "dies, and the failure tells how",
    arguments: [
      ("exits", "it exited with status 3"), ("segfaults", "it was ended by SIGSEGV (Segmentation fault)"),
      ("segfaults-at-initialize", "it was ended by SIGSEGV (Segmentation fault)"),
      ("exits-in-call", "it exited with status 4"), ("closes", "it was ended by SIGKILL (Killed)"),
    ])
  func deaths(mode: String, cause: String) async throws {
    let failure = try await failure(of: mode)
    guard case .crashed = failure else {
      Issue.record("\(mode) ended in \(String(describing: failure))")
      return
    }
    #expect(failure?.cause == cause)
    if mode == "exits-in-call" { #expect(failure?.lastOutput == ["last words"]) }
  }

  @Test("that says nothing is killed at the end of the start-up time", arguments: ["silent", "hangs-at-initialize"])
  func silence(mode: String) async throws {
    var limits = quickLimits
    limits.startup = .milliseconds(200)
    let failure = await #expect(throws: WorkerFailure.self) {
      try await withWorker([try Fixture.hostile.program(), mode], limits: limits) { _ in }
    }
    #expect(failure?.message == "the plugin was not ready within 200 ms")
  }

  @Test("that can't load its plugin is told apart from one that crashes")
  func loading() async throws {
    let failure = try await failure(of: "fails-to-load")
    #expect(failure?.message == "the plugin could not be loaded")
    #expect(failure?.cause == "ImportError: no module")
    #expect(failure?.traceback == "t")
  }

  @Test("that doesn't take a call is killed")
  func neverAcknowledges() async throws {
    #expect(try await failure(of: "never-acks")?.message == "the worker did not take the call within 400 ms")
  }

  @Test(
    "that runs past its deadline is asked, then terminated, then killed",
    arguments: ["heeds-sigterm", "ignores-cancel"])
  func deadline(mode: String) async throws {
    let clock = ContinuousClock()
    let start = clock.now
    let failure = try await failure(of: mode, limit: .milliseconds(100))
    #expect(failure?.message == "the node did not finish within 100 ms")
    // 100 ms, 200 ms to heed the cancel frame, and 200 ms to heed SIGTERM for the one that does not.
    #expect(start.duration(to: clock.now) >= .milliseconds(mode == "ignores-cancel" ? 500 : 300))
  }

  @Test("that ignores everything is gone when its task is cancelled")
  func cancellation() async throws {
    let command = [try Fixture.hostile.program(), "ignores-cancel"]
    let execution = try execution("any")
    try await withWorker(command) { worker in
      let (started, start) = AsyncStream<Void>.makeStream()
      let task = Task { try await worker.execute(execution, limit: nil) { if $0 == .started { start.finish() } } }
      for await _ in started {}
      task.cancel()
      guard case .failure(WorkerFailure.cancelled) = await task.result else {
        Issue.record("the call was not cancelled")
        return
      }
    }
  }

  @Test("writes escape sequences, and a terminal that shows its words obeys none")
  func escapes() async throws {
    let reports = Reports()
    let failure = try await failure(of: "escapes", reports: reports)
    #expect(failure?.cause == "E\\u{1b}[31m: a\\u{1b}[0mb")
    #expect(reports.lines == ["\\u{1b}]0;owned\\u{7}\\u{1b}[2Jhello\\u{d}world\\u{202e}\u{FFFD}"])
  }

  @Test("writes 1 GiB to standard output: all of it is read, little is kept")
  func flood() async throws {
    let before = try residentKibibytes()
    let reports = Reports()
    #expect(try await failure(of: "floods-stdout", reports: reports) == nil)
    let kept = reports.lines.reduce(0) { $0 + $1.utf8.count }
    #expect(kept <= quickLimits.output.callBytes + 8192)
    let discarded = (1 << 30) - quickLimits.output.callBytes
    #expect(reports.lines.contains { $0.hasPrefix("… \(discarded) more bytes were thrown away") })
    #expect(try residentKibibytes() - before < 64 * 1024)
  }

  @Test("leaves no descriptor and no process behind, whatever it did")
  func leaks() async throws {
    // What is opened once and kept, such as the fixture's directory and the compiler's pipes, comes first.
    _ = try await failure(of: "unsealed")
    let before = openDescriptors().count
    let memory = try residentKibibytes()
    for mode in ["garbage", "dribbles", "pipe", "unsealed", "missing", "unclaimed", "full", "exits", "segfaults"] {
      for _ in 0..<3 { _ = try await failure(of: mode) }
    }
    // Foreign descriptors are closed on a thread of their own.
    for _ in 0..<100 where openDescriptors().count > before { try await Task.sleep(for: .milliseconds(20)) }
    #expect(openDescriptors().count <= before)
    #expect(try residentKibibytes() - memory < 64 * 1024)
  }
}
