import PluginModel

/// What a node type's declaration might better say.
package struct ResourceSuggestion: Hashable, Sendable {
  package var nodeType: String
  /// Bytes, unless ``resource`` says otherwise.
  package var resource: Resource
  package var declared: Int
  package var suggested: Int
  /// The most that was measured.
  package var peak: Int
  package var measurements: Int

  package var text: String {
    "\(nodeType.quoted) asks for \(resource.text(declared)) and used \(resource.text(peak)) at most in \(measurements) runs: "
      + "\(resource.text(suggested)) would do"
  }
}

extension EstimateHistory {
  /// Where a declaration is more than twice of what is needed, or less than it; memory first. Over inputs of all sizes.
  /// - Parameter declared: of the manifest or the workflow.
  package func suggestions(for nodeType: String, declared: ResourceRequest) -> [ResourceSuggestion] {
    let known = records(of: nodeType)
    let measurements = known.reduce(0) { $0 + $1.memory.count }
    guard measurements >= Self.fewest else { return [] }
    func suggestion(_ resource: Resource, _ declared: Int, _ needed: Int, _ peak: Int) -> ResourceSuggestion? {
      guard declared > 0, declared > 2 * needed || declared < needed else { return nil }
      return ResourceSuggestion(
        nodeType: nodeType, resource: resource, declared: declared, suggested: needed, peak: peak,
        measurements: measurements)
    }
    let memory = known.map { Self.rounded(Self.withOffset($0.memory.percentile(95))) }.max() ?? 0
    // In steps of a tenth; one that uses all that it has may want more, but nobody knows how much.
    let cpu = ((known.map { $0.cpu.percentile(95) }.max() ?? 0) + 99) / 100 * 100
    let cpuSuggestion =
      declared.cpuMilli > 2 * cpu
      ? suggestion(.cpu, declared.cpuMilli, max(100, cpu), known.map(\.cpu.largest).max() ?? 0) : nil
    return [
      suggestion(.memory, declared.memory, memory, known.map(\.memory.largest).max() ?? 0), cpuSuggestion,
    ].compactMap(\.self)
  }
}
