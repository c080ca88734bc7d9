import PluginModel

/// The parts of one granted path that were used: files by themselves, a directory where several of its files were, where it was listed, or
/// where something was made in it. Never more than the path.
struct FileLearning {
  /// More parts than this are joined, deepest first, to the directories above.
  static let limit = 8

  private let root: AbsolutePath
  private let granted: Permission
  private let evidence: LearningEvidence
  private(set) var found: [LearnedPermission] = []

  private struct Need: Hashable {
    var place: AbsolutePath
    var isWritten: Bool
    /// Whether others of its directory are a reason to take the directory.
    var isFile: Bool
    var uses: [LearnedUse]
  }

  /// - Parameter having: what is proposed already.
  init(_ root: AbsolutePath, _ granted: Permission, _ evidence: LearningEvidence, having: [Permission]) {
    self.root = root
    self.granted = granted
    self.evidence = evidence
    let single = singleNeeds().filter { $0.isWritten || !Permission.filesystemRead($0.place).isCovered(by: having) }
    var needs = covering(single)
    needs = covering(joined(needs) { $0.isFile })
    while needs.count > Self.limit {
      let fewer = covering(
        joined(needs, atLeast: 1) { [deepest = depth(needs)] in $0.place.components.count == deepest })
      guard fewer != needs else { break }
      needs = fewer
    }
    found = needs.map { permission($0) }
  }

  private func depth(_ needs: [Need]) -> Int { needs.map(\.place.components.count).max() ?? 0 }

  /// For each use, the place that it takes.
  private func singleNeeds() -> [Need] {
    let isWritable = granted.name == .filesystemWrite
    let uses = evidence.uses(under: root).filter { use in
      let narrow: Permission =
        use.isWriting && isWritable ? .filesystemWrite(use.place) : .filesystemRead(use.place)
      return evidence.covering(narrow) == granted
    }
    var needs: [Need] = []
    for use in uses {
      let place = evidence.places[use.place]
      if use.isWriting {
        // What it may only read, it tried to write: that was denied, and is told elsewhere.
        guard isWritable else { continue }
        let isMade = use.path.uses.contains(.change) || place == nil
        let target = place == .link ? root : isMade ? directory(above: use.place) : use.place
        needs.append(Need(place: target, isWritten: true, isFile: !isMade && place == .file, uses: [use.told]))
      } else if let place {
        // Directories above what is shown are there anyway.
        let isOnlyLooked = use.path.uses == [.look] && place == .directory
        let hasMore = uses.contains { $0.place != use.place && $0.place.isEqualToOrBeneath(use.place) }
        if isOnlyLooked, hasMore { continue }
        let target = place == .link ? root : use.place
        needs.append(Need(place: target, isWritten: false, isFile: place == .file, uses: [use.told]))
      }
    }
    return needs
  }

  private func directory(above place: AbsolutePath) -> AbsolutePath {
    guard place != root, let parent = place.parent, parent.isEqualToOrBeneath(root) else { return root }
    return parent
  }

  /// Without those that others cover, whose reasons they get.
  private func covering(_ needs: [Need]) -> [Need] {
    var kept: [Need] = []
    // A directory before what lies in it, what is written before what is read.
    let order = needs.sorted {
      ($0.place.components.count, $0.isWritten ? 0 : 1, $0.place.text)
        < ($1.place.components.count, $1.isWritten ? 0 : 1, $1.place.text)
    }
    for need in order {
      if let place = kept.firstIndex(where: {
        need.place.isEqualToOrBeneath($0.place) && ($0.isWritten || !need.isWritten)
      }) {
        kept[place].uses += need.uses
      } else {
        kept.append(need)
      }
    }
    return kept
  }

  /// Those of one directory become the directory, where there are several.
  private func joined(_ needs: [Need], atLeast count: Int = 2, where isJoined: (Need) -> Bool) -> [Need] {
    var result: [Need] = []
    var groups: [AbsolutePath: [Need]] = [:]
    for need in needs {
      if isJoined(need), need.place != root {
        groups[directory(above: need.place), default: []].append(need)
      } else {
        result.append(need)
      }
    }
    for (directory, group) in groups.sorted(by: { $0.key < $1.key }) {
      for isWritten in [true, false] {
        let members = group.filter { $0.isWritten == isWritten }
        guard !members.isEmpty else { continue }
        result +=
          members.count >= count
          ? [Need(place: directory, isWritten: isWritten, isFile: false, uses: members.flatMap(\.uses))] : members
      }
    }
    return result
  }

  private func permission(_ need: Need) -> LearnedPermission {
    let read = Permission.filesystemRead(need.place)
    let write = Permission.filesystemWrite(need.place)
    var reasons = LearningReason.words(need.uses)
    var permission = need.isWritten ? write : read
    if !need.isWritten, !evidence.mayAsk(for: read) {
      permission = write
      reasons.append("only read; its manifest asks for nothing less")
    }
    return LearnedPermission(permission: permission, granted: granted, evidence: reasons)
  }
}
