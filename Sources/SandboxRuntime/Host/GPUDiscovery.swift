import LinuxSystem
import PluginModel
import SandboxPlanning

/// Finds the GPUs of this host: reads files, and leaves every decision to ``GPUInventory``. Blocks for some milliseconds on a host that
/// has GPUs; call it off the cooperative pool.
package struct GPUDiscovery: Sendable {
  /// In ascending order of precedence, as the Container Device Interface has it.
  package static let standardDirectories = [
    AbsolutePath(constant: "/etc/cdi"), AbsolutePath(constant: "/var/run/cdi"),
  ]

  /// Where a host keeps what is read.
  package struct Places: Sendable {
    package var directories: [AbsolutePath]
    package var processes: String
    package var system: String
    package var devices: AbsolutePath
    package var loaderCache: String

    package init(
      directories: [AbsolutePath] = GPUDiscovery.standardDirectories, processes: String = "/proc",
      system: String = "/sys", devices: AbsolutePath = Inside.devices, loaderCache: String = Inside.loaderCache.text
    ) {
      self.directories = directories
      self.processes = processes
      self.system = system
      self.devices = devices
      self.loaderCache = loaderCache
    }
  }

  /// A file of a vendor's tool has some tens of kilobytes.
  private static let maximumFile = 4 << 20
  private static let maximumFiles = 256
  private static let maximumLibraries = 4096

  private let places: Places
  /// Whether workers have a user of their own, or the supervisor's.
  private let isRoot: Bool

  package init(_ places: Places = Places(), isRoot: Bool = ProcessEnvironment.effectiveUser == 0) {
    self.places = places
    self.isRoot = isRoot
  }

  package func inventory() -> GPUInventory {
    let (files, unreadable) = files()
    let registry = CDIRegistry(files)
    var (candidates, problems) = registry.gpus()
    problems = unreadable + registry.problems + problems
    if !registry.describes(.nvidiaGPU) {
      let found = driver().gpus()
      candidates += found.candidates
      problems += found.problems
    }
    guard !candidates.isEmpty else { return GPUInventory(problems: problems) }
    return GPUInventory(
      candidates, host: look(for: candidates), problems: problems,
      hostLibraries: RandomAccessFile(places.loaderCache)?.bytes(at: 0, count: 8 << 20).flatMap { LoaderCache($0) })
  }

  // MARK: CDI

  private func files() -> (files: [CDIRegistry.File], problems: [Diagnostic]) {
    var files: [CDIRegistry.File] = []
    var problems: [Diagnostic] = []
    for (rank, place) in places.directories.enumerated() {
      do throws(FileError) {
        let directory = try Directory(opening: place.text)
        if let problem = try directory.status(".").distrust(at: place.text) {
          problems.append(problem)
          continue
        }
        for name in try directory.names(limit: Self.maximumFiles) {
          guard let syntax = Self.syntax(of: name) else { continue }
          files.append(
            CDIRegistry.File(path: "\(place)/\(name)", rank: rank, content: read(name, in: directory, syntax)))
        }
      } catch {
        if !error.isAbsence { problems.append(Diagnostic("\(place) can't be read", why: error.description)) }
      }
    }
    return (files, problems)
  }

  private static func syntax(of name: String) -> DocumentSyntax? {
    name.hasSuffix(".json") ? .json : name.hasSuffix(".yaml") ? .yaml : nil
  }

  /// No link is followed to a file: who may write where it leads would decide what is mounted.
  private func read(
    _ name: String, in directory: Directory, _ syntax: DocumentSyntax
  ) -> Result<CDISpecification, Diagnostics> {
    let path = "\(directory.path)/\(name)"
    do throws(FileError) {
      let (bytes, status) = try directory.contents(name, limit: Self.maximumFile)
      if let problem = status.distrust(at: path) { return .failure(Diagnostics([problem])) }
      return Result { () throws(Diagnostics) in try CDISpecification(bytes: bytes, file: path, syntax: syntax) }
    } catch {
      return .failure(Diagnostics([Diagnostic("\(path) can't be read", why: error.description)]))
    }
  }

  // MARK: NVIDIA's driver

  private func driver() -> NVIDIADriver {
    let root = "\(places.processes)/driver/nvidia"
    var information: [String: String] = [:]
    for bus in directoryEntries("\(root)/gpus") {
      let file = "\(root)/gpus/\(bus)/information"
      information[file] = readSmallFile(file)
    }
    return NVIDIADriver(
      information: information,
      devices: information.isEmpty ? "" : readSmallFile("\(places.processes)/devices") ?? "",
      instanceMinors: information.isEmpty
        ? "" : readSmallFile("\(root)-caps/mig-minors", limit: 1 << 20) ?? "",
      instances: information.isEmpty ? [] : instances("\(root)/capabilities"), nodes: places.devices)
  }

  /// `gpu0/mig/gi1/ci0` is there for every instance that was made.
  private func instances(_ root: String) -> [String] {
    directoryEntries(root).filter { $0.hasPrefix("gpu") }.flatMap { gpu in
      directoryEntries("\(root)/\(gpu)/mig").filter { $0.hasPrefix("gi") }.flatMap { part in
        directoryEntries("\(root)/\(gpu)/mig/\(part)").filter { $0.hasPrefix("ci") }.map { "\(gpu)/\(part)/\($0)" }
      }
    }
  }

  // MARK: The host

  private func look(for candidates: [GPUCandidate]) -> HostPaths {
    var paths = HostPaths()
    for path in candidates.reduce(into: Set<AbsolutePath>(), { $0.formUnion($1.hostPaths) }) {
      paths.found[path] = look(at: path)
    }
    for directory in candidates.reduce(into: Set<AbsolutePath>(), { $0.formUnion($1.libraryDirectories) }) {
      paths.libraries[directory] = libraries(in: directory)
    }
    let nvidia = driver()
    let version = NVIDIADriver.version(readSmallFile("\(places.processes)/driver/nvidia/version") ?? "")
    for case .characterDevice(_, let major, let minor, _) in paths.found.values {
      let number = DeviceNumber(major: major, minor: minor)
      paths.memoryMB[number] = memory(major: major, minor: minor)
      if let model = nvidia.model(of: number) {
        paths.models[number] = model
        paths.drivers[number] = version
      } else if let model = model(major: major, minor: minor) {
        paths.models[number] = model
        // Part of the kernel.
        paths.drivers[number] = readSmallFile("\(places.processes)/sys/kernel/osrelease").map(Self.line)
      }
    }
    return paths
  }

  private static func line(_ text: String) -> String { String(text.prefix { $0 != "\n" }) }

  /// `0x1002:0x740c`, the vendor and the device of a render node that amdgpu drives.
  private func model(major: UInt32, minor: UInt32) -> String? {
    let device = "\(places.system)/dev/char/\(major):\(minor)/device"
    guard memory(major: major, minor: minor) != nil, let vendor = readSmallFile("\(device)/vendor"),
      let identifier = readSmallFile("\(device)/device")
    else { return nil }
    return "\(Self.line(vendor)):\(Self.line(identifier))"
  }

  private func look(at path: AbsolutePath) -> HostPath? {
    guard let resolved = ProcessEnvironment.resolve(path.text).flatMap({ AbsolutePath($0) }),
      let parent = resolved.parent,
      let status = try? Directory(opening: parent.text).status(resolved.lastComponent)
    else { return nil }
    switch status.kind {
    case .directory: return .directory(at: resolved)
    case .regular: return .file(at: resolved, soname: soname(of: path, at: resolved))
    case .symbolicLink: return nil
    case .special:
      guard let number = status.characterDevice else { return .other }
      return .characterDevice(
        at: resolved, major: number.major, minor: number.minor, access: access(to: resolved, status))
    }
  }

  /// A root supervisor's workers are users that the host doesn't know; any other's are its own user.
  private func access(to path: AbsolutePath, _ status: FileStatus) -> DeviceAccess {
    var access: DeviceAccess = []
    if isRoot ? status.permissions & 0o004 != 0 : HostProbes.isReadable(path.text) { access.insert(.read) }
    if isRoot ? status.permissions & 0o002 != 0 : HostProbes.isWritable(path.text) { access.insert(.write) }
    return access
  }

  private func soname(of path: AbsolutePath, at resolved: AbsolutePath) -> String? {
    guard GPU.Library.isName(path.lastComponent), let file = RandomAccessFile(resolved.text) else { return nil }
    return SharedObject.soname { file.bytes(at: $0, count: $1) }
  }

  private func libraries(in directory: AbsolutePath) -> [String: String?] {
    guard let resolved = ProcessEnvironment.resolve(directory.text),
      let names = try? Directory(opening: resolved).names(limit: Self.maximumLibraries)
    else { return [:] }
    var libraries: [String: String?] = [:]
    for name in names where GPU.Library.isName(name) {
      guard let path = directory.appending(name), let file = RandomAccessFile(path.text) else { continue }
      libraries.updateValue(SharedObject.soname { file.bytes(at: $0, count: $1) }, forKey: name)
    }
    return libraries
  }

  /// Mebibytes, as amdgpu says for its render nodes. NVIDIA's driver tells nobody but its own library.
  private func memory(major: UInt32, minor: UInt32) -> Int? {
    let file = "\(places.system)/dev/char/\(major):\(minor)/device/mem_info_vram_total"
    return readSmallFile(file).flatMap { Int($0.filter { $0 != "\n" }) }.map { $0 >> 20 }
  }
}
