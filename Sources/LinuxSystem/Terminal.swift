import CLinux

/// The terminal behind one of the standard descriptors.
package struct Terminal: Sendable {
  package enum Stream: Int32, Sendable {
    case standardOutput = 1
    case standardError = 2
  }

  private let stream: Stream

  package init(_ stream: Stream) { self.stream = stream }

  /// isatty(3).
  package var isInteractive: Bool { linux_is_terminal(stream.rawValue) == 1 }

  /// TIOCGWINSZ; nil where there is no terminal or it doesn't say.
  package var size: (columns: Int, rows: Int)? {
    var columns: Int32 = 0
    var rows: Int32 = 0
    guard linux_terminal_size(stream.rawValue, &columns, &rows) == 0, columns > 0, rows > 0 else { return nil }
    return (Int(columns), Int(rows))
  }

  /// Writes whole, blocking. Errors are dropped: a reader that went away is no reason to fail a run.
  package func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { linux_write(stream.rawValue, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      bytes.removeFirst(Int(count))
    }
  }
}
