import CLinux

/// Every effect that the supervisor has on the kernel to launch, watch and remove a sandbox. ``LinuxKernel`` is the real one; the
/// tests' double records each effect and can fail any of them.
package protocol SandboxKernel: Sendable {
  /// A memfd that nobody can change any more: memfd_create(2), F_ADD_SEALS.
  func makeSealedMemory(name: String, _ bytes: [UInt8]) throws(SystemError) -> FileDescriptor
  /// A memfd of one size for good, in which a sandbox's pid 1 records what it observes.
  func makeObservations() throws(SystemError) -> FileDescriptor
  /// The supervisor's end doesn't block.
  func makeStreamPair() throws(SystemError) -> DescriptorPair
  /// SOCK_SEQPACKET; the supervisor's end doesn't block.
  func makeMessagePair() throws(SystemError) -> DescriptorPair
  /// What the other side writes; the supervisor's end doesn't block.
  func makeOutputPipe() throws(SystemError) -> DescriptorPair
  /// O_PATH.
  func openPath(_ path: String) throws(SystemError) -> FileDescriptor
  /// For reading.
  func openFile(_ path: String) throws(SystemError) -> FileDescriptor
  func openDirectory(_ path: String) throws(SystemError) -> FileDescriptor
  func makeDirectory(_ path: String) throws(SystemError)
  /// A directory for this user alone, locked as long as it is open: flock(2). EWOULDBLOCK or ESTALE where whoever looks for what
  /// was left behind got hold of it first.
  func makeLockedDirectory(_ path: String) throws(SystemError) -> FileDescriptor
  /// EWOULDBLOCK where whoever made it so still has it, ESTALE where it is gone or another by now.
  func lockDirectory(_ path: String) throws(SystemError) -> FileDescriptor
  func removeDirectory(_ path: String) throws(SystemError)
  /// One write(2) to a file that is there.
  func write(_ contents: String, to path: String) throws(SystemError)
  /// A small file of the kernel's, whole; nil where there is none, or nothing in it.
  func read(_ path: String) -> String?
  /// A small file of the kernel's, for reading and writing through one description.
  func openControl(_ path: String) throws(SystemError) -> FileDescriptor
  /// What such a file says now, from its beginning; nil where it says nothing.
  func contents(of control: FileDescriptor) -> String?
  /// This thread's network namespace, if it may come back to it from another.
  func openOwnNetwork() throws(SystemError) -> FileDescriptor
  /// A new network namespace with nothing in it but a loopback interface that is down. This thread stays in `own`.
  func makeNetwork(own: FileDescriptor) throws(SystemError) -> FileDescriptor
  func spawn(_ request: SpawnRequest, on stack: SpawnStack) throws(SystemError) -> SpawnedProcess
  func send(_ message: SandboxMessage, on control: FileDescriptor) throws(SystemError)
  /// Blocks until something is there or the other end is closed; false when the time is up first.
  func awaitReadable(_ descriptor: FileDescriptor, milliseconds: UInt32) throws(SystemError) -> Bool
  /// Doesn't wait: nil when there is nothing.
  func receive(on control: FileDescriptor) throws(SystemError) -> ReceivedMessage?
  /// SIGKILL.
  func kill(_ process: SpawnedProcess) throws(SystemError)
  /// Reaps. False while it lives.
  func reap(_ process: SpawnedProcess) throws(SystemError) -> Bool
  /// Reaps; blocks until it has ended.
  func awaitEnd(_ process: SpawnedProcess) throws(SystemError)
  /// Blocks the calling thread.
  func pause(milliseconds: UInt32)
  /// The user and group that a file belongs to; no link in its path is followed.
  func owner(of path: String) throws(SystemError) -> FileOwner
  /// A directory `path` with `upper` and `work` in it, for an overlay over the directory `like`, whose permission bits
  /// `upper` has. Both belong to `owner`; nil: to this process's user.
  /// - Returns: `path`, locked for as long as it is open: flock(2).
  func makeStaging(_ path: String, like: FileDescriptor, owner: FileOwner?) throws(SystemError) -> FileDescriptor
  /// EWOULDBLOCK where whoever made this staging directory still has it.
  func lock(_ staging: FileDescriptor) throws(SystemError)
  /// A program of type BPF_PROG_TYPE_CGROUP_DEVICE that the kernel has checked: bpf(2).
  func loadDeviceProgram(_ instructions: [UInt8]) throws(SystemError) -> FileDescriptor
  /// The group keeps the program as long as it lives. Those of groups above it stay in force.
  func attachDeviceProgram(_ program: FileDescriptor, to cgroup: FileDescriptor) throws(SystemError)
  /// A directory by its absolute path, through no link; for looking up names in it.
  func openPlace(_ path: String) throws(SystemError) -> FileDescriptor
  /// Removes a directory with everything in it; nothing where it isn't there.
  func removeTree(_ path: String) throws(SystemError)
  /// A program of the host's by its absolute path, with its arguments: it has no other descriptor than /dev/null and `output`, a
  /// pipe's end that drops what nobody reads, and ends when this thread does.
  func start(program arguments: [String], output: FileDescriptor, on stack: SpawnStack) throws(SystemError)
    -> SpawnedProcess
  /// What is there to be read from a pipe, as text; doesn't wait.
  func readAvailable(_ pipe: FileDescriptor) -> String
  /// A process in a new user namespace that waits until it is killed; the namespace lives at least as long as the process.
  func holdUserNamespace(on stack: SpawnStack) throws(SystemError) -> SpawnedProcess
  /// A detached tree of `source`, on which the owner that the namespace maps appears as the id it is mapped to.
  func cloneTree(_ source: String, mappedBy namespace: FileDescriptor) throws(SystemError) -> FileDescriptor
}

/// Two connected ends.
package struct DescriptorPair: Sendable {
  package var ours: FileDescriptor
  package var theirs: FileDescriptor
  package init(ours: FileDescriptor, theirs: FileDescriptor) {
    self.ours = ours
    self.theirs = theirs
  }
}

/// What ``SandboxKernel/spawn(_:on:)`` starts.
package struct SpawnRequest: Sendable {
  /// CLONE_NEW* bits of clone(2).
  package var namespaces: UInt64
  /// The directory of the cgroup in which the process starts: CLONE_INTO_CGROUP.
  package var cgroup: FileDescriptor?
  /// The network namespace in which the process starts, and the supervisor's own.
  package var network: (new: FileDescriptor, own: FileDescriptor)?
  package var program: FileDescriptor
  /// Placed at 1, 2, 3, … in the child.
  package var descriptors: [FileDescriptor]
  /// Its network namespace is one of `namespaces`, and it may set that up until it drops all rights.
  package var configuresNetwork: Bool

  package init(
    namespaces: UInt64, cgroup: FileDescriptor?, network: (new: FileDescriptor, own: FileDescriptor)?,
    program: FileDescriptor, descriptors: [FileDescriptor], configuresNetwork: Bool = false
  ) {
    self.configuresNetwork = configuresNetwork
    self.namespaces = namespaces
    self.cgroup = cgroup
    self.network = network
    self.program = program
    self.descriptors = descriptors
  }
}

/// A child, named by its pidfd: the number may be another process's by now, the descriptor can't be.
package struct SpawnedProcess: Sendable {
  package var identifier: Int32
  package var descriptor: FileDescriptor
  package init(identifier: Int32, descriptor: FileDescriptor) {
    self.identifier = identifier
    self.descriptor = descriptor
  }
}

/// What the supervisor says to the first process of a sandbox.
package enum SandboxMessage: Hashable, Sendable {
  case go
  case terminate
  /// Stops all of the sandbox but the first process itself, until ``resume``.
  case hold
  case resume
  /// To say how often it refused what.
  case count
}

/// Of a file, as the host's disks have them.
package struct FileOwner: Hashable, Sendable {
  package var user: UInt32
  package var group: UInt32
  package init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }
}

/// What arrived on a control socket.
package enum ReceivedMessage: Sendable {
  /// With the descriptors that came along.
  case report(sandbox_report, [FileDescriptor] = [])
  case denial(DeniedCall)
  case counts(DeniedCallCounts)
  /// The other end is closed: the process is gone.
  case end
}

/// The stack that children run on between clone3(2) and execve(2), one at a time. Confined to one thread.
package final class SpawnStack: @unchecked Sendable {
  let stack: UnsafeMutablePointer<sandbox_stack>

  package init() throws(SystemError) {
    stack = .allocate(capacity: 1)
    stack.initialize(to: sandbox_stack())
    let result = sandbox_stack_create(stack)
    if result < 0 {
      stack.deallocate()
      throw SystemError("mmap", "the spawner's stack", ErrorCode(rawValue: -result))
    }
  }

  deinit {
    sandbox_stack_destroy(stack)
    stack.deallocate()
  }

  /// Blocks until no child runs on it.
  package func awaitVacancy() { sandbox_stack_await(stack) }
}
