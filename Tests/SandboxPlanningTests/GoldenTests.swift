import Foundation
import PluginModel
import SandboxPlanning
import Testing

/// The whole plan for each permission, kept as a file: whoever changes what a grant means sees it in the review.
/// `UPDATE_GOLDEN=1 swift test --filter Golden` writes them anew.
@Suite("golden plans") struct GoldenTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var file: String
    var granted: [Permission]
    var testDescription: String { file }
  }

  static let cases: [Case] = {
    let licences = AbsolutePath("/usr/share/common-licenses")
    let results = AbsolutePath("/srv/results")
    return [
      Case(file: "none", granted: []),
      Case(file: "filesystem.read", granted: [.filesystemRead(nil)]),
      Case(file: "filesystem.read-scoped", granted: [.filesystemRead(licences)]),
      Case(file: "filesystem.write", granted: [.filesystemWrite(nil)]),
      Case(file: "filesystem.write-scoped", granted: [.filesystemWrite(results)]),
      Case(file: "memory.unlimited", granted: [.memoryUnlimited]),
      Case(file: "network.http", granted: [.networkHTTP(hosts: [])]),
      Case(
        file: "network-scoped",
        granted: [
          .networkHTTP(hosts: ["api.example.org", "*.example.com"]),
          .networkSocket(endpoints: ["db.example.org:5432", "192.0.2.7:6379"]),
        ]),
      Case(file: "network.socket", granted: [.networkSocket(endpoints: [])]),
      Case(file: "system.exec", granted: [.systemExec(programs: [])]),
      Case(file: "system.exec-scoped", granted: [.systemExec(programs: ["tar", "git"])]),
      Case(
        file: "all",
        granted: [
          .filesystemRead(nil), .filesystemRead(licences), .filesystemWrite(nil), .filesystemWrite(results),
          .systemExec(programs: []), .systemExec(programs: ["git"]),
        ]),
    ]
  }()

  @Test("the plan is the one that was reviewed", arguments: cases)
  func text(_ example: Case) throws {
    try compare(plan(example.granted).text, with: "\(example.file).plan")
  }

  @Test("the plan of a host that can keep a node's writes apart is the one that was reviewed")
  func staged() throws {
    var host = try debianHost()
    host.overlays = .available
    let plan = try plan([.filesystemWrite(nil), .filesystemWrite(AbsolutePath("/srv/results"))], host: host)
    try compare(plan.text, with: "filesystem.write-staged.plan")
  }

  @Test("the refusal of what a host can't give is the one that was reviewed")
  func refusals() throws {
    var host = try debianHost()
    host.openNetworks = .unavailable(
      why: "pasta isn't installed, which would connect the worker", remedy: "install it: apt-get install passt")
    let asked: [Permission] = [
      .networkSocket(endpoints: [])
    ]
    let texts = try asked.map { permission in
      "\(permission)\n\(try #require(try refusal(of: request([permission]), host: host)))\n"
    }
    try compare(texts.joined(separator: "\n"), with: "refused.txt")
  }

  @Test(
    "the plan of a worker with GPUs is the one that was reviewed, in every form",
    arguments: ["one", "two", "instance", "amd"])
  func gpus(name: String) throws {
    let gpus =
      switch name {
      case "one": Array(try GPUHost.twoGPUs().inventory().gpus.prefix(1))
      case "two": try GPUHost.twoGPUs().inventory().gpus
      case "instance": Array(try GPUHost.instances().inventory().gpus.prefix(1))
      default: Array(try GPUHost.amd().inventory().gpus.prefix(1))
      }
    let plan = try plan(with: gpus)
    try compare(plan.text, with: "gpu.access-\(name).plan")
    try compare(plan.ociConfiguration().text(.pretty) + "\n", with: "gpu.access-\(name).oci.json")
  }

  @Test("the JSON form is the one that was reviewed")
  func json() throws {
    let everything = try #require(Self.cases.last).granted
    try compare(plan(everything).jsonValue.text(.pretty) + "\n", with: "all.json")
  }

  @Test("the OCI configuration is the one that was reviewed")
  func openContainers() throws {
    try compare(plan().ociConfiguration().text(.pretty) + "\n", with: "none.oci.json")
  }

  @Test("the plan on aarch64 is the one that was reviewed")
  func arm() throws {
    var host = try debianHost()
    host.architecture = .aarch64
    host.rootLinks.removeAll { $0.path.text == "/lib64" }
    host.libraryDirectories.removeAll { $0.text == "/usr/lib64" }
    host.loader = try path("/usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1")
    try compare(plan(host: host).text, with: "aarch64.plan")
  }

  @Test("the plan of an old kernel says what it can't enforce")
  func oldKernel() throws {
    var host = try debianHost()
    host.landlockABI = 1
    host.kernelRelease = "5.13.0"
    let landlock = try #require(
      try SandboxPlanner.plan(request(), host: host).text.components(separatedBy: "\nlandlock\n").last?
        .components(separatedBy: "\n\n").first)
    #expect(landlock.contains("not known to this kernel: refer truncate ioctl-dev"))
    #expect(landlock.contains("network   not known to this kernel"))
  }
}
