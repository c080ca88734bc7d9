import LinuxSystem
import PluginModel
import PluginRegistry

extension Bootstrap {
  /// What Python packages a plugin needs, by its manifest and its files; nil: none.
  /// - Parameter shown: how diagnostics call the plugin's directory.
  func pythonRequirements(
    of plugin: DiscoveredPlugin, shown: String? = nil
  ) async throws(CommandFailure) -> PythonRequirements? {
    do throws(Diagnostics) {
      return try await files.run { () throws(Diagnostics) in try plugin.pythonRequirements(shown: shown) }
    } catch {
      throw CommandFailure(.invalidInput, error.items)
    }
  }

  /// The program that gets them; nil: pip does.
  func uv(_ settings: PythonSettings) async throws(CommandFailure) -> AbsolutePath? {
    do throws(Diagnostic) {
      return try await files.run { () throws(Diagnostic) in try HostProgram.uv(settings) }
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
  }
}

extension DiscoveredPlugin {
  /// What its manifest and its files say. Blocks.
  /// - Parameter shown: how diagnostics call the plugin's directory.
  fileprivate func pythonRequirements(shown: String?) throws(Diagnostics) -> PythonRequirements? {
    let files: [[UInt8]?]
    do throws(FileError) {
      let top = try Directory(opening: directory.text)
      files = try [PythonRequirements.lockFile, PythonRequirements.file].map { name throws(FileError) in
        do throws(FileError) {
          return try top.contents(name, limit: PythonRequirements.maximumBytes).bytes
        } catch {
          guard error.isAbsence else { throw error }
          return nil
        }
      }
    } catch {
      throw Diagnostics([
        Diagnostic("the requirements of \(manifest.name) can't be read", why: error.description)
      ])
    }
    return try PythonRequirements(
      of: manifest, lock: files[0], requirements: files[1], directory: shown ?? directory.text)
  }
}
