import Foundation

extension Program {
  /// What a run needs of this checkout, where every user can reach it; the path of the program in it.
  static func copyCheckout(into directory: TemporaryDirectory) throws -> String {
    let manager = FileManager.default
    for name in ["Sources/PythonSDK", "Sources/Plugins", "profiles", "deploy", "Package.swift"] {
      let target = directory.path + "/checkout/" + name
      try manager.createDirectory(
        atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try manager.copyTree(from: package + "/" + name, to: target)
    }
    let built = (try executable() as NSString).deletingLastPathComponent
    try manager.createDirectory(atPath: directory.path + "/checkout/bin", withIntermediateDirectories: true)
    for name in ["orchestrator", "sandbox-init"] {
      try manager.copyTree(from: "\(built)/\(name)", to: "\(directory.path)/checkout/bin/\(name)")
    }
    return directory.path + "/checkout/bin/orchestrator"
  }
}

extension FileManager {
  struct CopyFailure: Error {
    var source: String
    var status: Int32
  }

  /// A copy that belongs to whoever runs the tests. `copyItem` also copies the owner, which an ordinary user may not.
  func copyTree(from source: String, to target: String) throws {
    let program = Process()
    program.executableURL = URL(fileURLWithPath: "/bin/cp")
    program.arguments = ["-R", "--", source, target]
    try program.run()
    program.waitUntilExit()
    guard program.terminationStatus == 0 else {
      throw CopyFailure(source: source, status: program.terminationStatus)
    }
  }
}
