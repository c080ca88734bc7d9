import LinuxSystem
import PluginModel
import StateStore

// Reading a workflow with all the files that it is made of.

extension Bootstrap {
  /// With the operator's deadlines.
  /// - Parameter run: the run whose files they are, in place of what is on disk.
  func workflow(
    _ path: String, source run: StoredRun?, limits: OperatorLimits
  ) async throws(CommandFailure) -> WorkflowFile {
    let path = run?.file ?? path
    let bytes: [UInt8]
    if let run {
      bytes = run.source
    } else {
      bytes = try await contents(path, limit: DocumentLimits.file.maximumBytes)
    }
    var sources = [(file: path, bytes: bytes)]
    do throws(Diagnostics) {
      var gathered = try WorkflowFiles(path: path, bytes: bytes)
      if !gathered.wanted.isEmpty {
        gathered = await gather(gathered, run)
        sources += gathered.bytes.map { (gathered.name(of: $0.key), $0.value) }
      }
      let workflow = try gathered.workflow().bounded(by: limits)
      return WorkflowFile(path: path, bytes: bytes, workflow: workflow, others: gathered.bytes, sources: sources)
    } catch {
      throw CommandFailure(.invalidInput, error.items, sources: sources)
    }
  }

  private func gather(_ start: WorkflowFiles, _ run: StoredRun?) async -> WorkflowFiles {
    await files.run {
      var gathered = start
      var directory: Directory?
      while let wanted = gathered.wanted.first {
        if let run {
          let kept = run.files[wanted].map { WorkflowFiles.Content.bytes($0) }
          gathered.add(
            kept ?? .unreadable(why: "it isn't kept with the run", hint: "begin a new run"), at: wanted)
          continue
        }
        do throws(FileError) {
          let opened: Directory
          if let directory {
            opened = directory
          } else {
            opened = try Directory(opening: start.path.directoryAndName.directory)
          }
          directory = opened
          let read = try opened.contents(wanted, limit: DocumentLimits.file.maximumBytes)
          gathered.add(.bytes(read.bytes), at: wanted)
        } catch {
          gathered.add(Self.unreadable(error), at: wanted)
        }
      }
      return gathered
    }
  }

  private static func unreadable(_ error: FileError) -> WorkflowFiles.Content {
    switch error {
    case .system(let cause) where cause.code == .tooManyLinks:
      .unreadable(
        why: "a symbolic link stands in the way, and could lead out of the directory of the workflow",
        hint: "name the file itself")
    case .system(let cause) where cause.code == .accessDenied:
      .unreadable(why: error.description, hint: "let this user read it")
    case .system: .unreadable(why: error.description, hint: error.isAbsence ? "check the path" : nil)
    case .notRegular: .unreadable(why: error.description, hint: "name the file itself: no directory, no symbolic link")
    case .tooLarge, .tooManyEntries: .unreadable(why: error.description, hint: nil)
    }
  }
}
