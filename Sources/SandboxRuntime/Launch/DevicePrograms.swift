import LinuxSystem
import SandboxPlanning

/// Device programs that the kernel has checked, kept since most workers see the same devices: one may be attached to many
/// groups, and checking it takes longer than that.
final class DevicePrograms: Sendable {
  private static let capacity = 64
  private let programs = Lock<[DeviceProgram: FileDescriptor]>([:])

  func loaded(_ program: DeviceProgram, _ kernel: any SandboxKernel) throws(SystemError) -> FileDescriptor {
    if let known = programs.withLock({ $0[program] }) { return known }
    let loaded = try kernel.loadDeviceProgram(program.bytes)
    programs.withLock { programs in
      if programs.count >= Self.capacity { programs = [:] }
      programs[program] = loaded
    }
    return loaded
  }
}
