import Testing

@testable import Scheduling

@Suite("Estimates follow what nodes really use")
struct EstimateTests {
  private static let mebibyte = 1 << 20
  private static let most = 1 << 40

  private func estimate(
    _ history: EstimateHistory, input: Int = 1000, declared: Int? = nil, plugin: Int? = nil, most: Int = most
  ) -> EstimateHistory.Estimate? {
    history.estimate(nodeType: "text/join", inputBytes: input, declared: declared, plugin: plugin, most: most)
  }

  @Test("declared first, then the plugin's word, then what was measured")
  func order() {
    var history = EstimateHistory()
    #expect(estimate(history) == nil)
    #expect(estimate(history, declared: 5) == .init(memory: 5, source: .declared))
    #expect(estimate(history, declared: 5, plugin: 7) == .init(memory: 7, source: .plugin))
    for _ in 0..<4 {
      history.record(nodeType: "text/join", inputBytes: 1000, peakMemory: 400 * Self.mebibyte, cpuMilli: 500)
    }
    #expect(estimate(history, declared: 5, plugin: 7)?.source == .plugin, "four are too few")
    history.record(nodeType: "text/join", inputBytes: 1000, peakMemory: 400 * Self.mebibyte, cpuMilli: 500)
    // 440 MiB, up to a step of 32.
    let measured = EstimateHistory.Estimate(memory: 448 * Self.mebibyte, source: .measured(count: 5))
    #expect(estimate(history, declared: 5, plugin: 7) == measured)
    #expect(estimate(history, declared: 5, most: 100 * Self.mebibyte)?.memory == 100 * Self.mebibyte)
  }

  @Test("one large peak among many doesn't count, two of twenty do")
  func percentile() {
    var samples = PeakSamples()
    for _ in 0..<18 { samples.add(10) }
    samples.add(99)
    #expect(samples.percentile(95) == 99)
    samples.add(10)
    #expect(samples.percentile(95) == 10)
    samples.add(99)
    #expect(samples.percentile(95) == 99)
    for _ in 0..<64 { samples.add(20) }
    #expect(samples.percentile(95) == 20 && samples.count == 64 && samples.largest == 20, "the old ones are forgotten")
  }

  @Test("inputs of another size say something only of smaller ones")
  func sizes() {
    var history = EstimateHistory()
    for _ in 0..<5 {
      history.record(nodeType: "text/join", inputBytes: 1 << 20, peakMemory: 100 * Self.mebibyte, cpuMilli: 1)
    }
    #expect(estimate(history, input: 1 << 20) != nil && estimate(history, input: 1000) != nil)
    #expect(estimate(history, input: 1 << 21) == nil)
    #expect(history.estimate(nodeType: "other", inputBytes: 1, declared: nil, plugin: nil, most: Self.most) == nil)
  }

  @Test("who ran out of memory has the next one given twice as much, up to what there is")
  func outOfMemory() {
    var history = EstimateHistory()
    for _ in 0..<10 {
      history.record(nodeType: "text/join", inputBytes: 1000, peakMemory: 100 * Self.mebibyte, cpuMilli: 1)
    }
    history.recordOutOfMemory(nodeType: "text/join", inputBytes: 1000, limit: 200 * Self.mebibyte)
    #expect(estimate(history)?.memory ?? 0 >= 400 * Self.mebibyte)
    #expect(estimate(history, most: 300 * Self.mebibyte)?.memory == 300 * Self.mebibyte)
    for _ in 0..<40 {
      history.record(nodeType: "text/join", inputBytes: 1000, peakMemory: 100 * Self.mebibyte, cpuMilli: 1)
    }
    #expect(estimate(history)?.memory == 144 * Self.mebibyte, "it was one of many")

    var fresh = EstimateHistory()
    fresh.recordOutOfMemory(nodeType: "text/join", inputBytes: 1000, limit: 8)
    #expect(estimate(fresh, declared: 8) == .init(memory: 16, source: .outOfMemory))
    fresh.recordOutOfMemory(nodeType: "text/join", inputBytes: 1000, limit: .max)
    #expect(estimate(fresh)?.memory == Self.most)
  }

  @Test("nearly equal estimates are the same")
  func rounding() {
    #expect(EstimateHistory.rounded(0) == 0 && EstimateHistory.rounded(1) == 16 * Self.mebibyte)
    #expect(EstimateHistory.rounded(1025 * Self.mebibyte) == 1152 * Self.mebibyte)
    #expect(EstimateHistory.rounded(1 << 48) == 1 << 48)
    let all = Set((1...4096).map { EstimateHistory.rounded($0 * Self.mebibyte) })
    #expect(all.count < 50)
    for size in 1...4096 {
      let rounded = EstimateHistory.rounded(size * Self.mebibyte)
      #expect(rounded >= size * Self.mebibyte && rounded <= max(16, size + max(16, size / 8)) * Self.mebibyte)
    }
  }

  @Test("what is kept is bounded; what was used last stays")
  func bounded() {
    var history = EstimateHistory()
    for index in 0..<10_000 {
      history.record(nodeType: "type\(index)", inputBytes: index, peakMemory: 1, cpuMilli: 1)
      history.recordOutOfMemory(nodeType: "kept", inputBytes: 1, limit: 100)
    }
    #expect(history.keyCount <= EstimateHistory.mostKeys)
    #expect(history.estimate(nodeType: "kept", inputBytes: 1, declared: nil, plugin: nil, most: 1 << 30) != nil)
  }

  @Test("suggests less to those who ask for twice what they use, and more to those who ask for too little")
  func suggestions() throws {
    var history = EstimateHistory()
    for _ in 0..<6 {
      history.record(nodeType: "text/join", inputBytes: 1000, peakMemory: 400 * Self.mebibyte, cpuMilli: 730)
    }
    func suggest(cpu: Int, memory: Int) -> [ResourceSuggestion] {
      history.suggestions(
        for: "text/join", declared: ResourceRequest(cpuMilli: cpu, memory: memory * Self.mebibyte))
    }
    #expect(suggest(cpu: 1000, memory: 512).isEmpty)
    #expect(suggest(cpu: 500, memory: 256).map(\.suggested) == [448 * Self.mebibyte])
    let both = suggest(cpu: 4000, memory: 4096)
    #expect(both.map(\.resource) == [.memory, .cpu] && both.last?.suggested == 800)
    #expect(
      try #require(both.first).text
        == "'text/join' asks for 4096Mi and used 400Mi at most in 6 runs: 448Mi would do")
    #expect(history.suggestions(for: "other", declared: ResourceRequest(cpuMilli: 9000)).isEmpty)
  }
}
