import HTTPAPI
import PluginModel
import Scheduling

extension RunQuota {
  /// What all nodes of one token's runs hold together.
  init(of submitter: String, _ quota: AccessQuota?) {
    self.init(
      cpu: quota?.cpuMilli == nil ? nil : Self.name(.cpu, submitter),
      memory: quota?.memoryMB == nil ? nil : Self.name(.memory, submitter),
      gpus: quota?.gpus == nil ? nil : Self.name(.gpus, submitter))
  }

  private enum Amount: String { case cpu, memory, gpus }

  /// No label of a workflow's has a blank.
  private static func name(_ amount: Amount, _ submitter: String) -> SemaphoreName {
    SemaphoreName("\(amount.rawValue) of the token \(submitter)")
  }

  /// How many units there are of each.
  static func counts(of submitter: String, _ quota: AccessQuota) -> [(SemaphoreName, Int)] {
    [
      (name(.cpu, submitter), quota.cpuMilli), (name(.memory, submitter), quota.memoryMB),
      (name(.gpus, submitter), quota.gpus.map { $0 * 1000 }),
    ].compactMap { name, count in count.map { (name, $0) } }
  }
}

extension ServerRuns {
  /// A node that asks for more than its token may ever have is refused before the run is.
  nonisolated func refusals(_ quota: AccessQuota, _ nodes: [(name: String, request: ResourceRequest)]) -> [Diagnostic] {
    nodes.flatMap { name, request -> [Diagnostic] in
      let amounts: [(String, Int, Int?)] = [
        ("thousandths of a processor", request.cpuMilli, quota.cpuMilli),
        ("MiB of memory", request.memoryMB, quota.memoryMB),
        ("thousandths of a GPU", request.gpu.milli, quota.gpus.map { $0 * 1000 }),
      ]
      return amounts.compactMap { what, needed, most in
        guard let most, needed > most else { return nil }
        return Diagnostic(
          "the node \(name.quoted) needs \(needed) \(what), and all nodes of this token may have \(most)",
          hint: "ask for less in its 'resources', or ask for a larger quota")
      }
    }
  }
}
