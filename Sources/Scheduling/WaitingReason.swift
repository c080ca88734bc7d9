/// What a queued node waits for.
package struct WaitingReason: Hashable, Sendable {
  package var node: NodeReference
  /// When it was queued, in milliseconds.
  package var since: Int64
  /// What its class lacks first, then who of its class comes before it. Never empty. When the first one is mended, either a node of the
  /// class starts, or another cause takes its place.
  package var causes: [Cause]

  package enum Cause: Hashable, Sendable {
    /// There was a host for it once.
    case impossible(Refusal)
    /// No host has it all free; `host` comes nearest.
    case resources(host: HostIdentifier, [Shortage])
    case semaphores([Shortage])
    /// There is room on `host`, or there are units of its semaphores, which a reservation keeps for others.
    case reserved(host: HostIdentifier, for: ResourceRequest, since: Int64)
    /// A run that has less, for its weight, has nodes of the same class. Shares are weighted dominant shares.
    case fairness(ahead: RunIdentifier, itsShare: Double, ownShare: Double)
    /// A node of the same run and class is more urgent.
    case priority(ahead: NodeReference)
  }
}

extension Scheduler {
  /// Nil where the node isn't queued. Takes as long as there are hosts and nodes.
  package func why(_ node: NodeReference) -> WaitingReason? { why([node]).first }

  /// Of those that are queued. Takes as long as there are hosts and nodes for each class of them, and not for each of them.
  package func why(_ references: some Sequence<NodeReference>) -> [WaitingReason] {
    var lacks: [Int: WaitingReason.Cause?] = [:]
    return references.compactMap { node in
      guard let slot = nodes.slot(of: node), let record = nodes[slot], case .queued(let classSlot) = record.state else {
        return nil
      }
      let lack: WaitingReason.Cause?
      if let known = lacks[classSlot] {
        lack = known
      } else {
        lack = self.lack(of: classSlot)
        lacks.updateValue(lack, forKey: classSlot)
      }
      return WaitingReason(
        node: node, since: record.readyAt, causes: [lack, turn(of: record, classSlot)].compactMap(\.self))
    }
  }

  private func lack(of classSlot: Int) -> WaitingReason.Cause? {
    let (request, claims) = (classes[classSlot].request, classes[classSlot].claims)
    if let refusal = refusal(of: request) { return .impossible(refusal) }
    let missing = claims.filter { semaphores.counters[$0.index].free < $0.count }
    if !missing.isEmpty {
      return .semaphores(
        missing.map { claim in
          let counter = semaphores.counters[claim.index]
          return Shortage(
            resource: .semaphore(counter.name), needed: claim.count, available: counter.free,
            capacity: counter.capacity,
            holders: holders(of: .semaphore(counter.name)))
        })
    }
    guard let nearest = nearestHost(to: request), let host = hosts.capacity(nearest) else { return nil }
    var shortages = realState(nearest).shortages(of: request, whole: hosts.whole(nearest))
    // It fits, and isn't started: what is left there is kept.
    if shortages.isEmpty {
      return reservation.map {
        .reserved(host: host.name, for: classes[$0.classSlot].request, since: $0.since)
      }
    }
    for index in shortages.indices {
      shortages[index].holders = holders(of: shortages[index].resource, on: nearest)
    }
    return .resources(host: host.name, shortages)
  }

  private func turn(of record: NodeRecord, _ classSlot: Int) -> WaitingReason.Cause? {
    for turn in runs.order {
      guard let index = runs[turn.slot].queueIndex(of: classSlot) else { continue }
      if turn.slot != record.runSlot {
        return .fairness(
          ahead: runs[turn.slot].id, itsShare: turn.share, ownShare: runs[record.runSlot].share)
      }
      guard let first = runs[turn.slot].queues[index].heap.top, first.sequence != record.entry.sequence else {
        return nil
      }
      return nodes[first.slot].map { .priority(ahead: $0.reference) }
    }
    return nil
  }

  /// - Parameter hostSlot: nil: anywhere.
  private func holders(of resource: Resource, on hostSlot: Int? = nil) -> [Shortage.Holder] {
    let all = nodes.running.filter { hostSlot == nil || $0.running.hostSlot == hostSlot }
      .map { (sequence: $0.record.entry.sequence, holder: $0.running.assignment.holder(of: resource, hosts)) }
      .filter { $0.holder.amount > 0 }
    return all.sorted { ($1.holder.amount, $0.sequence) < ($0.holder.amount, $1.sequence) }
      .prefix(Shortage.mostHolders).map(\.holder)
  }
}

extension Assignment {
  fileprivate func holder(of resource: Resource, _ hosts: HostTable) -> Shortage.Holder {
    let amount =
      switch resource {
      case .cpu: cpuMilli
      case .memory: memory
      // One that others share is as little to be had as one that is taken whole.
      case .gpus(let memory, let profile):
        grants(hosts) { $0.memory >= memory && (profile == nil || $0.profile == profile) }.count
      case .gpuShare(let memory):
        grants(hosts) { $0.memory >= memory && !$0.isInstance }.reduce(0) { $0 + $1.milli }
      case .semaphore(let name): semaphores.first { $0.name == name }?.count ?? 0
      }
    return Shortage.Holder(node: node, amount: amount)
  }

  /// Of the devices that `matches` is true of.
  private func grants(_ hosts: HostTable, _ matches: (GPUDevice) -> Bool) -> [GPUGrant] {
    guard let slot = hosts.slot(of: host), let devices = hosts.capacity(slot)?.devices else { return [] }
    return gpus.filter { grant in devices.contains { $0.id == grant.device && matches($0) } }
  }
}
