import ArgumentParser
import PluginModel
import SandboxPlanning

/// `orchestrator profile …`
struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Shows security profiles: system calls, limits, and what may be granted.",
    discussion: """
      A profile is named with --profile. It is looked for in the directories that plugin_system.yaml names under \
      security.profile_directories, then in \(Places.profiles), then among those that came with the program; the first \
      counts.
      """,
    subcommands: [
      ProfileListCommand.self, ProfileShowCommand.self, ProfileDiffCommand.self, ProfileLearnCommand.self,
    ])
}

/// `orchestrator profile list`
struct ProfileListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the profiles that can be named.")

  @OptionGroup var system: SystemOptions
  @Option(help: "How to write the list: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let store = bootstrap.profileStore(try await bootstrap.systemConfiguration(system))
    let (profiles, content) = await store.all()
    switch output {
    case .json: await bootstrap.console.print(Self.json(profiles, content.broken).text(.pretty))
    case .text:
      let style = bootstrap.console.outputStyle
      for (profile, isHidden) in profiles {
        let file = profile.origins.chain.first?.path ?? ""
        let note = isHidden ? "  (another of this name counts)" : ""
        await bootstrap.console.print(
          "\(style(SafeText.pad(profile.name, columns: 12), .strong)) \(SafeText.line(profile.description))\(note)")
        let parents = profile.origins.chain.dropFirst().map(\.name).joined(separator: ", ")
        let words = (parents.isEmpty ? [] : ["inherits \(parents)"]) + [SafeText.line(file)]
        await bootstrap.console.print(
          "\(SafeText.pad("", columns: 12)) \(style(words.joined(separator: "  "), .faint))")
      }
      await bootstrap.report(content.broken, sources: content.sources)
    }
    guard content.broken.isEmpty else { throw CommandFailure(.invalidInput) }
  }

  private static func json(
    _ profiles: [(profile: SecurityProfile, isHidden: Bool)], _ broken: [Diagnostic]
  ) -> JSONValue {
    [
      "profiles": .array(
        profiles.map { profile, isHidden in
          [
            "name": .string(profile.name), "description": .string(profile.description), "hidden": .bool(isHidden),
            "file": .string(profile.origins.chain.first?.path ?? ""),
            "inherits": .array(profile.origins.chain.dropFirst().map { .string($0.name) }),
          ]
        }),
      "diagnostics": .array(broken.map(\.json)),
    ]
  }
}

/// `orchestrator profile show`
struct ProfileShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints what a profile comes to, and the place of each part.",
    discussion: """
      Everything that is inherited is there. A profile that no plan could be made under is refused with every reason: \
      this is also how a file is checked.
      """)

  @Argument(help: "The profile's name, or a file.") var profile: String
  @OptionGroup var system: SystemOptions
  @Option(help: "How to write it: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let store = bootstrap.profileStore(try await bootstrap.systemConfiguration(system))
    let found = try await store.profile(profile)
    try found.check()
    await bootstrap.console.print(output == .json ? found.jsonValue.text(.pretty) : found.text)
  }
}

/// `orchestrator profile diff`
struct ProfileDiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Prints what each of two profiles allows that the other doesn't.")

  @Argument(help: "A profile's name, or a file.") var left: String
  @Argument(help: "The other's.") var right: String
  @OptionGroup var system: SystemOptions
  @Option(help: "How to write it: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let store = bootstrap.profileStore(try await bootstrap.systemConfiguration(system))
    let comparison = ProfileComparison(try await store.profile(left), try await store.profile(right))
    try comparison.left.check()
    try comparison.right.check()
    await bootstrap.console.print(output == .json ? comparison.jsonValue.text(.pretty) : comparison.text)
  }
}

extension SecurityProfile {
  /// - Throws: why no plan could be made under it, on any architecture.
  fileprivate func check() throws(CommandFailure) {
    let problems = [HostFacts.Architecture.x86_64, .aarch64].flatMap { self.problems(on: $0) }
    let distinct = problems.enumerated().filter { problems.firstIndex(of: $0.element) == $0.offset }.map(\.element)
    guard distinct.isEmpty else { throw CommandFailure(.invalidInput, distinct) }
  }
}
