import LinuxSystem
import SandboxPlanning

/// Network namespaces made ahead: the kernel takes longer for one than for all other namespaces together. The thread that
/// has launched a sandbox makes the next one's. Each is used once, so nothing passes between sandboxes.
///
/// Such a namespace belongs to the supervisor's user namespace: no process of the sandbox ever has a capability in it.
final class NetworkReserve: Sendable {
  static let capacity = 4

  private let kernel: any SandboxKernel
  /// Nil where the supervisor may not enter network namespaces: clone3(2) then makes them, each for its sandbox.
  private let own: FileDescriptor?
  private let unused = Lock<[FileDescriptor]>([])

  init(_ kernel: any SandboxKernel) {
    self.kernel = kernel
    do throws(SystemError) { own = try kernel.openOwnNetwork() } catch { own = nil }
  }

  /// Nil as well for a plan whose sandbox sets its network up itself: clone3(2) makes that one in
  /// the sandbox's user namespace.
  ///
  /// A new namespace for a plan that asks for one, and the one to come back to. On a spawner's thread.
  func take(
    for plan: SandboxPlan, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> (new: FileDescriptor, own: FileDescriptor)? {
    guard let own, !plan.configuresNetwork, plan.namespaces.contains(.network) else { return nil }
    let kernel = self.kernel
    let network = try transaction.perform(.makeNetwork) { () throws(SystemError) in
      if let ready = unused.withLock({ $0.popLast() }) { return ready }
      return try kernel.makeNetwork(own: own)
    } undo: { network in
      { network.close() }
    }
    return (network, own)
  }

  /// Makes one for a later launch, which tries again and tells the error if this fails. On a spawner's thread.
  func refill() {
    guard let own, unused.withLock({ $0.count < Self.capacity }) else { return }
    do throws(SystemError) {
      let network = try kernel.makeNetwork(own: own)
      unused.withLock { if $0.count < Self.capacity { $0.append(network) } }
    } catch { return }
  }
}
