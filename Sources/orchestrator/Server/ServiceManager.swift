import LinuxSystem
import PluginModel

/// Tells whoever started this service how it does: systemd, or what speaks as it does. Where nobody wants to be told, nothing happens.
actor ServiceManager {
  private let address: ServiceNoticeAddress?
  private let report: @Sendable (String) async -> Void
  private var notices = ServiceNotices()
  private var waiting: [String] = []
  private var isSending = false

  init(_ address: ServiceNoticeAddress?, report: @escaping @Sendable (String) async -> Void) {
    self.address = address
    self.report = report
  }

  /// More that couldn't be told yet isn't kept.
  private static let mostWaiting = 64
  /// How long, and how often, one notice is tried where the manager has no room for it.
  private static let pause: Duration = .milliseconds(20)
  private static let attempts = 250

  /// In the order of the calls. Comes back when it was told, or when somebody else is about to tell it.
  func tell(_ event: ServiceNotices.Event) async {
    guard let message = notices.message(for: event), let address, waiting.count < Self.mostWaiting else { return }
    waiting.append(message)
    guard !isSending else { return }
    isSending = true
    defer { isSending = false }
    while !waiting.isEmpty { await send(waiting.removeFirst(), to: address) }
  }

  private func send(_ message: String, to address: ServiceNoticeAddress) async {
    for _ in 0..<Self.attempts {
      do throws(SystemError) {
        try DatagramSocket.send(message, to: address.bytes)
        return
      } catch {
        guard error.code == .tryAgain else {
          await report("the service manager can't be told: \(error)")
          return
        }
      }
      // Whoever ends may be cancelled, and what it has to tell isn't.
      await Task { try? await Task.sleep(for: Self.pause) }.value
    }
    await report("the service manager took nothing for \(Self.pause * Self.attempts)")
  }

  /// Does `body`, which reads anew what can change.
  func reloading<Success: Sendable>(
    _ body: () async throws(CommandFailure) -> Success
  ) async throws(CommandFailure) -> Success {
    await tell(.reloading(at: ProcessEnvironment.monotonicMicroseconds()))
    do throws(CommandFailure) {
      let result = try await body()
      await tell(.reloaded)
      return result
    } catch {
      await tell(.reloaded)
      throw error
    }
  }

  /// Shows the manager, twice in each period, that the service lives, until the task is cancelled.
  /// - Parameter answer: comes back when all that has to answer has answered. Where it throws or doesn't come back, nothing is shown.
  func watch(within period: Duration?, _ answer: @Sendable () async throws -> Void) async {
    guard let period, address != nil else { return }
    var isWell = true
    while (try? await Task.sleep(for: period / 2)) != nil {
      do {
        try await answer()
        isWell = true
        await tell(.alive)
      } catch {
        if isWell, !Task.isCancelled { await report("the service manager isn't told that the server lives: \(error)") }
        isWell = false
      }
    }
  }
}
