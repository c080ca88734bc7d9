import PluginModel

extension CDISpecification {
  private enum RootKey: String, CaseIterable { case cdiVersion, kind, annotations, devices, containerEdits }
  private enum DeviceKey: String, CaseIterable { case name, annotations, containerEdits }

  /// Reads a file of `/etc/cdi` or `/var/run/cdi`. As the format asks, a file with an unknown field is refused whole.
  /// - Throws: every problem of the file.
  package init(bytes: [UInt8], file: String, syntax: DocumentSyntax) throws(Diagnostics) {
    let report = DocumentReport(file: file)
    let root = report.read(bytes, syntax: syntax)?.mapping(RootKey.self)
    let version = root?.required(.cdiVersion)?.choice(CDIVersion.self)
    let kind = root?.required(.kind)?.name(CDIKind.self)
    let edits = CDIEditsReader(version: version)
    edits.annotations(root?.optional(.annotations))
    let common = edits.read(root?.optional(.containerEdits))
    var devices: [Device] = []
    for item in root?.required(.devices)?.list() ?? [] {
      guard let keys = item.mapping(DeviceKey.self) else { continue }
      edits.annotations(keys.optional(.annotations))
      guard let name = keys.required(.name).flatMap(Self.deviceName) else { continue }
      if devices.contains(where: { $0.name == name }) {
        item.error("the device \(name.text.quoted) is described twice", hint: "keep the one that is meant")
      }
      devices.append(Device(name: name, edits: edits.read(keys.required(.containerEdits))))
    }
    if let list = root?.optional(.devices), case .sequence(let items) = list.node.content, items.isEmpty {
      list.error("the file describes no device")
    }
    try report.check()
    guard let version, let kind else { throw Diagnostics([Diagnostic("\(file) is not a CDI specification")]) }
    self.init(version: version, kind: kind, edits: common, devices: devices)
  }

  /// Vendors write the number of a device without quotes, too.
  private static func deviceName(_ reader: ValueReader) -> CDIDeviceName? {
    guard let text = reader.text(maximumBytes: 253) else { return nil }
    guard let name = CDIDeviceName(text) else {
      reader.error("\(text.quoted) is not a \(CDIDeviceName.kind)", hint: "use \(CDIDeviceName.grammar)")
      return nil
    }
    return name
  }
}

/// Reads `containerEdits`, with the version that each field came with.
private struct CDIEditsReader {
  private enum EditsKey: String, CaseIterable {
    case env, deviceNodes, netDevices, hooks, mounts, intelRdt, additionalGids
  }
  private enum NodeKey: String, CaseIterable {
    case path, hostPath, type, major, minor, fileMode, permissions, uid, gid
  }
  private enum MountKey: String, CaseIterable { case hostPath, containerPath, options, type }
  private enum HookKey: String, CaseIterable { case hookName, path, args, env, timeout }

  let version: CDIVersion?

  func annotations(_ reader: ValueReader?) {
    guard let reader else { return }
    require(.version060, for: reader)
    for entry in reader.entries(named: CDIAnnotationName.self) ?? [] { _ = entry.value.string() }
  }

  func read(_ reader: ValueReader?) -> CDIEdits {
    guard let keys = reader?.mapping(EditsKey.self) else { return CDIEdits() }
    var edits = CDIEdits()
    edits.environment = items(keys.optional(.env)).compactMap(variable)
    edits.deviceNodes = items(keys.optional(.deviceNodes)).compactMap(deviceNode)
    edits.mounts = items(keys.optional(.mounts)).compactMap(mount)
    edits.hooks = items(keys.optional(.hooks)).compactMap(hook)
    if let groups = keys.optional(.additionalGids) {
      require(.version070, for: groups)
      edits.additionalGroups = items(groups).compactMap { $0.integer(in: 0...Int(UInt32.max)).map(UInt32.init) }
    }
    if let resources = keys.optional(.intelRdt) {
      require(.version070, for: resources)
      edits.unsupported.append(EditsKey.intelRdt.rawValue)
    }
    if let devices = keys.optional(.netDevices) {
      require(.version110, for: devices)
      edits.unsupported.append(EditsKey.netDevices.rawValue)
    }
    return edits
  }

  private func items(_ reader: ValueReader?) -> [ValueReader] { reader?.list() ?? [] }

  private func require(_ first: CDIVersion, for reader: ValueReader) {
    guard let version, version < first else { return }
    reader.error(
      "\(reader.subject) needs cdiVersion \(first.rawValue)", why: "the file says \(version.rawValue)",
      hint: "regenerate the file with its vendor's tool")
  }

  private func variable(_ reader: ValueReader) -> EnvironmentVariable? {
    guard let text = reader.string() else { return nil }
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else {
      reader.error("\(text.quoted) is not an environment variable", hint: "write NAME=value")
      return nil
    }
    return EnvironmentVariable(String(parts[0]), String(parts[1]))
  }

  private func deviceNode(_ reader: ValueReader) -> CDIEdits.DeviceNode? {
    guard let keys = reader.mapping(NodeKey.self), let path = keys.required(.path).flatMap(path) else { return nil }
    if let host = keys.optional(.hostPath) { require(.version050, for: host) }
    let hostPath: AbsolutePath
    if let written = keys.optional(.hostPath) {
      guard let host = self.path(written) else { return nil }
      hostPath = host
    } else {
      hostPath = path
    }
    func number(_ key: NodeKey, in range: ClosedRange<Int> = 0...Int(UInt32.max)) -> UInt32? {
      keys.optional(key)?.integer(in: range).map(UInt32.init)
    }
    return CDIEdits.DeviceNode(
      path: path, hostPath: hostPath, kind: keys.optional(.type)?.choice(), major: number(.major, in: 0...4095),
      minor: number(.minor, in: 0...1_048_575), fileMode: number(.fileMode, in: 0...0o7777),
      access: keys.optional(.permissions).map(access) ?? .all, user: number(.uid), group: number(.gid))
  }

  private func access(_ reader: ValueReader) -> DeviceAccess {
    guard let text = reader.string() else { return .all }
    if let access = DeviceAccess(text) { return access }
    reader.error("\(text.quoted) is not a device permission", hint: "use the letters r, w and m")
    return .all
  }

  private func mount(_ reader: ValueReader) -> CDIEdits.Mount? {
    guard let keys = reader.mapping(MountKey.self), let host = keys.required(.hostPath).flatMap(path),
      let inside = keys.required(.containerPath).flatMap(path)
    else { return nil }
    if let type = keys.optional(.type) { require(.version040, for: type) }
    return CDIEdits.Mount(
      hostPath: host, containerPath: inside, options: items(keys.optional(.options)).compactMap { $0.string() },
      type: keys.optional(.type)?.string())
  }

  private func hook(_ reader: ValueReader) -> CDIEdits.Hook? {
    guard let keys = reader.mapping(HookKey.self) else { return nil }
    let stage = keys.required(.hookName)?.choice(CDIEdits.Hook.Stage.self)
    let path = keys.required(.path)?.string()
    let arguments = items(keys.optional(.args)).compactMap { $0.string() }
    _ = items(keys.optional(.env)).compactMap(variable)
    _ = keys.optional(.timeout)?.integer(in: 0...Int(Int32.max))
    guard let stage, let path else { return nil }
    return CDIEdits.Hook(stage: stage, path: path, arguments: arguments)
  }

  private func path(_ reader: ValueReader) -> AbsolutePath? {
    guard let text = reader.string() else { return nil }
    guard let path = AbsolutePath(text) else {
      reader.error("\(text.quoted) is not an absolute path", hint: "start it with '/'")
      return nil
    }
    return path
  }
}

/// A key of `annotations`, as Kubernetes has them: an optional DNS prefix and a name.
private struct CDIAnnotationName: ValidatedName {
  let text: String
  init(unchecked text: String) { self.text = text }
  static let kind = "annotation name"
  static let grammar = "up to 253 letters, digits, '_', '-', '.' and '/'"
  static func accepts(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 253
      && text.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte | 0x20) || (0x2D...0x39).contains(byte) || byte == 0x5F
      }
  }
}
