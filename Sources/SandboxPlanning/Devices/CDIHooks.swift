import PluginModel

/// What the hooks of a CDI file are for, as far as a sandbox is concerned. None is ever run: a hook runs with the rights of whoever
/// starts the container, in an environment that the container chose (CVE-2025-23266).
///
/// Vendors' tools write them as `["nvidia-ctk", "hook", "create-symlinks", "--link", "libcuda.so.1::/usr/lib/libcuda.so"]`, newer ones
/// without the word `hook`.
package struct CDIHookEffects: Hashable, Sendable {
  /// `create-symlinks`
  package var links: [GPU.Link] = []
  /// `update-ldcache`, `create-soname-symlinks`: directories inside that hold libraries.
  package var libraryDirectories: [AbsolutePath] = []
  /// What isn't done, in words.
  package var notes: [String] = []

  package init(_ hooks: [CDIEdits.Hook]) {
    for hook in hooks { add(hook) }
  }

  private enum Purpose: String {
    case createLinks = "create-symlinks"
    case updateLoaderCache = "update-ldcache"
    case createLibraryLinks = "create-soname-symlinks"
  }

  private mutating func add(_ hook: CDIEdits.Hook) {
    // The first is the program's own name.
    var words = hook.arguments.dropFirst()
    if words.first == "hook" { words = words.dropFirst() }
    let name = words.first ?? ""
    switch Purpose(rawValue: name) {
    case .createLinks:
      for text in values(of: "--link", in: words) {
        guard let link = Self.link(text) else {
          notes.append("the link \(text.quoted) is not made: it is not of the form TARGET::PATH")
          continue
        }
        links.append(link)
      }
    case .updateLoaderCache, .createLibraryLinks:
      libraryDirectories += values(of: "--folder", in: words).compactMap { AbsolutePath($0) }
    case nil:
      let words = name.isEmpty ? hook.path : "\(hook.path) \(name)"
      notes.append("the hook \(words.quoted) is not run: no hook is")
    }
  }

  /// Of `--option value` and `--option=value`.
  private func values(of option: String, in words: ArraySlice<String>) -> [String] {
    var found: [String] = []
    var isNext = false
    for word in words {
      if isNext {
        found.append(word)
        isNext = false
      } else if word == option {
        isNext = true
      } else if word.hasPrefix(option + "=") {
        found.append(String(word.dropFirst(option.count + 1)))
      }
    }
    return found
  }

  private static func link(_ text: String) -> GPU.Link? {
    // A path may have single colons: /dev/dri/by-path/pci-0000:01:00.0-render.
    let parts = text.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, let path = AbsolutePath(parts[1]) else { return nil }
    return GPU.Link(path: path, destination: parts[0])
  }
}
