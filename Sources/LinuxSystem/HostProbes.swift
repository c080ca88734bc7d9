import CLinux
import Glibc

/// Questions to this kernel that are answered by trying. Each is one system call, or one child that ends at once.
package enum HostProbes {
  /// 0 where the kernel has no Landlock or it is off: landlock_create_ruleset(2).
  package static func landlockABI() -> Int { max(0, Int(sandbox_landlock_abi())) }

  /// SECCOMP_RET_USER_NOTIF, SECCOMP_GET_ACTION_AVAIL of seccomp(2).
  package static func seccompUserNotification() -> Bool { sandbox_notification_available() == 0 }

  /// Makes these namespaces for a child that ends at once: clone3(2). Nil when it works.
  package static func namespaces(_ flags: UInt64) -> ErrorCode? {
    do throws(SystemError) {
      let stack = try SpawnStack()
      let result = sandbox_probe_namespaces(stack.stack, flags)
      return result < 0 ? ErrorCode(rawValue: -result) : nil
    } catch {
      return error.code
    }
  }

  /// Names a new UTS namespace, sethostname(2). Nil when it works.
  package static func hostName() -> ErrorCode? {
    do throws(SystemError) {
      let stack = try SpawnStack()
      let result = sandbox_probe_host_name(stack.stack)
      return result < 0 ? ErrorCode(rawValue: -result) : nil
    } catch {
      return error.code
    }
  }

  /// Mounts an overlay of the directories `lower`, `upper` and `work` in `directory`, as an ordinary user in a user namespace
  /// may: overlayfs with `userxattr`, Linux 5.11. Nil when it works.
  package static func overlay(in directory: String) -> ErrorCode? {
    do throws(SystemError) {
      let stack = try SpawnStack()
      let result = sandbox_probe_overlay(stack.stack, directory, geteuid(), getegid())
      return result < 0 ? ErrorCode(rawValue: -result) : nil
    } catch {
      return error.code
    }
  }

  /// What a path leads to with every link followed; nil when it leads nowhere: realpath(3).
  package static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// What a symbolic link says; nil for anything else: readlink(2).
  package static func linkDestination(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        text.baseAddress.map { readlink(path, $0, text.count) } ?? -1
      }
    }
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }

  package static func isDirectory(_ path: String) -> Bool { kind(path) == S_IFDIR }
  package static func isRegularFile(_ path: String) -> Bool { kind(path) == S_IFREG }
  package static func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }
  package static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

  private static func kind(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }
}
