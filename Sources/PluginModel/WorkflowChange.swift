/// What of a workflow would give another result than it gave before: for a run that takes results from an earlier one.
package enum WorkflowChange: Equatable, Sendable {
  /// What all of its nodes depend on is another: its inputs, its defaults, its plugins.
  case everything
  /// These nodes of the later one, by their own names, are others or weren't there. What depends on them isn't among them.
  case nodes(Set<String>)

  /// - Parameters: workflows as JSON. Where things are drawn, what a workflow is called and what it gives out don't matter.
  package init(from earlier: JSONValue, to later: JSONValue) {
    guard Self.frame(earlier) == Self.frame(later) else {
      self = .everything
      return
    }
    let known = Self.nodes(earlier)
    self = .nodes(Set(Self.nodes(later).filter { $0.value != known[$0.key] || $0.value.isElsewhere }.map(\.key)))
  }

  /// Without order, which means nothing here.
  private static func frame(_ document: JSONValue) -> [String: Unordered] {
    let members = Unordered.members(document["spec"])
    return members.filter { $0.key != "nodes" && $0.key != "outputs" }
  }

  private static func nodes(_ document: JSONValue) -> [String: Unordered] {
    Unordered.members(document["spec"]?["nodes"])
  }

  /// A value whose objects are equal whatever order they are written in.
  private enum Unordered: Equatable {
    case object([String: Unordered])
    case array([Unordered])
    case other(JSONValue)

    init(_ value: JSONValue) {
      switch value {
      case .object: self = .object(Self.members(value))
      case .array(let items): self = .array(items.map { Unordered($0) })
      default: self = .other(value)
      }
    }

    static func members(_ value: JSONValue?) -> [String: Unordered] {
      guard case .object(let members)? = value else { return [:] }
      return Dictionary(members.map { ($0.key, Unordered($0.value)) }) { first, _ in first }
    }

    /// A node that is another workflow, whose file may have changed.
    var isElsewhere: Bool {
      guard case .object(let members) = self else { return false }
      return members["workflow"] != nil
    }
  }
}
