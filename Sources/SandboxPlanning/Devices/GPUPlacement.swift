import PluginModel

/// Where the files of assigned GPUs go in the new root. Descriptions of devices are the operator's, so what they say is trusted; what
/// a sandbox is made of is still never covered by it.
///
/// Three cases for a file of the driver. The host has it under the same name in a directory that every sandbox shows, as with a driver that
/// was installed in the usual way: nothing is to be done. It is to lie where nothing is: it is mounted there. It is to lie in a directory
/// of the host that is shown and doesn't have it, in which nothing can be made: a library goes to ``Inside/gpuLibraries`` instead,
/// anything else is refused. The loader finds libraries that aren't in its usual places through a cache of the sandbox's own.
struct GPUPlacement {
  struct Placed: Hashable {
    var source: AbsolutePath
    var target: AbsolutePath
    var kind: GPU.Mount.Kind
  }
  private(set) var nodes: [GPU.Node] = []
  private(set) var mounts: [Placed] = []
  private(set) var links: [GPU.Link] = []
  private(set) var environment: [EnvironmentVariable] = []
  /// Nil: the host's own does.
  private(set) var loaderCache: LoaderCache?
  private(set) var problems: [Diagnostic] = []

  private let host: HostFacts
  /// Directories of the host that the sandbox shows under their own names.
  private let shown: [AbsolutePath]
  private let reserved: [AbsolutePath]
  /// By the names that programs ask for.
  private var libraries: [String: AbsolutePath] = [:]

  init(_ assignment: GPUAssignment, request: SandboxRequest, host: HostFacts, grants: Grants) {
    self.host = host
    shown =
      host.libraryDirectories + (grants.execution == .everything ? host.binaryDirectories : [])
      + [request.interpreter.prefix].compactMap(\.self)
      + host.supportFiles.filter(\.isDirectory).compactMap { AbsolutePath($0.rawValue) }
    reserved =
      Self.structure + host.rootLinks.map(\.path) + grants.paths.map(\.path)
      + [host.resolvingRootLinks(request.interpreter.executable)]
    guard !assignment.gpus.isEmpty else { return }
    placeNodes(assignment.gpus)
    for mount in Self.union(assignment.gpus.map(\.mounts)).sorted(by: { $0.target < $1.target }) { place(mount) }
    placeLibraryLinks()
    placeLinks(Self.union(assignment.gpus.map(\.links)))
    do throws(Diagnostics) {
      environment = try GPUEnvironment.variables(of: assignment.gpus)
    } catch {
      problems += error.items
    }
    makeLoaderCache(assignment)
  }

  /// What every sandbox is made of. The daemons of the host have their sockets in `/run`.
  private static let structure =
    [
      Inside.plugin, Inside.sdk, Inside.workspace, Inside.scratch, Inside.devices, Inside.processes, Inside.gpu,
      Inside.loaderCache,
    ]
    + ["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ld.so.preload", "/run", "/var/run"]
    .compactMap { AbsolutePath($0) }

  private static func union<Item: Hashable>(_ lists: [[Item]]) -> [Item] {
    var known = Set<Item>()
    return lists.joined().filter { known.insert($0).inserted }
  }

  private mutating func refuse(_ what: String, why: String) {
    problems.append(
      Diagnostic(what, why: why, hint: "change the file that describes the GPU: orchestrator doctor --gpu"))
  }

  // MARK: Nodes

  private mutating func placeNodes(_ gpus: [GPU]) {
    for node in Self.union(gpus.map(\.nodes)).sorted(by: { $0.target < $1.target }) {
      if let other = nodes.first(where: { $0.target == node.target }) {
        // Two descriptions of one node may differ in what they allow.
        if other.major == node.major, other.minor == node.minor { continue }
        refuse("two devices are to be \(node.target)", why: "\(other.source) and \(node.source)")
      } else if FilesystemPlanner.ownDevices.contains(where: { $0.overlaps(node.target) })
        || nodes.contains(where: { $0.target.overlaps(node.target) })
      {
        refuse("\(node.source) can't be shown as \(node.target)", why: "another device is there")
      } else {
        nodes.append(node)
      }
    }
  }

  // MARK: Files

  private mutating func place(_ mount: GPU.Mount) {
    let target = host.resolvingRootLinks(mount.target)
    if let directory = shown.first(where: { target.isEqualToOrBeneath($0) }) {
      if mount.isAtSamePlace { return }
      guard mount.kind == .file, let library = mount.libraries.first else {
        return refuse("\(mount.source) can't be shown as \(target)", why: "the host's own \(directory) is shown there")
      }
      guard let place = Inside.gpuLibraries.appending(target.lastComponent) else { return }
      add(Placed(source: mount.source, target: place, kind: .file), [GPU.Library(path: place, soname: library.soname)])
    } else if let hit = (reserved + shown).first(where: { $0.overlaps(target) }) {
      refuse("\(mount.source) can't be shown as \(target)", why: "\(hit) is what the sandbox is made of")
    } else {
      let found = mount.libraries.map { GPU.Library(path: host.resolvingRootLinks($0.path), soname: $0.soname) }
      add(Placed(source: mount.source, target: target, kind: mount.kind), found)
    }
  }

  private mutating func add(_ mount: Placed, _ found: [GPU.Library]) {
    if let other = mounts.first(where: { $0.target.overlaps(mount.target) }) {
      let isInside = mount.target.relative(to: other.target).flatMap(other.source.appending) == mount.source
      guard isInside else {
        return refuse(
          "\(mount.source) can't be shown as \(mount.target)", why: "\(other.source) is shown as \(other.target)")
      }
    } else {
      mounts.append(mount)
    }
    for library in found {
      for name in [library.soname, library.path.lastComponent].compactMap(\.self) where libraries[name] == nil {
        libraries[name] = library.path
      }
    }
  }

  /// Beneath a mount nothing can be made.
  private func isMounted(_ path: AbsolutePath) -> Bool {
    (mounts.map(\.target) + shown).contains { path.isEqualToOrBeneath($0) }
  }

  // MARK: Links

  /// `libcuda.so.1` → `libcuda.so.550.54.15`, which ldconfig(8) would make.
  private mutating func placeLibraryLinks() {
    for (name, library) in libraries.sorted(by: { $0.key < $1.key }) where name != library.lastComponent {
      guard let path = library.parent?.appending(name), !isMounted(path) else { continue }
      links.append(GPU.Link(path: path, destination: library.lastComponent))
    }
  }

  private mutating func placeLinks(_ wanted: [GPU.Link]) {
    // One may lead to another that comes after it.
    var waiting = wanted
    var isProgress = true
    while isProgress {
      isProgress = false
      for (index, link) in waiting.enumerated().reversed() {
        guard let library = libraries[link.name] else { continue }
        waiting.remove(at: index)
        placeLibraryLink(link, to: library)
        isProgress = true
      }
    }
    for link in waiting { placeLink(link) }
  }

  private mutating func placeLibraryLink(_ link: GPU.Link, to library: AbsolutePath) {
    let name = link.path.lastComponent
    let path = host.resolvingRootLinks(link.path)
    if libraries[name] == nil { libraries[name] = library }
    if let parent = library.parent, isMounted(path) {
      // It was to lie beside its library, which lies elsewhere now or is shown with all that is beside it.
      guard let beside = parent.appending(name), !isMounted(beside) else { return }
      add(GPU.Link(path: beside, destination: library.lastComponent))
    } else {
      add(GPU.Link(path: path, destination: link.destination))
    }
  }

  private mutating func placeLink(_ link: GPU.Link) {
    let path = host.resolvingRootLinks(link.path)
    if path.isEqualToOrBeneath(Inside.devices) {
      // To a device that isn't shown, there is nothing to lead to.
      guard let destination = link.resolved, nodes.contains(where: { $0.target == destination }) else { return }
      let isTaken = (FilesystemPlanner.ownDevices + nodes.map(\.target)).contains { $0.overlaps(path) }
      guard !isTaken else {
        return refuse("the link \(path) can't be made", why: "a device is there")
      }
      add(link)
    } else if !isMounted(path) {
      if let hit = (reserved + shown).first(where: { $0.overlaps(path) }) {
        return refuse("the link \(path) can't be made", why: "\(hit) is what the sandbox is made of")
      }
      add(GPU.Link(path: path, destination: link.destination))
    }
  }

  private mutating func add(_ link: GPU.Link) {
    guard !links.contains(where: { $0.path == link.path }) else { return }
    links.append(link)
  }

  // MARK: The loader

  private mutating func makeLoaderCache(_ assignment: GPUAssignment) {
    guard !libraries.isEmpty else { return }
    if host.supportFiles.contains(.loaderCache), assignment.hostLibraries == nil {
      refuse(
        "the libraries of the GPU can't be added to those that the loader knows",
        why: "\(Inside.loaderCache) is not of the format that ldconfig writes since glibc 2.32")
    }
    let flags = LoaderCache.flags(of: host.architecture)
    loaderCache = (assignment.hostLibraries ?? LoaderCache()).adding(
      libraries.sorted { $0.key < $1.key }.map { LoaderCache.Entry(name: $0.key, path: $0.value.text, flags: flags) })
  }
}

extension GPU.Link {
  /// The last name of what it leads to.
  fileprivate var name: String { destination.split(separator: "/").last.map(String.init) ?? destination }

  /// What it leads to, lexically; nil where that climbs out.
  fileprivate var resolved: AbsolutePath? {
    if destination.hasPrefix("/") { return AbsolutePath(destination) }
    var components = path.components.dropLast()
    for component in destination.split(separator: "/") where component != "." {
      if component == ".." {
        guard !components.isEmpty else { return nil }
        components.removeLast()
      } else {
        components.append(String(component))
      }
    }
    return AbsolutePath("/" + components.joined(separator: "/"))
  }
}

extension AbsolutePath {
  /// One is the other, or lies beneath it.
  func overlaps(_ other: AbsolutePath) -> Bool { isEqualToOrBeneath(other) || other.isEqualToOrBeneath(self) }
}

extension HostFacts {
  /// `/bin/true` is `/usr/bin/true` where `/bin` is a link: no operation goes through a link of the new root.
  func resolvingRootLinks(_ path: AbsolutePath) -> AbsolutePath {
    guard let link = rootLinks.first(where: { path != $0.path && path.isEqualToOrBeneath($0.path) }) else {
      return path
    }
    let rest = path.components.dropFirst(link.path.components.count).joined(separator: "/")
    let destination =
      link.destination.hasPrefix("/") ? link.destination : "\(link.path.parent?.text ?? "")/\(link.destination)"
    return AbsolutePath("\(destination)/\(rest)") ?? path
  }
}
