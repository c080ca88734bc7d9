import LinuxSystem
import PluginModel
import Testing

@testable import SandboxRuntime

/// Tables as hosts of each kind have them.
@Suite("The place of a process in the cgroup tree")
struct CgroupLocationTests {
  private func place(_ mounts: String, _ own: String) -> String? {
    CgroupLocation(mountInformation: mounts, ownCgroups: own)?.directory.text
  }

  private static let whole =
    "35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"

  @Test("is found for a service of systemd, for a scope of a user's own manager, and for the root of the tree")
  func unified() {
    #expect(
      place(Self.whole, "0::/system.slice/orchestrator.service\n") == "/sys/fs/cgroup/system.slice/orchestrator.service"
    )
    let scope = "/user.slice/user-1000.slice/user@1000.service/app.slice/run-r4f.scope"
    #expect(place(Self.whole, "0::\(scope)\n") == "/sys/fs/cgroup\(scope)")
    #expect(place(Self.whole, "0::/\n") == "/sys/fs/cgroup")
  }

  @Test("is in the second tree of a hybrid host, whatever the first trees say")
  func hybrid() {
    let mounts = """
      30 24 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
      31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:10 - cgroup2 cgroup2 rw
      32 30 0:28 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:11 - cgroup cgroup rw,xattr,name=systemd
      36 30 0:32 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:16 - cgroup cgroup rw,memory

      """
    let own = """
      9:memory:/user.slice/user-0.slice/session-1.scope
      1:name=systemd:/user.slice/user-0.slice/session-1.scope
      0::/user.slice/user-0.slice/session-1.scope

      """
    #expect(place(mounts, own) == "/sys/fs/cgroup/unified/user.slice/user-0.slice/session-1.scope")
  }

  @Test(
    "is the mount itself in a container with a cgroup namespace, and below it where the mount shows a part of the tree")
  func containers() {
    let namespaced = "1189 1183 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate\n"
    #expect(place(namespaced, "0::/\n") == "/sys/fs/cgroup")
    let part = "1189 1183 0:30 /system.slice/docker-4f0.scope /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n"
    #expect(place(part, "0::/system.slice/docker-4f0.scope\n") == "/sys/fs/cgroup")
    #expect(place(part, "0::/system.slice/docker-4f0.scope/init\n") == "/sys/fs/cgroup/init")
    #expect(place(part, "0::/system.slice/docker-4f01.scope\n") == nil)
  }

  @Test("is in the tree that its path leads to, not in one that another mount hides")
  func hidden() {
    let hybrid = """
      24 1 8:1 / / rw - ext4 /dev/a rw
      30 24 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro
      31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw

      """
    #expect(place(hybrid, "0::/\n") == "/sys/fs/cgroup/unified")
    // The version 2 tree was bound over the directory of all of them, or over the root of them all.
    #expect(place(hybrid + "40 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/a\n") == "/sys/fs/cgroup/a")
    #expect(place(hybrid + "40 24 8:2 / / rw - ext4 /dev/b rw\n", "0::/\n") == nil)
    #expect(place(hybrid + "40 31 0:40 / /sys/fs/cgroup/unified rw - tmpfs none rw\n", "0::/\n") == nil)
    // Neither a neighbour, nor what the tree itself hides, is in its way.
    #expect(
      place(hybrid + "40 30 0:40 / /sys/fs/cgroup/uni rw - tmpfs none rw\n", "0::/\n") == "/sys/fs/cgroup/unified")
    #expect(
      place(hybrid + "29 24 0:40 / /sys/fs/cgroup/unified rw - tmpfs none rw\n", "0::/\n") == "/sys/fs/cgroup/unified")
  }

  @Test("is nowhere where no tree shows it")
  func nowhere() {
    // Only version 1; no table; a process that was moved out of its own namespace's part of the tree.
    #expect(place(Self.whole, "4:memory:/x\n") == nil)
    #expect(place("36 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "4:memory:/x\n0::/x\n") == nil)
    #expect(place("", "0::/\n") == nil)
    #expect(place(Self.whole, "0::/../other\n") == nil)
    #expect(place("35 24 0:30 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/\n") == nil)
  }
}
