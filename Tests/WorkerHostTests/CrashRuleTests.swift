import PluginModel
import Testing

@testable import WorkerHost

@Suite("Plugins that keep crashing")
struct CrashRuleTests {
  private func key(_ name: String, digest: String = "0") throws -> CrashRule.Key {
    CrashRule.Key(plugin: try #require(PluginName(name)), digest: digest)
  }

  @Test("the third crash in a row within five minutes stops a plugin, for five minutes from then")
  func stops() throws {
    var rule = CrashRule(WorkerSettings().crashes)
    let plugin = try key("demo")
    #expect(rule.crashed(plugin, at: 0) == nil && rule.crashed(plugin, at: 100_000) == nil)
    #expect(rule.stop(plugin, at: 150_000) == nil)
    let third = rule.crashed(plugin, at: 200_000)
    let stop = try #require(third)
    #expect(stop.crashes == 3 && stop.remainingMilliseconds == 300_000)
    #expect(rule.stop(plugin, at: 499_999)?.remainingMilliseconds == 1)
    #expect(rule.stops(at: 499_999).map(\.plugin.text) == ["demo"])
    #expect(rule.stop(plugin, at: 500_000) == nil && rule.stops(at: 500_000).isEmpty)
  }

  @Test("crashes that lie further apart, or with an answer between them, stop none")
  func apart() throws {
    var rule = CrashRule(WorkerSettings.CrashRule(limit: 3, windowMilliseconds: 1000))
    let plugin = try key("demo")
    for time in stride(from: Int64(0), to: 10_000, by: 600) { #expect(rule.crashed(plugin, at: time) == nil) }
    for time in stride(from: Int64(20_000), to: 20_100, by: 1) {
      #expect(rule.crashed(plugin, at: time) == nil)
      if time.isMultiple(of: 2) { rule.answered(plugin) }
    }
  }

  @Test("another plugin, and another version of it, is started all the same")
  func others() throws {
    var rule = CrashRule(WorkerSettings.CrashRule(limit: 1, windowMilliseconds: 1000))
    #expect(rule.crashed(try key("demo"), at: 0) != nil)
    #expect(rule.stop(try key("other"), at: 1) == nil)
    #expect(rule.stop(try key("demo", digest: "1"), at: 1) == nil)
  }

  @Test("it is told once that a plugin is stopped, and a limit of nothing stops none")
  func once() throws {
    var rule = CrashRule(WorkerSettings.CrashRule(limit: 2, windowMilliseconds: 1000))
    let told = try (0..<20).compactMap { rule.crashed(try key("demo"), at: Int64($0)) }
    #expect(told.count == 1)
    var none = CrashRule(WorkerSettings.CrashRule(limit: 0, windowMilliseconds: 1000))
    for time in 0..<20 { #expect(none.crashed(try key("demo"), at: Int64(time)) == nil) }
    #expect(none.stop(try key("demo"), at: 20) == nil)
  }

  @Test("what is remembered is bounded: plugins that last crashed long ago are forgotten")
  func bounded() throws {
    var rule = CrashRule(WorkerSettings.CrashRule(limit: 3, windowMilliseconds: 10))
    for number in 0..<1000 { _ = rule.crashed(try key("demo", digest: "\(number)"), at: Int64(number)) }
    #expect(rule.count <= 11)
  }
}
