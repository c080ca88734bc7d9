import CCap

/// What this process may do beyond its user's files: capabilities(7), under libcap's names.
package struct ProcessCapabilities: Hashable, Sendable {
  /// Those in effect, in the kernel's order: `cap_chown`, `cap_setuid`, ….
  package var effective: [String]
  /// The others that this kernel knows.
  package var absent: [String]

  package init(effective: [String], absent: [String]) {
    self.effective = effective
    self.absent = absent
  }

  /// Of the calling process; nil where the kernel doesn't say: cap_get_proc(3).
  package static func current() -> ProcessCapabilities? {
    guard let set = cap_get_proc() else { return nil }
    defer { cap_free(UnsafeMutableRawPointer(set)) }
    var result = ProcessCapabilities(effective: [], absent: [])
    for number in 0..<cap_max_bits() {
      var flag = CAP_CLEAR
      guard cap_get_flag(set, number, CAP_EFFECTIVE, &flag) == 0, let name = cap_to_name(number) else { continue }
      if flag == CAP_SET {
        result.effective.append(String(cString: name))
      } else {
        result.absent.append(String(cString: name))
      }
      cap_free(name)
    }
    return result
  }

  /// For people: short whatever the set.
  package var text: String {
    if effective.isEmpty { return "none" }
    if absent.isEmpty { return "all" }
    return absent.count < effective.count
      ? "all but \(absent.joined(separator: ", "))" : effective.joined(separator: ", ")
  }
}

/// How workers are started here, which follows from the user and the capabilities of the supervisor.
package enum LaunchMode: Hashable, Sendable {
  /// Each plugin as a host user of its own.
  case root
  /// As `root`, but no plugin can be given a directory to write to.
  case rootWithoutWriting
  /// As `root` wants it, and impossible without these.
  case incomplete(missing: [String])
  /// Every plugin as the supervisor's own user.
  case rootless

  /// To map ids other than its own: user_namespaces(7).
  private static let mapping = ["cap_setgid", "cap_setuid"]
  /// To mount a directory with its owner mapped to the worker: mount_setattr(2).
  private static let mounting = "cap_sys_admin"

  package init(user: UInt32, capabilities: ProcessCapabilities) {
    let missing = Self.mapping.filter { !capabilities.effective.contains($0) }
    if user != 0 {
      self = .rootless
    } else if !missing.isEmpty {
      self = .incomplete(missing: missing)
    } else {
      self = capabilities.effective.contains(Self.mounting) ? .root : .rootWithoutWriting
    }
  }
}
