import PluginModel
import SandboxPlanning

/// Words what a node used and which limits it came up against.
enum AccountText {
  /// Milliseconds: of what was over sooner, nobody asks what it took.
  private static let shortest: Int64 = 100

  /// `peak 31Mi  cpu 0.2 s`; empty where that says nothing.
  static func short(_ usage: ResourceUsage?, milliseconds: Int64?) -> String {
    guard let usage, let milliseconds, milliseconds >= shortest else { return "" }
    let peak = usage.memoryPeak.map { peak in
      "peak \(mebibytes(peak.bytes))" + (peak.scope == .worker ? " of its worker" : peak.isSampled ? " seen" : "")
    }
    let time = usage.processorMicroseconds.map { "cpu \(DurationText.short(milliseconds: Int64(clamping: $0 / 1000)))" }
    return [peak, time].compactMap(\.self).joined(separator: "  ")
  }

  /// What is no error and still worth knowing: `held back 62 % of the time by its limit of 0.5 processors`.
  static func notes(_ account: NodeAccount) -> [String] {
    attempts(account.held)
      + account.limits.compactMap { limit in
        switch limit {
        case .processors(let limit, let share):
          "was held back \(percent(share)) of the time by its limit of \(processors(limit))"
        case .tasks(let limit?, refused: let refused?):
          "was refused \(refused) processes or threads by its limit of \(limit)"
        case .tasks, .memory, .openFiles, .scratch, .deadline: nil
        }
      }
  }

  /// `had 256Mi of memory, by its estimate; then 512Mi, raised because the attempt before ran out of memory`: of a node whose attempts
  /// differ.
  private static func attempts(_ held: [HeldLimits]) -> [String] {
    guard Set(held.map(\.memory)).count > 1 else { return [] }
    let parts = held.map { limits in
      let amount = limits.memory.map(mebibytes) ?? "no limit"
      return limits.memoryOrigin.map { "\(amount), \($0.words)" } ?? amount
    }
    return ["had memory in its attempts: " + parts.joined(separator: "; then ")]
  }

  /// What was refused of the network: `was refused evil.example:443: it isn't granted`.
  static func notes(_ network: EgressUse?) -> [String] {
    guard let network else { return [] }
    var lines = network.denials.flatMap { denial in
      let times = denial.count == 1 ? "" : " \(denial.count) times"
      return ["was refused \(denial.destination)\(times): \(denial.why)"]
        + (denial.hint.map { ["  hint: \($0)"] } ?? [])
    }
    if network.furtherDenials > 0 {
      lines.append("was refused \(network.furtherDenials) connections to further destinations")
    }
    return lines
  }

  private static func mebibytes(_ bytes: UInt64) -> String { "\(bytes >> 20 + (bytes & 0xF_FFFF == 0 ? 0 : 1))Mi" }
  private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
  private static func processors(_ count: Double) -> String {
    count == 1 ? "1 processor" : "\(coresText(count)) processors"
  }
}
