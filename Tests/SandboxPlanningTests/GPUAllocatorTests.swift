import PluginModel
import Testing

@testable import SandboxPlanning

/// A mutating call can't stand in an expectation.
private final class Allocation {
  private var allocator: GPUAllocator
  init() throws { allocator = GPUAllocator(try GPUHost.twoGPUs().inventory()) }

  @discardableResult func request(_ count: Int, for plugin: PluginName) -> GPUAllocator.Ticket {
    let ticket = allocator.makeTicket()
    allocator.request(GPUDemand(count: count), for: plugin, ticket)
    return ticket
  }
  func granted() -> [(ticket: GPUAllocator.Ticket, gpus: [GPU])] { allocator.granted() }
  func withdraw(_ ticket: GPUAllocator.Ticket) -> Bool { allocator.withdraw(ticket) }
  func release(_ gpus: [GPU]) { allocator.release(gpus) }
}

@Suite("The assignment of GPUs")
struct GPUAllocatorTests {
  private let plugin = PluginName(unchecked: "a")
  private let other = PluginName(unchecked: "b")

  private func names(_ granted: [(ticket: GPUAllocator.Ticket, gpus: [GPU])]) -> [[String]] {
    granted.map { $0.gpus.map(\.reference.device.text) }
  }

  @Test("gives the first that are free, each to one at a time")
  func exclusive() throws {
    let allocator = try Allocation()
    for _ in 0..<3 { allocator.request(1, for: plugin) }
    let first = allocator.granted()
    #expect(names(first) == [["0"], ["1"]])
    #expect(allocator.granted().isEmpty)
    allocator.release(try #require(first.last).gpus)
    #expect(names(allocator.granted()) == [["1"]])
  }

  @Test("lets nobody overtake one that waits for more")
  func order() throws {
    let allocator = try Allocation()
    allocator.request(1, for: plugin)
    let first = allocator.granted()
    let both = allocator.request(2, for: other)
    allocator.request(1, for: plugin)
    #expect(allocator.granted().isEmpty)
    allocator.release(try #require(first.first).gpus)
    let next = allocator.granted()
    #expect(next.map(\.ticket) == [both])
    #expect(names(next) == [["0", "1"]])
    allocator.release(try #require(next.first).gpus)
    #expect(names(allocator.granted()) == [["0"]])
  }

  @Test("a request that is withdrawn lets those behind it go on")
  func withdrawn() throws {
    let allocator = try Allocation()
    allocator.request(1, for: plugin)
    _ = allocator.granted()
    let both = allocator.request(2, for: other)
    allocator.request(1, for: plugin)
    #expect(allocator.granted().isEmpty)
    #expect(allocator.withdraw(both))
    #expect(!allocator.withdraw(both))
    #expect(names(allocator.granted()) == [["1"]])
  }

  @Test("gives a plugin those that it had, because its worker may still be there")
  func affinity() throws {
    let allocator = try Allocation()
    allocator.request(1, for: plugin)
    allocator.request(1, for: other)
    let first = allocator.granted()
    for grant in first { allocator.release(grant.gpus) }
    allocator.request(1, for: other)
    #expect(names(allocator.granted()) == [["1"]])
  }
}
