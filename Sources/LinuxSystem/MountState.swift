import CLinux

/// How the place of a path is mounted.
package enum MountState {
  /// Whether nothing can be written there, whoever tries: EROFS. A path that isn't there is on no such mount.
  package static func isReadOnly(_ path: String) -> Bool { linux_mount_is_read_only(path) == 1 }
}
