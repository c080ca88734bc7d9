import Foundation
import PluginModel
import SandboxPlanning
import Testing

/// The repository, found from this file so that tests run from anywhere.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

func path(_ text: String) throws -> AbsolutePath { try #require(AbsolutePath(text), "\(text) is no path") }

/// A profile as it is shipped. Read once: the property tests make thousands of plans.
/// - Parameter capped: without it, whatever may be granted under it can be looked at.
func shippedProfile(_ name: String = "default", capped: Bool = true) throws -> SecurityProfile {
  var profile = try #require(shippedProfiles[name]).get()
  if !capped { profile.ceiling = nil }
  return profile
}

/// All that are shipped.
let shippedProfileNames = ["ci", "default", "gpu", "installer", "network", "strict"]

/// The shipped groups and profiles, under the names they have in the repository.
func shippedLibrary() throws -> ProfileLibrary {
  func bytes(_ file: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: repository.appending(path: file))) }
  var library = ProfileLibrary()
  library.groups = try SystemCallGroups(yaml: bytes("profiles/groups.yaml"), file: "profiles/groups.yaml")
  for name in shippedProfileNames {
    library.add(try ProfileDocument(yaml: bytes("profiles/\(name).yaml"), file: "profiles/\(name).yaml"))
  }
  return library
}

private let shippedProfiles: [String: Result<SecurityProfile, any Error>] = {
  let named = shippedProfileNames.map { name in
    (
      name,
      Result {
        let library = try shippedLibrary()
        return try library.profile(from: try #require(library.documents(named: name).first))
      }
    )
  }
  return Dictionary(uniqueKeysWithValues: named)
}()

/// A Debian 12 with a new kernel, as `doctor` would find it. Not the machine that runs the test: plans in golden files
/// are the same everywhere.
func debianHost() throws -> HostFacts {
  HostFacts(
    architecture: .x86_64, kernelRelease: "6.18.0-amd64", userIdentifier: 0, groupIdentifier: 0, landlockABI: 7,
    seccompUserNotification: true, userNamespaces: true, cgroupRoot: try path("/sys/fs/cgroup"),
    cgroupControllers: ["cpu", "cpuset", "io", "memory", "pids"],
    libraryDirectories: [try path("/usr/lib"), try path("/usr/lib64")],
    rootLinks: [
      HostFacts.RootLink(path: try path("/bin"), destination: "usr/bin"),
      HostFacts.RootLink(path: try path("/lib"), destination: "usr/lib"),
      HostFacts.RootLink(path: try path("/lib64"), destination: "usr/lib64"),
      HostFacts.RootLink(path: try path("/sbin"), destination: "usr/sbin"),
    ],
    loader: try path("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
    binaryDirectories: [try path("/usr/bin")], supportFiles: [.loaderCache, .alternatives],
    memoryBytes: 8 << 30, processorCount: 4, deviceGuard: .program,
    openNetworks: .available(try path("/usr/bin/pasta")), resolver: IPv4Address("10.0.0.53"))
}

func request(
  _ granted: [Permission] = [], roots: [String] = ["/srv", "/usr/share/common-licenses", "/var/lib/data"],
  profile: SecurityProfile? = nil, ceilings: OperatorLimits = OperatorLimits(), resources: ResourceRequest? = nil
) throws -> SandboxRequest {
  SandboxRequest(
    plugin: try #require(PluginName("word_counter")),
    pluginDirectory: try path("/opt/orchestrator/plugins/word_counter"),
    sdkDirectory: try path("/opt/orchestrator/sdk"),
    interpreter: Interpreter(executable: try path("/usr/bin/python3.11"), prefix: nil),
    granted: granted, workspace: try path("/var/lib/orchestrator/runs/7/workspace"),
    filesystemRoots: try roots.map(path), profile: try profile ?? shippedProfile(), hostUser: 200_001,
    hostGroup: 200_001, ceilings: ceilings, resources: resources)
}

func plan(_ granted: [Permission] = [], roots: [String]? = nil, host: HostFacts? = nil) throws -> SandboxPlan {
  let asked = try roots.map { try request(granted, roots: $0) } ?? request(granted)
  return try SandboxPlanner.plan(asked, host: try host ?? debianHost())
}

/// What a refusal says, or nil where there was none.
func refusal(of request: SandboxRequest, host: HostFacts? = nil) throws -> PlanRefusal? {
  let host = try host ?? debianHost()
  do throws(PlanRefusal) {
    _ = try SandboxPlanner.plan(request, host: host)
    return nil
  } catch {
    return error
  }
}

/// SplitMix64: small, and the same sequence for a seed on every machine.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension SandboxPlan {
  var binds: [Bind] {
    filesystem.compactMap { if case .bind(let bind) = $0 { bind } else { nil } }
  }
  func bind(at target: String) -> Bind? { binds.first { $0.target.text == target } }
  func rights(at target: String) -> LandlockRights {
    guard let target = AbsolutePath(target) else { return [] }
    return landlock.rules.filter { target.isEqualToOrBeneath($0.path) }.reduce([]) { $0.union($1.rights) }
  }
}
