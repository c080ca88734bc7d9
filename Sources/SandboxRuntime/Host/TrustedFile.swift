import LinuxSystem
import PluginModel

extension FileStatus {
  /// Why a file or directory can't be believed whose content decides what workers may do or reach: somebody other than root and this user
  /// may have written it. Nil: nobody may.
  package func distrust(at path: String) -> Diagnostic? {
    guard isOwn, !isWritableByOthers else {
      return Diagnostic(
        "\(path) can't be trusted", why: isOwn ? "others may write to it" : "it belongs to the user \(owner)",
        hint: isOwn ? "chmod go-w \(path)" : "let it belong to root")
    }
    return nil
  }
}
