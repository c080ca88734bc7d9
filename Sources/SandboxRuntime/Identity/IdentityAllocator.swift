import LinuxSystem
import PluginModel

/// Who a plugin's workers are on the host.
package struct HostIdentity: Hashable, Sendable {
  package var user: UInt32
  package var group: UInt32
  package init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }
}

/// Gives every plugin a host id of its own where the supervisor is root, for ever: what one plugin's workers leave on a
/// disk is never another's. Where it isn't root, all are the supervisor's own id, the only one it may map.
package final class IdentityAllocator: Sendable {
  private let file: AbsolutePath
  private let thread: DedicatedThread
  private let isRoot: Bool

  /// - Parameter stateDirectory: holds the file `identities`; must be there and be the supervisor's alone.
  package convenience init(stateDirectory: AbsolutePath) throws(IdentityError) {
    try self.init(stateDirectory: stateDirectory, isRoot: effectiveUserIdentifier() == 0)
  }

  init(stateDirectory: AbsolutePath, isRoot: Bool) throws(IdentityError) {
    guard let file = stateDirectory.appending("identities") else {
      throw .inaccessible(SystemError("open", stateDirectory.text, .invalidArgument))
    }
    self.file = file
    self.isRoot = isRoot
    do throws(SystemError) { thread = try DedicatedThread(name: "identities") } catch {
      throw .inaccessible(error)
    }
  }

  /// The same for the same plugin, on every run.
  package func identity(for plugin: PluginName) async throws(IdentityError) -> HostIdentity {
    guard isRoot else {
      return HostIdentity(user: effectiveUserIdentifier(), group: effectiveGroupIdentifier())
    }
    let file = self.file
    let identifier = try await thread.run { () throws(IdentityError) in try Self.lookUp(plugin, file) }
    return HostIdentity(user: identifier, group: identifier)
  }

  private static func lookUp(_ plugin: PluginName, _ file: AbsolutePath) throws(IdentityError) -> UInt32 {
    let fileLimit = 8 << 20
    do {
      let locked = try LockedFile(file.text)
      let table = try IdentityTable(parsing: String(decoding: try locked.contents(limit: fileLimit), as: UTF8.self))
      if let known = table.identifiers[plugin] { return known }
      guard let new = table.allocating(plugin) else { throw IdentityError.exhausted(file) }
      try locked.append(new.addition)
      return new.identifier
    } catch let error as SystemError {
      throw .inaccessible(error)
    } catch let error as IdentityTable.Corruption {
      throw .corrupt(file, line: error.line, what: error.what)
    } catch let error as IdentityError {
      throw error
    } catch {
      throw .corrupt(file, line: 0, what: "\(error)")
    }
  }
}

/// Why a plugin got no host id. Nothing is ever run under a guessed one.
package enum IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
  case inaccessible(SystemError)
  case corrupt(AbsolutePath, line: Int, what: String)
  case exhausted(AbsolutePath)

  package var description: String {
    switch self {
    case .inaccessible(let error): "the plugins' host ids can't be read: \(error)"
    case .corrupt(let file, let line, let what): "the plugins' host ids in \(file) are corrupt at line \(line): \(what)"
    case .exhausted(let file): "every host id for plugins is used up in \(file)"
    }
  }

  package var hint: String {
    switch self {
    case .inaccessible: "the state directory must be there and writable by the supervisor"
    case .corrupt:
      "restore the file from a backup; only when no plugin's files are left on any disk may it be removed"
    case .exhausted: "when no plugin's files are left on any disk, remove the file to start anew"
    }
  }
}
