import PluginModel

extension SecurityProfile {
  private enum RootKey: String, CaseIterable { case apiVersion, kind, metadata, spec }
  private enum MetadataKey: String, CaseIterable { case name, description }
  private enum SpecKey: String, CaseIterable { case systemCalls, limits, resources, scratch }
  private enum ListKey: String, CaseIterable { case allow, deny, exec }
  private enum GroupKey: String, CaseIterable { case why, names }
  private enum ResourcesKey: String, CaseIterable {
    case memory, memoryHigh, cpu, cpuWeight, tasks, ioWeight, io, processors
  }
  private enum IOKey: String, CaseIterable { case device, readBytes, writtenBytes, reads, writes }
  private enum ScratchKey: String, CaseIterable { case mebibytes, inodes }
  private enum Version: String, CaseIterable { case v1 = "orchestrator/v1" }
  private enum Kind: String, CaseIterable { case profile = "SecurityProfile" }

  /// Reads one of `profiles/*.yaml`.
  ///
  /// A profile stands alone: there is no inheritance, so that what is read in one file is what is enforced.
  /// - Throws: every problem of the file.
  package init(yaml bytes: [UInt8], file: String) throws(Diagnostics) {
    let report = DocumentReport(file: file)
    let root = report.read(bytes, syntax: .yaml)?.mapping(RootKey.self)
    _ = root?.required(.apiVersion)?.choice(Version.self)
    _ = root?.required(.kind)?.choice(Kind.self)
    let metadata = root?.required(.metadata)?.mapping(MetadataKey.self)
    // The name goes into messages and onto command lines: it has the grammar of a plugin's.
    let name = metadata?.required(.name)?.name(PluginName.self)
    let description = metadata?.required(.description)?.string()
    let spec = root?.required(.spec)?.mapping(SpecKey.self)
    let calls = spec?.required(.systemCalls).flatMap(Self.systemCalls)
    let limits = spec?.required(.limits).flatMap(Self.limits)
    let resources = spec?.required(.resources).flatMap(Self.resources)
    let scratch = spec?.required(.scratch)?.mapping(ScratchKey.self)
    let mebibytes = scratch?.required(.mebibytes)?.integer(in: 1...1_048_576)
    let inodes = scratch?.required(.inodes)?.integer(in: 16...16_777_216)
    try report.check()
    guard let name, let description, let calls, let limits, let resources, let mebibytes, let inodes else {
      throw Diagnostics([Diagnostic("\(file) is not a security profile")])
    }
    self.init(
      name: name.text, description: description, systemCalls: calls, limits: limits,
      scratchBytes: UInt64(mebibytes) << 20, scratchInodes: UInt64(inodes), resources: resources)
  }

  private static func systemCalls(_ reader: ValueReader) -> SystemCalls? {
    guard let lists = reader.mapping(ListKey.self) else { return nil }
    var firstUse: [String: ListKey] = [:]
    func names(of key: ListKey) -> [String] {
      let groups = lists.required(key)?.list() ?? []
      return groups.compactMap { $0.mapping(GroupKey.self) }.flatMap { group in
        _ = group.required(.why)?.string()
        return (group.required(.names)?.list() ?? []).compactMap { item -> String? in
          guard let name = item.string(maximumBytes: 64), isCallName(name, item) else { return nil }
          if let first = firstUse.updateValue(key, forKey: name) {
            item.error(
              "\(name.quoted) is listed twice", why: "it is already under \(first.rawValue.quoted)",
              hint: "keep the one that is meant")
          }
          return name
        }
      }
    }
    return SystemCalls(allow: names(of: .allow), deny: names(of: .deny), exec: names(of: .exec))
  }

  private static func isCallName(_ name: String, _ item: ValueReader) -> Bool {
    let isValid =
      !name.isEmpty
      && name.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
      }
    if !isValid {
      item.error(
        "\(name.quoted) is not the name of a system call", hint: "use lower-case letters, digits and '_': openat")
    }
    return isValid
  }

  /// Memory, processors and tasks have to be said: nothing is unlimited because it was forgotten.
  private static func resources(_ reader: ValueReader) -> Resources? {
    guard let root = reader.mapping(ResourcesKey.self) else { return nil }
    let least = LimitBounds.memoryMB.lowerBound
    let memory = root.required(.memory).flatMap { item in
      item.memory(atLeast: least).map { Located(UInt64($0), at: item.location) }
    }
    let high = root.optional(.memoryHigh)?.memory(atLeast: least).map { UInt64($0) }
    if let memory, let high, high > memory.value {
      root.optional(.memoryHigh)?.error(
        "'memoryHigh' must be from \(least)Mi to \(ByteCount(memory.value))", why: "'memory' is the most there is")
    }
    let cpu = root.required(.cpu).flatMap { item in
      item.number(in: LimitBounds.cpuCores).map { Located($0, at: item.location) }
    }
    let tasks = root.required(.tasks)?.integer(in: LimitBounds.tasks)
    let cpuWeight = root.optional(.cpuWeight)?.integer(in: LimitBounds.weight)
    let ioWeight = root.optional(.ioWeight)?.integer(in: LimitBounds.weight)
    guard let memory, let cpu, let tasks else { return nil }
    return Resources(
      memory: memory, memoryHigh: high, cpuCores: cpu, cpuWeight: cpuWeight.map { UInt32($0) }, tasks: UInt64(tasks),
      ioWeight: ioWeight.map { UInt32($0) }, io: root.optional(.io).flatMap(io),
      processors: root.optional(.processors)?.list()?.compactMap { item in
        item.integer(in: LimitBounds.processors).map { UInt32($0) }
      } ?? [])
  }

  /// Amounts in a second.
  private static func io(_ reader: ValueReader) -> IOLimit? {
    guard let root = reader.mapping(IOKey.self), let device = root.required(.device), let text = device.string() else {
      return nil
    }
    let numbers = text.split(separator: ":", omittingEmptySubsequences: false).compactMap { UInt32($0) }
    guard numbers.count == 2, text == "\(numbers[0]):\(numbers[1])" else {
      device.error("\(text.quoted) is not a device", hint: "write the numbers of a disk as lsblk shows them: \"8:0\"")
      return nil
    }
    let limit = IOLimit(
      major: numbers[0], minor: numbers[1], readBytes: root.optional(.readBytes)?.memory(atLeast: 1).map { UInt64($0) },
      writtenBytes: root.optional(.writtenBytes)?.memory(atLeast: 1).map { UInt64($0) },
      reads: root.optional(.reads)?.integer(in: LimitBounds.operations).map { UInt64($0) },
      writes: root.optional(.writes)?.integer(in: LimitBounds.operations).map { UInt64($0) })
    if limit == limit.lifted {
      reader.error("'io' limits nothing", hint: "name at least one of readBytes, writtenBytes, reads and writes")
    }
    return limit
  }

  private static func limits(_ reader: ValueReader) -> [ResourceLimit]? {
    guard let limits = reader.mapping(ResourceLimit.Kind.self) else { return nil }
    return ResourceLimit.Kind.allCases.compactMap { kind in
      limits.value(kind)?.integer(in: 0...Int.max).map { ResourceLimit(kind, UInt64($0)) }
    }
  }
}
