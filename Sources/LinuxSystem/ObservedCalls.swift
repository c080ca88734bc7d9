import CLinux

/// What pid 1 of a sandbox has recorded so far, as it lies in the memory that it shares with the supervisor. Numbers and bytes of a
/// worker's memory, checked for nothing but their length.
package struct ObservedCalls: Hashable, Sendable {
  /// By the number of the system call; 0 for those that weren't made.
  package var counts: [UInt64]
  /// In the order of the first time.
  package var paths: [Path]
  /// Calls with other paths, for which there was no room.
  package var furtherPaths: UInt64
  /// Calls whose path could not be read.
  package var unreadPaths: UInt64
  package var highestDescriptor: UInt32

  package struct Path: Hashable, Sendable {
    package var bytes: [UInt8]
    package var isWhole: Bool
    package var uses: Uses
    package var count: UInt64
  }

  /// `sandbox_path_use`.
  package struct Uses: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let look = Self(rawValue: SANDBOX_PATH_LOOK.rawValue)
    package static let read = Self(rawValue: SANDBOX_PATH_READ.rawValue)
    package static let write = Self(rawValue: SANDBOX_PATH_WRITE.rawValue)
    package static let change = Self(rawValue: SANDBOX_PATH_CHANGE.rawValue)
    package static let execute = Self(rawValue: SANDBOX_PATH_EXECUTE.rawValue)
    package static let list = Self(rawValue: SANDBOX_PATH_LIST.rawValue)
  }

  /// Paths that are kept apart, at most.
  package static let pathLimit = Int(SANDBOX_OBSERVED_PATHS)

  /// Reads what is there now. Blocks for as long as copying it takes.
  package init(reading memory: FileDescriptor) throws(SystemError) {
    let size = Int(SANDBOX_OBSERVED_ENTRIES_AT)
    let head = try Self.bytes(of: memory, at: 0, count: size)
    let header = head.withUnsafeBytes { $0.loadUnaligned(as: sandbox_observations.self) }
    counts = head.withUnsafeBytes { bytes in
      (0..<Int(SANDBOX_OBSERVED_CALLS)).map {
        bytes.loadUnaligned(fromByteOffset: Int(SANDBOX_OBSERVED_COUNTS_AT) + 8 * $0, as: UInt64.self)
      }
    }
    furtherPaths = header.further_paths
    unreadPaths = header.unread_paths
    highestDescriptor = header.highest_descriptor
    let used = min(Int(header.used), Self.pathLimit)
    let stride = Int(SANDBOX_OBSERVED_ENTRY_SIZE)
    let entries = try Self.bytes(of: memory, at: size, count: used * stride)
    paths = entries.withUnsafeBytes { bytes in (0..<used).map { Path(bytes, at: $0 * stride) } }
  }

  private static func bytes(
    of memory: FileDescriptor, at offset: Int, count wanted: Int
  ) throws(SystemError) -> [UInt8] {
    var failure: Int64 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
      while count < wanted {
        let outcome = linux_pread(
          memory.number, buffer.baseAddress.map { $0 + count }, wanted - count, Int64(offset + count))
        guard outcome > 0 else {
          failure = outcome
          return
        }
        count += Int(outcome)
      }
    }
    guard failure >= 0 else { throw SystemError("pread", "observations", ErrorCode(rawValue: Int32(-failure))) }
    guard bytes.count == wanted else { throw SystemError("pread", "observations", .badMessage) }
    return bytes
  }
}

extension ObservedCalls.Path {
  fileprivate init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    func field<Number: FixedWidthInteger & BitwiseCopyable>(_ at: Int, _ type: Number.Type) -> Number {
      bytes.loadUnaligned(fromByteOffset: offset + at, as: type)
    }
    count = field(0, UInt64.self)
    uses = ObservedCalls.Uses(rawValue: field(8, UInt32.self))
    let length = min(Int(field(12, UInt32.self)), Int(SANDBOX_OBSERVED_PATH))
    isWhole = field(16, UInt32.self) != 0
    let start = offset + Int(SANDBOX_OBSERVED_ENTRY_SIZE) - Int(SANDBOX_OBSERVED_PATH)
    self.bytes = Array(bytes[start..<start + length])
  }
}
