import LinuxSystem
import PluginModel
import Scheduling
import Testing

@testable import PipelineEngine

/// The devices of a host that several processes use. None can tell what another has but by asking.
private final class FakeHost: Sendable {
  struct State {
    var owners: [GPUIdentifier: Int] = [:]
    var wanted: [Int: Set<GPUIdentifier>] = [:]
    /// By process, each time.
    var letGo: [(process: Int, devices: Set<GPUIdentifier>)] = []
    var takes: [[String]] = []
    var isBroken = false
    var isStopped = false
    /// So many are told that another has them, though none does: it only looked whether they are free.
    var probes = 0
  }
  let state = Lock(State())

  func holding(_ process: Int) -> FakeHolding { FakeHolding(host: self, process: process) }
  func own(_ device: String, _ process: Int?) { state.withLock { $0.owners[GPUIdentifier(device)] = process } }
}

private struct FakeHolding: DeviceHolding {
  let host: FakeHost
  let process: Int

  func take(_ devices: [GPUIdentifier]) async throws(NodeFailure) -> [HeldDevice] {
    host.state.withLock { $0.takes.append(devices.map(\.text)) }
    while host.state.withLock({ $0.isStopped }) { try? await Task.sleep(for: .milliseconds(1)) }
    let isBroken = host.state.withLock { $0.isBroken }
    if isBroken { throw NodeFailure(.sandbox, "it can't be made sure") }
    return host.state.withLock { state in
      if state.probes > 0 {
        state.probes -= 1
        return devices.map { HeldDevice(device: $0) }
      }
      let missing = devices.filter { state.owners[$0, default: process] != process }
      if missing.isEmpty { for device in devices { state.owners[device] = process } }
      return missing.map { HeldDevice(device: $0, process: Int32(state.owners[$0] ?? 0)) }
    }
  }

  func look(
    at elsewhere: [GPUIdentifier], isWaiting: Bool, kept: [GPUIdentifier]
  ) async -> (free: Set<GPUIdentifier>, wanted: Set<GPUIdentifier>) {
    host.state.withLock { state in
      state.wanted[process] = isWaiting ? Set(elsewhere) : []
      let others = state.wanted.filter { $0.key != process }.values.reduce(into: Set()) { $0.formUnion($1) }
      return (Set(elsewhere.filter { state.owners[$0] == nil }), others.intersection(kept))
    }
  }

  func letGo(_ devices: Set<GPUIdentifier>) async {
    host.state.withLock { state in
      state.letGo.append((process, devices))
      for device in devices where state.owners[device] == process { state.owners[device] = nil }
    }
  }
}

/// One process: its dispatcher, with one run.
private final class Process: Sendable {
  let dispatcher: Dispatcher
  private let run = RunIdentifier("r")
  private let answers = Lock<[Int: [Dispatcher.Answer]]>([:])

  init(_ host: FakeHost, _ number: Int = 1, gpus: Int) async {
    let devices = (0..<gpus).map { GPUDevice(id: GPUIdentifier("g\($0)"), memory: 8) }
    dispatcher = Dispatcher(
      hosts: [HostCapacity(name: HostIdentifier("h"), cpuMilli: 1000, memory: 0, devices: devices)],
      holding: host.holding(number), clock: FastClock())
    await open()
  }

  func close() async { await dispatcher.close(run) }

  func open() async {
    await dispatcher.open(run, weight: 1) { [answers] answer in
      answers.withLock { $0[answer.node, default: []].append(answer.answer) }
    }
  }

  func ask(_ node: Int, _ gpu: GPURequest = .devices(count: 1)) async {
    await apply(.request(node, ResourceRequest(gpu: gpu), name: NodeName(unchecked: "n\(node)"), rank: 0))
  }
  func giveBack(_ node: Int) async { await apply(.giveBack(node)) }
  func withdraw(_ node: Int) async { await apply(.withdraw(node)) }

  private func apply(_ change: Dispatcher.Change) async {
    let given = await dispatcher.apply([change], of: run)
    answers.withLock { answers in for answer in given { answers[answer.node, default: []].append(answer.answer) } }
  }

  func answers(_ node: Int) -> [Dispatcher.Answer] { answers.withLock { $0[node] ?? [] } }

  /// What it was given; nil: nothing so far.
  func devices(_ node: Int) -> [String]? {
    answers(node).compactMap { if case .assigned(let gpus) = $0 { gpus.map(\.device.text) } else { nil } }.first
  }

  func assigned(_ node: Int) async throws -> [String] {
    try await eventually { devices(node) != nil }
    return try #require(devices(node))
  }

  /// How often it was told that others have what it waits for.
  func toldCount(_ node: Int) -> Int {
    answers(node).count { if case .heldElsewhere = $0 { true } else { false } }
  }
}

private func eventually(_ condition: () -> Bool) async throws {
  for _ in 0..<5000 where !condition() { try await Task.sleep(for: .milliseconds(1)) }
  try #require(condition(), "it never came")
}

/// Long enough for many looks.
private func aWhile() async throws { try await Task.sleep(for: .milliseconds(20)) }

@Suite("Devices that several processes use")
struct DeviceHoldingTests {
  @Test("a node has the devices that the scheduler chose, once they are this process's")
  func chosen() async throws {
    let host = FakeHost()
    let process = await Process(host, gpus: 2)
    await process.ask(0)
    await process.ask(1)
    #expect(try await process.assigned(0) == ["g0"])
    #expect(try await process.assigned(1) == ["g1"])
    #expect(Set(host.state.withLock { $0.takes }) == [["g0"], ["g1"]])
  }

  @Test("a device that another process has isn't waited for while one is free")
  func another() async throws {
    let host = FakeHost()
    host.own("g0", 9)
    let process = await Process(host, gpus: 2)
    await process.ask(0)
    #expect(try await process.assigned(0) == ["g1"])
    #expect(process.toldCount(0) == 0)
    #expect(host.state.withLock { $0.takes } == [["g0"], ["g1"]])
  }

  @Test("whoever could only have another's waits in its place, is told once, and has it when it is free")
  func waits() async throws {
    let host = FakeHost()
    host.own("g0", 9)
    let process = await Process(host, gpus: 1)
    for node in 0..<3 { await process.ask(node) }
    try await eventually { process.toldCount(0) == 1 }
    try await aWhile()
    #expect((0..<3).allSatisfy { process.devices($0) == nil })
    #expect(await process.dispatcher.waiting(of: RunIdentifier("r"), limit: 9).count == 3)
    // The other is to know it.
    try await eventually { host.state.withLock { $0.wanted[1] } == [GPUIdentifier("g0")] }
    host.own("g0", nil)
    for node in 0..<3 {
      #expect(try await process.assigned(node) == ["g0"])
      #expect((node + 1..<3).allSatisfy { process.devices($0) == nil }, "in the order of their coming")
      await process.giveBack(node)
    }
    #expect(process.toldCount(0) == 1 && process.toldCount(1) == 0)
  }

  @Test("whoever is cancelled while it waits is out, and the next has its turn")
  func cancelled() async throws {
    let host = FakeHost()
    host.own("g0", 9)
    let process = await Process(host, gpus: 1)
    await process.ask(0)
    await process.ask(1)
    try await eventually { process.toldCount(0) == 1 }
    await process.withdraw(0)
    host.own("g0", nil)
    #expect(try await process.assigned(1) == ["g0"])
    #expect(process.devices(0) == nil)
    await process.giveBack(1)
    await process.ask(2)
    #expect(try await process.assigned(2) == ["g0"], "nothing of the first is left")
  }

  @Test("whoever is cancelled while its devices are taken has none of them", arguments: [false, true])
  func cancelledMeanwhile(_ isHeld: Bool) async throws {
    try await onlyTheSecond(isHeld: isHeld) { process in await process.withdraw(0) }
  }

  @Test("a run that ends while its devices are taken leaves them to the next")
  func closed() async throws {
    try await onlyTheSecond { process in
      await process.close()
      await process.open()
    }
  }

  /// Two nodes ask for one device. While it is being taken for the first, `leave` has that one want it no more.
  private func onlyTheSecond(isHeld: Bool = false, _ leave: (Process) async -> Void) async throws {
    let host = FakeHost()
    if isHeld { host.own("g0", 9) }
    host.state.withLock { $0.isStopped = true }
    let process = await Process(host, gpus: 1)
    await process.ask(0)
    await leave(process)
    await process.ask(1)
    host.state.withLock { $0.isStopped = false }
    if isHeld {
      try await aWhile()
      host.own("g0", nil)
    }
    #expect(try await process.assigned(1) == ["g0"])
    #expect(process.answers(0).isEmpty)
  }

  @Test("what can't be made sure of fails the node, and keeps nothing")
  func failure() async throws {
    let host = FakeHost()
    host.state.withLock { $0.isBroken = true }
    let process = await Process(host, gpus: 1)
    await process.ask(0)
    try await eventually { !process.answers(0).isEmpty }
    guard case .failed(let failure)? = process.answers(0).first else {
      Issue.record("\(process.answers(0))")
      return
    }
    #expect(failure.kind == .sandbox)
    host.state.withLock { $0.isBroken = false }
    await process.ask(1)
    #expect(try await process.assigned(1) == ["g0"])
  }

  @Test("a device that was given back stays this process's until another wants it")
  func kept() async throws {
    let host = FakeHost()
    let first = await Process(host, 1, gpus: 1)
    for node in 0..<3 {
      await first.ask(node)
      #expect(try await first.assigned(node) == ["g0"])
      await first.giveBack(node)
      try await aWhile()
    }
    #expect(host.state.withLock { $0.letGo.isEmpty && $0.owners[GPUIdentifier("g0")] == 1 })
    let second = await Process(host, 2, gpus: 1)
    await second.ask(0)
    #expect(try await second.assigned(0) == ["g0"])
    #expect(host.state.withLock { $0.letGo.map(\.devices) } == [[GPUIdentifier("g0")]])
  }

  @Test("nodes share one device, a whole one waits for all of them, and the device is let go after the last")
  func shares() async throws {
    let host = FakeHost()
    let first = await Process(host, 1, gpus: 1)
    let second = await Process(host, 2, gpus: 1)
    for node in 0..<2 {
      await first.ask(node, .share(milli: 400))
      #expect(try await first.assigned(node) == ["g0"])
    }
    await first.ask(2, .share(milli: 400))
    await second.ask(0)
    try await eventually { second.toldCount(0) == 1 }
    await first.withdraw(2)
    await first.giveBack(0)
    try await aWhile()
    #expect(second.devices(0) == nil && host.state.withLock { $0.letGo.isEmpty }, "one still has a part of it")
    await first.giveBack(1)
    #expect(try await second.assigned(0) == ["g0"])
    await first.ask(3, .share(milli: 1))
    try await aWhile()
    #expect(first.devices(3) == nil)
    await second.giveBack(0)
    #expect(try await first.assigned(3) == ["g0"])
  }

  @Test("a device that one node is told another has, and that one beside it is given, is this process's for both")
  func sharedMeanwhile() async throws {
    let host = FakeHost()
    host.state.withLock {
      $0.isStopped = true
      $0.probes = 1
    }
    let process = await Process(host, gpus: 1)
    await process.ask(0, .share(milli: 400))
    await process.ask(1, .share(milli: 400))
    host.state.withLock { $0.isStopped = false }
    #expect(try await process.assigned(0) == ["g0"])
    #expect(try await process.assigned(1) == ["g0"])
    try await aWhile()
    #expect(host.state.withLock { $0.owners[GPUIdentifier("g0")] == 1 && $0.letGo.isEmpty })
  }

  @Test("what is kept when no node comes any more is let go, and what a node still has isn't")
  func lettingGo() async throws {
    let host = FakeHost()
    let process = await Process(host, gpus: 2)
    for node in 0..<2 {
      await process.ask(node)
      _ = try await process.assigned(node)
    }
    await process.giveBack(0)
    await process.dispatcher.letGoOfDevices()
    #expect(host.state.withLock { $0.letGo.map(\.devices) } == [[GPUIdentifier("g0")]])
    // An answer that its run never read: the end of the run gives it back.
    await process.close()
    await process.dispatcher.letGoOfDevices()
    #expect(host.state.withLock { $0.owners.isEmpty })
  }

  @Test("two processes that each keep what the other waits for come to an end, and never have more than there are")
  func noDeadlock() async throws {
    let host = FakeHost()
    let processes = [await Process(host, 1, gpus: 2), await Process(host, 2, gpus: 2)]
    let using = Lock((now: 0, most: 0))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<24 {
        let (process, count) = (processes[index % 2], 1 + index / 2 % 2)
        group.addTask {
          await process.ask(index, .devices(count: count))
          _ = try await process.assigned(index)
          using.withLock { using in
            using.now += count
            using.most = max(using.most, using.now)
          }
          try await Task.sleep(for: .milliseconds(2))
          using.withLock { $0.now -= count }
          await process.giveBack(index)
        }
      }
      try await group.waitForAll()
    }
    #expect(using.withLock { $0.most } <= 2)
  }

  @Test("runs without devices ask nobody")
  func withoutDevices() async throws {
    let host = FakeHost()
    let process = await Process(host, gpus: 1)
    await process.ask(0, .none)
    #expect(process.devices(0) == [], "at once")
    try await aWhile()
    #expect(host.state.withLock { $0.takes.isEmpty && $0.wanted.isEmpty })
  }

  @Test("nodes of a run get exactly what was assigned: none beside a whole device, and never more than all of one")
  func assigned() async throws {
    let graph = try Demo.graph(
      Demo.workflow((0..<60).map { "n\($0): {type: demo/split}" }.joined(separator: "\n")))
    let used = Lock<[GPUIdentifier: (milli: Int, nodes: Int, isWhole: Bool)]>([:])
    let wrong = Lock<[String]>([])
    let executor = ScriptedExecutor { (call) throws(NodeFailure) in
      for grant in call.gpus {
        used.withLock { used in
          var use = used[grant.device] ?? (0, 0, false)
          if use.nodes > 0, use.isWhole || grant.milli == 1000 { wrong.withLock { $0.append("\(call.node)") } }
          use = (use.milli + grant.milli, use.nodes + 1, use.isWhole || grant.milli == 1000)
          if use.milli > 1000 { wrong.withLock { $0.append("\(call.node): \(use.milli)") } }
          used[grant.device] = use
        }
      }
      try? await Task.sleep(for: .milliseconds(1))
      for grant in call.gpus {
        used.withLock { used in
          guard var use = used[grant.device] else { return }
          use = (use.milli - grant.milli, use.nodes - 1, use.nodes > 1 && use.isWhole)
          used[grant.device] = use
        }
      }
      return NodeSuccess(
        outputs: ["output", "numbers", "anything", "picture"].map {
          (PortName(unchecked: $0), [NodeValue(json: "x")])
        })
    }
    let devices = (0..<3).map { GPUDevice(id: GPUIdentifier("g\($0)"), memory: 8) }
    let host = HostCapacity(name: HostIdentifier("h"), cpuMilli: 1000, memory: 0, devices: devices)
    let fake = FakeHost()
    fake.own("g1", 9)
    let report = await RunExecution(executor: executor, clock: FastClock(), observe: { _ in }).run(
      graph, identifier: "r",
      places: Dispatcher(hosts: [host], holding: fake.holding(1), clock: FastClock()),
      request: { node, _ in
        let number = Int(node.name.text.dropFirst()) ?? 0
        return ResourceRequest(gpu: number % 3 == 0 ? .devices(count: 1 + number % 2) : .share(milli: 100 + 7 * number))
      }, timeoutMilliseconds: nil)
    #expect(report.outcome == .succeeded, "\(report.nodes.compactMap(\.failure))")
    #expect(wrong.withLock { $0 } == [])
    #expect(executor.calls.count == 60)
    for call in executor.calls {
      let number = try #require(Int(call.node.text.dropFirst()))
      let isWhole = number % 3 == 0
      #expect(call.gpus.count == (isWhole ? 1 + number % 2 : 1))
      #expect(call.gpus.allSatisfy { $0.milli == (isWhole ? 1000 : 100 + 7 * number) })
      #expect(call.gpus.allSatisfy { $0.device != GPUIdentifier("g1") })
    }
  }
}
