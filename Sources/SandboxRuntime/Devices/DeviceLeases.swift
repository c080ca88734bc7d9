import LinuxSystem
import SandboxPlanning

/// Which devices a supervisor has alone among all supervisors of this host and user: a locked file each, in a directory of root's
/// or of the user's own. The kernel gives a lock back when its process dies, so that nothing is left to be cleaned.
///
/// Root's and a user's supervisors don't see each other's: a file that one could lock for the other could be locked by anybody.
///
/// Whoever waits for a device says so with a lock on a second file: a holder that keeps the device for a worker which may serve
/// another node then lets go of it.
package final class DeviceLeases: Sendable {
  private let directory: String
  private struct State: Sendable {
    var held: [CDIDeviceReference: FileLock] = [:]
    var wanted: [CDIDeviceReference: FileLock] = [:]
  }
  private let state = Lock(State())

  /// Makes the directory.
  /// - Throws: where it can't be made, belongs to another, or can be written by others.
  package init(directory: String) throws(FileError) {
    self.directory = directory
    // Whoever could write to the one above could put another in its place.
    for path in [directory + "/..", directory] {
      let status = try Directory(making: path, permissions: 0o700).status(".")
      guard status.owner == ProcessEnvironment.effectiveUser, !status.isWritableByOthers else {
        throw .system(SystemError("open", path, .accessDenied))
      }
    }
  }

  /// Takes all of them, or none. What is held already stays.
  /// - Returns: those that another supervisor has; empty: all were taken.
  package func take(_ devices: [CDIDeviceReference]) throws(SystemError) -> [CDIDeviceReference] {
    try state.withLock { state throws(SystemError) in
      var taken: [CDIDeviceReference: FileLock] = [:]
      var missing: [CDIDeviceReference] = []
      // In one order, so that two that want the same don't each get half.
      for device in devices.sorted() where state.held[device] == nil {
        if let lock = try FileLock(path(device), .exclusive) { taken[device] = lock } else { missing.append(device) }
      }
      guard missing.isEmpty else { return missing }
      for (device, lock) in taken {
        // For people who look; nothing is decided on it.
        try? lock.write("\(currentProcessIdentifier())\n")
        state.held[device] = lock
        state.wanted[device] = nil
      }
      return []
    }
  }

  /// Whether no other supervisor has it at this moment: one may the next.
  package func isFree(_ device: CDIDeviceReference) -> Bool {
    state.withLock { state in
      state.held[device] != nil || ((try? FileLock(path(device), .exclusive)) ?? nil) != nil
    }
  }

  package func release(_ devices: [CDIDeviceReference]) {
    state.withLock { state in for device in devices { state.held[device] = nil } }
  }

  /// Says, until they are taken or this is called with others, that they are waited for.
  package func want(_ devices: [CDIDeviceReference]) {
    state.withLock { state in
      state.wanted = state.wanted.filter { devices.contains($0.key) }
      for device in devices where state.wanted[device] == nil {
        state.wanted[device] = (try? FileLock(path(device) + ".wanted", .shared)) ?? nil
      }
    }
  }

  /// Those of `devices` that another supervisor waits for.
  package func wantedElsewhere(_ devices: [CDIDeviceReference]) -> [CDIDeviceReference] {
    devices.filter { device in
      state.withLock { $0.wanted[device] == nil }
        && ((try? FileLock(path(device) + ".wanted", .exclusive)) ?? nil) == nil
    }
  }

  /// The process that has it, by its own word; nil where none says so.
  package func holder(of device: CDIDeviceReference) -> Int32? {
    readSmallFile(path(device), limit: 64).flatMap { Int32($0.prefix { $0.isNumber }) }
  }

  /// `nvidia.com%2Fgpu=0`: a kind has one slash, and neither has a percent sign.
  private func path(_ device: CDIDeviceReference) -> String {
    "\(directory)/\(device.description.replacing("/", with: "%2F"))"
  }
}
