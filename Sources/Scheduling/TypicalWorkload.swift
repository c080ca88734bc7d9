/// What nodes usually ask for: what a placement should leave room for.
///
/// Fragmentation gradient descent (Weng et al., "Beware of Fragmentation", USENIX ATC 2023) places a node where the amount of GPU that
/// typical nodes can't use grows least. Here what is measured is how many typical nodes a host could still take, each kind by itself
/// and weighted by how common it is: that sees the processors run out beside free GPUs before the last node fits, and weighs a GPU lost
/// to a small node as it does one lost to a large.
package struct TypicalWorkload: Hashable, Sendable {
  package struct Kind: Hashable, Sendable {
    package var request: ResourceRequest
    /// How common it is, against the others.
    package var weight: Int

    package init(request: ResourceRequest, weight: Int) {
      self.request = request
      self.weight = weight
    }
  }

  /// Kinds beyond it are left out, the rarest first.
  package static let mostKinds = 128

  /// Those that need GPUs: the others find room anywhere.
  package let kinds: [Kind]

  /// - Parameter kinds: in any order; equal requests are taken together.
  package init(_ kinds: [Kind] = []) {
    var weights: [ResourceRequest: Int] = [:]
    var order: [ResourceRequest] = []
    for kind in kinds where kind.request.gpu != .none && kind.weight > 0 {
      var request = kind.request
      // Memory hardly ever runs out before the processors; without it fewer kinds say the same.
      request.memory = 0
      if weights[request] == nil { order.append(request) }
      weights[request, default: 0] += kind.weight
    }
    self.kinds = Array(
      order.enumerated().map { (offset: $0.offset, kind: Kind(request: $0.element, weight: weights[$0.element] ?? 0)) }
        .sorted { ($1.kind.weight, $0.offset) < ($0.kind.weight, $1.offset) }
        .prefix(Self.mostKinds).map(\.kind))
  }
}
