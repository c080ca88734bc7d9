import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning

/// What the operator chose, before anything is read: `--profile NAME`, `--profile PLUGIN=FILE`.
struct ProfileChoice: Sendable {
  static let usual = "default"
  /// Of plugins that are of no use under the usual one, or can do with less; counts where the operator names none for all or for them.
  static let usualByPlugin: [PluginName: String] = [
    NodeTypeReference.command.plugin: "ci", ProgramService.unpacker.name: "strict",
    ProgramService.environments.name: "installer",
  ]
  /// Files, or names of profiles.
  var common = Self.usual
  var byPlugin: [PluginName: String] = [:]
  private(set) var isCommonSet = false

  init() {}

  /// - Throws: all that is wrong with the options at once.
  init(_ options: [String]) throws(CommandFailure) {
    var problems: [Diagnostic] = []
    for text in options {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if parts.count == 2, let plugin = PluginName(parts[0]) {
        if byPlugin.updateValue(parts[1], forKey: plugin) != nil { problems.append(Self.twice("of \(plugin)")) }
      } else {
        if isCommonSet { problems.append(Self.twice("of all plugins")) }
        (common, isCommonSet) = (text, true)
      }
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
  }

  private static func twice(_ whose: String) -> Diagnostic {
    Diagnostic(
      "--profile names the profile \(whose) twice", hint: "keep one; for one plugin alone: --profile PLUGIN=NAME")
  }
}

/// Reads profiles and groups from the directories in which they may lie.
struct ProfileStore: Sendable {
  /// In the order in which they count.
  let directories: [Place]
  let files: DedicatedThread

  struct Place: Sendable {
    var path: String
    /// Those of the program are as trustworthy as the program.
    var isShipped: Bool
  }

  /// What was read, with the bytes for excerpts.
  struct Content: Sendable {
    var library = ProfileLibrary()
    var sources: [(file: String, bytes: [UInt8])] = []
    var broken: [Diagnostic] = []
  }

  private static let groups = "groups"

  /// The profile that an option names, with all that it inherits from.
  func profile(_ option: String) async throws(CommandFailure) -> SecurityProfile {
    let isFile = option.contains("/") || option.hasSuffix(".yaml")
    if !isFile, PluginName(option) == nil {
      throw CommandFailure(
        .invalidInput, "--profile \(option) is neither a file nor the name of a profile",
        hint: "a name is \(PluginName.grammar); a file ends in .yaml")
    }
    let directories = directories
    let content = await files.run { () -> (Content, ProfileDocument?) in
      var content = Content()
      Self.readGroups(&content, directories)
      let own = isFile ? Self.named(option, &content) : nil
      let wanted = isFile ? own?.inherits?.value : option
      Self.read(wanted, &content, directories)
      return (content, isFile ? own : content.library.documents(named: option).first)
    }
    guard content.0.broken.isEmpty else {
      throw CommandFailure(.invalidInput, content.0.broken, sources: content.0.sources)
    }
    guard let document = content.1 else {
      let available = await files.run { Self.names(in: directories) }
      throw CommandFailure(
        .invalidInput, "there is no profile \"\(option)\"", hint: Suggestion.hint(for: option, among: available))
    }
    return try Self.resolve(document, content.0)
  }

  /// A profile that isn't in a file yet, with all that it inherits from.
  func profile(yaml bytes: [UInt8], file: String) async throws(CommandFailure) -> SecurityProfile {
    let directories = directories
    let content = await files.run { () -> (Content, ProfileDocument?) in
      var content = Content()
      Self.readGroups(&content, directories)
      let own = Self.document(bytes, file: file, &content)
      Self.read(own?.inherits?.value, &content, directories)
      return (content, own)
    }
    guard content.0.broken.isEmpty, let document = content.1 else {
      throw CommandFailure(.invalidInput, content.0.broken, sources: content.0.sources)
    }
    return try Self.resolve(document, content.0)
  }

  private static func resolve(_ document: ProfileDocument, _ content: Content) throws(CommandFailure) -> SecurityProfile
  {
    do throws(Diagnostics) {
      return try content.library.profile(from: document)
    } catch {
      throw CommandFailure(.invalidInput, error.items, sources: content.sources)
    }
  }

  /// All there are; what can't be read or resolved is in the diagnostics.
  func all() async -> (profiles: [(profile: SecurityProfile, isHidden: Bool)], content: Content) {
    let directories = directories
    var content = await files.run { () -> Content in
      var content = Content()
      Self.readGroups(&content, directories)
      for name in Self.names(in: directories) { Self.read(name, &content, directories) }
      return content
    }
    var profiles: [(profile: SecurityProfile, isHidden: Bool)] = []
    for name in content.library.names {
      for (position, document) in content.library.documents(named: name).enumerated() {
        do throws(Diagnostics) {
          profiles.append((try content.library.profile(from: document), position > 0))
        } catch {
          content.broken += error.items.filter { !content.broken.contains($0) }
        }
      }
    }
    return (profiles, content)
  }

  // MARK: On the thread of files

  private static func names(in places: [Place]) -> [String] {
    let names = places.flatMap { place in
      (try? Directory(opening: place.path).names(limit: 1000)) ?? []
    }
    return Set(names.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) })
      .filter { $0 != groups && PluginName($0) != nil }.sorted()
  }

  /// What the operator named by a path is his to name; links are followed.
  private static func named(_ path: String, _ content: inout Content) -> ProfileDocument? {
    guard let location = ProcessEnvironment.resolve(path).flatMap({ AbsolutePath($0) }), let parent = location.parent
    else {
      content.broken.append(
        Diagnostic("the profile \(path) can't be read", why: "there is no such file", hint: "check the path"))
      return nil
    }
    do throws(FileError) {
      let bytes = try Directory(opening: parent.text).contents(
        location.lastComponent, limit: DocumentLimits.file.maximumBytes
      ).bytes
      return document(bytes, file: path, &content)
    } catch {
      content.broken.append(Diagnostic("the profile \(path) can't be read", why: error.description))
      return nil
    }
  }

  private static func document(_ bytes: [UInt8], file: String, _ content: inout Content) -> ProfileDocument? {
    content.sources.append((file, bytes))
    do throws(Diagnostics) {
      return try ProfileDocument(yaml: bytes, file: file)
    } catch {
      content.broken += error.items
      return nil
    }
  }

  /// Every file of this name, and of the names that they inherit from.
  private static func read(_ name: String?, _ content: inout Content, _ places: [Place]) {
    var wanted = [name].compactMap(\.self)
    var seen = Set(content.library.names)
    while let next = wanted.popLast() {
      guard seen.insert(next).inserted else { continue }
      for place in places {
        guard let bytes = trusted("\(next).yaml", in: place, &content),
          let document = document(bytes, file: "\(place.path)/\(next).yaml", &content)
        else { continue }
        guard document.name == next else {
          content.broken.append(
            Diagnostic(
              "the profile in \(document.file) is called \(document.name.quoted)",
              why: "a profile of a directory is found by the name of its file",
              hint: "name the file \(document.name).yaml, or change 'metadata.name'"))
          continue
        }
        content.library.add(document)
        if let parent = document.inherits { wanted.append(parent.value) }
      }
    }
  }

  private static func readGroups(_ content: inout Content, _ places: [Place]) {
    // The program's first: what another file would define again is reported in that one.
    for place in places.filter(\.isShipped) + places.filter({ !$0.isShipped }) {
      guard let bytes = trusted("\(groups).yaml", in: place, &content) else { continue }
      let file = "\(place.path)/\(groups).yaml"
      content.sources.append((file, bytes))
      do throws(Diagnostics) {
        try content.library.groups.add(SystemCallGroups(yaml: bytes, file: file))
      } catch {
        content.broken += error.items
      }
    }
  }

  /// Nil: there is none, or nobody should believe it. Whoever could write a profile would decide what workers may do.
  private static func trusted(_ name: String, in place: Place, _ content: inout Content) -> [UInt8]? {
    let path = "\(place.path)/\(name)"
    do throws(FileError) {
      let directory = try Directory(opening: place.path)
      let (bytes, status) = try directory.contents(name, limit: DocumentLimits.file.maximumBytes)
      guard !place.isShipped else { return bytes }
      let reasons = [
        (place.path, try directory.status(".")), (path, status),
      ].compactMap { $0.1.distrust(at: $0.0) }
      guard reasons.isEmpty else {
        content.broken += reasons.filter { !content.broken.contains($0) }
        return nil
      }
      return bytes
    } catch {
      if !error.isAbsence {
        content.broken.append(
          Diagnostic(
            "the profile \(path) can't be read", why: error.description,
            hint: "a profile is a regular file and no link"))
      }
      return nil
    }
  }
}

extension Bootstrap {
  func profileStore(_ system: SystemConfiguration) -> ProfileStore {
    let own = (system.profileDirectories ?? []).map(\.text) + [Places.profiles]
    return ProfileStore(
      directories: own.map { ProfileStore.Place(path: $0, isShipped: false) }
        + [ProfileStore.Place(path: installation.profiles.text, isShipped: true)],
      files: files)
  }

  /// The profiles of all plugins of a command. What `--profile` says of one plugin wins over what the operator's files say of it, and
  /// either over the profile of all.
  func profiles(
    _ choice: ProfileChoice, _ system: SystemConfiguration, _ decisions: [GrantDecision]
  ) async throws(CommandFailure) -> ProfileAssignment {
    let store = profileStore(system)
    var assignment = ProfileAssignment(common: try await store.profile(choice.common))
    var known = [choice.common: assignment.common]
    let written = decisions.compactMap { decision in decision.profile.map { (decision.plugin, $0.value.text) } }
    var names =
      choice.isCommonSet
      ? [:] : ProfileChoice.usualByPlugin.filter { name, _ in decisions.contains { $0.plugin == name } }
    names.merge(Dictionary(written) { first, _ in first }) { _, chosen in chosen }
    names.merge(choice.byPlugin) { _, chosen in chosen }
    for (plugin, name) in names.sorted(by: { $0.key < $1.key }) {
      if known[name] == nil { known[name] = try await store.profile(name) }
      assignment.byPlugin[plugin] = known[name]
    }
    return assignment
  }
}
