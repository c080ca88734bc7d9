/// What a node needs of one host, all at once, and of the semaphores. Nodes with equal requests are one class.
package struct ResourceRequest: Hashable, Sendable {
  /// Thousandths of a logical processor.
  package var cpuMilli: Int
  /// Bytes.
  package var memory: Int
  package var gpu: GPURequest
  /// By name, each once, none for 0.
  package let semaphores: [SemaphoreClaim]

  package init(
    cpuMilli: Int = 0, memory: Int = 0, gpu: GPURequest = .none, semaphores: [SemaphoreName: Int] = [:]
  ) {
    self.cpuMilli = cpuMilli
    self.memory = memory
    self.gpu = gpu
    self.semaphores = semaphores.filter { $0.value != 0 }.map { SemaphoreClaim(name: $0.key, count: $0.value) }
      .sorted { $0.name < $1.name }
  }
}

/// GPUs, all of one host.
package enum GPURequest: Hashable, Sendable {
  case none
  /// Devices of one's own: GPUs or MIG instances.
  /// - `count`: from 1.
  /// - `memory`: bytes that each must have.
  /// - `profile`: only MIG instances of that size; nil: any device.
  case devices(count: Int, memory: Int = 0, profile: MIGProfile? = nil)
  /// A part of one GPU, which others use too: a promise among those who share, not isolation.
  /// - `milli`: from 1 to 1000 thousandths.
  /// - `memory`: bytes of its memory.
  case share(milli: Int, memory: Int = 0)

  /// Thousandths of devices in all.
  package var milli: Int {
    switch self {
    case .none: 0
    case .devices(let count, _, _): count * 1000
    case .share(let milli, _): milli
    }
  }
}

/// How many units of a semaphore a node holds while it runs.
package struct SemaphoreClaim: Hashable, Sendable {
  package var name: SemaphoreName
  package var count: Int
}

/// A dimension of the resource vector.
package enum Resource: Hashable, Sendable {
  /// Thousandths of a logical processor.
  case cpu
  /// Bytes.
  case memory
  /// Whole devices, with at least so many bytes of memory each; `profile`: MIG instances of that size only.
  case gpus(memory: Int, profile: MIGProfile?)
  /// Thousandths of one GPU, with so many bytes of its memory.
  case gpuShare(memory: Int)
  /// Units.
  case semaphore(SemaphoreName)
}

extension ResourceRequest {
  /// The largest amounts that are taken for meant. They keep every sum within a word.
  static let limits = (cpuMilli: 1 << 40, memory: 1 << 48, count: 1 << 20)

  /// The first amount that means nothing: negative, or beyond ``limits``.
  var invalidResource: Resource? {
    func isWrong(_ amount: Int, _ least: Int, _ most: Int) -> Bool { amount < least || amount > most }
    if isWrong(cpuMilli, 0, Self.limits.cpuMilli) { return .cpu }
    if isWrong(memory, 0, Self.limits.memory) { return .memory }
    switch gpu {
    case .none: break
    case .devices(let count, let memory, let profile):
      if isWrong(count, 1, Self.limits.count) || isWrong(memory, 0, Self.limits.memory) {
        return .gpus(memory: memory, profile: profile)
      }
    case .share(let milli, let memory):
      if isWrong(milli, 1, 1000) || isWrong(memory, 0, Self.limits.memory) { return .gpuShare(memory: memory) }
    }
    return semaphores.first { isWrong($0.count, 1, Self.limits.count) }.map { .semaphore($0.name) }
  }
}
