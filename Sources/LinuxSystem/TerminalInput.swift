import Glibc

/// What a person types at the terminal behind standard input, a line at a time.
package struct TerminalInput: Sendable {
  /// Bytes of a line; what goes beyond is dropped.
  private static let limit = 1024

  package init() {}

  /// Somebody can be asked: standard input is a terminal, isatty(3), and this process is in its foreground, tcgetpgrp(3). In the
  /// background reading would stop it.
  package var isInteractive: Bool {
    guard isatty(STDIN_FILENO) == 1 else { return false }
    let foreground = tcgetpgrp(STDIN_FILENO)
    return foreground < 0 || foreground == getpgrp()
  }

  /// Drops what was typed and not read, tcflush(3), so that it answers no question that wasn't asked yet.
  package func discardTyped() { tcflush(STDIN_FILENO, TCIFLUSH) }

  /// Waits for a line, and blocks. Nil where there will be none: the end of the file, or a terminal that is gone.
  package func line() -> String? {
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: Self.limit)
    while true {
      let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return nil }
      line += buffer.prefix(count).prefix(max(0, Self.limit - line.count))
      if buffer[..<count].contains(0x0A) {
        return String(decoding: line.prefix { $0 != 0x0A }, as: UTF8.self)
      }
    }
  }
}
