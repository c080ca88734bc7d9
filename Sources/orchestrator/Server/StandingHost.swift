import LinuxSystem
import PipelineEngine
import PluginModel
import PluginRegistry
import SandboxPlanning

/// What a server has found out of its host, its configuration and its plugins, and what all its runs share. Another state takes the place
/// of the one before at once; who has begun with that keeps it.
final class StandingHost: Sendable {
  struct State: Sendable {
    var system: SystemConfiguration
    var catalog: PluginCatalog
    var facts: HostFacts
    var interpreter: Interpreter
    var gpus: GPUInventory
  }

  /// Of all runs.
  let fleet: WorkerFleet
  let dispatcher: Dispatcher
  /// The dispatcher's.
  let clock: any RunClock
  /// At one time.
  let mostRuns: Int
  private let state: Lock<State>

  init(_ state: State, fleet: WorkerFleet, dispatcher: Dispatcher, clock: any RunClock, mostRuns: Int) {
    self.state = Lock(state)
    self.fleet = fleet
    self.dispatcher = dispatcher
    self.clock = clock
    self.mostRuns = mostRuns
  }

  var now: State { state.withLock { $0 } }

  func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
}
