import PipelineEngine
import PluginModel

/// A run as the database knows it: what it was started with, and how it ended.
package struct StoredRun: Sendable {
  package var identifier: String
  /// The workflow's name.
  package var workflow: String
  /// Where its file was.
  package var file: String
  /// What was in the file.
  package var source: [UInt8]
  /// The other files that the workflow is made of, by their paths relative to its directory.
  package var files: [String: [UInt8]]
  /// What it is gone on with, in the words of whoever stored it.
  package var settings: JSONValue
  package var nodeCount: Int
  /// Milliseconds since 1970.
  package var created: Int64
  /// Nil: it runs, or was cut off.
  package var outcome: RunOutcome?
  /// Milliseconds since 1970; nil likewise.
  package var ended: Int64?
  /// Who asked a server for it; nil: a command began it.
  package var submitter: String?
  /// Why it couldn't be carried out: a list of diagnostics.
  package var problems: JSONValue?
  /// The run that it repeats.
  package var parent: String?
  /// Files that it was given: identifiers. Only of one that is to be written down; its settings say what became of them.
  package var uploads: Set<String> = []

  package init(
    identifier: String, workflow: String, file: String, source: [UInt8], files: [String: [UInt8]] = [:],
    settings: JSONValue, nodeCount: Int, created: Int64, outcome: RunOutcome? = nil, ended: Int64? = nil
  ) {
    self.identifier = identifier
    self.workflow = workflow
    self.file = file
    self.source = source
    self.files = files
    self.settings = settings
    self.nodeCount = nodeCount
    self.created = created
    self.outcome = outcome
    self.ended = ended
  }
}
