import Foundation
import PluginModel
import Testing

/// One large run whose workers keep dying, and what it leaves on the host: nothing.
@Suite("a run of 500 nodes with a tenth of them killed", .serialized)
struct ScaleTests {
  private static let nodeCount = 500
  private static let jobs = 8

  @Test("keeps the others' results, tells every death, and leaves no descriptor, process, mount, cgroup or file")
  func killedAtRandom() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("random numbers from \(seed)")
    var random = SplitMix64(seed: seed)
    let directory = try TemporaryDirectory()
    let workflow = LargeWorkflow(nodeCount: Self.nodeCount, &random)
    try FileManager.default.copyTree(
      from: (#filePath as NSString).deletingLastPathComponent + "/Fixtures/probe", to: directory.path + "/probe")
    try directory.write("w.yaml", workflow.text)

    let options = ["w.yaml", "--plugins", "probe", "--state-dir", directory.path + "/state"]
    // The plugin tells its node types to a worker that nobody kills.
    #expect(try Program.run(["validate"] + options, in: directory).status == 0)
    let before = try HostTraces()
    let running = try Program.start(
      ["run"] + options + ["--output", "json", "--jobs", "\(Self.jobs)"], in: directory)
    let killer = Killer(supervisor: running.process.processIdentifier)
    while running.process.isRunning { killer.step(&random) }
    let outcome = try running.wait()
    #expect(outcome.status == 1, "\(outcome.errors)")

    let report = try JSONValue(json: outcome.output)
    try workflow.check(report)
    #expect(killer.killed.count >= workflow.doomed.count)
    #expect(killer.descriptors.count > 50, "the supervisor was watched")
    // Four a live worker, those that it is counted by, and what starting one takes; the values in flight, and the program's own.
    let most = killer.descriptors.max() ?? .max
    #expect(most < 40 + 16 * Self.jobs, "\(most) descriptors at one time")
    print(
      "\(killer.killed.count) workers killed, at most \(most) descriptors, \((report["duration_ms"] ?? .null).text()) ms"
    )

    #expect(try leftovers(of: directory) == [])
    let left = try HostTraces.settled(since: before, of: running.process.processIdentifier)
    #expect(left == [])
    // What the run was given, and what it keeps on purpose: the specifications and identities of plugins, the run and its results.
    let files = try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { !$0.hasPrefix("probe") }
    let run = "state/runs/" + (report["run"]?.stringValue ?? "")
    let kept = [
      "state", "state/identities", "state/runs", "state/specifications", "state/staging", "w.yaml", run,
      run + "/report.json", run + "/lock", "state/collected", "state/objects", "state/objects/lock",
      "state/objects/tmp",
      "state/state.sqlite", "state/state.sqlite.lock",
    ]
    let others = files.filter { path in
      !kept.contains(path) && !path.hasPrefix(".") && !path.hasPrefix("state/specifications/")
        && path.wholeMatch(of: /state\/objects\/[0-9a-f]{2}(\/[0-9a-f]{62})?/) == nil
    }
    #expect(others.isEmpty)
  }
}

/// Nodes of every sort in one graph: some depend on others, some hang until they are killed.
private struct LargeWorkflow {
  private(set) var text: String
  /// They end only by being killed.
  private(set) var doomed: Set<String> = []
  private var sources: [String: String] = [:]
  private var values: [String: JSONValue] = [:]

  init(nodeCount: Int, _ random: inout SplitMix64) {
    text = "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: large}\nspec:\n  nodes:\n"
    let hanging = Set((0..<nodeCount).shuffled(using: &random).prefix(nodeCount / 10))
    var blobs: [String] = []
    for index in 0..<nodeCount {
      let name = "n\(index)"
      if hanging.contains(index) {
        doomed.insert(name)
        let retry = index % 3 == 0 ? ", retry: {max: 1, on: [crash]}" : ""
        text += "    \(name): {type: probe/probe, with: {do: hang}\(retry)}\n"
      } else if index % 11 == 2 {
        values[name] = "fallback"
        text += "    \(name): {type: probe/probe, with: {do: recover, value: no}}\n"
      } else if index % 7 == 3 {
        blobs.append(name)
        text += "    \(name): {type: probe/probe, with: {do: blob, value: 100000}, retry: {max: 3, on: [crash]}}\n"
      } else if index % 7 == 5, let source = blobs.randomElement(using: &random) {
        (sources[name], values[name]) = (source, 100_000)
        text += "    \(name): {type: probe/probe, with: {do: size}, in: {input: \(source).output}}\n"
      } else if index % 5 == 1, index > 0 {
        let source = "n\(Int.random(in: 0..<index, using: &random))"
        sources[name] = source
        text += "    \(name): {type: probe/probe, with: {do: sleep, value: 0.02}, needs: [\(source)]}\n"
        values[name] = .double(0.02)
      } else {
        values[name] = .integer(Int64(index))
        text += "    \(name): {type: probe/probe, with: {value: \(index)}}\n"
      }
    }
    text += "  outputs:\n" + values.keys.sorted().map { "    \($0): \($0).output\n" }.joined()
  }

  /// Every node ended as its kind and its source must, or was killed and says so.
  func check(_ report: JSONValue) throws {
    let nodes = try #require(report["nodes"]?.arrayValue)
    let states = Dictionary(
      nodes.compactMap { node in
        node["node"]?.stringValue.flatMap { name in node["state"]?.stringValue.map { (name, $0) } }
      }
    ) { first, _ in first }
    var succeeded = 0
    for node in nodes {
      let name = try #require(node["node"]?.stringValue)
      switch states[name] {
      case "succeeded":
        succeeded += 1
        #expect(!doomed.contains(name))
        #expect(report["outputs"]?[name]?["value"] == values[name], "\(name)")
      case "failed":
        let cause = node["error"]?["cause"]?.stringValue ?? ""
        #expect(node["error"]?["class"] == "crash", "\(name): \(node.text())")
        #expect(cause.contains("SIGKILL") || cause.contains("killed"), "\(name): \(node.text())")
      case "skipped":
        let source = try #require(sources[name], "\(name) waits for nothing")
        #expect(states[source] != "succeeded", "\(name)")
      default: Issue.record("\(node.text())")
      }
    }
    #expect(states.count == nodes.count)
    #expect(doomed.allSatisfy { states[$0] == "failed" })
    // A killed worker takes one node with it, so most of them live.
    #expect(succeeded > nodes.count / 2, "\(succeeded)")
  }
}

/// Kills workers of one supervisor, or the first processes of their sandboxes, chosen at random, and watches its descriptors.
private final class Killer {
  private let supervisor: Int32
  private(set) var killed: Set<Int32> = []
  private(set) var descriptors: [Int] = []
  /// When each worker was first seen.
  private var seen: [Int32: Date] = [:]

  init(supervisor: Int32) { self.supervisor = supervisor }

  func step(_ random: inout SplitMix64) {
    usleep(.random(in: 10_000...30_000, using: &random))
    if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(supervisor)/fd") {
      descriptors.append(open.count)
    }
    let sandboxes = children(of: supervisor).flatMap { first in
      children(of: first).filter(isWorker).map { (first: first, worker: $0) }
    }
    let now = Date()
    // One that was just seen for the first time may be a sandbox whose launch isn't over: that is another failure.
    let ready = sandboxes.filter { seen[$0.worker] != nil }
    for sandbox in sandboxes where seen[sandbox.worker] == nil { seen[sandbox.worker] = now }
    guard let sandbox = ready.randomElement(using: &random), let since = seen[sandbox.worker] else { return }
    // Mostly such as hang, and now and then one that is at work or between two nodes.
    guard now.timeIntervalSince(since) > 0.3 || Int.random(in: 0..<20, using: &random) == 0 else { return }
    let victim = Int.random(in: 0..<5, using: &random) == 0 ? sandbox.first : sandbox.worker
    guard victim > 1, kill(victim, SIGKILL) == 0 else { return }
    killed.insert(victim)
  }

  /// Its own program runs: what comes before is the launch.
  private func isWorker(_ process: Int32) -> Bool {
    (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8))?.contains("pipeline_worker") == true
  }

  private func children(of process: Int32) -> [Int32] {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    return tasks.flatMap { task -> [Int32] in
      let text = (try? String(contentsOfFile: "/proc/\(process)/task/\(task)/children", encoding: .utf8)) ?? ""
      return text.split(separator: " ").compactMap { Int32($0) }
    }
  }
}

/// What sandboxes could leave on the host outside of a run's own directories.
private struct HostTraces {
  private var mounts: [String]
  private var files: Set<String>

  init() throws {
    mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n").map(String.init)
    files = []
    for directory in ["/tmp", "/var/tmp", "/dev/shm", "/run"] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
      // Tests that run beside this one make directories of their own, and so does a compiler.
      let others = ["orchestrator-cli-", "TemporaryDirectory."]
      let known = names.filter { name in !others.contains { name.hasPrefix($0) } }
      files.formUnion(known.map { "\(directory)/\($0)" })
    }
  }

  /// What is there that wasn't before, and stays.
  static func settled(since before: HostTraces, of supervisor: Int32) throws -> [String] {
    var left: [String] = []
    for _ in 0..<100 {
      let after = try HostTraces()
      left =
        Set(after.mounts).symmetricDifference(before.mounts).sorted() + after.files.subtracting(before.files).sorted()
      left += cgroups(of: supervisor)
      if left.isEmpty { break }
      usleep(20_000)
    }
    return left
  }

  private static func cgroups(of supervisor: Int32) -> [String] {
    let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
    let roots = mounts.split(separator: "\n").filter { $0.contains(" - cgroup2 ") }.map {
      String($0.split(separator: " ")[4])
    }
    return roots.flatMap { root in
      let paths = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
      return paths.filter { $0.contains("orchestrator-\(supervisor)-") }
    }
  }
}

/// SplitMix64: the same seed gives the same choices.
private struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
