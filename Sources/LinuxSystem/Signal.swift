import CLinux

/// A signal of signal(7).
package struct Signal: Hashable, Sendable, CustomStringConvertible {
  package var number: Int32
  package init(number: Int32) { self.number = number }

  package static let interrupt = Signal(number: 2)
  package static let kill = Signal(number: 9)
  package static let terminate = Signal(number: 15)
  package static let badSystemCall = Signal(number: 31)

  /// `SIGSEGV (Segmentation fault)`
  package var description: String {
    "\(String(cString: linux_signal_name(number))) (\(String(cString: linux_signal_words(number))))"
  }
}
