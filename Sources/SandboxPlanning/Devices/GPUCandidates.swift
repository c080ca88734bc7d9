import PluginModel

/// A GPU as a file describes it, before anything was looked up on the host.
package struct GPUCandidate: Hashable, Sendable {
  package var reference: CDIDeviceReference
  package var aliases: [CDIDeviceName]
  package var source: String
  package var edits: CDIEdits

  package init(reference: CDIDeviceReference, aliases: [CDIDeviceName] = [], source: String, edits: CDIEdits) {
    self.reference = reference
    self.aliases = aliases
    self.source = source
    self.edits = edits
  }

  /// What has to be known about the host before it can be used.
  package var hostPaths: Set<AbsolutePath> {
    Set(edits.deviceNodes.map(\.hostPath) + edits.mounts.flatMap { [$0.hostPath, $0.containerPath] })
  }

  /// Directories of the host whose libraries have to be known: what its hooks would have indexed.
  package var libraryDirectories: Set<AbsolutePath> { Set(indexed.map(\.host)) }

  /// The directories that its hooks would have indexed, inside and on the host. Files that are mounted one by one are known anyhow.
  var indexed: [(inside: AbsolutePath, host: AbsolutePath)] {
    CDIHookEffects(edits.hooks).libraryDirectories.flatMap { directory in
      edits.mounts.compactMap { mount in
        directory.relative(to: mount.containerPath).flatMap(mount.hostPath.appending).map { (directory, $0) }
      }
    }
  }
}

extension AbsolutePath {
  /// What leads here from `other`: empty for itself, nil where this doesn't lie beneath it.
  func relative(to other: AbsolutePath) -> String? {
    guard isEqualToOrBeneath(other) else { return nil }
    return components.dropFirst(other.components.count).joined(separator: "/")
  }
}

extension CDIKind {
  /// The class that all vendors use for graphics processors.
  package var isGPU: Bool { text.hasSuffix("/gpu") }
  package static let nvidiaGPU = CDIKind(unchecked: "nvidia.com/gpu")
}

extension CDIRegistry {
  /// The GPUs that the files describe, in the order of their names, and why others aren't among them.
  ///
  /// Vendors name one GPU several times, by index and by UUID, and all of them together as `all`: what counts is which device nodes
  /// a name stands for. A name that stands for several others is none of its own, and a GPU that is divided into instances isn't
  /// given whole beside them.
  package func gpus() -> (candidates: [GPUCandidate], problems: [Diagnostic]) {
    var candidates: [GPUCandidate] = []
    var problems = conflictProblems
    let references = devices.filter(\.kind.isGPU)
    for kind in Set(references.map(\.kind)).sorted() {
      var described: [Described] = []
      for reference in references where reference.kind == kind {
        do throws(Diagnostics) {
          let edits = try edits(for: [reference])
          let nodes = Set(edits.deviceNodes.map(\.hostPath))
          guard !nodes.isEmpty else {
            problems.append(
              Diagnostic(
                "the GPU \(reference) has no device node", why: "\(source(of: reference) ?? "its file") names none",
                hint: "regenerate the file with its vendor's tool"))
            continue
          }
          described.append(Described(reference: reference, nodes: nodes, edits: edits))
        } catch {
          problems += error.items
        }
      }
      candidates += Self.distinct(described).map { names in
        GPUCandidate(
          reference: names[0].reference, aliases: names.dropFirst().map(\.reference.device),
          source: source(of: names[0].reference) ?? "", edits: names[0].edits)
      }
    }
    return (candidates.sorted { $0.reference.precedes($1.reference) }, problems)
  }

  fileprivate struct Described {
    var reference: CDIDeviceReference
    var nodes: Set<AbsolutePath>
    var edits: CDIEdits
  }

  /// One list for each GPU: all its names, the one to show first.
  private static func distinct(_ described: [Described]) -> [[Described]] {
    let groups = Dictionary(grouping: described, by: \.nodes).mapValues { names in
      names.sorted { left, right in
        let (isLeftAll, isRightAll) = (left.isEverything, right.isEverything)
        return isLeftAll == isRightAll ? left.reference.precedes(right.reference) : isRightAll
      }
    }
    let single = groups.filter { nodes, names in
      if names.allSatisfy(\.isEverything), groups.count > 1 { return false }
      let parts = groups.keys.filter { $0.isStrictSubset(of: nodes) }
      return parts.reduce(into: Set<AbsolutePath>()) { $0.formUnion($1) } != nodes
    }
    let whole = single.filter { nodes, _ in !single.keys.contains { nodes.isStrictSubset(of: $0) } }
    return Array(whole.values)
  }
}

extension CDIRegistry.Described {
  /// The name that vendors' tools give to all devices together.
  fileprivate var isEverything: Bool { reference.device.text == "all" }
}

extension CDIDeviceReference {
  /// `gpu=2` before `gpu=10`, and an index before a UUID.
  package func precedes(_ other: CDIDeviceReference) -> Bool {
    guard kind == other.kind else { return kind < other.kind }
    let order = NaturalOrder.compare(device.text, other.device.text)
    // Digits come last among bytes in that order.
    let isIndex = device.text.utf8.first.map { $0 <= 0x39 } ?? false
    let isOtherIndex = other.device.text.utf8.first.map { $0 <= 0x39 } ?? false
    return isIndex == isOtherIndex ? order < 0 : isIndex
  }
}
