import LinuxSystem
import PluginModel
import SandboxPlanning

/// Asks a worker what a call will need, and gives it limits that fit, before the call.
package struct Estimation: Sendable {
  /// The limits that follow from an estimate; nil: the plugin can't tell.
  ///
  /// - Throws: why it can't be met.
  package typealias Rule = @Sendable (ResourceRequirement?) throws(Diagnostics) -> CgroupPlan

  let rule: Rule

  package init(_ rule: @escaping Rule) { self.rule = rule }

  /// - Parameters:
  ///   - base: the limits that the worker has.
  ///   - isReused: it has served other calls, and may still have what they left.
  ///   - limit: of the answer.
  /// - Returns: false when the worker already has more memory than this call may have, by no fault of this call's: another worker
  ///   should get it.
  func prepare(
    _ worker: Worker, for execution: NodeExecution, base: CgroupPlan, isReused: Bool, limit: Duration,
    report: @escaping WorkerPool.Report
  ) async throws(WorkerFailure) -> Bool {
    let answer: JSONValue
    do throws(WorkerFailure) {
      answer = try await worker.estimate(execution, limit: limit, report: report)
    } catch {
      if case .timedOut = error { throw .estimateTimedOut(limit) }
      throw error
    }
    let limits: CgroupPlan
    do throws(Diagnostics) {
      let estimate = answer == .null ? nil : try ResourceRequirement(answer, source: "estimate_resources")
      limits = try rule(estimate)
    } catch {
      throw .estimateRefused(error)
    }
    guard limits != base else { return true }
    if isReused, let most = limits.memoryMax, most < base.memoryMax ?? .max,
      let used = await worker.sandbox.memoryInUse(), used > most
    {
      return false
    }
    do throws(SystemError) {
      try await worker.sandbox.change(to: limits)
    } catch {
      throw .system(error)
    }
    return true
  }
}
