import Testing

@testable import PluginModel

@Suite("What a node used")
struct NodeAccountTests {
  @Test("is, over several attempts, the sum of what was counted and the highest peak")
  func attempts() {
    let first = NodeAccount(
      usage: ResourceUsage(
        processorMicroseconds: 10, memoryPeak: .init(bytes: 500, scope: .node), bytesRead: 1, refusedTasks: 2),
      limits: [.memory(limit: 1, peak: 1), .deadline(5)])
    let second = NodeAccount(
      usage: ResourceUsage(processorMicroseconds: 5, memoryPeak: .init(bytes: 400, scope: .node), bytesWritten: 7),
      limits: [.memory(limit: 2, peak: 2)])
    let both = first.followed(by: second)
    #expect(
      both.usage
        == ResourceUsage(
          processorMicroseconds: 15, memoryPeak: .init(bytes: 500, scope: .node), bytesRead: 1, bytesWritten: 7,
          refusedTasks: 2))
    #expect(both.limits == [.memory(limit: 2, peak: 2), .deadline(5)])
    #expect(NodeAccount().followed(by: second) == second)
    #expect(first.followed(by: NodeAccount()) == first)
  }

  @Test("has no share of time held back where the host counts none, and 0 where nothing ran")
  func share() {
    #expect(ResourceUsage(processorMicroseconds: 5).throttledShare == nil)
    #expect(ResourceUsage(processorMicroseconds: 0, throttledMicroseconds: 0).throttledShare == 0)
    #expect(ResourceUsage(processorMicroseconds: 1, throttledMicroseconds: 3).throttledShare == 0.75)
    let most = ResourceUsage(processorMicroseconds: .max, throttledMicroseconds: .max)
    #expect(most.throttledShare == 0.5)
    #expect(most.followed(by: most).processorMicroseconds != nil, "no number of a kernel's traps")
  }
}
