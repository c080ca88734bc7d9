import CLinux
import Foundation
import Testing

@testable import LinuxSystem

/// A tmpfs of the host that is shared with its peer groups, as systemd makes every mount: mount_namespaces(7). Root only.
final class SharedMount {
  let path: String
  private var mounted: [String] = []

  init() throws {
    path = "/tmp/sandbox-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try mount(at: nil)
    try #require(Glibc.mount(nil, path, nil, UInt(MS_SHARED), nil) == 0, "mount: \(errno)")
  }

  /// Another tmpfs, without any restriction.
  func mount(at name: String?) throws {
    let target = name.map { "\(path)/\($0)" } ?? path
    try #require(Glibc.mount("tmpfs", target, "tmpfs", 0, "mode=1777") == 0, "mount: \(errno)")
    mounted.append(target)
  }

  func makeDirectory(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: false)
  }

  deinit {
    for target in mounted.reversed() { umount2(target, Int32(MNT_DETACH)) }
    rmdir(path)
  }
}

/// A listening socket of the host with an abstract name, unix(7).
final class AbstractListener {
  private let number: Int32

  init(_ name: String) throws {
    number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: [0] + Array(name.utf8)) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
    }
    try #require(result == 0 && listen(number, 8) == 0, "bind: \(errno)")
  }

  deinit { close(number) }
}

/// The kernel itself, but for the seals of the memory that it makes.
struct UnsealingKernel: SandboxKernel {
  private let kernel = LinuxKernel()
  /// F_SEAL_* of fcntl(2).
  let seals: Int32
  init(seals: Int32) { self.seals = seals }

  func makeSealedMemory(name: String, _ bytes: [UInt8]) throws(SystemError) -> FileDescriptor {
    let memory = FileDescriptor(owning: linux_memfd(name))
    guard try memory.write(bytes) == bytes.count else { throw SystemError("write", name, .tryAgain) }
    // F_ADD_SEALS.
    guard fcntl(memory.number, 1033, seals) == 0 else { throw SystemError("fcntl", name, .operationNotPermitted) }
    return memory
  }
  func read(_ path: String) -> String? { kernel.read(path) }
  func openControl(_ path: String) throws(SystemError) -> FileDescriptor { try kernel.openControl(path) }
  func contents(of control: FileDescriptor) -> String? { kernel.contents(of: control) }
  func lock(_ directory: FileDescriptor) throws(SystemError) { try kernel.lock(directory) }
  func lockDirectory(_ path: String) throws(SystemError) -> FileDescriptor { try kernel.lockDirectory(path) }
  func makeLockedDirectory(_ path: String) throws(SystemError) -> FileDescriptor {
    try kernel.makeLockedDirectory(path)
  }
  func loadDeviceProgram(_ instructions: [UInt8]) throws(SystemError) -> FileDescriptor {
    try kernel.loadDeviceProgram(instructions)
  }
  func attachDeviceProgram(_ program: FileDescriptor, to cgroup: FileDescriptor) throws(SystemError) {
    try kernel.attachDeviceProgram(program, to: cgroup)
  }
  func openPlace(_ path: String) throws(SystemError) -> FileDescriptor { try kernel.openPlace(path) }
  func makeStaging(
    _ path: String, like: FileDescriptor, owner: FileOwner?
  ) throws(SystemError) -> FileDescriptor {
    try kernel.makeStaging(path, like: like, owner: owner)
  }
  func removeTree(_ path: String) throws(SystemError) { try kernel.removeTree(path) }
  func openOwnNetwork() throws(SystemError) -> FileDescriptor { try kernel.openOwnNetwork() }
  func makeNetwork(own: FileDescriptor) throws(SystemError) -> FileDescriptor { try kernel.makeNetwork(own: own) }
  func makeObservations() throws(SystemError) -> FileDescriptor { try kernel.makeObservations() }
  func makeStreamPair() throws(SystemError) -> DescriptorPair { try kernel.makeStreamPair() }
  func makeMessagePair() throws(SystemError) -> DescriptorPair { try kernel.makeMessagePair() }
  func makeOutputPipe() throws(SystemError) -> DescriptorPair { try kernel.makeOutputPipe() }
  func openPath(_ path: String) throws(SystemError) -> FileDescriptor { try kernel.openPath(path) }
  func openFile(_ path: String) throws(SystemError) -> FileDescriptor { try kernel.openFile(path) }
  func openDirectory(_ path: String) throws(SystemError) -> FileDescriptor { try kernel.openDirectory(path) }
  func makeDirectory(_ path: String) throws(SystemError) { try kernel.makeDirectory(path) }
  func removeDirectory(_ path: String) throws(SystemError) { try kernel.removeDirectory(path) }
  func write(_ contents: String, to path: String) throws(SystemError) { try kernel.write(contents, to: path) }
  func spawn(_ request: SpawnRequest, on stack: SpawnStack) throws(SystemError) -> SpawnedProcess {
    try kernel.spawn(request, on: stack)
  }
  func send(_ message: SandboxMessage, on control: FileDescriptor) throws(SystemError) {
    try kernel.send(message, on: control)
  }
  func awaitReadable(_ descriptor: FileDescriptor, milliseconds: UInt32) throws(SystemError) -> Bool {
    try kernel.awaitReadable(descriptor, milliseconds: milliseconds)
  }
  func receive(on control: FileDescriptor) throws(SystemError) -> ReceivedMessage? { try kernel.receive(on: control) }
  func kill(_ process: SpawnedProcess) throws(SystemError) { try kernel.kill(process) }
  func reap(_ process: SpawnedProcess) throws(SystemError) -> Bool { try kernel.reap(process) }
  func awaitEnd(_ process: SpawnedProcess) throws(SystemError) { try kernel.awaitEnd(process) }
  func pause(milliseconds: UInt32) { kernel.pause(milliseconds: milliseconds) }
  func owner(of path: String) throws(SystemError) -> FileOwner { try kernel.owner(of: path) }
  func start(
    program arguments: [String], output: FileDescriptor, on stack: SpawnStack
  ) throws(SystemError) -> SpawnedProcess {
    try kernel.start(program: arguments, output: output, on: stack)
  }
  func readAvailable(_ pipe: FileDescriptor) -> String { kernel.readAvailable(pipe) }
  func holdUserNamespace(on stack: SpawnStack) throws(SystemError) -> SpawnedProcess {
    try kernel.holdUserNamespace(on: stack)
  }
  func cloneTree(_ source: String, mappedBy namespace: FileDescriptor) throws(SystemError) -> FileDescriptor {
    try kernel.cloneTree(source, mappedBy: namespace)
  }
}
