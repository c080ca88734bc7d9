import CLinux
import Foundation
import SandboxPlanning

@testable import LinuxSystem
@testable import SandboxRuntime

/// A kernel that keeps a ledger instead of doing anything, and fails the effect that it is told to.
///
/// Its descriptors are real pipes, whose other ends it keeps: a descriptor counts as closed when the kernel says so.
final class RecordingKernel: SandboxKernel {
  enum Effect: Hashable {
    case memory, observations, streamPair, messagePair, outputPipe, openPath, openFile, openDirectory, makeDirectory,
      removeDirectory
    case write(String)
    case spawn, send, awaitReadable, receive, kill, reap, awaitEnd, owner, holdNamespace, cloneTree, ownNetwork,
      makeNetwork, makeLockedDirectory, lockDirectory, loadDeviceProgram, attachDeviceProgram, openControl, openPlace,
      makeStaging, lock, removeTree, startProgram
  }
  struct Ledger {
    var effects: [Effect] = []
    /// The number of the effect that fails, from 0, and how.
    var failing: (Int, ErrorCode)?
    /// A second one, while the first is being undone.
    var alsoFailing: Effect?
    var directories: [String] = []
    var pathsRead: [String] = []
    var processes: Set<Int32> = []
    var descriptors: [Witness] = []
    var nextProcess: Int32 = 100_000
    /// What the first process says.
    var report: sandbox_report?
    /// It says that its network can be connected, before anything else.
    var hasNetwork = false
    /// Of the network, once it is connected.
    var routes: String?
    /// How many sockets it hands over before.
    var listeners: Int?
  }
  private let ledger = Lock(Ledger())

  init(
    failing: (Int, ErrorCode)? = nil, alsoFailing: Effect? = nil, report: sandbox_report? = nil, listeners: Int? = nil,
    hasNetwork: Bool = false, routes: String? = nil
  ) {
    ledger.withLock {
      $0.failing = failing
      $0.alsoFailing = alsoFailing
      $0.report = report
      $0.listeners = listeners
      $0.hasNetwork = hasNetwork
      $0.routes = routes
    }
  }

  var effects: [Effect] { ledger.withLock { $0.effects } }
  var pathsRead: [String] { ledger.withLock { $0.pathsRead } }
  func fail(_ number: Int, _ code: ErrorCode) { ledger.withLock { $0.failing = (number, code) } }

  /// Everything that was made and isn't unmade.
  var left: [String] {
    // For all of them together: what is kept on purpose would cost the whole wait each time.
    let deadline = ContinuousClock.now + .milliseconds(500)
    return ledger.withLock { ledger in
      ledger.directories.map { "directory \($0)" } + ledger.processes.map { "process \($0)" }
        + ledger.descriptors.filter { !$0.isClosed(by: deadline) }.map { "descriptor of \($0.effect)" }
    }
  }

  private func record(_ effect: Effect) throws(SystemError) {
    let code: ErrorCode? = ledger.withLock { ledger in
      ledger.effects.append(effect)
      if let (number, code) = ledger.failing, ledger.effects.count - 1 == number { return code }
      if let (number, _) = ledger.failing, ledger.effects.count - 1 > number, effect == ledger.alsoFailing {
        return .tryAgain
      }
      return nil
    }
    if let code { throw SystemError("\(effect)", nil, code) }
  }

  private func descriptor(_ effect: Effect) -> FileDescriptor {
    let witness = Witness(effect)
    ledger.withLock { $0.descriptors.append(witness) }
    return witness.handedOut()
  }

  private func descriptorPair(_ effect: Effect) throws(SystemError) -> DescriptorPair {
    try record(effect)
    return DescriptorPair(ours: descriptor(effect), theirs: descriptor(effect))
  }

  func makeSealedMemory(name: String, _ bytes: [UInt8]) throws(SystemError) -> FileDescriptor {
    try record(.memory)
    return descriptor(.memory)
  }
  func makeObservations() throws(SystemError) -> FileDescriptor {
    try record(.observations)
    return descriptor(.observations)
  }
  func makeStreamPair() throws(SystemError) -> DescriptorPair { try descriptorPair(.streamPair) }
  func makeMessagePair() throws(SystemError) -> DescriptorPair { try descriptorPair(.messagePair) }
  func makeOutputPipe() throws(SystemError) -> DescriptorPair { try descriptorPair(.outputPipe) }
  func openPath(_ path: String) throws(SystemError) -> FileDescriptor {
    try record(.openPath)
    return descriptor(.openPath)
  }
  func openFile(_ path: String) throws(SystemError) -> FileDescriptor {
    try record(.openFile)
    return descriptor(.openFile)
  }
  func openDirectory(_ path: String) throws(SystemError) -> FileDescriptor {
    try record(.openDirectory)
    return descriptor(.openDirectory)
  }
  func makeDirectory(_ path: String) throws(SystemError) {
    try record(.makeDirectory)
    ledger.withLock { $0.directories.append(path) }
  }
  func makeLockedDirectory(_ path: String) throws(SystemError) -> FileDescriptor {
    try record(.makeLockedDirectory)
    ledger.withLock { $0.directories.append(path) }
    return descriptor(.makeLockedDirectory)
  }
  func lockDirectory(_ path: String) throws(SystemError) -> FileDescriptor {
    try record(.lockDirectory)
    return descriptor(.lockDirectory)
  }
  func loadDeviceProgram(_ instructions: [UInt8]) throws(SystemError) -> FileDescriptor {
    try record(.loadDeviceProgram)
    return descriptor(.loadDeviceProgram)
  }
  func attachDeviceProgram(_ program: FileDescriptor, to cgroup: FileDescriptor) throws(SystemError) {
    try record(.attachDeviceProgram)
  }
  func removeDirectory(_ path: String) throws(SystemError) {
    try record(.removeDirectory)
    ledger.withLock { ledger in ledger.directories.removeAll { $0 == path } }
  }
  func write(_ contents: String, to path: String) throws(SystemError) {
    try record(.write(path.split(separator: "/").last.map(String.init) ?? path))
  }
  func openOwnNetwork() throws(SystemError) -> FileDescriptor {
    try record(.ownNetwork)
    return descriptor(.ownNetwork)
  }
  /// Not an effect. As a host whose controllers are not yet handed down.
  func read(_ path: String) -> String? {
    ledger.withLock { $0.pathsRead.append(path) }
    return switch path {
    case "/double/cgroup.controllers": "cpuset cpu io memory pids"
    case "/double/cgroup.subtree_control": "memory pids"
    default: path.hasSuffix("/net/route") ? ledger.withLock { $0.routes } : nil
    }
  }
  func start(
    program arguments: [String], output: FileDescriptor, on stack: SpawnStack
  ) throws(SystemError) -> SpawnedProcess {
    try record(.startProgram)
    return process(.startProgram)
  }
  func readAvailable(_ pipe: FileDescriptor) -> String { "No system log\nfirst\nits last words\n" }
  func openControl(_ path: String) throws(SystemError) -> FileDescriptor {
    try record(.openControl)
    return descriptor(.openControl)
  }
  func contents(of control: FileDescriptor) -> String? { nil }
  func makeNetwork(own: FileDescriptor) throws(SystemError) -> FileDescriptor {
    try record(.makeNetwork)
    return descriptor(.makeNetwork)
  }
  func spawn(_ request: SpawnRequest, on stack: SpawnStack) throws(SystemError) -> SpawnedProcess {
    try record(.spawn)
    return process(.spawn)
  }
  func send(_ message: SandboxMessage, on control: FileDescriptor) throws(SystemError) { try record(.send) }
  func awaitReadable(_ descriptor: FileDescriptor, milliseconds: UInt32) throws(SystemError) -> Bool {
    try record(.awaitReadable)
    return true
  }
  func receive(on control: FileDescriptor) throws(SystemError) -> ReceivedMessage? {
    try record(.receive)
    let listeners = ledger.withLock { ledger in
      defer { ledger.listeners = nil }
      return ledger.listeners
    }
    let isConnectable = ledger.withLock { ledger in
      defer { ledger.hasNetwork = false }
      return ledger.hasNetwork
    }
    if isConnectable {
      var report = sandbox_report()
      report.message = sandbox_message.network.rawValue
      return .report(report)
    }
    if let listeners {
      var report = sandbox_report()
      report.message = sandbox_message.listening.rawValue
      return .report(report, (0..<listeners).map { _ in descriptor(.receive) })
    }
    return ledger.withLock { ledger in
      defer { ledger.report = nil }
      return ledger.report.map { .report($0) } ?? .end
    }
  }
  func kill(_ process: SpawnedProcess) throws(SystemError) { try record(.kill) }
  func reap(_ process: SpawnedProcess) throws(SystemError) -> Bool {
    try record(.reap)
    ledger.withLock { _ = $0.processes.remove(process.identifier) }
    return true
  }
  func awaitEnd(_ process: SpawnedProcess) throws(SystemError) {
    try record(.awaitEnd)
    ledger.withLock { _ = $0.processes.remove(process.identifier) }
  }
  func owner(of path: String) throws(SystemError) -> FileOwner {
    try record(.owner)
    return FileOwner(user: 5, group: 5)
  }
  func pause(milliseconds: UInt32) {}
  func lock(_ staging: FileDescriptor) throws(SystemError) { try record(.lock) }
  func openPlace(_ path: String) throws(SystemError) -> FileDescriptor {
    try record(.openPlace)
    return descriptor(.openPlace)
  }
  func makeStaging(
    _ path: String, like: FileDescriptor, owner: FileOwner?
  ) throws(SystemError) -> FileDescriptor {
    try record(.makeStaging)
    ledger.withLock { $0.directories.append(path) }
    return descriptor(.makeStaging)
  }
  func removeTree(_ path: String) throws(SystemError) {
    try record(.removeTree)
    ledger.withLock { ledger in ledger.directories.removeAll { $0 == path } }
  }
  func holdUserNamespace(on stack: SpawnStack) throws(SystemError) -> SpawnedProcess {
    try record(.holdNamespace)
    return process(.holdNamespace)
  }
  func cloneTree(_ source: String, mappedBy namespace: FileDescriptor) throws(SystemError) -> FileDescriptor {
    try record(.cloneTree)
    return descriptor(.cloneTree)
  }

  private func process(_ effect: Effect) -> SpawnedProcess {
    let number = ledger.withLock { ledger in
      ledger.nextProcess += 1
      ledger.processes.insert(ledger.nextProcess)
      return ledger.nextProcess
    }
    return SpawnedProcess(identifier: number, descriptor: descriptor(effect))
  }
}

extension sandbox_report {
  init(_ kind: sandbox_message) {
    self.init()
    message = kind.rawValue
  }
}

extension RecordingKernel {
  /// One launch and its end. What is left is what the launch made: the network of the next one, made ahead, isn't its own.
  func launch(
    _ plan: SandboxPlan, failing fault: (Int, ErrorCode)? = nil
  ) async throws -> (error: LaunchError?, left: [String], effects: ArraySlice<Effect>) {
    let launcher = try SandboxLauncher(
      initProgram: path("/sandbox-init"), cgroups: CgroupManager(root: nil), loop: EventLoop(), kernel: self)
    let before = self.left
    let count = effects.count
    if let fault { fail(count + fault.0, fault.1) }
    var failure: LaunchError?
    do throws(LaunchError) {
      let sandbox = try await launcher.launch(plan)
      _ = await sandbox.exit()
    } catch { failure = error }
    var left = self.left.filter { $0 != "descriptor of makeNetwork" }
    for entry in before { if let index = left.firstIndex(of: entry) { left.remove(at: index) } }
    return (failure, left, effects[count...])
  }
}

/// The end of a pipe whose other end was handed out; the other end is readable at once, as if its peer were gone.
final class Witness: Sendable {
  let effect: RecordingKernel.Effect
  private let writing: Int32
  private let reading: Lock<Int32?>

  init(_ effect: RecordingKernel.Effect) {
    self.effect = effect
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0)
    writing = ends[1]
    reading = Lock(ends[0])
    precondition(Glibc.write(writing, "x", 1) == 1)
  }

  deinit { close(writing) }

  func handedOut() -> FileDescriptor {
    FileDescriptor(
      owning: reading.withLock { number in
        defer { number = nil }
        return number ?? -1
      })
  }

  /// Nobody can read any more: POLLERR on the writing end, poll(2). A process that a test beside this one is just starting
  /// holds a copy of every descriptor until its execve, so this waits a moment.
  func isClosed(by deadline: ContinuousClock.Instant) -> Bool {
    var watched = pollfd(fd: writing, events: 0, revents: 0)
    let left = max(.zero, deadline - .now) / .milliseconds(1)
    return poll(&watched, 1, Int32(left)) == 1 && watched.revents & Int16(POLLERR) != 0
  }
}
