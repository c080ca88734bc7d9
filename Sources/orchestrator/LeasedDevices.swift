import LinuxSystem
import PipelineEngine
import PluginModel
import SandboxPlanning
import SandboxRuntime
import Scheduling

/// GPUs that the supervisors of this host and user have by turns, by ``DeviceLeases``. What the scheduler calls a device is its name in full.
struct LeasedDevices: DeviceHolding {
  let leases: DeviceLeases
  /// Where files may be opened and locked.
  let thread: DedicatedThread
  /// Ends the idle workers that have one of these.
  let endIdle: @Sendable (Set<CDIDeviceReference>) async -> Void

  func take(_ devices: [GPUIdentifier]) async throws(NodeFailure) -> [HeldDevice] {
    let references = devices.compactMap(\.reference)
    do throws(SystemError) {
      return try await thread.run { [leases] () throws(SystemError) -> [HeldDevice] in
        let missing = try leases.take(references)
        return missing.map { HeldDevice(device: GPUIdentifier($0), process: leases.holder(of: $0)) }
      }
    } catch {
      throw NodeFailure(
        .sandbox, "it can't be made sure that nobody else uses the node's GPUs", cause: error.description)
    }
  }

  func look(
    at elsewhere: [GPUIdentifier], isWaiting: Bool, kept: [GPUIdentifier]
  ) async -> (free: Set<GPUIdentifier>, wanted: Set<GPUIdentifier>) {
    let (elsewhere, kept) = (elsewhere.compactMap(\.reference), kept.compactMap(\.reference))
    return await thread.run { [leases] in
      leases.want(isWaiting ? elsewhere : [])
      let free = elsewhere.filter { leases.isFree($0) }
      return (
        Set(free.map { GPUIdentifier($0) }), Set(leases.wantedElsewhere(kept).map { GPUIdentifier($0) })
      )
    }
  }

  func letGo(_ devices: Set<GPUIdentifier>) async {
    let references = devices.compactMap(\.reference)
    await endIdle(Set(references))
    leases.release(references)
  }
}

extension GPUIdentifier {
  init(_ reference: CDIDeviceReference) { self.init(reference.description) }

  /// Nil for a name that no description gives.
  var reference: CDIDeviceReference? { CDIDeviceReference(text) }
}
