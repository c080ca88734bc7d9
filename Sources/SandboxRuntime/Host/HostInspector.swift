import LinuxSystem
import PluginModel
import SandboxPlanning

/// Finds out what this host offers by trying it. Blocks for a few milliseconds: call it once, off the cooperative pool, or
/// use ``inspect(kernel:)``.
package enum HostInspector {
  /// ``facts(kernel:)`` on a thread of its own.
  /// - Parameter staging: where the writes of workers would be kept apart; nil: that isn't tried.
  package static func inspect(
    staging: AbsolutePath? = nil, kernel: any SandboxKernel = LinuxKernel()
  ) async throws(SystemError) -> HostFacts {
    let thread = try DedicatedThread(name: "inspect-host")
    return await thread.run { facts(staging: staging, kernel: kernel) }
  }

  package static func facts(
    staging: AbsolutePath? = nil, kernel: any SandboxKernel = LinuxKernel()
  ) -> HostFacts {
    let cgroup = CgroupProbe(kernel)
    return HostFacts(
      architecture: architecture,
      kernelRelease: readSmallFile("/proc/sys/kernel/osrelease")?.trimmingNewline ?? "unknown",
      userIdentifier: effectiveUserIdentifier(), groupIdentifier: effectiveGroupIdentifier(),
      landlockABI: HostProbes.landlockABI(), seccompUserNotification: HostProbes.seccompUserNotification(),
      userNamespaces: HostProbes.namespaces(Namespace.user.cloneFlag) == nil,
      cgroupRoot: cgroup?.root,
      cgroupControllers: cgroup.map { controllers($0.root, kernel) } ?? [],
      libraryDirectories: libraryDirectories(),
      rootLinks: rootLinks(), loader: loader(), binaryDirectories: binaryDirectories(),
      supportFiles: supportFiles(), coreDumpsStartProgram: CoreDumps.startProgram(),
      overlays: staging.map { OverlayProbe.support(beneath: $0, kernel) }
        ?? .unavailable(why: "it was not tried"),
      deviceGuard: cgroup?.deviceGuard ?? .mounts(why: "this process may make no cgroup"),
      certificates: certificates(), openNetworks: OpenNetworkProbe.support(), resolver: OpenNetworkProbe.resolver())
  }

  #if arch(x86_64)
    package static let architecture = HostFacts.Architecture.x86_64
    private static let loaderPath = "/lib64/ld-linux-x86-64.so.2"
  #elseif arch(arm64)
    package static let architecture = HostFacts.Architecture.aarch64
    private static let loaderPath = "/lib/ld-linux-aarch64.so.1"
  #endif

  /// Those that workers really get: they are handed down and taken back.
  private static func controllers(_ cgroup: AbsolutePath, _ kernel: any SandboxKernel) -> [String] {
    do throws(SystemError) {
      let manager = try CgroupManager(root: cgroup, kernel: kernel)
      defer { do throws(SystemError) { try manager.close() } catch {} }
      return manager.controllers.map(\.rawValue)
    } catch {
      return []
    }
  }

  /// With every link resolved, and none beneath another.
  package static func libraryDirectories() -> [AbsolutePath] {
    outermost(["/usr/lib", "/usr/lib64", "/usr/lib32", "/usr/libx32", "/usr/local/lib", "/lib", "/lib64"])
  }

  /// Where the host's programs lie, with every link resolved.
  package static func binaryDirectories() -> [AbsolutePath] {
    outermost(["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"])
  }

  /// The dynamic loader with every link resolved, or nil.
  package static func loader() -> AbsolutePath? { HostProbes.resolved(loaderPath).flatMap { AbsolutePath($0) } }

  /// Those that exist.
  package static func supportFiles() -> [HostFacts.SupportFile] {
    HostFacts.SupportFile.allCases.filter { HostProbes.resolved($0.rawValue) != nil }
  }

  /// Debian's, Fedora's and openSUSE's; those that exist.
  package static func certificates() -> [HostFacts.CertificateDirectory] {
    [
      "/etc/ssl/certs", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/etc/pki/tls/certs",
      "/etc/pki/ca-trust/extracted", "/var/lib/ca-certificates",
    ].compactMap { name in
      guard let path = AbsolutePath(name), let source = HostProbes.resolved(name).flatMap({ AbsolutePath($0) }),
        HostProbes.isDirectory(source.text)
      else { return nil }
      return HostFacts.CertificateDirectory(path: path, source: source)
    }
  }

  /// The links of a merged /usr.
  package static func rootLinks() -> [HostFacts.RootLink] {
    ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].compactMap { name in
      guard let link = AbsolutePath(name), let destination = HostProbes.linkDestination(name) else { return nil }
      return HostFacts.RootLink(path: link, destination: destination)
    }
  }

  private static func outermost(_ candidates: [String]) -> [AbsolutePath] {
    var found: [AbsolutePath] = []
    for candidate in candidates {
      guard let resolved = HostProbes.resolved(candidate).flatMap({ AbsolutePath($0) }),
        HostProbes.isDirectory(resolved.text), !found.contains(where: { resolved.isEqualToOrBeneath($0) })
      else { continue }
      found.append(resolved)
    }
    return found
  }
}

extension String {
  fileprivate var trimmingNewline: String {
    var text = self
    while text.last == "\n" { text.removeLast() }
    return text
  }
}
