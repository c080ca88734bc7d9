import ArgumentParser
import LinuxSystem
import PipelineEngine
import PluginModel

/// `orchestrator graph`
struct GraphCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Draws a workflow.",
    discussion: """
      Writes to standard output, or to the file that -o names. Inputs without a default need not be given.
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument, Sendable {
    case svg
    case text
  }

  @OptionGroup var options: WorkflowOptions
  @Option(help: ArgumentHelp("svg or text. Default: by the name of -o, else text on a terminal and svg elsewhere."))
  var format: Format?
  @Option(
    name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("The file to write.", valueName: "file"))
  var file: String?

  func validate() throws {
    guard format == nil, let file, !file.hasSuffix("/"), let name = file.split(separator: "/").last else { return }
    guard !name.contains(".") || name.hasSuffix(".svg") || name.hasSuffix(".txt") else {
      throw ValidationError("-o \(file): a picture is .svg or .txt; or say which with --format.")
    }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    let session = try await WorkflowSession(options, jobs: ProcessEnvironment.processorCount, bootstrap)
    let checked = try await session.run { () async throws(CommandFailure) in try await session.outline() }
    let drawing = WorkflowDrawing(checked.content)
    let content =
      switch chosenFormat(isTerminal: Terminal(.standardOutput).isInteractive) {
      case .svg: drawing.svg
      case .text: drawing.text
      }
    let text = content.hasSuffix("\n") ? content : content + "\n"
    guard let file else { return await bootstrap.console.printRaw(text) }
    try await bootstrap.replace(file, with: Array(text.utf8))
  }

  private func chosenFormat(isTerminal: Bool) -> Format {
    if let format { return format }
    if let file { return file.hasSuffix(".txt") ? .text : .svg }
    return isTerminal ? .text : .svg
  }
}

extension Bootstrap {
  /// Writes a file that the operator named, whole or not at all.
  func replace(_ path: String, with bytes: [UInt8]) async throws(CommandFailure) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    guard let name = parts.last, name != ".", name != "..", !path.hasSuffix("/") else {
      throw CommandFailure(.invalidInput, "\(path) doesn't name a file")
    }
    let folders = parts.dropLast().joined(separator: "/")
    let parent = path.hasPrefix("/") ? "/" + folders : folders.isEmpty ? "." : folders
    do throws(FileError) {
      try await files.run { () throws(FileError) in try Directory(opening: parent).replace(name, with: bytes) }
    } catch {
      throw CommandFailure(
        .invalidInput, "\(path) can't be written", why: error.description,
        hint: "name a file in a directory that exists and that you may write to")
    }
  }
}
