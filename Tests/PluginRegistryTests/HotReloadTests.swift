import PluginRegistry
import Testing

@Suite("Hot reload")
struct HotReloadTests {
  private static let settings = HotReload.Settings(
    interval: .seconds(1), settling: .milliseconds(30), longestSettling: .milliseconds(300))

  /// A machine whose first version was loaded long ago.
  private static func quiet(runs: Bool = false) -> HotReload {
    var settings = settings
    settings.runs = runs
    var machine = HotReload(settings)
    _ = machine.start(at: .zero)
    _ = machine.handle(.loaded, at: .milliseconds(50))
    if runs { _ = machine.handle(.runEnded, at: .milliseconds(60)) }
    return machine
  }

  @Test("loads the plugin at its start")
  func start() {
    var machine = HotReload(Self.settings)
    #expect(machine.start(at: .zero) == [.load(1)])
    #expect(machine.current == nil)
    #expect(machine.handle(.loaded, at: .milliseconds(50)) == [])
    #expect(machine.current == 1)
  }

  @Test("takes the first change after a quiet time up at once, when it has settled")
  func first() {
    var machine = Self.quiet()
    #expect(machine.handle(.changed, at: .seconds(5)) == [.wake(at: .milliseconds(5030))])
    #expect(machine.handle(.changed, at: .milliseconds(5020)) == [.wake(at: .milliseconds(5050))])
    #expect(machine.handle(.timer, at: .milliseconds(5030)) == [.wake(at: .milliseconds(5050))])
    #expect(machine.handle(.timer, at: .milliseconds(5050)) == [.load(2)])
    #expect(machine.handle(.loaded, at: .milliseconds(5100)) == [.remove(1)])
    #expect(machine.handle(.timer, at: .seconds(9)) == [])
  }

  @Test("waits for the interval between two reloads")
  func interval() {
    var machine = Self.quiet()
    _ = machine.handle(.changed, at: .seconds(5))
    #expect(machine.handle(.timer, at: .milliseconds(5030)) == [.load(2)])
    _ = machine.handle(.loaded, at: .milliseconds(5100))
    #expect(machine.handle(.changed, at: .milliseconds(5200)) == [.wake(at: .milliseconds(6030))])
    #expect(machine.handle(.changed, at: .milliseconds(5900)) == [.wake(at: .milliseconds(6030))])
    #expect(machine.handle(.timer, at: .milliseconds(6030)) == [.load(3)])
  }

  @Test("takes changes up that never pause")
  func unceasing() {
    var machine = Self.quiet()
    var actions: [HotReload.Action] = []
    for time in stride(from: 5000, through: 5400, by: 20) {
      actions = machine.handle(.changed, at: .milliseconds(time))
    }
    #expect(actions == [.wake(at: .milliseconds(5300))])
  }

  @Test("takes a change that came while it loaded up afterwards")
  func whileLoading() {
    var machine = Self.quiet()
    _ = machine.handle(.changed, at: .seconds(5))
    #expect(machine.handle(.timer, at: .milliseconds(5030)) == [.load(2)])
    #expect(machine.handle(.changed, at: .milliseconds(5040)) == [])
    #expect(machine.handle(.timer, at: .milliseconds(5050)) == [])
    #expect(machine.handle(.loaded, at: .milliseconds(5100)) == [.remove(1), .wake(at: .milliseconds(6030))])
  }

  @Test(
    "keeps the version that works when one doesn't, or is the same", arguments: [HotReload.Event.broken, .unchanged])
  func broken(_ event: HotReload.Event) {
    var machine = Self.quiet()
    _ = machine.handle(.changed, at: .seconds(5))
    #expect(machine.handle(.timer, at: .milliseconds(5030)) == [.load(2)])
    #expect(machine.handle(event, at: .milliseconds(5100)) == [.remove(2)])
    #expect(machine.current == 1)
    _ = machine.handle(.changed, at: .seconds(9))
    #expect(machine.handle(.timer, at: .milliseconds(9030)) == [.load(3)])
    #expect(machine.handle(.loaded, at: .milliseconds(9100)) == [.remove(1)])
  }

  @Test("lets a run end with its version, and then runs the last")
  func runs() {
    var machine = Self.quiet(runs: true)
    func reload(_ second: Int) -> [HotReload.Action] {
      _ = machine.handle(.changed, at: .seconds(second))
      _ = machine.handle(.timer, at: .seconds(second) + .milliseconds(30))
      return machine.handle(.loaded, at: .seconds(second) + .milliseconds(100))
    }
    #expect(reload(5) == [.remove(1), .run(2)])
    #expect(reload(10) == [])
    // In use by nobody, once there is a later one.
    #expect(reload(15) == [.remove(3)])
    #expect(machine.handle(.runEnded, at: .seconds(16)) == [.remove(2), .run(4)])
    #expect(machine.handle(.runEnded, at: .seconds(17)) == [])
    #expect(machine.handle(.runEnded, at: .seconds(18)) == [])
  }

  @Test("runs nothing again for a version that doesn't work or is the same")
  func runsOnce() {
    var machine = Self.quiet(runs: true)
    for (second, event) in [(5, HotReload.Event.broken), (7, .unchanged)] {
      _ = machine.handle(.changed, at: .seconds(second))
      _ = machine.handle(.timer, at: .seconds(second) + .milliseconds(30))
      let actions = machine.handle(event, at: .seconds(second) + .milliseconds(90))
      #expect(!actions.contains { if case .run = $0 { true } else { false } })
    }
  }

  @Test("never needs more than three copies, removes each once, and runs none that is removed")
  func invariants() {
    var generator = SplitMix64(state: 7)
    for _ in 0..<200 {
      var settings = Self.settings
      settings.runs = true
      var machine = HotReload(settings)
      var (copies, running, loading, now) = (Set<Int>(), Int?.none, false, Duration.zero)
      func apply(_ actions: [HotReload.Action]) {
        for action in actions {
          switch action {
          case .load(let version):
            #expect(!loading && copies.insert(version).inserted)
            loading = true
          case .run(let version):
            #expect(running == nil && copies.contains(version))
            running = version
          case .remove(let version): #expect(copies.remove(version) != nil && running != version)
          case .wake(let time): #expect(time >= .zero)
          }
        }
        #expect(copies.count <= 3)
      }
      apply(machine.start(at: now))
      for _ in 0..<200 {
        now += .milliseconds(Int.random(in: 0...700, using: &generator))
        switch Int.random(in: 0...5, using: &generator) {
        case 0, 1: apply(machine.handle(.changed, at: now))
        case 2, 3: apply(machine.handle(.timer, at: now))
        case 4 where loading:
          loading = false
          let events: [HotReload.Event] = [.loaded, .loaded, .broken, .unchanged]
          apply(machine.handle(events.randomElement(using: &generator) ?? .loaded, at: now))
        case 5 where running != nil:
          running = nil
          apply(machine.handle(.runEnded, at: now))
        default: break
        }
        if let current = machine.current { #expect(copies.contains(current)) }
      }
    }
  }
}
