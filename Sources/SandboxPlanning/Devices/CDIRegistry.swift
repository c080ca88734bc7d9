import PluginModel

/// The devices of all CDI files of a host.
///
/// Files of one directory have the same rank; a later directory is above an earlier one (`/etc/cdi`, then `/var/run/cdi`). Of a device
/// that several files describe, the file of highest rank counts; where two of the same rank describe it, none does.
package struct CDIRegistry: Hashable, Sendable {
  /// A file that was read, or why it wasn't.
  package struct File: Sendable {
    package var path: String
    /// The position of its directory among the directories.
    package var rank: Int
    package var content: Result<CDISpecification, Diagnostics>
    package init(path: String, rank: Int, content: Result<CDISpecification, Diagnostics>) {
      self.path = path
      self.rank = rank
      self.content = content
    }
  }

  private struct Entry: Hashable, Sendable {
    var file: String
    var rank: Int
    var common: CDIEdits
    var own: CDIEdits
  }

  private var entries: [CDIDeviceReference: Entry] = [:]
  /// Devices that two files of the same rank describe, with these files.
  private var conflicts: [CDIDeviceReference: [String]] = [:]
  /// What was wrong with files that don't count.
  package private(set) var problems: [Diagnostic] = []

  package init(_ files: [File]) {
    for file in files.sorted(by: { ($0.rank, $0.path) < ($1.rank, $1.path) }) {
      switch file.content {
      case .failure(let failure): problems += failure.items
      case .success(let specification):
        for device in specification.devices {
          add(
            CDIDeviceReference(kind: specification.kind, device: device.name),
            Entry(file: file.path, rank: file.rank, common: specification.edits, own: device.edits))
        }
      }
    }
  }

  private mutating func add(_ reference: CDIDeviceReference, _ entry: Entry) {
    if let known = entries[reference], known.rank == entry.rank {
      conflicts[reference, default: [known.file]].append(entry.file)
    } else {
      conflicts[reference] = nil
      entries[reference] = entry
    }
  }

  /// Every device that can be asked for, in the order of their names.
  package var devices: [CDIDeviceReference] { entries.keys.filter { conflicts[$0] == nil }.sorted() }

  /// The file that counts for a device.
  package func source(of reference: CDIDeviceReference) -> String? { entries[reference]?.file }

  /// One for each device that two files of the same rank describe.
  package var conflictProblems: [Diagnostic] { conflicts.keys.sorted().compactMap(conflictProblem) }

  private func conflictProblem(_ reference: CDIDeviceReference) -> Diagnostic? {
    conflicts[reference].map { files in
      Diagnostic(
        "the device \(reference) is described twice", why: "by \(files.joined(separator: " and "))",
        hint: "remove one of these files")
    }
  }

  /// True where a file describes a device of this kind, whether or not it can be used.
  package func describes(_ kind: CDIKind) -> Bool { entries.keys.contains { $0.kind == kind } }

  /// What a sandbox needs for these devices: what each file has for all of its devices once, then each device's own.
  /// - Throws: a diagnostic for each device that there isn't, or that asks for what no sandbox does. None is left out silently.
  package func edits(for references: [CDIDeviceReference]) throws(Diagnostics) -> CDIEdits {
    var problems: [Diagnostic] = []
    var edits = CDIEdits()
    var files: Set<String> = []
    for reference in references {
      if let problem = conflictProblem(reference) {
        problems.append(problem)
        continue
      }
      guard let entry = entries[reference] else {
        problems.append(
          Diagnostic(
            "this host has no device \(reference)",
            hint: Suggestion.hint(for: reference.description, among: devices.map(\.description))))
        continue
      }
      let common = files.insert(entry.file).inserted ? entry.common : CDIEdits()
      let needed = common.merging(entry.own)
      if !needed.unsupported.isEmpty {
        problems.append(
          Diagnostic(
            "the device \(reference) can't be given to a sandbox",
            why: "\(entry.file) asks for \(needed.unsupported.joined(separator: " and ")), which no sandbox has",
            hint: "use a device that doesn't need it"))
      }
      edits = edits.merging(needed)
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return edits
  }
}
