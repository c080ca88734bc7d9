import Testing

@testable import LinuxSystem

@Suite("A process that dies")
struct CoreDumpTests {
  @Test("starts core_pattern's program where the hard limit is 0, and nowhere else")
  func programs() {
    #expect(CoreDumps.startProgram(pattern: "|/usr/lib/dump %p", hardLimit: 0))
    #expect(!CoreDumps.startProgram(pattern: "|/usr/lib/dump %p", hardLimit: 1))
    #expect(!CoreDumps.startProgram(pattern: "|/usr/lib/dump %p", hardLimit: .max))
    #expect(!CoreDumps.startProgram(pattern: "core", hardLimit: 0))
    #expect(CoreDumps.startProgram(pattern: nil, hardLimit: 0), "unknown is not safe")
  }
}
