import CLinux

/// A system call that failed: which, on what, and why. `what` and `target` are for people; the number decides.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The call as section 2 of the manual names it: `open_tree`, `clone3`.
  package var operation: String
  /// The path, id or name it was about.
  package var target: String?
  package var code: ErrorCode

  package init(_ operation: String, _ target: String? = nil, _ code: ErrorCode) {
    self.operation = operation
    self.target = target
    self.code = code
  }

  package var description: String {
    let subject = target.map { " \($0)" } ?? ""
    return "\(operation)\(subject): \(code)"
  }
}

/// An errno(3) value.
package struct ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package var rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }
}

extension ErrorCode {
  /// `No such file or directory (ENOENT)`
  package var description: String {
    "\(String(cString: linux_error_words(rawValue))) (\(String(cString: linux_error_name(rawValue))))"
  }
}

/// `result`, or the error that it is the negated errno of.
@discardableResult
package func systemCall(
  _ operation: String, on target: String? = nil, _ result: Int32
) throws(SystemError) -> Int32 {
  guard result >= 0 else { throw SystemError(operation, target, ErrorCode(rawValue: -result)) }
  return result
}
