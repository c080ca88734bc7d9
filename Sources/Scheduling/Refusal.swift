/// Why a request can never be met, however long it waited.
package enum Refusal: Error, Hashable, Sendable {
  /// The amount is negative or absurd.
  case invalid(Resource)
  case noHosts
  /// Not even the host that comes nearest has it all; `shortages` are against what it has in all.
  case tooLarge(nearest: HostIdentifier, shortages: [Shortage])
  /// There are fewer units in all; 0: the semaphore isn't declared.
  case semaphore(SemaphoreName, needed: Int, capacity: Int)
  /// The run wasn't submitted, or has ended.
  case unknownRun
  /// The node is queued or runs already.
  case duplicate
}

/// A resource of which there is too little.
package struct Shortage: Hashable, Sendable {
  package var resource: Resource
  package var needed: Int
  package var available: Int
  /// In all.
  package var capacity: Int
  /// Who has it, most first, at most ``Shortage/mostHolders``. Empty in a ``Refusal``.
  package var holders: [Holder] = []
  /// What other processes of the host have, in the unit of the resource.
  package var heldElsewhere = 0

  package static let mostHolders = 3

  package struct Holder: Hashable, Sendable {
    package var node: NodeReference
    /// In the unit of the resource.
    package var amount: Int
  }
}
