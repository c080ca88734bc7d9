import LinuxSystem
import PluginModel
import PluginRegistry

/// Asks the person at the terminal for each permission that would get a plugin further. Nothing but a clear yes allows anything, and
/// nothing is remembered.
struct LearningDialogue: Sendable {
  let bootstrap: Bootstrap
  private let input = TerminalInput()

  /// - Returns: those that were allowed.
  func ask(about permissions: [Permission], for plugin: PluginName) async -> [Permission] {
    var allowed: [Permission] = []
    for permission in permissions {
      let console = bootstrap.console
      await console.printError("")
      await console.printError("The plugin \(plugin) was denied something that this would allow:")
      for line in PermissionLines.explained([permission], style: console.errorStyle) { await console.printError(line) }
      input.discardTyped()
      await console.prompt("Allow it while learning? Nothing is remembered. [y/n] (n): ")
      guard let line = await bootstrap.files.run({ input.line() }) else {
        await console.printError("")
        return allowed
      }
      if ConsentAnswer(line) == .remember { allowed.append(permission) }
    }
    return allowed
  }
}
