import PluginModel

/// The GPUs that NVIDIA's kernel driver names under /proc, for hosts without CDI files: whole ones, and the instances of those that are
/// divided (MIG). The driver's libraries are the host's own, which every sandbox sees.
package struct NVIDIADriver: Hashable, Sendable {
  /// `/proc/driver/nvidia/gpus/*/information`, by path.
  package var information: [String: String]
  /// `/proc/devices`
  package var devices: String
  /// `/proc/driver/nvidia-caps/mig-minors`: of every instance that there could be.
  package var instanceMinors: String
  /// The instances that there are: `gpu0/gi1/ci0`, as directories beneath `/proc/driver/nvidia/capabilities` have it.
  package var instances: [String]
  /// Where the nodes are: `/dev`.
  package var nodes: AbsolutePath

  package init(
    information: [String: String], devices: String, instanceMinors: String = "", instances: [String] = [],
    nodes: AbsolutePath = Inside.devices
  ) {
    self.information = information
    self.devices = devices
    self.instanceMinors = instanceMinors
    self.instances = instances
    self.nodes = nodes
  }

  private static let control: UInt32 = 255
  /// Of its nodes, fixed since the first: Documentation/admin-guide/devices.txt of the kernel has 195 for it.
  private static let major: UInt32 = 195

  /// What the driver calls the GPU with this node; nil: it isn't one of its.
  package func model(of number: DeviceNumber) -> String? {
    guard number.major == Self.major else { return nil }
    return information.values.lazy.map(Self.fields).first { $0["Device Minor"] == "\(number.minor)" }?["Model"]
  }

  /// Of `/proc/driver/nvidia/version`: the first word of digits with points, `550.54.15`.
  package static func version(_ text: String) -> String? {
    let line = text.split(separator: "\n").first { $0.hasPrefix("NVRM version:") } ?? ""
    return line.split { $0 == " " || $0 == "\t" }
      .first { word in word.contains(".") && word.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) } }
      .map(String.init)
  }

  package func gpus() -> (candidates: [GPUCandidate], problems: [Diagnostic]) {
    var candidates: [GPUCandidate] = []
    var problems: [Diagnostic] = []
    for (file, text) in information.sorted(by: { $0.key < $1.key }) {
      let fields = Self.fields(text)
      if fields["GPU Excluded"] == "Yes" { continue }
      guard let minor = fields["Device Minor"].flatMap({ UInt32($0) }) else {
        problems.append(
          Diagnostic("\(file) names no device minor", hint: "see whether the driver works: dmesg | grep -i nvidia"))
        continue
      }
      do throws(Diagnostic) {
        candidates += try self.candidates(minor: minor, identifier: fields["GPU UUID"], file: file)
      } catch {
        problems.append(error)
      }
    }
    return (candidates.sorted { $0.reference.precedes($1.reference) }, problems)
  }

  private func candidates(minor: UInt32, identifier: String?, file: String) throws(Diagnostic) -> [GPUCandidate] {
    let gpu = try node("nvidia\(minor)", try major("nvidia", "nvidia-frontend"), minor)
    let shared = [
      try node("nvidiactl", try major("nvidia", "nvidia-frontend"), Self.control),
      try node("nvidia-uvm", try major("nvidia-uvm"), 0),
    ]
    let parts = instances.filter { $0.hasPrefix("gpu\(minor)/") }
    guard !parts.isEmpty else {
      return [
        GPUCandidate(
          reference: try reference("\(minor)"), aliases: [identifier.flatMap { CDIDeviceName($0) }].compactMap(\.self),
          source: file, edits: CDIEdits(deviceNodes: [gpu] + shared))
      ]
    }
    var candidates: [GPUCandidate] = []
    for part in parts.sorted(by: { NaturalOrder.compare($0, $1) < 0 }) {
      // The access of the GPU instance, and of the compute instance in it.
      let steps = part.split(separator: "/").map(String.init)
      guard steps.count == 3, steps[1].hasPrefix("gi"), steps[2].hasPrefix("ci") else { continue }
      let access = [try capability("\(steps[0])/\(steps[1])/access"), try capability("\(part)/access")]
      candidates.append(
        GPUCandidate(
          reference: try reference("\(minor):\(steps[1].dropFirst(2)):\(steps[2].dropFirst(2))"), source: file,
          edits: CDIEdits(deviceNodes: [gpu] + access + shared)))
    }
    return candidates
  }

  private func reference(_ name: String) throws(Diagnostic) -> CDIDeviceReference {
    guard let device = CDIDeviceName(name) else { throw Diagnostic("\(name.quoted) can't be the name of a GPU") }
    return CDIDeviceReference(kind: .nvidiaGPU, device: device)
  }

  private func capability(_ path: String) throws(Diagnostic) -> CDIEdits.DeviceNode {
    let lines = instanceMinors.split(separator: "\n").map { $0.split(separator: " ") }
    guard let minor = lines.first(where: { $0.count == 2 && $0[0] == path }).flatMap({ UInt32($0[1]) }) else {
      throw Diagnostic(
        "the driver names no device for \(path)", why: "/proc/driver/nvidia-caps/mig-minors doesn't have it",
        hint: "generate a CDI file with NVIDIA's tool: nvidia-ctk cdi generate")
    }
    var node = try node("nvidia-caps/nvidia-cap\(minor)", try major("nvidia-caps"), minor)
    node.access = .read
    return node
  }

  private func node(_ name: String, _ major: UInt32, _ minor: UInt32) throws(Diagnostic) -> CDIEdits.DeviceNode {
    guard let path = Inside.devices.appending(name), let host = nodes.appending(name) else {
      throw Diagnostic("\(name.quoted) can't be the name of a device")
    }
    return CDIEdits.DeviceNode(
      path: path, hostPath: host, kind: .character, major: major, minor: minor, access: [.read, .write])
  }

  /// Of the first of these drivers that /proc/devices has among its character devices.
  private func major(_ names: String...) throws(Diagnostic) -> UInt32 {
    let lines = devices.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0 != "Character devices:" }.dropFirst().prefix { !$0.isEmpty }
    for line in lines {
      let words = line.split(separator: " ")
      if words.count == 2, names.contains(String(words[1])), let major = UInt32(words[0]) { return major }
    }
    throw Diagnostic(
      "the driver \(names[0]) has no device number", why: "/proc/devices doesn't have it",
      hint: "load it: modprobe \(names[0] == "nvidia-caps" ? "nvidia" : names[0])")
  }

  /// `Model: NVIDIA …`, with blanks and tabs after the colon.
  private static func fields(_ text: String) -> [String: String] {
    let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      return (String(parts[0]).trimmed, String(parts[1]).trimmed)
    }
    return Dictionary(pairs) { first, _ in first }
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
