import PluginModel
import PluginRegistry
import SandboxPlanning

/// What is different in one run of a workflow while a plugin's needs are learned. Nothing of it is stored.
struct LearningStage: Sendable {
  let plugin: PluginName
  /// Allowed for these runs, on top of what was granted.
  var allowed: [Permission] = []
  /// In place of all that it was granted or allowed; nil: nothing is taken away.
  var only: [Permission]?
  /// In place of the profile that it would run under.
  var profile: SecurityProfile?
  /// Its workers are watched in all that they do.
  var observes = false
}

extension LearningStage? {
  /// - Returns: the same decision for any other plugin.
  func narrowed(_ decision: GrantDecision) -> GrantDecision {
    guard let stage = self, stage.plugin == decision.plugin else { return decision }
    var decision = decision
    // Nobody is asked to look at a change here: what it had before isn't given to it.
    decision.change = nil
    if let only = stage.only {
      // A proposal is a part of what it has; were it not, it would get nothing.
      decision.effective = only.filter { $0.isCovered(by: decision.effective) }
    }
    return decision
  }
}
