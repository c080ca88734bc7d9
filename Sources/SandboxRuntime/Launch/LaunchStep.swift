import CLinux
import PluginModel
import SandboxPlanning

/// A step of a launch on the supervisor's side. Those inside the sandbox are `sandbox_step`.
package enum LaunchStep: Hashable, Sendable, CaseIterable {
  case encodePlan
  case sealPlan
  case openControl
  case openConnection
  case openOutput
  case openError
  case makeCgroup
  case limitCgroup
  case openCgroup
  case loadDevices
  case attachDevices
  case makeNetwork
  case openWorkspace
  case makeStaging
  case holdUserNamespace
  case mapOwner
  case spawn
  case denyGroups
  case mapGroup
  case mapUser
  case release
  case awaitListeners
  case startRelay
  case awaitNetwork
  case startNetworkProgram
  case connectNetwork
  case releaseNetwork
  case awaitReady

  /// For a person, after "refused at the step".
  var words: String {
    switch self {
    case .encodePlan: "encode the plan"
    case .sealPlan: "put the plan into sealed memory"
    case .openControl: "open the control socket"
    case .openConnection: "open the worker's socket"
    case .openOutput: "open the pipe for standard output"
    case .openError: "open the pipe for standard error"
    case .makeCgroup: "make the worker's cgroup"
    case .limitCgroup: "set a limit of the worker's cgroup"
    case .openCgroup: "open the worker's cgroup"
    case .loadDevices: "have the kernel check the worker's device program"
    case .attachDevices: "attach the device program to the worker's cgroup"
    case .makeNetwork: "make the network namespace"
    case .openWorkspace: "open the workspace"
    case .makeStaging: "make the directory for the node's writes"
    case .holdUserNamespace: "make the user namespace that maps a file owner"
    case .mapOwner: "map the owner of a writable directory to the worker"
    case .spawn: "make the namespaces"
    case .denyGroups: "forbid setgroups in the user namespace"
    case .mapGroup: "map the worker's group"
    case .mapUser: "map the worker's user"
    case .release: "release the first process"
    case .awaitListeners: "take over the sockets of the sandbox's network"
    case .startRelay: "start the relay of the sandbox's network"
    case .awaitNetwork: "wait for the sandbox's network namespace"
    case .startNetworkProgram: "start pasta for the sandbox's network"
    case .connectNetwork: "wait for pasta to connect the sandbox's network"
    case .releaseNetwork: "tell the first process that its network is connected"
    case .awaitReady: "wait for the worker to start"
    }
  }
}

extension sandbox_step {
  /// For a person, after "refused at the step"; the operation, rule or limit `index` names what it was about.
  func words(_ plan: SandboxPlan, index: Int?) -> String {
    let subject = self.subject(plan, index: index).map { " \($0)" } ?? ""
    return switch self {
    case .descriptors: "arrange the descriptors"
    case .ambient: "keep the capabilities that building the root needs"
    case .release: "wait for the id maps"
    case .executeInit: "execute sandbox-init"
    case .readPlan: "read the plan"
    case .parentDeath: "tie the sandbox to the supervisor"
    case .userNamespaces: "turn nested user namespaces off"
    case .source: "open the source of\(subject)"
    case .sourceKind: "check what the source is of\(subject)"
    case .cloneTree: "clone the source of\(subject)"
    case .restrictTree: "restrict\(subject)"
    case .identity: "become the worker's user"
    case .newRoot: "make the new root"
    case .target: "open the target of\(subject)"
    case .create: "make the target of\(subject)"
    case .mount: "mount\(subject)"
    case .overlay: "mount the overlay for\(subject)"
    case .readOnly: "carry out\(subject)"
    case .pivot: "enter the new root"
    case .hostname: "set the host name"
    case .keyring: "start a keyring of its own"
    case .directory: "enter the working directory"
    case .networkSocket: "ask for the sandbox's own network"
    case .networkLoopback: "start the loopback interface"
    case .networkRoute: "lead\(subject) to the loopback interface"
    case .networkListen: "open\(subject)"
    case .networkHandOver: "hand the sockets of the network to the supervisor"
    case .networkAwait: "wait for the network to be connected"
    case .networkRefuse: "refuse\(subject) to the network"
    case .noNewPrivileges: "set no_new_privs"
    case .landlockRuleset: "make the Landlock ruleset"
    case .landlockRule, .landlockPort: "add\(subject)"
    case .landlockEnforce: "enforce Landlock"
    case .capabilities: "drop all capabilities"
    case .verify: "verify that all privileges are gone"
    case .workerInput: "make the worker's standard input"
    case .workerClone: "start the worker"
    case .workerSession: "start the worker's session"
    case .workerLimit: "set\(subject)"
    case .workerSignals: "reset the worker's signals"
    case .workerSeccomp: "install the system-call filter"
    case .workerNotification: "answer the filter for the worker's own program"
    case .workerExecute: "execute the worker's program"
    }
  }

  /// What the system call was about: a path, a limit's name, the program.
  func target(_ plan: SandboxPlan, index: Int?) -> String? {
    switch self {
    case .source, .sourceKind, .cloneTree, .restrictTree:
      guard let index, plan.filesystem.indices.contains(index), case .bind(let bind) = plan.filesystem[index]
      else { return nil }
      return bind.source.text
    case .target, .create, .mount, .overlay, .readOnly:
      guard let index, plan.filesystem.indices.contains(index) else { return nil }
      return plan.filesystem[index].target.text
    case .landlockRule:
      guard let index, plan.landlock.rules.indices.contains(index) else { return nil }
      return plan.landlock.rules[index].path.text
    case .landlockPort:
      guard let index, plan.landlock.connectPorts.indices.contains(index) else { return nil }
      return "port \(plan.landlock.connectPorts[index])"
    case .networkListen:
      guard let index, let listeners = plan.relay?.listeners, listeners.indices.contains(index) else { return nil }
      return listeners[index].description
    case .networkRoute:
      guard let index, let routes = plan.relay?.routes, routes.indices.contains(index) else { return nil }
      return routes[index].description
    case .networkLoopback: return "lo"
    case .networkRefuse:
      guard let index, let refused = plan.openNetwork?.refusedNetworks, refused.indices.contains(index) else {
        return nil
      }
      return refused[index].description
    case .workerLimit:
      guard let index, plan.limits.indices.contains(index) else { return nil }
      return plan.limits[index].kind.rawValue
    case .directory: return plan.workingDirectory.text
    case .hostname: return plan.hostname
    case .workerExecute: return plan.command.first
    case .descriptors, .ambient, .release, .executeInit, .readPlan, .parentDeath, .userNamespaces, .identity,
      .newRoot, .pivot, .keyring, .networkSocket, .networkHandOver, .networkAwait, .noNewPrivileges, .landlockRuleset,
      .landlockEnforce, .capabilities, .verify,
      .workerInput, .workerClone, .workerSession, .workerSignals, .workerSeccomp, .workerNotification:
      return nil
    }
  }

  private func subject(_ plan: SandboxPlan, index: Int?) -> String? {
    guard let index else { return nil }
    switch self {
    case .landlockRule: return "the Landlock rule for \(target(plan, index: index) ?? "path \(index)")"
    case .landlockPort: return "the Landlock rule for \(target(plan, index: index) ?? "port \(index)")"
    case .networkRoute: return target(plan, index: index) ?? "route \(index)"
    case .networkRefuse: return target(plan, index: index) ?? "network \(index)"
    case .networkListen: return "the socket \(target(plan, index: index) ?? "\(index)")"
    case .workerLimit: return "the limit \(target(plan, index: index) ?? "\(index)")"
    default:
      guard plan.filesystem.indices.contains(index) else { return "operation \(index)" }
      return plan.filesystem[index].words
    }
  }

  /// The system call that failed, as section 2 of the manual names it.
  var systemCall: String {
    switch self {
    case .descriptors: "dup3"
    case .ambient, .parentDeath, .noNewPrivileges: "prctl"
    case .release: "recv"
    case .networkSocket: "socket"
    case .networkLoopback, .networkRoute, .networkRefuse: "rtnetlink"
    case .networkAwait: "recv"
    case .networkListen: "bind"
    case .networkHandOver: "sendmsg"
    case .executeInit: "execveat"
    case .readPlan: "mmap"
    case .userNamespaces: "write /proc/sys/user/max_user_namespaces"
    case .source, .target: "openat2"
    case .sourceKind: "fstat"
    case .cloneTree: "open_tree"
    case .restrictTree, .readOnly: "mount_setattr"
    case .identity: "setresuid"
    case .newRoot: "fsmount"
    case .create: "mkdirat"
    case .mount: "move_mount"
    case .overlay: "fsconfig"
    case .pivot: "pivot_root"
    case .hostname: "sethostname"
    case .keyring: "keyctl"
    case .directory: "chdir"
    case .landlockRuleset: "landlock_create_ruleset"
    case .landlockRule, .landlockPort: "landlock_add_rule"
    case .landlockEnforce: "landlock_restrict_self"
    case .capabilities: "capset"
    case .verify: "capget"
    case .workerInput: "pipe"
    case .workerClone: "clone3"
    case .workerSession: "setsid"
    case .workerLimit: "prlimit"
    case .workerSignals: "rt_sigprocmask"
    case .workerSeccomp: "seccomp"
    case .workerNotification: "ioctl"
    case .workerExecute: "execve"
    }
  }
}

extension FilesystemOperation {
  /// For people: `the read-only bind of /usr at /usr`.
  var words: String {
    switch self {
    case .directory(let path): "the directory \(path)"
    case .symbolicLink(let path, let destination): "the link \(path) to \(destination)"
    case .file(let path, _): "the file \(path)"
    case .bind(let bind): "the \(bind.access.words) bind of \(bind.source) at \(bind.target)"
    case .temporaryFilesystem(let path, _): "the temporary filesystem at \(path)"
    case .process(let path): "the process filesystem at \(path)"
    case .loaderCache: "the file \(target)"
    case .makeReadOnly(let path): "making \(path) read-only"
    }
  }
}

extension Bind.Access {
  fileprivate var words: String {
    switch self {
    case .readOnly: "read-only"
    case .readWrite: "writable"
    }
  }
}
