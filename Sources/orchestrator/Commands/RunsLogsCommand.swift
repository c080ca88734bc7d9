import ArgumentParser
import LinuxSystem
import PluginModel
import StateStore

/// `orchestrator runs logs`
struct RunsLogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Prints what the nodes of a run said.",
    discussion: "What plugins log and what they print, in its order. Of each run \(RunLog.limit >> 20) MiB are kept.")

  @OptionGroup var chosen: RunArgument
  @Argument(help: ArgumentHelp("One node of it. Default: all.", valueName: "node")) var node: String?
  @Flag(name: [.short, .long], help: "Go on printing until the run has ended.") var follow = false
  @OptionGroup var state: StateOptions
  @Option(help: "How to write it: text or json (a line an entry).") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let (store, run) = try await bootstrap.chosenRun(chosen.run, state)
    let path = store.directory(of: run.identifier)
    var printed = 0
    while true {
      // Asked before the file is read: what a run that has ended said is all there then.
      let goesOn = follow ? await store.holder(of: run.identifier) != nil : false
      while case let bytes = try await print(path, from: printed, bootstrap), bytes > 0 { printed += bytes }
      guard goesOn else { return }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  /// Bytes that are read at once; no line of a log is that long.
  private static let piece = 4 << 20

  /// - Returns: how many bytes were whole lines.
  private func print(_ path: String, from offset: Int, _ bootstrap: Bootstrap) async throws(CommandFailure) -> Int {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try await bootstrap.files.run { () throws(FileError) in
        do throws(FileError) {
          let file = try Directory(opening: path).file(RunLog.name).descriptor
          do throws(SystemError) { return try file.bytes(at: offset, count: Self.piece) } catch { throw .system(error) }
        } catch {
          if error.isAbsence { return [] }
          throw error
        }
      }
    } catch {
      throw CommandFailure(.invalidInput, "the log of the run can't be read", why: error.description)
    }
    guard let end = bytes.lastIndex(of: 0x0A) else { return 0 }
    for line in bytes[...end].split(separator: 0x0A) {
      guard let entry = try? JSONValue(json: Array(line)), node == nil || entry["node"]?.stringValue == node else {
        continue
      }
      await bootstrap.console.print(output == .json ? entry.text() : Self.text(entry))
    }
    return end + 1
  }

  private static func text(_ entry: JSONValue) -> String {
    guard entry["event"]?.stringValue != "log_full" else { return "(the log is full: what came after was not kept)" }
    let level = entry["level"]?.stringValue
    let prefix = level == "warning" || level == "error" ? "\(level ?? ""): " : ""
    let said = entry["message"]?.stringValue ?? entry["line"]?.stringValue ?? ""
    return "\(SafeText.line(entry["node"]?.stringValue ?? "")) | \(prefix)\(SafeText.line(said))"
  }
}
