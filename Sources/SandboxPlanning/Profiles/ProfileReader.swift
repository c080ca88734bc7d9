import PluginModel

extension ProfileDocument {
  private enum RootKey: String, CaseIterable { case apiVersion, kind, metadata, spec }
  private enum MetadataKey: String, CaseIterable { case name, description }
  private enum SpecKey: String, CaseIterable {
    case inherits, permissions, systemCalls, limits, resources, scratch, execPaths
  }
  private enum GroupKey: String, CaseIterable { case why, names }
  private enum ResourcesKey: String, CaseIterable {
    case memory, memoryHigh, cpu, cpuWeight, tasks, ioWeight, io, processors
  }
  private enum IOKey: String, CaseIterable { case device, readBytes, writtenBytes, reads, writes }
  private enum ScratchKey: String, CaseIterable { case mebibytes, inodes }
  private enum Version: String, CaseIterable { case v1 = "orchestrator/v1" }
  private enum Kind: String, CaseIterable { case profile = "SecurityProfile" }

  /// Reads one of `profiles/*.yaml`. A profile that inherits from none has to say everything: nothing is unlimited because
  /// it was forgotten.
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
    let inherits = spec?.optional(.inherits).flatMap { item in
      item.name(PluginName.self).map { Located($0.text, at: item.location) }
    }
    let parts = Parts(isWhole: spec?.value(.inherits) == nil)
    let calls = parts.item(spec, .systemCalls).map { Self.calls($0, parts) }
    let limits = parts.item(spec, .limits).map(Self.limits)
    let resources = parts.item(spec, .resources).map { Self.resources($0, parts) }
    let scratch = parts.item(spec, .scratch)?.mapping(ScratchKey.self)
    let mebibytes = parts.item(scratch, .mebibytes).flatMap { $0.located { $0.integer(in: 1...1_048_576) } }
    let inodes = parts.item(scratch, .inodes).flatMap { $0.located { $0.integer(in: 16...16_777_216) } }
    let paths = spec?.optional(.execPaths).flatMap { item in
      item.list(maximumCount: 16).map { list in
        Located(list.unique { $0.choice(SecurityProfile.ExecutablePath.self) }, at: item.location)
      }
    }
    let permissions = spec?.optional(.permissions).flatMap { item in
      item.list(maximumCount: 256).map { Located($0.unique { $0.permission() }, at: item.location) }
    }
    try report.check()
    guard let name, let description else {
      throw Diagnostics([Diagnostic("\(file) is not a security profile")])
    }
    self.init(
      name: name.text, description: description, file: file, inherits: inherits, calls: calls ?? [],
      limits: limits ?? [:], resources: resources ?? Resources(),
      scratchMebibytes: mebibytes.map { Located(UInt64($0.value), at: $0.location) },
      scratchInodes: inodes.map { Located(UInt64($0.value), at: $0.location) }, executablePaths: paths,
      permissions: permissions)
  }

  /// Whether what is missing is a mistake, or inherited.
  private struct Parts {
    var isWhole: Bool

    func item<Key>(_ reader: MappingReader<Key>?, _ key: Key) -> ValueReader? {
      isWhole ? reader?.required(key) : reader?.optional(key)
    }
  }

  /// A name in two lists of one file has no meaning; of two files, that of the heir holds.
  private static func calls(_ reader: ValueReader, _ parts: Parts) -> [Calls] {
    guard let lists = reader.mapping(List.self) else { return [] }
    var firstUse: [String: List] = [:]
    var result: [Calls] = []
    for list in List.allCases {
      let items = (list == .remove ? lists.optional(list) : parts.item(lists, list))?.list() ?? []
      for item in items {
        if let group = groupName(item) {
          result.append(Calls(list: list, content: .group(group), location: item.location))
          continue
        }
        guard !item.isText, let group = item.mapping(GroupKey.self) else {
          if item.isText { notAGroup(item) }
          continue
        }
        let why = group.required(.why)?.string()
        let names = (group.required(.names)?.list() ?? []).compactMap { item -> Located<String>? in
          guard let name = item.systemCallName() else { return nil }
          if let first = firstUse.updateValue(list, forKey: name) {
            item.error(
              "\(name.quoted) is listed twice", why: "it is already under \(first.rawValue.quoted)",
              hint: "keep the one that is meant")
          }
          return Located(name, at: item.location)
        }
        if let why { result.append(Calls(list: list, content: .names(names, why: why), location: item.location)) }
      }
    }
    return result
  }

  private static func groupName(_ item: ValueReader) -> SystemCallGroupName? {
    guard case .string(let text) = item.node.jsonValue, text.first == "@" else { return nil }
    return SystemCallGroupName(String(text.dropFirst()))
  }

  private static func notAGroup(_ item: ValueReader) {
    item.error(
      "\(item.subject) is not a group of system calls",
      hint: "write '@files', or {why: what for, names: [openat]}")
  }

  private static func resources(_ reader: ValueReader, _ parts: Parts) -> Resources {
    guard let root = reader.mapping(ResourcesKey.self) else { return Resources() }
    let least = LimitBounds.memoryMB.lowerBound
    return Resources(
      memory: parts.item(root, .memory)?.located { $0.memory(atLeast: least).map { UInt64($0) } },
      memoryHigh: root.optional(.memoryHigh)?.located { $0.memory(atLeast: least).map { UInt64($0) } },
      cpu: parts.item(root, .cpu)?.located { $0.number(in: LimitBounds.cpuCores) },
      cpuWeight: root.optional(.cpuWeight)?.located { $0.integer(in: LimitBounds.weight).map { UInt32($0) } },
      tasks: parts.item(root, .tasks)?.located { $0.integer(in: LimitBounds.tasks).map { UInt64($0) } },
      ioWeight: root.optional(.ioWeight)?.located { $0.integer(in: LimitBounds.weight).map { UInt32($0) } },
      io: root.optional(.io)?.located(io),
      processors: root.optional(.processors)?.located { list in
        list.list()?.compactMap { item in item.integer(in: LimitBounds.processors).map { UInt32($0) } }
      })
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

  private static func limits(_ reader: ValueReader) -> [ResourceLimit.Kind: Located<UInt64>] {
    guard let limits = reader.mapping(ResourceLimit.Kind.self) else { return [:] }
    var result: [ResourceLimit.Kind: Located<UInt64>] = [:]
    for kind in ResourceLimit.Kind.allCases {
      result[kind] = limits.value(kind)?.located { $0.integer(in: 0...Int.max).map { UInt64($0) } }
    }
    return result
  }
}

extension ValueReader {
  fileprivate var isText: Bool {
    if case .string = node.jsonValue { true } else { false }
  }

  fileprivate func located<Value: Sendable>(_ read: (ValueReader) -> Value?) -> Located<Value>? {
    read(self).map { Located($0, at: location) }
  }
}
