/// What happened. Times come with the event, never from a clock.
package enum SchedulerEvent: Sendable {
  /// There is a new host, or another one under its name: what runs there goes on.
  case hostChanged(HostCapacity)
  /// With everything that ran there.
  case hostRemoved(HostIdentifier)
  /// Another process of the host has the device, or no longer has it: as long as it does, nobody here gets any of it. A host that
  /// changes doesn't change that.
  case deviceHeldElsewhere(HostIdentifier, GPUIdentifier, Bool)
  /// There are so many units now; 0: none any more. What is held goes on.
  case semaphoreChanged(SemaphoreName, count: Int)
  /// - `weight`: from 1; a run of weight 2 may use twice what one of weight 1 may. One that is there already keeps its own.
  case runSubmitted(RunIdentifier, weight: Int)
  /// It was cancelled or has ended: what is queued is withdrawn; what runs is counted until it has finished.
  case runEnded(RunIdentifier)
  /// Everything that the node waits for but a place is there. `rank`: milliseconds, of ``UpwardRank``.
  case nodeReady(NodeReference, ResourceRequest, rank: Int64)
  /// It isn't wanted any more. One that runs is to be told by ``nodeFinished(_:)``.
  case nodeWithdrawn(NodeReference)
  /// Everything that it used is free, whether it succeeded or not.
  case nodeFinished(NodeReference)
  /// What it was given isn't to be had after all: it is queued as if it had never been started.
  case nodeReturned(NodeReference)
  /// Time has passed: see ``Scheduler/nextTick``.
  case tick
}

/// What is to be done, in this order.
package enum SchedulerAction: Hashable, Sendable {
  case start(Assignment)
  /// It can't be met by any host, whatever ends: it isn't queued.
  case refuse(NodeReference, Refusal)
  /// The host on which it ran has gone, and with it what the node had: nothing more is to be told of it.
  case lost(NodeReference, host: HostIdentifier)
}
