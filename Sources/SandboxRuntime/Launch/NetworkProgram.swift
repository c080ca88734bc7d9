import CLinux
import LinuxSystem
import PluginModel
import SandboxPlanning

/// pasta(1), connecting the network namespace of one sandbox: ``OpenNetwork``. It isn't the worker's to reach: another pid namespace,
/// another cgroup, and a filter of its own. It ends with the sandbox, or with the thread that started both.
struct NetworkProgram: Sendable {
  private static let timeoutMilliseconds: UInt32 = 10_000
  private static let pauseMilliseconds: UInt32 = 2

  private var process: SpawnedProcess
  /// What it says, kept open so that it may.
  private var output: FileDescriptor

  /// Nil where the plan has no open network. Blocks until there is a default route in the namespace; nothing of the plugin runs yet.
  static func connect(
    _ plan: SandboxPlan, _ first: SpawnedProcess, _ control: FileDescriptor, _ context: LaunchContext,
    _ stack: SpawnStack, _ transaction: inout LaunchTransaction
  ) throws(LaunchError) -> NetworkProgram? {
    guard let network = plan.openNetwork else { return nil }
    let kernel = context.kernel
    switch try StartedLaunch.answer(to: .awaitNetwork, control, kernel, &transaction) {
    case .network: break
    case .failed(let failure): throw transaction.failure(failure, plan)
    case .listening, .ready, .ended:
      throw transaction.failure(.awaitNetwork, SystemError("recv", "it has no network", .badMessage))
    }
    let program = try transaction.perform(.startNetworkProgram) { () throws(SystemError) in
      let output = try kernel.makeOutputPipe()
      defer { output.theirs.close() }
      do throws(SystemError) {
        let process = try kernel.start(
          program: network.arguments(for: first.identifier, isRoot: context.isRoot), output: output.theirs, on: stack)
        return NetworkProgram(process: process, output: output.ours)
      } catch {
        output.ours.close()
        throw error
      }
    } undo: { program in
      { () throws(SystemError) in try program.stop(kernel) }
    }
    try transaction.perform(.connectNetwork) { () throws(SystemError) in
      try program.awaitRoute(of: first, network, kernel)
    }
    try transaction.perform(.releaseNetwork) { () throws(SystemError) in try kernel.send(.go, on: control) }
    return program
  }

  private func awaitRoute(
    of first: SpawnedProcess, _ network: OpenNetwork, _ kernel: any SandboxKernel
  ) throws(SystemError) {
    for _ in 0..<Self.timeoutMilliseconds / Self.pauseMilliseconds {
      if let table = kernel.read("/proc/\(first.identifier)/net/route"), RoutingTable.hasDefaultRoute(table) { return }
      if try kernel.awaitReadable(process.descriptor, milliseconds: Self.pauseMilliseconds) {
        throw SystemError(network.program.text, lastWords(kernel), .connectionAborted)
      }
    }
    throw SystemError(network.program.text, lastWords(kernel), .timedOut)
  }

  /// The last line of what it has said.
  private func lastWords(_ kernel: any SandboxKernel) -> String? {
    kernel.readAvailable(output).split(whereSeparator: \.isNewline)
      // Where there is no system logger, it says so of each line.
      .last { !$0.contains("syslog") }.map { String($0.prefix(200)) }
  }

  /// Blocks until it is gone.
  func stop(_ kernel: any SandboxKernel) throws(SystemError) {
    defer {
      output.close()
      process.descriptor.close()
    }
    try kernel.kill(process)
    try kernel.awaitEnd(process)
  }
}

/// `/proc/PID/net/route`, proc(5).
enum RoutingTable {
  /// Columns are interface, destination, gateway, flags, …, metric, mask: a default route has the destination and the mask 0.
  static func hasDefaultRoute(_ table: String) -> Bool {
    table.split(separator: "\n").dropFirst().contains { line in
      let columns = line.split(whereSeparator: \.isWhitespace)
      return columns.count > 7 && columns[1] == "00000000" && columns[7] == "00000000"
    }
  }
}
