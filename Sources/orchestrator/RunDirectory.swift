import LinuxSystem
import PipelineEngine
import PluginModel

/// A run's place in the state directory, and the workspace that its nodes share. Blocks while it works on files.
struct RunDirectory: Sendable {
  /// `20260131T235959Z-1a2b3c4d`: sorts by time, can't be guessed into by name, is a valid file name.
  let identifier: String
  let workspace: AbsolutePath
  private let reports: RunReports
  /// Nil where the operator named the workspace: then nothing of it is ours to remove.
  private let owned: Owned?

  private struct Owned: Sendable {
    var runs: Directory
    var run: Directory
  }

  /// Makes the directories. `--workspace` is made where it is missing and used as it is where it isn't.
  init(state: String, workspaceOption: String?) throws(Diagnostic) {
    reports = RunReports(state: state)
    do throws(FileError) {
      identifier = "\(ProcessEnvironment.timestamp())-\(try RandomBytes.hexadecimal(4))"
      if let workspaceOption {
        let directory = try Directory(making: workspaceOption)
        workspace = try Self.location(directory)
        owned = nil
      } else {
        // Results may be private: only their owner looks in.
        let runs = try Directory(making: state + "/runs", permissions: 0o700)
        let run = try runs.makeDirectory(identifier, permissions: 0o700)
        workspace = try Self.location(try run.makeDirectory("workspace", permissions: 0o755))
        owned = Owned(runs: runs, run: run)
      }
    } catch {
      throw Diagnostic(
        "the run's workspace can't be made", why: error.description,
        hint: "name a writable directory with --workspace, or with --state-dir")
    }
  }

  /// The directories of a run that is gone on with; what is missing of them is made again.
  init(resuming run: String, state: String, workspace: AbsolutePath) throws(Diagnostic) {
    reports = RunReports(state: state)
    identifier = run
    do throws(FileError) {
      let runs = try Directory(making: state + "/runs", permissions: 0o700)
      let directory = try Directory(making: "\(state)/runs/\(run)", permissions: 0o700)
      let own = try Self.location(directory).appending("workspace")
      self.workspace = try Self.location(try Directory(making: workspace.text))
      owned = self.workspace == own ? Owned(runs: runs, run: directory) : nil
    } catch {
      throw Diagnostic("the run's workspace can't be made again", why: error.description)
    }
  }

  private static func location(_ directory: Directory) throws(FileError) -> AbsolutePath {
    guard let path = ProcessEnvironment.resolve(directory.path).flatMap({ AbsolutePath($0) }) else {
      throw .system(SystemError("realpath", directory.path, .notFound))
    }
    return path
  }

  /// Something lies in the workspace.
  func hasResults() -> Bool {
    let names = try? Directory(opening: workspace.text).names(limit: 1_000_000)
    return names.map { !$0.isEmpty } ?? true
  }

  /// Writes what there is to say of the run where `orchestrator explain` looks for it.
  /// - Returns: a warning where that failed: the run itself is over.
  func keep(_ report: RunReport) -> Diagnostic? {
    do throws(FileError) {
      try reports.keep(report, as: identifier)
      return nil
    } catch {
      return Diagnostic(
        "the report of the run can't be kept", why: error.description,
        hint: "\"orchestrator explain\" won't know this run", severity: .warning)
    }
  }

  /// Removes what was made for this run and never used. Directories that aren't empty stay.
  func removeIfEmpty() {
    guard let owned, !hasResults() else { return }
    try? owned.run.removeDirectory("workspace")
    try? owned.runs.removeDirectory(identifier)
  }
}
