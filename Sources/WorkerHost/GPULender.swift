import PluginModel
import SandboxPlanning

/// Lends GPUs to one worker at a time; whoever gets none waits in line. Who gets which is ``GPUAllocator``'s matter.
package actor GPULender {
  private var allocator: GPUAllocator
  private var waiting: [GPUAllocator.Ticket: CheckedContinuation<[GPU]?, Never>] = [:]

  package init(_ inventory: GPUInventory) { allocator = GPUAllocator(inventory) }

  /// Waits until they are free; nil when the task was cancelled first. What is lent must be given back. The demand must be
  /// one that the inventory can meet: any other would wait for ever.
  package func borrow(_ demand: GPUDemand, for plugin: PluginName) async -> [GPU]? {
    let ticket = allocator.makeTicket()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard !Task.isCancelled else { return continuation.resume(returning: nil) }
        waiting[ticket] = continuation
        allocator.request(demand, for: plugin, ticket)
        serve()
      }
    } onCancel: {
      Task { await self.withdraw(ticket) }
    }
  }

  package func giveBack(_ gpus: [GPU]) {
    allocator.release(gpus)
    serve()
  }

  private func serve() {
    for (ticket, gpus) in allocator.granted() { waiting.removeValue(forKey: ticket)?.resume(returning: gpus) }
  }

  private func withdraw(_ ticket: GPUAllocator.Ticket) {
    guard allocator.withdraw(ticket) else { return }
    waiting.removeValue(forKey: ticket)?.resume(returning: nil)
    // It may have held up those behind it.
    serve()
  }
}
