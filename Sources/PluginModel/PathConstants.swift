extension AbsolutePath {
  /// A path that is written in the program. Stops the program where the text isn't one, which is a mistake of ours that
  /// the first run shows.
  package init(constant text: StaticString) {
    guard let path = AbsolutePath("\(text)") else { preconditionFailure("not an absolute path: \(text)") }
    self = path
  }

  /// `/`
  package static let root = AbsolutePath(constant: "/")
}
