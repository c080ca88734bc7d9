import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime

/// Lends GPUs to one worker at a time; whoever gets none waits in line. Who gets which is ``GPUAllocator``'s matter; what other
/// supervisors of this host have is that of ``DeviceLeases``.
///
/// A GPU that was given back stays leased: an idle worker may still be there for the next node. It is let go when another supervisor
/// waits for it, once that worker is gone.
package actor GPULender {
  /// What lies between this supervisor and the others.
  package struct Sharing: Sendable {
    var leases: DeviceLeases
    /// Where files may be opened and locked.
    var thread: DedicatedThread
    /// Ends the idle workers that have one of these.
    var endIdle: @Sendable (Set<CDIDeviceReference>) async -> Void
    /// Between two looks at what others have or want.
    var interval: Duration

    package init(
      leases: DeviceLeases, thread: DedicatedThread, interval: Duration = .milliseconds(250),
      endIdle: @escaping @Sendable (Set<CDIDeviceReference>) async -> Void
    ) {
      self.leases = leases
      self.thread = thread
      self.interval = interval
      self.endIdle = endIdle
    }
  }

  private var allocator: GPUAllocator
  private let sharing: Sharing?
  private var waiting: [GPUAllocator.Ticket: CheckedContinuation<[GPU]?, Never>] = [:]
  private var lent: Set<CDIDeviceReference> = []
  /// Leased, and given back.
  private var kept: Set<CDIDeviceReference> = []
  private var looking: Task<Void, Never>?

  /// - Parameter sharing: nil: nobody else uses them.
  package init(_ inventory: GPUInventory, sharing: Sharing? = nil) {
    allocator = GPUAllocator(inventory)
    self.sharing = sharing
  }

  deinit { looking?.cancel() }

  /// Waits until they are free; nil when the task was cancelled first. What is lent must be given back. The demand must be
  /// one that the inventory can meet: any other would wait for ever.
  /// - Parameter told: called once with those that another supervisor has, and the process where that is known, before they are waited
  ///   for.
  /// - Throws: when it can't be made sure that nobody else has them.
  package func borrow(
    _ demand: GPUDemand, for plugin: PluginName,
    told: @Sendable ([(device: CDIDeviceReference, process: Int32?)]) -> Void = { _ in }
  ) async throws(SystemError) -> [GPU]? {
    let ticket = allocator.makeTicket()
    var isAgain = false
    while let gpus = await wait(demand, for: plugin, ticket, isAgain: isAgain) {
      let references = Set(gpus.map(\.reference))
      let known = kept.intersection(references)
      // Before anything is waited for: nobody may let go of them meanwhile.
      lent.formUnion(references)
      kept.subtract(references)
      let result: Result<[CDIDeviceReference], SystemError>
      do throws(SystemError) { result = .success(try await take(gpus.map(\.reference))) } catch {
        result = .failure(error)
      }
      if case .success(let missing) = result, missing.isEmpty { return gpus }
      lent.subtract(references)
      kept.formUnion(known)
      allocator.release(gpus)
      let missing = try result.get()
      allocator.markElsewhere(allocator.elsewhere.union(missing))
      if !isAgain, let sharing { told(missing.map { ($0, sharing.leases.holder(of: $0)) }) }
      isAgain = true
      look()
    }
    return nil
  }

  package func giveBack(_ gpus: [GPU]) {
    allocator.release(gpus)
    lent.subtract(gpus.map(\.reference))
    if sharing != nil { kept.formUnion(gpus.map(\.reference)) }
    serve()
    look()
  }

  private func wait(
    _ demand: GPUDemand, for plugin: PluginName, _ ticket: GPUAllocator.Ticket, isAgain: Bool
  ) async -> [GPU]? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard !Task.isCancelled else { return continuation.resume(returning: nil) }
        waiting[ticket] = continuation
        if isAgain {
          allocator.requestAgain(demand, for: plugin, ticket)
        } else {
          allocator.request(demand, for: plugin, ticket)
        }
        serve()
      }
    } onCancel: {
      Task { await self.withdraw(ticket) }
    }
  }

  private func serve() {
    for (ticket, gpus) in allocator.granted() { waiting.removeValue(forKey: ticket)?.resume(returning: gpus) }
  }

  private func withdraw(_ ticket: GPUAllocator.Ticket) {
    guard allocator.withdraw(ticket) else { return }
    waiting.removeValue(forKey: ticket)?.resume(returning: nil)
    // It may have held up those behind it.
    serve()
  }

  // MARK: Other supervisors

  private func take(_ devices: [CDIDeviceReference]) async throws(SystemError) -> [CDIDeviceReference] {
    guard let sharing else { return [] }
    return try await sharing.thread.run { () throws(SystemError) in try sharing.leases.take(devices) }
  }

  /// Looks at what the others have and want, as long as anything depends on it.
  private func look() {
    guard let sharing, looking == nil else { return }
    looking = Task { [weak self] in
      while (try? await Task.sleep(for: sharing.interval)) != nil, await self?.hasLooked(sharing) == true {}
    }
  }

  /// - Returns: false when there is nothing more to look for.
  private func hasLooked(_ sharing: Sharing) async -> Bool {
    let kept = Array(kept)
    let elsewhere = Array(allocator.elsewhere)
    let isWaiting = !waiting.isEmpty
    let (wanted, missing) = await sharing.thread.run {
      sharing.leases.want(isWaiting ? elsewhere : [])
      let missing = elsewhere.filter { device in
        // Free for a moment, and taken again by whoever is served first.
        guard (try? sharing.leases.take([device]))?.isEmpty == true else { return true }
        sharing.leases.release([device])
        return false
      }
      return (sharing.leases.wantedElsewhere(kept), missing)
    }
    let letGo = Set(wanted).intersection(self.kept).subtracting(lent)
    if !letGo.isEmpty {
      // Nobody here gets them meanwhile.
      self.kept.subtract(letGo)
      allocator.markElsewhere(allocator.elsewhere.union(letGo))
      await sharing.endIdle(letGo)
      sharing.leases.release(Array(letGo))
    }
    allocator.markElsewhere(allocator.elsewhere.subtracting(elsewhere).union(missing).union(letGo))
    serve()
    let isNeeded = !self.kept.isEmpty || !allocator.elsewhere.isEmpty && !waiting.isEmpty
    if !isNeeded {
      looking = nil
      // Whoever wants one finds out again whether it is free.
      allocator.markElsewhere([])
    }
    return isNeeded
  }
}
