import Testing

@testable import WorkerHost

@Suite("The descriptors of waiting results")
struct DescriptorBudgetTests {
  @Test("are what workers and files leave of the limit, and never less than a quarter of what is free")
  func budget() {
    #expect(DescriptorBudget.heldResults(limit: 20_000, open: 30, jobs: 8) == 20_000 - 30 - 32 - 8 * 24)
    #expect(
      DescriptorBudget.heldResults(limit: 20_000, open: 30, jobs: 8, relays: true) == 10_000 - 30 - 32 - 8 * 36,
      "the other half is for connections")
    #expect(DescriptorBudget.heldResults(limit: 64, open: 32, jobs: 2) == 8)
    #expect(DescriptorBudget.heldResults(limit: 1024, open: 24, jobs: 1024) == 250)
    #expect(DescriptorBudget.heldResults(limit: 16, open: 32, jobs: 1) == 0)
    #expect(DescriptorBudget.heldResults(limit: .max, open: 32, jobs: 1) > 1_000_000)
  }
}
