import CLinux
import LinuxSystem

/// How to mend a launch that was refused, where the step and the errno tell.
enum Remedy {
  static func of(_ step: LaunchStep, _ code: ErrorCode) -> String? {
    switch (step, code) {
    case (.spawn, .operationNotPermitted), (.spawn, .accessDenied):
      "unprivileged user namespaces are forbidden here: set kernel.unprivileged_userns_clone=1 (Debian) or "
        + "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), or run as root; in a container, allow "
        + "clone with CLONE_NEWUSER in its seccomp profile"
    case (.spawn, .noSpace):
      "a limit of namespaces is reached: raise user.max_user_namespaces and the other user.max_*_namespaces by sysctl"
    case (.spawn, .tryAgain): "the limit of processes is reached: raise RLIMIT_NPROC or pids.max of the supervisor"
    case (.spawn, .invalidArgument), (.spawn, .noSystemCall):
      "the kernel is too old or built without a namespace: Linux 5.14 or later is needed; `orchestrator doctor` tells"
    case (.spawn, .deviceBusy): "the cgroup may hold no processes: give the supervisor a delegated one (Delegate=yes)"
    case (.mapUser, .operationNotPermitted), (.mapGroup, .operationNotPermitted):
      "the supervisor may not map this id: run it as root with cap_setuid and cap_setgid, or as an ordinary user"
    case (.mapOwner, .operationNotPermitted), (.mapOwner, .accessDenied):
      "to map the owner of a directory the supervisor needs cap_setuid, cap_setgid and cap_sys_admin: give it these, or "
        + "run it as an ordinary user"
    case (.makeCgroup, .accessDenied), (.makeCgroup, .operationNotPermitted), (.makeCgroup, .readOnlyFilesystem):
      "run the supervisor in a cgroup that is delegated to it: systemd's Delegate=yes, or systemd-run --user --scope"
    case (.loadDevices, .operationNotPermitted):
      "device programs take cap_bpf and cap_net_admin of the host: give the supervisor these, or run it as root"
    case (.attachDevices, .operationNotPermitted):
      "a group above the supervisor's has a device program that no other may stand beside: start the supervisor outside of it"
    case (.loadDevices, .invalidArgument), (.loadDevices, .noSystemCall), (.attachDevices, .invalidArgument):
      "use a kernel with CONFIG_CGROUP_BPF"
    case (.makeCgroup, .noSpace): "raise cgroup.max.descendants or cgroup.max.depth of the supervisor's cgroup"
    case (.mapOwner, .invalidArgument):
      "the filesystem of this directory can't be mounted with mapped ids: move it to ext4, xfs, btrfs or tmpfs, "
        + "or give the plugin's host user access to it and plan without mapping"
    case (_, .tooManyFiles), (_, .tooManyFilesInSystem): "raise the limit of open files: RLIMIT_NOFILE or fs.file-max"
    case (_, .noMemory): "the host is out of memory: run fewer workers at once"
    default: nil
    }
  }

  static func of(_ step: sandbox_step, _ code: ErrorCode) -> String? {
    switch (step, code) {
    // fcntl(2): a descriptor was asked for that lies above the limit.
    case (.descriptors, .invalidArgument), (.descriptors, .tooManyFiles):
      "raise the limit of open files to 128 or more: RLIMIT_NOFILE, ulimit -n"
    case (.source, .tooManyLinks): "the path has a symbolic link in it: name the directory that it leads to"
    case (.source, .notFound): "make it, or take the permission that names it away"
    case (.source, .accessDenied): "the supervisor's user may not reach it: change its mode, or run as one who may"
    case (.sourceKind, _): "it is something else than the plan says: it was replaced after the plan was made"
    case (.cloneTree, .invalidArgument):
      "something is mounted on it that must stay hidden from a new mount namespace: name a directory without it"
    case (.target, .tooManyLinks): "the target leads through a symbolic link: name the directory that it leads to"
    case (.create, .readOnlyFilesystem):
      "the target isn't there and lies in a read-only mount: choose another target"
    case (.userNamespaces, .readOnlyFilesystem), (.userNamespaces, .notFound):
      "/proc/sys must be writable by the supervisor: in a container, mount /proc without masks (--privileged, or "
        + "--security-opt unmask=ALL)"
    case (.hostname, .operationNotPermitted):
      "something keeps a process from naming a host of its own: in a container, allow sethostname in its seccomp profile "
        + "(--security-opt seccomp=unconfined); in a unit of systemd, leave out ProtectHostname="
    case (.mount, .operationNotPermitted):
      "a new /proc may only be mounted where the supervisor's own is whole: in a container, unmask it"
    case (.overlay, _):
      "the workspace or the state directory lies on a filesystem that overlayfs doesn't take: choose others with "
        + "--workspace and --state-dir"
    case (.pivot, .invalidArgument):
      "the root of the host is an initial ramdisk: start the supervisor on a mounted root filesystem"
    case (.landlockRuleset, .notSupported), (.landlockRuleset, .noSystemCall):
      "enable Landlock: boot with lsm=landlock,… or a kernel with CONFIG_SECURITY_LANDLOCK"
    case (.landlockRuleset, .noMessage): "the plan confines the worker's files by nothing: make it again on this host"
    case (.landlockRuleset, .invalidArgument): "the plan was made for a newer kernel: make it again on this host"
    case (.networkSocket, .addressFamilyNotSupported), (.networkSocket, .notSupported):
      "network permissions take a kernel with IPv4 and rtnetlink (CONFIG_INET); without them, revoke the grant"
    case (.networkLoopback, .operationNotPermitted), (.networkRoute, .operationNotPermitted),
      (.networkListen, .operationNotPermitted), (.networkListen, .accessDenied):
      "something on this host keeps a process from setting up a network namespace of its own: an AppArmor profile or "
        + "another security module; allow it cap_net_admin and cap_net_bind_service in user namespaces"
    case (.networkRoute, .notSupported), (.networkRoute, .invalidArgument):
      "network permissions take a kernel with IPv4 routing tables (CONFIG_INET); without them, revoke the grant"
    case (.landlockPort, .invalidArgument): "the plan was made for a newer kernel: make it again on this host"
    case (.workerSeccomp, .invalidArgument): "the kernel lacks CONFIG_SECCOMP_FILTER, or the filter is for another one"
    case (.workerExecute, .notFound): "the program, or the loader that it names, isn't visible in the sandbox"
    case (.workerExecute, .accessDenied):
      "the program isn't executable in the sandbox: the mount is noexec or Landlock has no rule for it"
    case (.executeInit, .accessDenied): "sandbox-init isn't executable: check its mode and the mount it lies on"
    case (_, .noMemory): "the host is out of memory: run fewer workers at once"
    default: nil
    }
  }
}
