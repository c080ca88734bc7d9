import Foundation
import LinuxSystem
import Testing

@Suite("Child programs")
struct ChildProgramTests {
  private func ending(_ script: String, adding variables: [String: String] = [:]) async throws -> ChildProgram.Ending {
    try await ChildProgram(["sh", "-c", script], adding: variables, in: "/").ending()
  }

  @Test("tell with which status they ended, and which signal ended them")
  func endings() async throws {
    #expect(try await ending("exit 0") == .exited(status: 0))
    #expect(try await ending("exit 42") == .exited(status: 42))
    #expect(try await ending("kill -9 $$") == .signalled(.kill))
  }

  @Test("have this program's variables, but those that are given to them")
  func variables() async throws {
    let script = "test \"$PATH\" = '\(ProcessInfo.processInfo.environment["PATH"] ?? "")' && test \"$ADDED\" = 'a b'"
    #expect(try await ending(script, adding: ["ADDED": "a b"]) == .exited(status: 0))
    #expect(try await ending("test \"$PATH\" = /bin", adding: ["PATH": "/bin"]) == .exited(status: 0))
  }

  @Test("start in their directory, and have the descriptor that they are passed")
  func descriptors() async throws {
    let (reading, writing) = try FileDescriptor.pipe()
    let child = try ChildProgram(
      ["sh", "-c", "test \"$PWD\" = /usr && echo told >&7"], in: "/usr",
      passing: (writing, 7))
    #expect(try await child.ending() == .exited(status: 0))
    writing.close()
    #expect(try reading.read(atMost: 10) == Array("told\n".utf8))
  }

  @Test("block no signal, whatever the thread that started them, and end by those that are sent to them")
  func signals() async throws {
    let child = try ChildProgram(["sleep", "60"], in: "/")
    child.send(.terminate)
    #expect(try await child.ending() == .signalled(.terminate))
    // It has no number any more.
    child.send(.kill)
    #expect(try await ending("grep -q 'SigBlk:.0*$' /proc/self/status") == .exited(status: 0))
  }

  @Test("that don't exist are told of at once")
  func missing() throws {
    #expect(throws: SystemError.self) { try ChildProgram(["/nowhere/at/all"], in: "/") }
    #expect(throws: SystemError.self) { try ChildProgram(["sh"], in: "/nowhere") }
  }
}
