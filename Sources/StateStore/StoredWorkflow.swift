import PluginModel

/// One version of a workflow that is stored, without what is in it.
package struct WorkflowVersion: Hashable, Sendable {
  package var name: WorkflowName
  /// From 1. No two versions of one name ever have the same, not even where it was removed between them.
  package var number: Int
  /// Of the content.
  package var digest: ContentDigest
  /// Who saved it.
  package var author: String
  /// Milliseconds since 1970.
  package var created: Int64
  /// Of the content.
  package var bytes: Int

  package init(
    name: WorkflowName, number: Int, digest: ContentDigest, author: String, created: Int64, bytes: Int
  ) {
    self.name = name
    self.number = number
    self.digest = digest
    self.author = author
    self.created = created
    self.bytes = bytes
  }
}

/// A workflow as it was written.
package struct StoredWorkflow: Hashable, Sendable {
  package var version: WorkflowVersion
  package var content: [UInt8]

  package init(version: WorkflowVersion, content: [UInt8]) {
    self.version = version
    self.content = content
  }
}

/// What whoever changes a workflow believes is there. Of two who believe the same, one is right.
package enum WorkflowExpectation: Hashable, Sendable {
  /// There is none of the name.
  case absent
  /// The latest version has this content.
  case digest(ContentDigest)
  /// It is the latest version.
  case version(Int)
}

/// What came of saving a workflow.
package enum WorkflowSaving: Hashable, Sendable {
  case saved(WorkflowVersion)
  /// The latest version has this content already.
  case same(WorkflowVersion)
  /// The latest version is another than was expected.
  case conflict(WorkflowVersion)
  /// There is none of the name, and one was expected.
  case absent
  /// As many are stored as may be.
  case full
  /// It has more bytes than may be stored.
  case tooLarge
}

/// What came of removing one.
package enum WorkflowRemoval: Hashable, Sendable {
  case removed
  case conflict(WorkflowVersion)
  case absent
}

/// How much is stored.
package struct WorkflowLimits: Hashable, Sendable {
  package var workflows = 10_000
  /// Of one workflow; the newest are kept.
  package var versions = 200
  /// Of one content.
  package var bytes = DocumentLimits.file.maximumBytes
  /// Of an author's name.
  package var authorBytes = 256

  package init() {}
}
