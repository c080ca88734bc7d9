import Foundation
import PluginModel
import Testing

/// Devices that the test makes stand for GPUs: real character devices, with numbers of mem(4), which any kernel serves. A driver's
/// library is one of the system's with another name in it. The hooks of their description would leave a file: none is run, for
/// what the NVIDIA Container Toolkit ran in a container's environment was the container's own library (CVE-2025-23266).
@Suite("gpu.access", .serialized)
struct GPUTests {
  /// What can be told apart by reading: zeros, and random bytes.
  private static let minors: [UInt32] = [5, 9]

  /// `gpus` of them, described as NVIDIA's tool does it.
  private func host(gpus: Int = 2, readableByAll: Bool = false) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory(readableByAll: readableByAll)
    try Probe.copy(to: directory)
    let manifest = try directory.read("probe/plugin.yaml")
    try directory.write(
      "probe/plugin.yaml",
      manifest.replacingOccurrences(of: "permissions: [", with: "permissions: [gpu.access, "))
    try directory.write("driver/README", "")
    let original = try #require(
      ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu" }.first {
        FileManager.default.fileExists(atPath: $0 + "/liblzma.so.5")
      })
    var library = try Data(contentsOf: URL(fileURLWithPath: original + "/liblzma.so.5"))
    while let place = library.range(of: Data("liblzma.so.5".utf8)) {
      library.replaceSubrange(place, with: Data("libcuda.so.1".utf8))
    }
    try library.write(to: URL(fileURLWithPath: directory.path + "/driver/libcuda.so.550.54"))
    let nodes = [(name: "ctl", minor: UInt32(7))] + (0..<gpus).map { (name: "g\($0)", minor: Self.minors[$0]) }
    try directory.write("dev/README", "")
    for node in nodes { try device(directory.path + "/dev/" + node.name, node.minor) }
    let devices = (0..<gpus).map { index in
      """
        - name: "\(index)"
          containerEdits:
            env: [MODEL=made]
            deviceNodes: [{path: /dev/nvidia\(index), hostPath: \(directory.path)/dev/g\(index)}]
      """
    }
    try directory.write(
      "cdi/nvidia.yaml",
      """
      cdiVersion: 0.5.0
      kind: nvidia.com/gpu
      containerEdits:
        env: [NVIDIA_VISIBLE_DEVICES=void]
        deviceNodes: [{path: /dev/nvidiactl, hostPath: \(directory.path)/dev/ctl}]
        mounts:
          - hostPath: \(directory.path)/driver/libcuda.so.550.54
            containerPath: \(original)/libcuda.so.550.54
            options: [ro, nosuid, nodev, bind]
        hooks:
          - hookName: createContainer
            path: /usr/bin/touch
            args: [touch, hook, create-symlinks, --link, "libcuda.so.1::\(original)/libcuda.so"]
          - hookName: createContainer
            path: /usr/bin/touch
            args: [touch, \(directory.path)/hook-was-run]
      devices:
      \(devices.joined(separator: "\n"))
      """)
    for path in ["cdi", "cdi/nvidia.yaml"] {
      try #require(chmod("\(directory.path)/\(path)", path == "cdi" ? 0o755 : 0o644) == 0)
    }
    try directory.write(
      "system.yaml",
      "plugins: {devices: {cdi_spec_dirs: [\(directory.path)/cdi]}, directories: [\(directory.path)/probe]}\n")
    return directory
  }

  /// An ordinary user can make none, and takes one that there is.
  private func device(_ path: String, _ minor: UInt32) throws {
    if geteuid() == 0 {
      try #require(mknod(path, S_IFCHR | 0o666, dev_t(1) << 8 | dev_t(minor)) == 0, "mknod: \(errno)")
      try #require(chmod(path, 0o666) == 0)
    } else {
      let existing = try #require([5: "zero", 7: "full", 9: "urandom"][minor])
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/\(existing)")
    }
  }

  /// `nodes`: name to its resources and what Python it runs; each leaves its answer in `result`.
  private func run(
    _ nodes: [(name: String, resources: String, code: String)], grants: [String] = ["--grant", "probe=gpu.access"],
    options: [String] = [], in directory: TemporaryDirectory, through wrapper: [String] = [], executable: String? = nil
  ) throws -> Program.Outcome {
    try start(
      nodes, grants: grants, options: ["--output", "json"] + options, in: directory, through: wrapper,
      executable: executable
    ).wait()
  }

  private func start(
    _ nodes: [(name: String, resources: String, code: String)], grants: [String] = ["--grant", "probe=gpu.access"],
    options: [String], in directory: TemporaryDirectory, through wrapper: [String] = [], executable: String? = nil
  ) throws -> Running {
    let outputs = nodes.map { "\($0.name): \($0.name).output" }.joined(separator: ", ")
    let lines = nodes.map { node in
      let code = JSONValue.string(node.code).text()
      return "    \(node.name): {type: probe/probe, resources: {\(node.resources)}, with: {do: python, value: \(code)}}"
    }
    try directory.write(
      "w.yaml",
      "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: sample}\nspec:\n"
        + "  outputs: {\(outputs)}\n  nodes:\n\(lines.joined(separator: "\n"))\n")
    return try Program.start(
      ["run", "w.yaml", "--config", "system.yaml", "--state-dir", directory.path + "/state"] + grants + options,
      in: directory, through: wrapper, executable: executable)
  }

  private func value(_ name: String, _ outcome: Program.Outcome) throws -> JSONValue {
    try #require(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    return try #require(try JSONValue(json: outcome.output)["outputs"]?[name]?["value"])
  }

  private static let look = """
    import ctypes
    def tried(path):
        try:
            with open(path, 'rb') as file:
                return file.read(4).hex()
        except OSError as error:
            return type(error).__name__
    result = {
        'nodes': sorted(name for name in os.listdir('/dev') if 'nvidia' in name),
        'own': tried('/dev/nvidia0'), 'other': tried('/dev/nvidia1'),
        'host': os.path.exists('HOST'), 'variables': sorted(k + '=' + v for k, v in os.environ.items() if 'DEVICES' in k or k == 'MODEL'),
    }
    """
  private static let load = """

    result['versions'] = [ctypes.CDLL(name).lzma_version_number() > 0 for name in ('libcuda.so.1', 'libcuda.so')]
    result['links'] = sorted(name for name in os.listdir('/gpu/lib') if os.path.islink('/gpu/lib/' + name))
    """

  @Test("shows a plugin the GPU that its node was assigned, its libraries and variables, and nothing of the other")
  func assigned() throws {
    let directory = try host()
    let code = (Self.look + Self.load).replacingOccurrences(of: "HOST", with: directory.path)
    let seen = try value("a", try run([("a", "gpu: 1", code)], in: directory))
    #expect(seen["nodes"] == ["nvidia0", "nvidiactl"], "\(seen.text())")
    #expect(seen["own"] == "00000000")
    #expect(seen["other"] == "FileNotFoundError")
    #expect(seen["host"] == false)
    #expect(seen["variables"] == ["CUDA_VISIBLE_DEVICES=0", "MODEL=made", "NVIDIA_VISIBLE_DEVICES=0"])
    #expect(seen["versions"] == [true, true])
    #expect(seen["links"] == ["libcuda.so", "libcuda.so.1"])
    #expect(!directory.exists("hook-was-run"))
  }

  @Test("is the same for the plugins of an ordinary user", .enabled(if: geteuid() == 0))
  func ordinaryUser() throws {
    let directory = try host(readableByAll: true)
    let executable = try Program.copyCheckout(into: directory)
    try directory.write("w.yaml", "")
    try #require(chmod(directory.path + "/w.yaml", 0o666) == 0)
    let code = (Self.look + Self.load).replacingOccurrences(of: "HOST", with: directory.path)
    let outcome = try run(
      [("a", "gpu: 1", code)], in: directory,
      through: ["/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"], executable: executable)
    let seen = try value("a", outcome)
    #expect(seen["nodes"] == ["nvidia0", "nvidiactl"], "\(seen.text())")
    #expect(seen["own"] == "00000000" && seen["other"] == "FileNotFoundError")
    #expect(seen["versions"] == [true, true])
  }

  @Test("shows nothing to a node that asks for none, with the permission or without")
  func nothing() throws {
    let directory = try host()
    let granted = try run([("a", "gpu: 0", Self.look)], in: directory)
    #expect(try value("a", granted)["nodes"] == [])
    #expect(granted.errors.contains("no node of probe gets a GPU"), "\(granted.errors)")
    let plain = try run([("a", "cpu: 1", Self.look)], grants: [], in: directory)
    #expect(try value("a", plain)["nodes"] == [])
    #expect(try value("a", plain)["own"] == "FileNotFoundError")
  }

  @Test("is refused before anything starts where a node asks without the permission")
  func notGranted() throws {
    let directory = try host()
    let outcome = try run([("a", "gpu: 1", Self.look)], grants: [], in: directory)
    #expect(outcome.status == 2, "\(outcome.output)")
    #expect(
      outcome.errors.contains("w.yaml:7:45: error: the node 'a' asks for 1 GPU, and probe isn't granted gpu.access"),
      "\(outcome.errors)")
    let fewer = try run([("a", "gpu: 2", Self.look)], grants: ["--grant", "probe=gpu.access:1"], in: directory)
    #expect(fewer.status == 2)
    #expect(fewer.errors.contains("gpu.access allows it 1"), "\(fewer.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/state/runs") == [])
  }

  @Test(
    "is one run's at a time, whoever starts them: another waits, says for what, and has it when that run is over or dies"
  )
  func twoRuns() throws {
    let directories = try (0..<3).map { _ in try host(gpus: 1) }
    func start(_ index: Int, _ seconds: Int) throws -> Running {
      let code = "import time\nresult = [time.monotonic()]\ntime.sleep(\(seconds))\nresult.append(time.monotonic())"
      return try self.start([("a", "gpu: 1", code)], options: ["--output", "jsonl"], in: directories[index])
    }
    func span(_ outcome: Program.Outcome) throws -> [Double] {
      try #require(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
      let last = try JSONValue(json: String(try #require(outcome.output.split(separator: "\n").last)))
      return try #require(last["report"]?["outputs"]?["a"]?["value"]?.arrayValue).map { value in
        if case .double(let time) = value { time } else { 0 }
      }
    }
    let first = try start(0, 2)
    try first.wait(for: "node_started")
    let second = try start(1, 60)
    try second.wait(
      for: "waits for what another orchestrator has: nvidia.com/gpu=0 (process \(first.process.processIdentifier))")
    let before = try span(try first.wait())
    try second.wait(for: "node_started")
    let third = try start(2, 0)
    try third.wait(
      for: "waits for what another orchestrator has: nvidia.com/gpu=0 (process \(second.process.processIdentifier))")
    kill(second.process.processIdentifier, SIGKILL)
    let after = try span(try third.wait())
    #expect(before[1] < after[0])
    _ = try second.wait()
  }

  @Test("goes to another run when no node uses it, though the run that had it goes on")
  func givenUp() throws {
    let directories = try (0..<2).map { _ in try host(gpus: 1) }
    let sleep = "import time\ntime.sleep(5)\nresult = time.monotonic()"
    let first = try start(
      [("a", "gpu: 1", "result = 1"), ("b", "gpu: 0", sleep)], options: ["--output", "jsonl", "--jobs", "2"],
      in: directories[0])
    try first.wait(for: "succeeded")
    let second = try value(
      "a", try run([("a", "gpu: 1", "import time\nresult = time.monotonic()")], in: directories[1]))
    let end = try first.wait()
    let report = try JSONValue(json: String(try #require(end.output.split(separator: "\n").last)))
    let last = try #require(report["report"]?["outputs"]?["b"]?["value"]?.number)
    #expect(try #require(second.number) < last)
  }

  @Test("is refused before anything starts where the host has fewer, with what was found")
  func tooMany() throws {
    let directory = try host(gpus: 1)
    for command in ["run", "validate"] {
      let outcome =
        command == "run"
        ? try run([("a", "gpu: 2", Self.look)], in: directory)
        : try Program.run(
          [
            "validate", "w.yaml", "--config", "system.yaml", "--state-dir", directory.path + "/state", "--grant",
            "probe=gpu.access",
          ],
          in: directory)
      #expect(outcome.status == 2, "\(outcome.output)")
      #expect(outcome.errors.contains("w.yaml:7:45: error: the node 'a' asks for 2 GPUs"), "\(outcome.errors)")
      #expect(outcome.errors.contains("this host has nvidia.com/gpu=0 (\(directory.path)/cdi/nvidia.yaml)"))
    }
    #expect(!directory.exists("state/runs"))
    try FileManager.default.removeItem(atPath: directory.path + "/dev/g0")
    let gone = try run([("a", "gpu: 1", Self.look)], in: directory)
    #expect(gone.status == 2)
    #expect(gone.errors.contains("\(directory.path)/dev/g0 isn't there"), "\(gone.errors)")
  }

  private static let hold = """
    import time
    start = time.monotonic()
    time.sleep(0.6)
    result = [os.environ['NVIDIA_VISIBLE_DEVICES'], start, time.monotonic(), sorted(n for n in os.listdir('/dev') if 'nvidia' in n)]
    """

  @Test("gives two nodes of one GPU each different ones, at the same time")
  func side() throws {
    let outcome = try run(
      [("a", "gpu: 1", Self.hold), ("b", "gpu: 1", Self.hold)], options: ["--jobs", "2"], in: try host())
    let seen = try ["a", "b"].map { try #require(try value($0, outcome).arrayValue) }
    #expect(Set(seen.map { $0[0].stringValue }) == ["0", "1"], "\(outcome.output)")
    let starts = seen.compactMap(\.[1].number)
    let ends = seen.compactMap(\.[2].number)
    #expect(try #require(starts.max()) < (try #require(ends.min())))
    for node in seen { #expect(node[3].arrayValue?.count == 2) }
  }

  @Test("has two nodes wait for each other where there is one")
  func turns() throws {
    let outcome = try run(
      [("a", "gpu: 1", Self.hold), ("b", "gpu: 1, cpu: 0.5", Self.hold)], options: ["--jobs", "2"],
      in: try host(gpus: 1))
    let seen = try ["a", "b"].map { try #require(try value($0, outcome).arrayValue) }
    #expect(seen.allSatisfy { $0[0] == "0" })
    let starts = seen.compactMap(\.[1].number)
    let ends = seen.compactMap(\.[2].number)
    #expect(try #require(starts.max()) >= (try #require(ends.min())), "\(outcome.output)")
  }

  @Test("nodes that ask for a part of one share it, with a warning; none shares it with one that has it to itself")
  func shares() throws {
    let directory = try host(gpus: 1)
    let outcome = try run(
      [("a", "gpu: 0.5", Self.hold), ("b", "gpu: 0.25, cpu: 0.5", Self.hold), ("c", "gpu: 1, cpu: 0.25", Self.hold)],
      options: ["--jobs", "3"], in: directory)
    let seen = try ["a", "b", "c"].map { try #require(try value($0, outcome).arrayValue) }
    #expect(seen.allSatisfy { $0[0] == "0" && $0[3].arrayValue?.count == 2 })
    let spans = try seen.map { (try #require($0[1].number), try #require($0[2].number)) }
    #expect(spans[0].0 < spans[1].1 && spans[1].0 < spans[0].1, "\(spans)")
    #expect(spans.dropLast().allSatisfy { $0.1 <= spans[2].0 || spans[2].1 <= $0.0 }, "\(spans)")
    #expect(
      outcome.errors.contains("nodes that use a part of a GPU are not kept apart from each other there: 'a', 'b'"),
      "\(outcome.errors)")
    let bad = try run([("a", "gpu: 1.5", Self.hold)], in: directory)
    #expect(bad.status == 2 && bad.errors.contains("w.yaml:7:45: error:"), "\(bad.errors)")
    #expect(bad.errors.contains("0.5 for half of one"), "\(bad.errors)")
  }

  @Test("a node's result isn't used again where nobody knows the model or the driver of its GPU")
  func notReused() throws {
    let directory = try host(gpus: 1)
    // Whoever may read files is never asked for.
    let manifest = try directory.read("probe/plugin.yaml").split(separator: "\n")
      .map { $0.hasPrefix("permissions:") ? "permissions: [gpu.access]" : $0 }
    try directory.write("probe/plugin.yaml", manifest.joined(separator: "\n") + "\n")
    let nodes = [("a", "gpu: 1", Self.hold), ("b", "gpu: 0", "result = 1")]
    for _ in 0..<2 { _ = try value("a", try run(nodes, in: directory)) }
    let report = try JSONValue(json: try run(nodes, in: directory).output)
    let cached = report["nodes"]?.arrayValue?.map { $0["cached"] }
    #expect(cached == [false, true], "\(report.text())")
  }

  @Test("doctor --gpu lists them with their nodes and source, and what is wrong with the other files")
  func doctor() throws {
    let directory = try host()
    try directory.write("cdi/bad.yaml", "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevice: []\n")
    try #require(chmod(directory.path + "/cdi/bad.yaml", 0o644) == 0)
    let arguments = ["doctor", "--gpu", "--config", "system.yaml"]
    let text = try Program.run(arguments, in: directory)
    #expect(text.status == 0, "\(text.errors)")
    #expect(
      text.output.contains("✓ nvidia.com/gpu=1: \(directory.path)/cdi/nvidia.yaml, memory not known"), "\(text.output)")
    #expect(text.output.contains("/dev/nvidia0  1:5 rw"))
    #expect(text.output.contains("\(directory.path)/cdi/bad.yaml:3:1: error: unknown key 'device'"))
    let json = try JSONValue(json: Program.run(arguments + ["--output", "json"], in: directory).output)
    #expect(json["gpus"]?.arrayValue?.map { $0["name"] } == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"])
    #expect(json["gpus"]?.arrayValue?.first?["nodes"]?.arrayValue?.last?["minor"] == 5)
    let problem = json["problems"]?.arrayValue?.first { $0["line"] == 3 }
    #expect(problem?["file"]?.stringValue == directory.path + "/cdi/bad.yaml")
    try directory.write("system.yaml", "plugins: {devices: {cdi_spec_dirs: [\(directory.path)/none]}}\n")
    let none = try Program.run(arguments, in: directory)
    #expect(none.status == 3)
    #expect(none.output.contains("No GPU can be given to a plugin. Looked in \(directory.path)/none"))
    try directory.write("system.yaml", "plugins: {devices: {cdi_spec_dirs: [cdi]}}\n")
    #expect(
      try Program.run(arguments, in: directory).errors.contains(
        "system.yaml:1:37: error: 'cdi' is not an absolute path"))
  }

  @Test("plan show shows the devices that a node would get, in every form")
  func planned() throws {
    let directory = try host()
    func show(_ arguments: String...) throws -> Program.Outcome {
      try Program.run(
        ["plan", "show", "probe", "--config", "system.yaml", "--state-dir", directory.path + "/state"] + arguments,
        in: directory)
    }
    let text = try show("--grant", "probe=gpu.access")
    #expect(text.status == 0, "\(text.errors)")
    #expect(text.output.contains("nvidia.com/gpu=0  by \(directory.path)/cdi/nvidia.yaml"), "\(text.output)")
    #expect(!text.output.contains("/dev/nvidia1"))
    let both = try JSONValue(json: try show("--grant", "probe=gpu.access:2", "--json").output)
    #expect(both["gpus"]?.arrayValue?.count == 2)
    let linux = try JSONValue(json: try show("--grant", "probe=gpu.access", "--oci").output)["linux"]
    #expect(linux?["devices"]?.arrayValue?.contains { $0["path"] == "/dev/nvidia0" && $0["minor"] == 5 } == true)
    let without = try show()
    #expect(!without.output.contains("nvidia"))
    let many = try show("--grant", "probe=gpu.access:3")
    #expect(many.status == 0 && many.errors.contains("warning: a node of probe asks for 3 GPUs"), "\(many.errors)")
  }
}

extension JSONValue {
  fileprivate var number: Double? {
    switch self {
    case .double(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }
}
