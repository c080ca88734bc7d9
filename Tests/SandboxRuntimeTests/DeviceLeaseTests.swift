import Foundation
import LinuxSystem
import SandboxPlanning
import Testing

@testable import SandboxRuntime

/// Two of them, as two supervisors have: a lock belongs to the open file, flock(2).
@Suite("A lease of a device")
struct DeviceLeaseTests {
  private let directory = NSTemporaryDirectory() + "leases-\(UUID().uuidString)/devices"
  private let zero = CDIDeviceReference(kind: .nvidiaGPU, device: CDIDeviceName(unchecked: "0"))
  private let one = CDIDeviceReference(kind: .nvidiaGPU, device: CDIDeviceName(unchecked: "GPU-1:0"))

  private func withTwo(_ body: (DeviceLeases, DeviceLeases) throws -> Void) throws {
    defer { try? FileManager.default.removeItem(atPath: directory + "/..") }
    try body(try DeviceLeases(directory: directory), try DeviceLeases(directory: directory))
  }

  @Test("is one supervisor's at a time; several are taken together or not at all")
  func exclusive() throws {
    try withTwo { (first, second) throws in
      #expect(try first.take([one]) == [])
      #expect(try first.take([one]) == [], "what is held stays")
      #expect(try second.take([zero, one]) == [one])
      #expect(try first.take([zero]) == [], "the other took none")
      first.release([zero, one])
      #expect(try second.take([one, zero]) == [])
      #expect(second.holder(of: one) == currentProcessIdentifier())
    }
  }

  @Test("can be asked for without being taken or given up")
  func asking() throws {
    try withTwo { (first, second) throws in
      #expect(first.isFree(zero) && second.isFree(zero))
      #expect(try first.take([zero]) == [])
      #expect(first.isFree(zero) && !second.isFree(zero))
      #expect(try second.take([zero]) == [zero], "whoever asked has it still")
    }
  }

  @Test("is given back by the kernel when its holder is gone")
  func death() throws {
    try withTwo { _, second in
      do {
        let third = try DeviceLeases(directory: directory)
        #expect(try third.take([zero]) == [])
        #expect(try second.take([zero]) == [zero])
      }
      #expect(try second.take([zero]) == [])
    }
  }

  @Test("is known to be wanted by another, never by its holder itself")
  func wanted() throws {
    try withTwo { first, second in
      _ = try first.take([zero, one])
      #expect(first.wantedElsewhere([zero, one]) == [])
      second.want([one])
      #expect(first.wantedElsewhere([zero, one]) == [one])
      #expect(second.wantedElsewhere([one]) == [])
      second.want([])
      #expect(first.wantedElsewhere([zero, one]) == [])
      second.want([zero])
      first.release([zero])
      _ = try second.take([zero])
      #expect(first.wantedElsewhere([zero]) == [], "it has it now")
    }
  }

  @Test("is refused in a directory that others may write to, or that leads elsewhere")
  func foreignDirectory() throws {
    defer { try? FileManager.default.removeItem(atPath: directory + "/..") }
    let parent = (directory as NSString).deletingLastPathComponent
    _ = try DeviceLeases(directory: directory)
    for path in [directory, parent] {
      try #require(chmod(path, 0o777) == 0)
      #expect(throws: FileError.self) { _ = try DeviceLeases(directory: directory) }
      try #require(chmod(path, 0o700) == 0)
    }
    let leases = try DeviceLeases(directory: directory)
    try FileManager.default.createSymbolicLink(
      atPath: directory + "/nvidia.com%2Fgpu=0", withDestinationPath: directory + "/elsewhere")
    #expect(throws: SystemError.self) { _ = try leases.take([zero]) }
    #expect(!FileManager.default.fileExists(atPath: directory + "/elsewhere"))
  }
}
