import PluginModel
import SandboxPlanning

/// What lies at a path of the host: for the operator to know, and for no plugin.
package struct HostPlace: Hashable, Sendable {
  /// Where it leads to, through every link; nil: there is nothing.
  package var resolved: AbsolutePath?
  /// Where the directory above leads to.
  package var parent: AbsolutePath?

  package init(resolved: AbsolutePath? = nil, parent: AbsolutePath? = nil) {
    self.resolved = resolved
    self.parent = parent
  }
}

extension ClaimedDenial {
  /// The errors that a sandbox gives where there would be none without it.
  private static let errors: Set = ["EACCES", "EPERM", "EROFS", "ENOENT"]

  /// The path of the host to look at before ``denial(in:host:)``; nil: none.
  package var hostPath: AbsolutePath? {
    guard let text = path?.exact else { return nil }
    if access == .execute, !text.contains("/") { return AbsolutePath("/usr/bin/\(text)") }
    return AbsolutePath(text)
  }

  /// What of it the sandbox of this plan is the reason for; nil: nothing. A file that isn't on the host either was denied to nobody.
  package func denial(in plan: SandboxPlan, host: HostPlace) -> Denial? {
    switch access {
    case .connect: connection(plan)
    case .execute: execution(plan, host)
    case .read, .write, nil: file(plan, host)
    }
  }

  private func connection(_ plan: SandboxPlan) -> Denial? {
    let hasNetwork = plan.permissions.contains { $0.name == .networkHTTP || $0.name == .networkSocket }
    guard let host, !hasNetwork else { return nil }
    return Denial(
      .network(host: host, port: port, why: "it isn't granted a network"), evidence: .inferred,
      permission: .reaching(host: host, port: port))
  }

  /// Without any grant the filter itself tells of it.
  private func execution(_ plan: SandboxPlan, _ host: HostPlace) -> Denial? {
    guard plan.execution == .allowed, Self.errors.contains(error), let path, host.resolved != nil else { return nil }
    return Denial(.execution(path), evidence: .inferred, permission: .starting(path))
  }

  private func file(_ plan: SandboxPlan, _ host: HostPlace) -> Denial? {
    guard Self.errors.contains(error), let path, let place = hostPath else { return nil }
    let use: Denial.FileUse = access == .write || error == "EROFS" ? .write : access == .read ? .read : .use
    func denial(_ permission: Permission?) -> Denial {
      Denial(.file(path, use, error: error), evidence: .inferred, permission: permission)
    }
    switch plan.view(of: place) {
    case .own: return nil
    case .bound(let bind):
      guard use == .write, bind.access == .readOnly else { return nil }
      if bind.target == Inside.workspace { return denial(.filesystemWrite(nil)) }
      return denial(bind.confinedTo == nil ? nil : .filesystemWrite(bind.target))
    case .nothing:
      if place.isEqualToOrBeneath(Inside.workspace) {
        return denial(use == .write ? .filesystemWrite(nil) : .filesystemRead(nil))
      }
      guard let shown = host.resolved ?? (use == .write ? host.parent : nil) else { return nil }
      if shown.isEqualToOrBeneath(Inside.devices) {
        return Denial(.device(path), evidence: .inferred, permission: shown.isGPU ? .gpuAccess(count: nil) : nil)
      }
      let isPlain = UntrustedBytes(shown.text).exact == shown.text
      guard ReservedPaths.reason(against: shown) == nil, isPlain else { return denial(nil) }
      return denial(use == .write ? .filesystemWrite(shown) : .filesystemRead(shown))
    }
  }
}

extension AbsolutePath {
  fileprivate var isGPU: Bool {
    ["/dev/nvidia", "/dev/dri", "/dev/kfd"].contains { text.hasPrefix($0) }
  }
}

extension SandboxPlan {
  package enum View: Hashable, Sendable {
    /// What the sandbox has for itself: what isn't there isn't denied.
    case own
    case bound(Bind)
    case nothing
  }

  /// What the sandbox shows at a path.
  package func view(of path: AbsolutePath) -> View {
    var view = View.nothing
    var depth = 0
    func consider(_ target: AbsolutePath, _ seen: View) {
      guard path.isEqualToOrBeneath(target), target.components.count >= depth else { return }
      depth = target.components.count
      view = seen
    }
    for operation in filesystem {
      switch operation {
      case .temporaryFilesystem(let target, _):
        let isEmpty = target == .root || target == Inside.devices
        consider(target, isEmpty ? .nothing : .own)
      case .bind(let bind): consider(bind.target, .bound(bind))
      case .process(let target): consider(target, .nothing)
      case .file(let target, _): consider(target, .own)
      case .directory, .symbolicLink, .loaderCache, .makeReadOnly: break
      }
    }
    return view
  }
}
