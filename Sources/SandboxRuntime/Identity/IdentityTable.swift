import PluginModel

/// Which host id each plugin has, as its file says it: a line `orchestrator identities 1`, then `<id> <plugin>` a line.
struct IdentityTable: Hashable, Sendable {
  /// Why the text is no such file.
  struct Corruption: Error, Hashable, Sendable {
    /// From 1.
    var line: Int
    var what: String
  }

  /// Of the ids that systemd's own account of them (UIDS-GIDS, systemd.io) leaves unused: above its containers'
  /// (524288–1879048191), below its foreign images' (from 2147352576).
  static let range: ClosedRange<UInt32> = 1_900_000_000...1_900_065_535
  static let heading = "orchestrator identities 1"

  private(set) var identifiers: [PluginName: UInt32] = [:]
  private var last: UInt32?
  /// The file is new.
  private(set) var isEmpty = true

  init() {}

  /// Everything is checked: an id that is given twice would let one plugin read what another wrote.
  init(parsing text: String) throws(Corruption) {
    if text.isEmpty { return }
    isEmpty = false
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.popLast() == "" else { throw Corruption(line: lines.count + 1, what: "it ends without a newline") }
    guard lines.first.map({ $0 == Self.heading }) == true else {
      throw Corruption(line: 1, what: "it doesn't begin with \"\(Self.heading)\"")
    }
    for (index, line) in lines.enumerated().dropFirst() {
      let fields = line.split(separator: " ", omittingEmptySubsequences: false)
      guard fields.count == 2, let identifier = UInt32(fields[0]), let plugin = PluginName(String(fields[1])) else {
        throw Corruption(line: index + 1, what: "it isn't an id and a plugin's name")
      }
      guard Self.range.contains(identifier) else {
        throw Corruption(line: index + 1, what: "the id \(identifier) is outside of \(Self.range)")
      }
      // Ids are only ever handed out upwards, so that none is used again.
      if let last, identifier <= last { throw Corruption(line: index + 1, what: "the ids don't ascend") }
      guard identifiers.updateValue(identifier, forKey: plugin) == nil else {
        throw Corruption(line: index + 1, what: "the plugin \(plugin) has an id already")
      }
      last = identifier
    }
  }

  /// The id of a plugin that has none yet, and what to append to the file; nil when the range is used up.
  func allocating(_ plugin: PluginName) -> (identifier: UInt32, addition: String)? {
    let identifier = last.map { $0 + 1 } ?? Self.range.lowerBound
    guard Self.range.contains(identifier) else { return nil }
    return (identifier, (isEmpty ? Self.heading + "\n" : "") + "\(identifier) \(plugin)\n")
  }
}
