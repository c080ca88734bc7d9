import CLinux
import Glibc

/// The kernel itself.
package struct LinuxKernel: SandboxKernel {
  package init() {}

  package func makeSealedMemory(name: String, _ bytes: [UInt8]) throws(SystemError) -> FileDescriptor {
    let result = bytes.withUnsafeBytes { sandbox_sealed_memory(name, $0.baseAddress, $0.count) }
    return FileDescriptor(owning: try systemCall("memfd_create", on: name, result))
  }

  package func makeObservations() throws(SystemError) -> FileDescriptor {
    let result = sandbox_shared_memory("sandbox-observations", Int(SANDBOX_OBSERVATIONS_SIZE))
    return FileDescriptor(owning: try systemCall("memfd_create", on: "observations", result))
  }

  package func makeStreamPair() throws(SystemError) -> DescriptorPair {
    try pair("socketpair", sandbox_stream_pair)
  }

  package func makeMessagePair() throws(SystemError) -> DescriptorPair {
    try pair("socketpair", sandbox_message_pair)
  }

  package func makeOutputPipe() throws(SystemError) -> DescriptorPair { try pair("pipe2", sandbox_output_pipe) }

  private func pair(
    _ operation: String, _ make: (UnsafeMutablePointer<Int32>) -> Int32
  ) throws(SystemError) -> DescriptorPair {
    var ends: (Int32, Int32) = (-1, -1)
    let result = withUnsafeMutableBytes(of: &ends) { bytes in
      bytes.withMemoryRebound(to: Int32.self) { numbers in numbers.baseAddress.map(make) ?? -EINVAL }
    }
    _ = try systemCall(operation, result)
    return DescriptorPair(ours: FileDescriptor(owning: ends.0), theirs: FileDescriptor(owning: ends.1))
  }

  package func openPath(_ path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("open", on: path, sandbox_open_path(path)))
  }

  package func openFile(_ path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("open", on: path, open(path, O_RDONLY | O_CLOEXEC).orErrorNumber))
  }

  package func openDirectory(_ path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("open", on: path, sandbox_open_directory(path)))
  }

  package func makeDirectory(_ path: String) throws(SystemError) {
    _ = try systemCall("mkdir", on: path, sandbox_create_directory(path, 0o755))
  }

  package func makeLockedDirectory(_ path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("mkdir", on: path, sandbox_make_locked_directory(path)))
  }

  package func lockDirectory(_ path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("flock", on: path, sandbox_lock_directory(path)))
  }

  package func removeDirectory(_ path: String) throws(SystemError) {
    _ = try systemCall("rmdir", on: path, sandbox_remove_directory(path))
  }

  package func write(_ contents: String, to path: String) throws(SystemError) {
    _ = try systemCall("write", on: path, sandbox_write_file(path, contents, contents.utf8.count))
  }

  package func openOwnNetwork() throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("setns", on: "the own network namespace", sandbox_own_network()))
  }

  package func read(_ path: String) -> String? { readSmallFile(path) }

  package func openControl(_ path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("open", on: path, open(path, O_RDWR | O_CLOEXEC).orErrorNumber))
  }

  package func contents(of control: FileDescriptor) -> String? {
    var bytes = Self.beginning(of: control, atMost: 4096)
    // Few are so long.
    if bytes.count == 4096 { bytes = Self.beginning(of: control, atMost: 65_536) }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  private static func beginning(of file: FileDescriptor, atMost limit: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      count = max(0, Int(linux_pread(file.number, buffer.baseAddress, buffer.count, 0)))
    }
  }

  package func makeNetwork(own: FileDescriptor) throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("unshare", on: "a network namespace", sandbox_new_network(own.number)))
  }

  package func spawn(_ request: SpawnRequest, on stack: SpawnStack) throws(SystemError) -> SpawnedProcess {
    let numbers = request.descriptors.map(\.number)
    var spawn = sandbox_spawn()
    spawn.namespaces = request.namespaces
    spawn.cgroup = request.cgroup?.number ?? -1
    spawn.enters_network = request.network != nil
    spawn.network = request.network?.new.number ?? -1
    spawn.own_network = request.network?.own.number ?? -1
    spawn.configures_network = request.configuresNetwork
    spawn.executable = request.program.number
    spawn.descriptor_count = UInt32(numbers.count)
    spawn.pidfd = -1
    let result = numbers.withUnsafeBufferPointer { numbers in
      spawn.descriptors = numbers.baseAddress
      return sandbox_start_first(&spawn, stack.stack)
    }
    _ = try systemCall("clone3", result)
    return SpawnedProcess(identifier: spawn.pid, descriptor: FileDescriptor(owning: spawn.pidfd))
  }

  package func send(_ message: SandboxMessage, on control: FileDescriptor) throws(SystemError) {
    var report = sandbox_report()
    switch message {
    case .go: report.message = sandbox_message.go.rawValue
    case .terminate: report.message = sandbox_message.terminate.rawValue
    case .hold: report.message = sandbox_message.hold.rawValue
    case .resume: report.message = sandbox_message.resume.rawValue
    case .count: report.message = sandbox_message.count.rawValue
    }
    _ = try systemCall("send", on: "the control socket", sandbox_send_report(control.number, &report))
  }

  package func awaitReadable(
    _ descriptor: FileDescriptor, milliseconds: UInt32
  ) throws(SystemError) -> Bool {
    while true {
      var watched = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
      let result = poll(&watched, 1, Int32(clamping: milliseconds)).orErrorNumber
      if result == -EINTR { continue }
      return try systemCall("poll", result) > 0
    }
  }

  package func receive(on control: FileDescriptor) throws(SystemError) -> ReceivedMessage? {
    var message = Self.receiveOnce(control)
    // A peer that ended without reading what was sent to it: told once, and before what it had said itself. unix(7)
    if message.result == -ECONNRESET { message = Self.receiveOnce(control) }
    if message.result == -EAGAIN { return nil }
    if message.result == 0 || message.result == -ECONNRESET { return .end }
    let length = try systemCall("recv", on: "the control socket", message.result)
    guard let received = ReceivedMessage(message.incoming, length: Int(length), message.descriptors) else {
      throw SystemError("recv", "the control socket", ErrorCode(rawValue: EBADMSG))
    }
    return received
  }

  private static func receiveOnce(
    _ control: FileDescriptor
  ) -> (result: Int32, incoming: sandbox_incoming, descriptors: [FileDescriptor]) {
    var incoming = sandbox_incoming()
    var count: UInt32 = 0
    var result: Int32 = 0
    let numbers = [Int32](unsafeUninitializedCapacity: Int(SANDBOX_LISTENER_LIMIT)) { numbers, filled in
      result = sandbox_receive_descriptors(control.number, &incoming, numbers.baseAddress, &count)
      filled = Int(count)
    }
    return (result, incoming, numbers.map { FileDescriptor(owning: $0) })
  }

  package func kill(_ process: SpawnedProcess) throws(SystemError) {
    let result = sandbox_kill_process(process.descriptor.number)
    // It has ended by itself.
    if result == -ESRCH { return }
    _ = try systemCall("pidfd_send_signal", on: "\(process.identifier)", result)
  }

  package func reap(_ process: SpawnedProcess) throws(SystemError) -> Bool {
    let result = sandbox_reap_process(process.descriptor.number)
    if result == -EAGAIN { return false }
    _ = try systemCall("waitid", on: "\(process.identifier)", result)
    return true
  }

  package func awaitEnd(_ process: SpawnedProcess) throws(SystemError) {
    _ = try systemCall("waitid", on: "\(process.identifier)", sandbox_await_process(process.descriptor.number))
  }

  package func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }

  package func owner(of path: String) throws(SystemError) -> FileOwner {
    let file = FileDescriptor(owning: try systemCall("openat2", on: path, sandbox_open_source(path)))
    defer { file.close() }
    var node = sandbox_node()
    _ = try systemCall("fstat", on: path, sandbox_inspect(file.number, &node))
    return FileOwner(user: node.owner, group: node.group)
  }

  package func makeStaging(
    _ path: String, like: FileDescriptor, owner: FileOwner?
  ) throws(SystemError) -> FileDescriptor {
    let result = linux_tree_make_staging(path, like.number, owner?.user ?? .max, owner?.group ?? .max)
    return FileDescriptor(owning: try systemCall("mkdir", on: path, result))
  }

  package func lock(_ staging: FileDescriptor) throws(SystemError) {
    _ = try systemCall("flock", on: "a staging directory", linux_tree_lock(staging.number))
  }

  package func loadDeviceProgram(_ instructions: [UInt8]) throws(SystemError) -> FileDescriptor {
    let result = instructions.withUnsafeBytes {
      sandbox_load_device_program($0.baseAddress, UInt32(clamping: $0.count / 8))
    }
    return FileDescriptor(owning: try systemCall("bpf", on: "BPF_PROG_LOAD of a device program", result))
  }

  package func attachDeviceProgram(
    _ program: FileDescriptor, to cgroup: FileDescriptor
  ) throws(SystemError) {
    let result = sandbox_attach_device_program(cgroup.number, program.number)
    _ = try systemCall("bpf", on: "BPF_PROG_ATTACH of a device program", result)
  }

  package func openPlace(_ path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try systemCall("openat2", on: path, linux_tree_open_place(path)))
  }

  package func removeTree(_ path: String) throws(SystemError) {
    guard let slash = path.lastIndex(of: "/") else {
      throw SystemError("unlinkat", path, .invalidArgument)
    }
    try Tree(opening: String(path[..<slash])).remove(
      EntryName(String(path[path.index(after: slash)...])))
  }

  package func start(
    program arguments: [String], output: FileDescriptor, on stack: SpawnStack
  ) throws(SystemError) -> SpawnedProcess {
    var identifier: Int32 = -1
    var descriptor: Int32 = -1
    let result = withTextVector(arguments) {
      sandbox_start_program(stack.stack, $0, output.number, &identifier, &descriptor)
    }
    _ = try systemCall("execve", on: arguments.first, result)
    return SpawnedProcess(identifier: identifier, descriptor: FileDescriptor(owning: descriptor))
  }

  package func readAvailable(_ pipe: FileDescriptor) -> String {
    String(decoding: (try? pipe.read(atMost: 4096)) ?? [], as: UTF8.self)
  }

  package func holdUserNamespace(on stack: SpawnStack) throws(SystemError) -> SpawnedProcess {
    var identifier: Int32 = -1
    var descriptor: Int32 = -1
    _ = try systemCall(
      "clone3", on: "a user namespace", sandbox_hold_user_namespace(stack.stack, &identifier, &descriptor))
    return SpawnedProcess(identifier: identifier, descriptor: FileDescriptor(owning: descriptor))
  }

  package func cloneTree(
    _ source: String, mappedBy namespace: FileDescriptor
  ) throws(SystemError) -> FileDescriptor {
    let path = FileDescriptor(owning: try systemCall("openat2", on: source, sandbox_open_source(source)))
    let tree = FileDescriptor(owning: try systemCall("open_tree", on: source, sandbox_clone_tree(path.number)))
    path.close()
    _ = try systemCall("mount_setattr", on: source, sandbox_map_tree_owner(tree.number, namespace.number))
    return tree
  }
}

extension Int32 {
  /// For the calls of the C library: -1 becomes the negated errno. To be asked at once.
  var orErrorNumber: Int32 { self < 0 ? -errno : self }
}
