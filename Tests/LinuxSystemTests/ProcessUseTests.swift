import Foundation
import Testing

@testable import LinuxSystem

@Suite("What a process uses")
struct ProcessUseTests {
  @Test("is read from its files, whatever it calls itself")
  func reading() throws {
    let stat = "7 (a) R 1 2 (x) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 20 5 20 0 9 0 100 1000000 77 18446744073709551615"
    let status =
      "Name:\tVmRSS: 1\nVmRSS:\t    2048 kB\nRssAnon:\t 1 kB\nRssShmem:\t 12 kB\nVmSwap:\t       4 kB\nThreads:\t9\n"
    let use = try #require(ProcessUse(stat: stat, status: status))
    #expect(use.processorTime == .milliseconds(2250))
    #expect(use.threads == 9)
    #expect(use.memory == 2052 << 10)
    #expect(use.mappedFiles == 12 << 10)
    #expect(ProcessUse(stat: stat, status: "")?.memory == 0)
    #expect(ProcessUse(stat: "7 (a", status: status) == nil)
    #expect(ProcessUse(stat: "7 (a) R 1", status: status) == nil)
  }

  @Test("is told of this process, and of none that isn't there")
  func own() throws {
    let use = try #require(ProcessUse(currentProcessIdentifier()))
    #expect(use.threads >= 1 && use.memory > 1 << 20)
    let share = try #require(ProcessUse.share(of: currentProcessIdentifier())).memory
    #expect(share > 1 << 19 && share <= use.memory + (64 << 20))
    #expect(ProcessUse(-1) == nil && ProcessUse.share(of: -1) == nil)
  }

  @Test("counts memfds by their pages, once known by their inodes, and no other file")
  func memfds() throws {
    let memory = try SealedMemory(copying: [UInt8](repeating: 1, count: 1 << 20))
    let own = try #require(MemoryFiles.memfd(memory.descriptor))
    #expect(own.bytes == 1 << 20)
    let (found, looked) = MemoryFiles.memfds(of: currentProcessIdentifier(), limit: 4096)
    #expect(found.contains(own) && looked > found.count)
    #expect(MemoryFiles.memfds(of: currentProcessIdentifier(), limit: 2).looked == 2)
    #expect(MemoryFiles.memfds(of: -1, limit: 9).looked == 0)
    let (reading, _) = try FileDescriptor.pipe()
    #expect(MemoryFiles.memfd(reading) == nil)
    #expect(MemoryFiles.bytesUsed(ofTemporaryFilesystem: "/proc") == 0)
    #expect(MemoryFiles.bytesUsed(ofTemporaryFilesystem: "/nowhere") == 0)
  }

  @Test("counts all that a process has started, whoever of its threads did")
  func family() throws {
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", "sh -c 'sleep 20 & sleep 20' & echo ready; wait"]
    let output = Pipe()
    shell.standardOutput = output
    try shell.run()
    defer {
      for process in descendants(of: shell.processIdentifier) + [shell.processIdentifier] { kill(process, SIGKILL) }
      shell.waitUntilExit()
    }
    _ = output.fileHandleForReading.availableData
    let deadline = Date(timeIntervalSinceNow: 10)
    while descendants(of: shell.processIdentifier).count < 3, Date() < deadline { usleep(10_000) }
    #expect(descendants(of: shell.processIdentifier).count == 3)
    #expect(descendants(of: currentProcessIdentifier()).contains(shell.processIdentifier))
  }
}
