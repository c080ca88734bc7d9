import PluginModel

// The words in which a plan is shown: the same for text and JSON.

extension FilesystemOperation {
  /// What the operation makes or changes.
  package var target: AbsolutePath {
    switch self {
    case .directory(let path), .symbolicLink(let path, _), .file(let path, _), .process(let path),
      .makeReadOnly(let path), .temporaryFilesystem(let path, _):
      path
    case .bind(let bind): bind.target
    case .loaderCache: Inside.loaderCache
    }
  }

  /// The kind of operation, in one word.
  var word: String {
    switch self {
    case .directory: "directory"
    case .symbolicLink: "link"
    case .file, .loaderCache: "file"
    case .bind: "bind"
    case .temporaryFilesystem: "tmpfs"
    case .process: "proc"
    case .makeReadOnly: "seal"
    }
  }

  /// Mount options, as mount(8) spells them; empty where nothing is mounted.
  var options: [String] {
    switch self {
    case .directory, .symbolicLink, .file, .loaderCache: []
    case .bind(let bind): bind.options
    case .temporaryFilesystem(_, let memory):
      [
        "rw", "nosuid", "nodev", memory.executable ? "exec" : "noexec", "size=\(ByteCount(memory.sizeBytes))",
        "nr_inodes=\(memory.inodes)", "mode=\(octal(memory.mode))",
      ]
    case .process: ["nosuid", "nodev", "noexec", "subset=pid", "hidepid=invisible"]
    case .makeReadOnly: ["ro"]
    }
  }
}

extension Bind {
  var options: [String] {
    let isDevice: Bool
    if case .characterDevice = kind { isDevice = true } else { isDevice = false }
    return [access == .readOnly ? "ro" : "rw", "nosuid"] + (isDevice ? [] : ["nodev"])
      + [executable ? "exec" : "noexec"] + (mapsOwner ? ["idmap"] : [])
      + (stagesWrites ? ["overlay"] : [])
  }

  /// What is known of the source beyond its path.
  var note: String? {
    switch kind {
    case .characterDevice(let major, let minor): "device \(major):\(minor)"
    case .directory where stagesWrites: "written when the node has succeeded"
    case .directory where access == .readWrite && target == Inside.workspace: "written at once"
    case .directory, .regularFile: confinedTo.map { "confined to \($0)" }
    }
  }

  var kindWord: String {
    switch kind {
    case .directory: "directory"
    case .regularFile: "file"
    case .characterDevice: "device"
    }
  }
}

extension LandlockPlan.Rule {
  package var rights: LandlockRights { LandlockRights(rawValue: allowed) }
}

extension LandlockRights {
  /// From the lowest bit up.
  package var names: [String] {
    Self.words.enumerated().filter { rawValue & (1 << UInt64($0.offset)) != 0 }.map(\.element)
  }
}

extension LandlockPlan {
  /// What a newer kernel would deny and this one doesn't.
  package var missingRights: LandlockRights {
    LandlockRights.known(to: LandlockPlanner.newestABI).subtracting(LandlockRights(rawValue: handledFilesystem))
  }
  var networkWords: [String] { handledNetwork == 0 ? [] : ["bind-tcp", "connect-tcp"] }
  var scopeWords: [String] { scoped == 0 ? [] : ["abstract-unix-socket", "signal"] }
}

extension ExecutionRule {
  var words: String {
    switch self {
    case .workerOnly: "the worker itself, and no program after it"
    case .allowed: "programs that the mounts and Landlock leave executable"
    }
  }
  var name: String {
    switch self {
    case .workerOnly: "workerOnly"
    case .allowed: "allowed"
    }
  }
}

extension ArgumentCondition: CustomStringConvertible {
  /// `argument 1 & 0o6000 is not 0`, with the argument counted from 0 as the kernel does.
  package var description: String {
    switch test {
    case .equals(let value, mask: .max): "argument \(argument) is \(hexadecimal(value))"
    case .equals(let value, let mask): "argument \(argument) & \(hexadecimal(mask)) is \(hexadecimal(value))"
    case .differs(let value): "argument \(argument) is not \(hexadecimal(value))"
    case .hasAnyBit(let mask): "argument \(argument) & \(hexadecimal(mask)) is not 0"
    }
  }
}

/// `256Mi` where that is exact, otherwise plain bytes.
package struct ByteCount: CustomStringConvertible {
  let bytes: UInt64
  package init(_ bytes: UInt64) { self.bytes = bytes }

  package var description: String {
    for (shift, suffix) in [(UInt64(30), "Gi"), (20, "Mi"), (10, "Ki")] where bytes >> shift > 0 {
      if bytes & ((1 << shift) - 1) == 0 { return "\(bytes >> shift)\(suffix)" }
    }
    return String(bytes)
  }
}

func octal(_ value: UInt32) -> String { "0" + String(value, radix: 8) }
func hexadecimal(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
