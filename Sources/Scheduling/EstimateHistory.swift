/// What nodes really used, by node type and by how large their input was, and what that says about the next one. Pure and bounded.
///
/// A node's memory is first what its plugin's manifest says, then what the plugin estimates for these inputs, and, once there are
/// ``fewest`` measurements, the 95th percentile of the peaks and an offset: measured peaks vary, and one that comes after is larger
/// than all before it once in a while (Witt et al., "Feedback-Based Resource Allocation for Batch Scheduling of Scientific Workflows",
/// HPCS 2019). Processors aren't estimated: a node that may use more does, and less makes it slower; see ``suggestions(for:declared:)``.
package struct EstimateHistory: Sendable {
  package struct Estimate: Hashable, Sendable {
    /// Bytes.
    package var memory: Int
    package var source: Source

    package enum Source: Hashable, Sendable {
      /// Of the manifest or the workflow.
      case declared
      case plugin
      case measured(count: Int)
      /// Twice what one like it ran out of.
      case outOfMemory
    }
  }

  /// Measurements that are enough to say something.
  package static let fewest = 5
  /// Pairs of node type and size beyond which the ones that came longest ago are forgotten.
  package static let mostKeys = 2048

  private struct Key: Hashable {
    var nodeType: String
    /// The binary digits of the input's bytes.
    var magnitude: Int
  }

  struct Record {
    /// Bytes.
    var memory = PeakSamples()
    /// Thousandths of a processor.
    var cpu = PeakSamples()
    /// Bytes that are needed at least, by what ran out of memory; 0: nothing did of late.
    var floor = 0
    /// How many succeeded since.
    var sinceFloor = 0
    var lastUse: UInt64 = 0
  }

  private var records: [Key: Record] = [:]
  private var uses: UInt64 = 0

  package init() {}

  package var keyCount: Int { records.count }

  /// A node that ended well.
  /// - Parameters:
  ///   - nodeType: the plugin and the type, `text/join`.
  ///   - inputBytes: the size of all that it was given.
  ///   - peakMemory: bytes.
  ///   - cpuMilli: thousandths of a processor, over its whole time.
  package mutating func record(nodeType: String, inputBytes: Int, peakMemory: Int, cpuMilli: Int) {
    change(nodeType, inputBytes) { record in
      record.memory.add(max(0, min(peakMemory, ResourceRequest.limits.memory)))
      record.cpu.add(max(0, cpuMilli))
      record.sinceFloor += 1
      if record.sinceFloor >= Self.fewest { record.floor = 0 }
    }
  }

  /// A node that ran out of memory.
  /// - Parameter limit: bytes that it had.
  package mutating func recordOutOfMemory(nodeType: String, inputBytes: Int, limit: Int) {
    change(nodeType, inputBytes) { record in
      let doubled = 2 * max(0, min(limit, ResourceRequest.limits.memory))
      record.memory.add(doubled)
      record.floor = max(record.floor, doubled)
      record.sinceFloor = 0
    }
  }

  /// What the next one is to be given. Nil: nobody says anything.
  /// - Parameters:
  ///   - declared: bytes; nil: nothing.
  ///   - plugin: bytes, by its `estimate_resources`; nil: nothing.
  ///   - most: bytes that a node can have here.
  package func estimate(
    nodeType: String, inputBytes: Int, declared: Int?, plugin: Int?, most: Int
  ) -> Estimate? {
    let known = record(for: nodeType, inputBytes)
    var estimate: Estimate?
    if let known, known.memory.count >= Self.fewest {
      let memory = Self.rounded(Self.withOffset(known.memory.percentile(95)))
      estimate = Estimate(memory: memory, source: .measured(count: known.memory.count))
    } else if let plugin {
      estimate = Estimate(memory: plugin, source: .plugin)
    } else if let declared {
      estimate = Estimate(memory: declared, source: .declared)
    }
    if let floor = known?.floor, floor > estimate?.memory ?? 0 {
      estimate = Estimate(memory: floor, source: .outOfMemory)
    }
    guard var estimate else { return nil }
    estimate.memory = min(estimate.memory, most)
    return estimate
  }

  /// A tenth more, and 32 MiB at least: what an interpreter's start alone varies by.
  static func withOffset(_ bytes: Int) -> Int { bytes + max(bytes / 10, 32 << 20) }

  /// Up to the next of eight steps between powers of two, and 16 MiB at least: nearly equal estimates are one class of the scheduler.
  static func rounded(_ bytes: Int) -> Int {
    guard bytes > 0 else { return 0 }
    let power = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount)
    let step = max(16 << 20, power / 8)
    return (bytes + step - 1) / step * step
  }

  private static func magnitude(_ bytes: Int) -> Int { bytes <= 0 ? 0 : Int.bitWidth - bytes.leadingZeroBitCount }

  /// Of inputs as large; where too little is known of those, of the next larger ones that enough is known of.
  private func record(for nodeType: String, _ inputBytes: Int) -> Record? {
    let exact = Self.magnitude(inputBytes)
    let own = records[Key(nodeType: nodeType, magnitude: exact)]
    if let own, own.memory.count >= Self.fewest || own.floor > 0 { return own }
    let larger = (exact..<Int.bitWidth).lazy.compactMap { records[Key(nodeType: nodeType, magnitude: $0)] }
    return larger.first { $0.memory.count >= Self.fewest } ?? own
  }

  func records(of nodeType: String) -> [Record] {
    records.filter { $0.key.nodeType == nodeType }.map(\.value)
  }

  private mutating func change(_ nodeType: String, _ inputBytes: Int, _ body: (inout Record) -> Void) {
    let key = Key(nodeType: nodeType, magnitude: Self.magnitude(inputBytes))
    uses += 1
    body(&records[key, default: Record()])
    records[key]?.lastUse = uses
    guard records.count > Self.mostKeys else { return }
    // Many at once: each search for the oldest takes as long as there are keys.
    for (old, _) in records.sorted(by: { $0.value.lastUse < $1.value.lastUse }).prefix(Self.mostKeys / 8) {
      records[old] = nil
    }
  }
}
