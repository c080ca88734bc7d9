import PipelineEngine
import PluginModel
import Scheduling

/// A workflow that somebody has run, as WfCommons keeps it (wfcommons/WfInstances, WfFormat 1.5): which task waited for which, and how
/// long each took.
struct WorkflowInstance {
  var name: String
  /// Seconds.
  var durations: [Double] = []
  var parents: [[Int]] = []

  init(file: String) throws {
    name = String(file.split(separator: "/").last ?? "").split(separator: "-").first.map(String.init) ?? file
    let bytes = try System.read(file)
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONValue(json: bytes)
    } catch {
      throw BenchmarkFailure("\(file) is no JSON: \(error)")
    }
    guard let tasks = root["workflow"]?["specification"]?["tasks"]?.arrayValue,
      let executed = root["workflow"]?["execution"]?["tasks"]?.arrayValue, !tasks.isEmpty
    else {
      throw BenchmarkFailure(
        "\(file) is no workflow of WfFormat 1.5: it lacks workflow.specification.tasks or workflow.execution.tasks")
    }
    var seconds: [String: Double] = [:]
    for task in executed {
      guard let identifier = task["id"]?.stringValue, let time = task["runtimeInSeconds"]?.number, time >= 0 else {
        throw BenchmarkFailure("\(file): a task has no id or no runtimeInSeconds")
      }
      seconds[identifier] = time
    }
    let identifiers = tasks.compactMap { $0["id"]?.stringValue }
    let indices = Dictionary(identifiers.enumerated().map { ($1, $0) }) { first, _ in first }
    for task in tasks {
      guard let identifier = task["id"]?.stringValue, let time = seconds[identifier] else {
        throw BenchmarkFailure("\(file): a task has no id, or hasn't run")
      }
      durations.append(time)
      parents.append(
        try (task["parents"]?.arrayValue ?? []).map { parent in
          guard let index = parent.stringValue.flatMap({ indices[$0] }) else {
            throw BenchmarkFailure("\(file): \(identifier) waits for a task that there is none of")
          }
          return index
        })
    }
    guard Set(identifiers).count == durations.count else { throw BenchmarkFailure("\(file): two tasks have one id") }
  }

  private var children: [[Int]] {
    var children = [[Int]](repeating: [], count: parents.count)
    for (index, parents) in parents.enumerated() { for parent in parents { children[parent].append(index) } }
    return children
  }

  // MARK: What no schedule can beat

  /// The larger of the longest path and of what the processors would take if none were ever idle. Seconds.
  func lowerBound(processors: Int) -> Double {
    max(longest(children).max() ?? 0, durations.reduce(0, +) / Double(processors))
  }

  /// The same where not all can be at work from the beginning to the end: tasks that none can begin before `head`, and after which at
  /// least `tail` is left, share the processors between the two (Fernandez and Bussell, IEEE TC 1973, in its simplest form). Seconds.
  func sharperBound(processors: Int) -> Double {
    let (heads, tails) = (
      zip(longest(parents), durations).map { $0 - $1 }, zip(longest(children), durations).map { $0 - $1 }
    )
    var best = lowerBound(processors: processors)
    for head in Set(heads) {
      let late = heads.indices.filter { heads[$0] >= head }.sorted { tails[$0] > tails[$1] }
      var area = 0.0
      for task in late {
        area += durations[task]
        best = max(best, head + area / Double(processors) + tails[task])
      }
    }
    return best
  }

  /// The longest path from each task on, itself included. Seconds.
  private func longest(_ next: [[Int]]) -> [Double] {
    let scale = 1_000_000.0
    return UpwardRank.ranks(durations: durations.map { Int64(($0 * scale).rounded()) }, dependents: next)
      .map { Double($0) / scale }
  }

  /// What a scheduler comes to that starts, whenever a processor is free, the task that holds up the most, and loses no time over it.
  /// Seconds.
  /// - Parameter knowsTimes: of all tasks; otherwise each counts as much as any other.
  func listSchedule(processors: Int, knowsTimes: Bool) -> Double {
    let children = children
    let ranks = knowsTimes ? longest(children) : Self.levels(children)
    var open = parents.map(\.count)
    var ready = open.indices.filter { open[$0] == 0 }
    var running: [(end: Double, task: Int)] = []
    var now = 0.0
    while !ready.isEmpty || !running.isEmpty {
      ready.sort { (ranks[$0], $1) > (ranks[$1], $0) }
      while running.count < processors, !ready.isEmpty {
        let task = ready.removeFirst()
        running.append((now + durations[task], task))
      }
      guard let next = running.indices.min(by: { running[$0].end < running[$1].end }) else { break }
      let (end, task) = running.remove(at: next)
      now = end
      for child in children[task] {
        open[child] -= 1
        if open[child] == 0 { ready.append(child) }
      }
    }
    return now
  }

  private static func levels(_ children: [[Int]]) -> [Double] {
    UpwardRank.ranks(durations: children.map { _ in 1 }, dependents: children).map(Double.init)
  }

  // MARK: As a workflow of ours

  static let plugin = "bench"
  static func nodeName(_ task: Int) -> NodeName { NodeName(unchecked: "task\(task)") }

  func graph() throws -> WorkflowGraph {
    guard let plugin = PluginName(Self.plugin), let type = NodeTypeReference("\(Self.plugin)/task") else {
      throw BenchmarkFailure("\(Self.plugin) is no name of a plugin")
    }
    let place = SourceLocation(file: name, line: 1, column: 1)
    let nodes = durations.indices.map { task in
      Workflow.Node(
        name: Self.nodeName(task), type: Located(type, at: place), parameters: [], inputs: [],
        needs: parents[task].map { Located(Self.nodeName($0), at: place) }, condition: nil, policy: NodePolicy(),
        resources: nil, cache: nil, location: place)
    }
    let workflow = Workflow(
      name: name, inputs: [], plugins: [:], defaults: NodePolicy(), nodes: nodes, outputs: [], layout: nil)
    let task = NodeSpecification(
      nodeType: type.nodeType, displayName: "Task", category: "Benchmark", description: "",
      resourceRequirements: ResourceRequirement(cpuCores: 1))
    return try WorkflowGraph.validate(
      workflow,
      catalog: NodeCatalog(plugins: [plugin: .init(version: SemanticVersion(1, 0, 0), specifications: [task])]),
      inputs: [:])
  }
}

extension JSONValue {
  fileprivate var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .double(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }
}
