import Foundation
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

@Suite("A launched worker", .serialized)
struct LaunchTests {
  let harness: Harness
  init() throws { harness = try Harness() }

  @Test("runs its program and its end is known")
  func runs() async throws {
    let outcome = try await harness.run(.fixture(["/bin/true"]))
    #expect(outcome.exit == SandboxExit(status: .exited(code: 0)))
    #expect(try await harness.run(.shell("exit 7")).exit.status == .exited(code: 7))
    #expect(try await harness.run(.shell("kill -9 $$")).exit.status == .signalled(number: 9))
  }
}
