import PluginModel
import Testing

@testable import SandboxPlanning

@Suite("Container Device Interface")
struct CDITests {
  private static let gpu = """
    {"cdiVersion": "1.1.0", "kind": "nvidia.com/gpu", "annotations": {"nvidia.com/made-by": "us"},
     "containerEdits": {"env": ["NVIDIA_VISIBLE_DEVICES=void"], "deviceNodes": [{"path": "/dev/nvidiactl"}],
       "mounts": [{"hostPath": "/usr/bin/nvidia-smi", "containerPath": "/usr/bin/nvidia-smi", "options": ["ro", "bind"]}],
       "hooks": [{"hookName": "createContainer", "path": "/usr/bin/nvidia-cdi-hook", "args": ["nvidia-cdi-hook", "update-ldcache"],
                  "env": ["A=b"], "timeout": 3}]},
     "devices": [
       {"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia0", "hostPath": "/dev/nvidia0", "type": "c",
         "major": 195, "minor": 0, "fileMode": 438, "permissions": "rw", "uid": 0, "gid": 0}], "additionalGids": [44]}},
       {"name": "1", "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia1"}]}}]}
    """

  private static func read(_ text: String, syntax: DocumentSyntax = .json) throws(Diagnostics) -> CDISpecification {
    try CDISpecification(bytes: Array(text.utf8), file: "gpu.json", syntax: syntax)
  }

  private static func reference(_ text: String) throws -> CDIDeviceReference { try #require(CDIDeviceReference(text)) }

  @Test("is read with all its fields")
  func reads() throws {
    let specification = try Self.read(Self.gpu)
    #expect(specification.kind.text == "nvidia.com/gpu")
    #expect(specification.devices.map(\.name.text) == ["0", "1"])
    let node = try #require(specification.devices.first?.edits.deviceNodes.first)
    #expect(node.kind == .character && node.major == 195 && node.minor == 0 && node.fileMode == 0o666)
    #expect(node.access == [.read, .write] && node.user == 0 && node.group == 0)
    #expect(specification.devices.first?.edits.additionalGroups == [44])
    #expect(specification.edits.deviceNodes.first?.access == .all)
    #expect(specification.edits.hooks.first?.arguments == ["nvidia-cdi-hook", "update-ldcache"])
    #expect(specification.edits.mounts.first?.options == ["ro", "bind"])
  }

  @Test("is YAML or JSON, with names of devices that look like numbers")
  func yaml() throws {
    let text = """
      cdiVersion: "0.5.0"
      kind: vendor.com/net
      devices:
        - name: 0
          containerEdits:
            env: [A=1]
      """
    let specification = try Self.read(text, syntax: .yaml)
    #expect(specification.devices.map(\.name.text) == ["0"])
  }

  @Test(
    "is refused whole, with the place, where something in it isn't as specified",
    arguments: [
      (#"{"kind": "a.b/c", "devices": [{"name": "0", "containerEdits": {}}]}"#, "cdiVersion"),
      (#"{"cdiVersion": "9.0.0", "kind": "a.b/c", "devices": [{"name": "0", "containerEdits": {}}]}"#, "9.0.0"),
      (#"{"cdiVersion": "1.1.0", "kind": "nothing", "devices": [{"name": "0", "containerEdits": {}}]}"#, "CDI kind"),
      (#"{"cdiVersion": "1.1.0", "kind": "a.b/c", "devices": []}"#, "no device"),
      (
        #"{"cdiVersion": "1.1.0", "kind": "a.b/c", "devices": [{"name": "../x", "containerEdits": {}}]}"#,
        "CDI device name"
      ),
      (
        #"{"cdiVersion": "1.1.0", "kind": "a.b/c", "devices": [{"name": "0", "containerEdits": {}}, {"name": "0", "containerEdits": {}}]}"#,
        "twice"
      ),
      (
        #"{"cdiVersion": "1.1.0", "kind": "a.b/c", "extra": 1, "devices": [{"name": "0", "containerEdits": {}}]}"#,
        "unknown key"
      ),
      (
        #"{"cdiVersion": "1.1.0", "kind": "a.b/c", "devices": [{"name": "0", "containerEdits": {"deviceNodes": [{"path": "dev"}]}}]}"#,
        "absolute"
      ),
      (
        #"{"cdiVersion": "1.1.0", "kind": "a.b/c", "devices": [{"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/a", "permissions": "rr"}]}}]}"#,
        "permission"
      ),
      (
        #"{"cdiVersion": "1.1.0", "kind": "a.b/c", "devices": [{"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/a", "major": -1}]}}]}"#,
        "from 0"
      ),
      (
        #"{"cdiVersion": "0.3.0", "kind": "a.b/c", "devices": [{"name": "0", "containerEdits": {"additionalGids": [1]}}]}"#,
        "needs cdiVersion 0.7.0"
      ),
      (
        #"{"cdiVersion": "1.1.0", "kind": "a.b/c", "devices": [{"name": "0", "containerEdits": {"env": ["novalue"]}}]}"#,
        "environment variable"
      ),
    ])
  func refuses(text: String, problem: String) {
    do throws(Diagnostics) {
      let read = try Self.read(text)
      Issue.record("accepted: \(read)")
    } catch {
      #expect(error.description.contains(problem), "\(error)")
      #expect(error.items.allSatisfy { $0.location != nil })
    }
  }

  @Test("gives what a file has for all its devices once, and then each device's own")
  func resolves() throws {
    let registry = CDIRegistry([.init(path: "/etc/cdi/gpu.json", rank: 0, content: .success(try Self.read(Self.gpu)))])
    let edits = try registry.edits(for: [Self.reference("nvidia.com/gpu=1"), Self.reference("nvidia.com/gpu=0")])
    #expect(edits.deviceNodes.map(\.path.text) == ["/dev/nvidiactl", "/dev/nvidia1", "/dev/nvidia0"])
    #expect(edits.environment == [EnvironmentVariable("NVIDIA_VISIBLE_DEVICES", "void")])
  }

  @Test("of a later directory counts before that of an earlier one")
  func precedence() throws {
    let other = Self.gpu.replacing("/dev/nvidia1", with: "/dev/nvidia7")
    let registry = CDIRegistry([
      .init(path: "/var/run/cdi/gpu.json", rank: 1, content: .success(try Self.read(other))),
      .init(path: "/etc/cdi/gpu.json", rank: 0, content: .success(try Self.read(Self.gpu))),
    ])
    let edits = try registry.edits(for: [Self.reference("nvidia.com/gpu=1")])
    #expect(edits.deviceNodes.map(\.path.text) == ["/dev/nvidiactl", "/dev/nvidia7"])
  }

  @Test("that two files of one directory describe is nobody's, until a later directory decides")
  func conflict() throws {
    let read = try Self.read(Self.gpu)
    let both: [CDIRegistry.File] = [
      .init(path: "/etc/cdi/a.json", rank: 0, content: .success(read)),
      .init(path: "/etc/cdi/b.json", rank: 0, content: .success(read)),
    ]
    let registry = CDIRegistry(both)
    #expect(registry.devices.isEmpty)
    do throws(Diagnostics) {
      _ = try registry.edits(for: [CDIDeviceReference("nvidia.com/gpu=0")].compactMap { $0 })
      Issue.record("a device in conflict was given")
    } catch {
      #expect(error.description.contains("/etc/cdi/a.json and /etc/cdi/b.json"))
    }
    let decided = CDIRegistry(both + [.init(path: "/var/run/cdi/c.json", rank: 1, content: .success(read))])
    #expect(decided.devices.count == 2)
  }

  @Test("fails the whole request where a device isn't there, with the nearest that is")
  func unresolved() throws {
    let registry = CDIRegistry([.init(path: "/etc/cdi/gpu.json", rank: 0, content: .success(try Self.read(Self.gpu)))])
    let wanted = try [Self.reference("nvidia.com/gpu=0"), Self.reference("nvidia.com/gpu=9")]
    do throws(Diagnostics) {
      _ = try registry.edits(for: wanted)
      Issue.record("a device that isn't there was given")
    } catch {
      #expect(error.items.map(\.what) == ["this host has no device nvidia.com/gpu=9"])
      #expect(error.items.first?.hint?.contains("nvidia.com/gpu=") == true)
    }
  }

  @Test("that asks for what no sandbox does is refused, not given without it")
  func unsupported() throws {
    let text = #"""
      {"cdiVersion": "1.1.0", "kind": "a.b/c", "devices": [{"name": "0",
       "containerEdits": {"netDevices": [{"hostInterfaceName": "ib0", "name": "ib0"}]}}]}
      """#
    let registry = CDIRegistry([.init(path: "/etc/cdi/a.json", rank: 0, content: .success(try Self.read(text)))])
    do throws(Diagnostics) {
      _ = try registry.edits(for: [CDIDeviceReference("a.b/c=0")].compactMap { $0 })
      Issue.record("netDevices were left out silently")
    } catch {
      #expect(error.description.contains("netDevices"))
    }
  }
}
