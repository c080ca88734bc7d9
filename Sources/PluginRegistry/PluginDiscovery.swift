import LinuxSystem
import PluginModel

/// A plugin as it lies on the disk. Nothing of it has run.
package struct DiscoveredPlugin: Sendable {
  package var manifest: PluginManifest
  /// Without links.
  package var directory: AbsolutePath
  package var digest: PluginDigest

  /// Nil: it lies in a directory that somebody named. Otherwise the digest is what its files had when they were installed.
  package var installation: InstalledVersion?
  package var isInstalled: Bool { installation != nil }

  package init(manifest: PluginManifest, directory: AbsolutePath, digest: PluginDigest) {
    self.manifest = manifest
    self.directory = directory
    self.digest = digest
  }
}

/// A directory with a `plugin.yaml` that can't be used, and why.
package struct BrokenPlugin: Sendable {
  package var directory: String
  package var diagnostics: [Diagnostic]

  package init(directory: String, diagnostics: [Diagnostic]) {
    self.directory = directory
    self.diagnostics = diagnostics
  }
}

/// Everything that was found. A plugin that is broken, or that lost its name to another, hides no other plugin.
package struct PluginCatalog: Sendable {
  /// By name.
  package var plugins: [DiscoveredPlugin]
  package var broken: [BrokenPlugin]
  /// About the places: names taken twice, directories that can't be read.
  package var diagnostics: [Diagnostic]
  /// Where other plugins of a name lie, by the name, unless the operator's choice of a directory settles which counts.
  package var rivals: [PluginName: [AbsolutePath]] = [:]
  /// Installed versions beside those that count.
  package var alternatives: [DiscoveredPlugin] = []
  /// Plugins in directories that an option names: nothing takes their place.
  package var named: Set<PluginName> = []
  /// Places in ``plugins`` while they are being found: among a thousand one is asked for a thousand times.
  fileprivate var winners: [PluginName: Int] = [:]

  package subscript(name: PluginName) -> DiscoveredPlugin? { plugins.first { $0.manifest.name == name } }

  /// Why `decision` must not be carried out: it would give something to whichever plugin of the name is found first, and
  /// a checkout's own `./plugins` comes before what is installed. A plugin that is given nothing needs no such care.
  /// - Parameter isConfigured: the operator wrote something for it alone, secrets perhaps.
  package func ambiguity(of decision: GrantDecision, isConfigured: Bool = false) -> Diagnostic? {
    guard !decision.effective.isEmpty || isConfigured, let rivals = rivals[decision.plugin],
      let found = self[decision.plugin]
    else { return nil }
    let permissions = (decision.effective.map(\.description) + (isConfigured ? ["its configuration"] : []))
      .joined(separator: ", ")
    return Diagnostic(
      "the plugin \"\(decision.plugin)\" is found in more than one place, so it isn't given \(permissions)",
      why: "\(found.directory) comes before \(rivals.map(\.text).joined(separator: ", ")), and holds other code",
      hint: "say which you mean: "
        + ([found.directory] + rivals).map { "--plugins \($0)" }.joined(separator: ", or "))
  }
}

extension PluginCatalog {
  /// Of nothing but these.
  package init(only plugins: [DiscoveredPlugin]) { self.init(plugins: plugins, broken: [], diagnostics: []) }
}

/// Where to look.
package struct SearchDirectory: Hashable, Sendable {
  package var path: String
  /// Named by the operator, so that its absence is an error. The usual places may be missing.
  package var isRequired: Bool

  package init(_ path: String, isRequired: Bool = false) {
    self.path = path
    self.isRequired = isRequired
  }
}

/// Finds plugins. A search directory holds one directory a plugin, or is one itself; the directory's name doesn't
/// matter, the manifest's does. Of two plugins with one name, the first counts; see ``PluginCatalog/ambiguity(of:)``.
package struct PluginDiscovery: Sendable {
  package static let manifestName = "plugin.yaml"
  /// Bytes of a manifest, entries of a search directory.
  package static let manifestLimit = 256 << 10
  package static let directoryLimit = 4096

  /// Names that begin so are the program's own: a plugin has a user of its own on the host, by its name.
  package static let reservedPrefix = "orchestrator_"

  private let engineVersion: SemanticVersion
  private let limits: PluginDigest.Limits
  private let findsOwn: Bool

  /// - Parameter findsOwn: what is looked for are the program's own services.
  package init(
    engineVersion: SemanticVersion, limits: PluginDigest.Limits = PluginDigest.Limits(), findsOwn: Bool = false
  ) {
    self.findsOwn = findsOwn
    self.engineVersion = engineVersion
    self.limits = limits
  }

  /// Reads manifests and files, and blocks while it does.
  /// - Parameters:
  ///   - installed: those come after `places`, and before `last`.
  ///   - last: what came with the program.
  package func scan(
    _ places: [SearchDirectory], installed: [InstalledVersion] = [], in store: PluginStore? = nil,
    last: [SearchDirectory] = []
  ) -> PluginCatalog {
    var catalog = PluginCatalog(plugins: [], broken: [], diagnostics: [])
    var seen: Set<String> = []
    // What the operator named comes first: a plugin's own directory settles its name, a directory of plugins settles
    // the names in it against the usual places.
    var exact: Set<PluginName> = []
    var named: Set<PluginName> = []
    var isInstalledAdded = false
    for (index, place) in (places + last).enumerated() {
      if index == places.count, let store {
        add(installed, store, settled: named, to: &catalog)
        isInstalledAdded = true
      }
      guard let path = ProcessEnvironment.resolve(place.path) else {
        if place.isRequired { catalog.diagnostics.append(Self.missing(place)) }
        continue
      }
      guard seen.insert(path).inserted else { continue }
      scan(
        place: path, isRequired: place.isRequired, settled: place.isRequired ? exact : named, into: &catalog)
      guard place.isRequired else { continue }
      named.formUnion(catalog.plugins.map(\.manifest.name))
      exact.formUnion(catalog.plugins.filter { $0.directory.text == path }.map(\.manifest.name))
    }
    if !isInstalledAdded, let store { add(installed, store, settled: named, to: &catalog) }
    catalog.winners = [:]
    catalog.plugins.sort { $0.manifest.name < $1.manifest.name }
    catalog.named = named
    return catalog
  }

  /// The plugin whose directory this is; it reads its manifest and files, and blocks while it does.
  /// - Parameter shown: how diagnostics call the directory, where it is a copy.
  /// - Throws: everything that is wrong with it.
  package func plugin(in path: String, shown: String? = nil) throws(Diagnostics) -> DiscoveredPlugin {
    guard let resolved = ProcessEnvironment.resolve(path) else {
      throw Diagnostics([
        Diagnostic("the directory \(shown ?? path) doesn't exist", hint: "name the plugin's directory")
      ])
    }
    let directory: Directory
    do throws(FileError) {
      directory = try Directory(opening: resolved)
      _ = try directory.status(Self.manifestName)
    } catch {
      throw Diagnostics([
        Diagnostic(
          "there is no plugin in \(shown ?? path)", why: error.description,
          hint: "name the directory in which its \(Self.manifestName) lies")
      ])
    }
    return try read(directory, path: resolved, shown: shown ?? path).get()
  }

  private func scan(
    place path: String, isRequired: Bool, settled: Set<PluginName>, into catalog: inout PluginCatalog
  ) {
    do throws(FileError) {
      let place = try Directory(opening: path)
      let names = try place.names(limit: Self.directoryLimit)
      if names.contains(Self.manifestName) { return add(place, path: path, settled: settled, to: &catalog) }
      for name in names where !name.hasPrefix(".") {
        let target = "\(path)/\(name)"
        switch try place.status(name).kind {
        case .directory: add(entry: name, of: place, path: target, settled: settled, to: &catalog)
        case .symbolicLink: catalog.diagnostics.append(Self.link(target))
        case .regular, .special: continue
        }
      }
    } catch {
      catalog.diagnostics.append(
        Diagnostic(
          "the plugin directory \(path) can't be read", why: error.description,
          hint: "--plugins names a directory of plugins, or a plugin", severity: isRequired ? .error : .warning))
    }
  }

  private func add(
    entry name: String, of place: Directory, path: String, settled: Set<PluginName>, to catalog: inout PluginCatalog
  ) {
    do throws(FileError) {
      let directory = try place.directory(name)
      // A directory without a manifest is no plugin and no mistake.
      guard try directory.names(limit: limits.entries).contains(Self.manifestName) else { return }
      add(directory, path: path, settled: settled, to: &catalog)
    } catch {
      catalog.broken.append(BrokenPlugin(directory: path, diagnostics: [Self.refused(path, error.description)]))
    }
  }

  private func add(
    _ directory: Directory, path: String, settled: Set<PluginName>, to catalog: inout PluginCatalog
  ) {
    switch read(directory, path: path, shown: path) {
    case .failure(let diagnostics):
      catalog.broken.append(BrokenPlugin(directory: path, diagnostics: diagnostics.items))
    case .success(let plugin): add(plugin, settled: settled, to: &catalog)
    }
  }

  private func add(
    _ plugin: consuming DiscoveredPlugin, settled: Set<PluginName>, to catalog: inout PluginCatalog
  ) {
    let name = plugin.manifest.name
    guard let place = catalog.winners[name] else {
      catalog.winners[name] = catalog.plugins.count
      return catalog.plugins.append(plugin)
    }
    let winner = catalog.plugins[place]
    // One that is installed is still there for who asks for its version.
    if plugin.isInstalled { catalog.alternatives.append(copy plugin) }
    // The same bytes in two places are no conflict.
    guard winner.digest != plugin.digest, !settled.contains(name) else { return }
    catalog.diagnostics.append(Self.conflict(winner, plugin))
    catalog.rivals[name, default: []].append(plugin.directory)
  }

  /// Those that are installed come where the database says, without a look at their files: ``PluginCatalog/verify(_:)`` takes that.
  private func add(
    _ installed: [InstalledVersion], _ store: PluginStore, settled: Set<PluginName>, to catalog: inout PluginCatalog
  ) {
    guard let top = store.resolved() else { return }
    for version in installed {
      guard let directory = top.appending(version.place), let digest = PluginDigest(version.digest) else { continue }
      do throws(Diagnostics) {
        let manifest = try PluginManifest(json: version.metadata, engineVersion: engineVersion)
        var plugin = DiscoveredPlugin(manifest: manifest, directory: directory, digest: digest)
        plugin.installation = version
        switch version.standing {
        case .current: add(plugin, settled: settled, to: &catalog)
        case .previous, .other: catalog.alternatives.append(plugin)
        }
      } catch {
        catalog.broken.append(BrokenPlugin(directory: directory.text, diagnostics: error.items))
      }
    }
  }

  /// What isn't any more what was installed: nothing of it may run under the grants that it had then. Reads all files of `plugins` that
  /// are installed, and blocks.
  package func verify(_ plugins: [DiscoveredPlugin]) -> [Diagnostic] {
    plugins.filter(\.isInstalled).compactMap { plugin in
      let digest: PluginDigest?
      let why: String
      do {
        digest = try PluginDigest(of: Directory(opening: plugin.directory.text), limits: limits)
        why = "their digest is \(digest?.description ?? ""), and was \(plugin.digest)"
      } catch {
        (digest, why) = (nil, "\(error)")
      }
      guard digest != plugin.digest else { return nil }
      return Diagnostic(
        "the files of the installed plugin \(plugin.manifest.name.text.quoted) are not those that were installed",
        why: why,
        hint: "install it again: orchestrator plugin install")
    }
  }

  private func read(_ directory: Directory, path: String, shown: String) -> Result<DiscoveredPlugin, Diagnostics> {
    let file = "\(shown)/\(Self.manifestName)"
    do {
      let bytes = try directory.contents(Self.manifestName, limit: Self.manifestLimit).bytes
      let manifest = try PluginManifest(yaml: bytes, file: file, engineVersion: engineVersion)
      guard findsOwn || !manifest.name.text.hasPrefix(Self.reservedPrefix) else {
        return .failure(Diagnostics([Self.reserved(manifest.name, path)]))
      }
      guard let location = AbsolutePath(path) else {
        return .failure(Diagnostics([Self.refused(shown, "its path holds control characters")]))
      }
      try Self.checkEntryPoint(manifest, in: directory, path: shown)
      let digest = try PluginDigest(of: directory, limits: limits)
      return .success(DiscoveredPlugin(manifest: manifest, directory: location, digest: digest))
    } catch let diagnostics as Diagnostics {
      return .failure(diagnostics)
    } catch let diagnostic as Diagnostic {
      return .failure(Diagnostics([diagnostic]))
    } catch {
      return .failure(Diagnostics([Self.refused(shown, "\(error)", hint: (error as? PluginTreeError)?.hint)]))
    }
  }

  static func reserved(_ name: PluginName, _ path: String) -> Diagnostic {
    Diagnostic(
      "the plugin in \(path) can't be called \(name.text.quoted)",
      why: "names that begin with \(reservedPrefix.quoted) are the program's own", hint: "give it another name")
  }

  private static func checkEntryPoint(
    _ manifest: PluginManifest, in directory: Directory, path: String
  ) throws(Diagnostic) {
    do throws(FileError) {
      guard try directory.find(manifest.entryPoint).kind == .regular else {
        throw .notRegular(path: "\(path)/\(manifest.entryPoint)")
      }
    } catch {
      throw Diagnostic(
        "the plugin \"\(manifest.name)\" has no entry point \(manifest.entryPoint)", why: error.description,
        hint: "entry_point names a Python file relative to \(path)")
    }
  }

  private static func missing(_ place: SearchDirectory) -> Diagnostic {
    Diagnostic(
      "the plugin directory \(place.path) doesn't exist", hint: "--plugins names a directory of plugins, or a plugin")
  }

  private static func link(_ path: String) -> Diagnostic {
    Diagnostic(
      "the link \(path) is not followed",
      why: "whoever can change what it leads to could change the plugin without touching this directory",
      hint: "copy the plugin here, or name its directory with --plugins", severity: .warning)
  }

  private static func refused(_ path: String, _ why: String, hint: String? = nil) -> Diagnostic {
    Diagnostic("the plugin in \(path) can't be used", why: why, hint: hint)
  }

  private static func conflict(_ winner: DiscoveredPlugin, _ loser: DiscoveredPlugin) -> Diagnostic {
    Diagnostic(
      "the plugin \"\(loser.manifest.name)\" in \(loser.directory) is not used",
      why: "\(winner.directory) comes first and holds another plugin of this name",
      hint: "remove one, or name the wanted one's directory with --plugins", severity: .warning)
  }
}
