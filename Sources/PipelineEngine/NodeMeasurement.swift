import PluginModel
import Scheduling

/// What one node of a run used, for the estimates of later ones.
package struct NodeMeasurement: Hashable, Sendable {
  package var type: NodeTypeReference
  /// Of all that it was given.
  package var inputBytes: Int
  /// Bytes; of one that ran out of memory, those that it had.
  package var memory: Int
  /// Thousandths of a processor, over its whole time.
  package var cpuMilli: Int
  package var ranOutOfMemory: Bool

  package init(type: NodeTypeReference, inputBytes: Int, memory: Int, cpuMilli: Int, ranOutOfMemory: Bool = false) {
    self.type = type
    self.inputBytes = inputBytes
    self.memory = memory
    self.cpuMilli = cpuMilli
    self.ranOutOfMemory = ranOutOfMemory
  }
}

extension RunReport {
  /// Of the nodes that ran here, and were counted.
  package var measurements: [NodeMeasurement] { nodes.compactMap(\.measurement) }
}

extension RunReport.Node {
  fileprivate var measurement: NodeMeasurement? {
    let bytes = inputBytes ?? 0
    if failure?.kind == .oom, let limit = failure?.memoryLimit {
      return NodeMeasurement(
        type: type, inputBytes: bytes, memory: Int(clamping: limit), cpuMilli: 0, ranOutOfMemory: true)
    }
    guard state == .succeeded, let usage = account.usage, let peak = usage.memoryPeak?.bytes, let milliseconds else {
      return nil
    }
    let processor = (usage.processorMicroseconds ?? 0) / UInt64(max(1, milliseconds))
    return NodeMeasurement(
      type: type, inputBytes: bytes, memory: Int(clamping: peak), cpuMilli: Int(clamping: processor))
  }
}

extension EstimateHistory {
  /// - Parameter measurements: the latest last.
  package mutating func record(_ measurements: [NodeMeasurement]) {
    for measured in measurements {
      let type = measured.type.description
      if measured.ranOutOfMemory {
        recordOutOfMemory(nodeType: type, inputBytes: measured.inputBytes, limit: measured.memory)
      } else {
        record(
          nodeType: type, inputBytes: measured.inputBytes, peakMemory: measured.memory, cpuMilli: measured.cpuMilli)
      }
    }
  }
}
