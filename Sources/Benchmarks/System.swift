import Glibc

/// What failed, for the person who runs the benchmark.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The few things a benchmark does besides what it measures. Blocks.
enum System {
  /// A line on standard error.
  static func complain(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = Glibc.write(2, bytes, bytes.count)
  }

  static func makeDirectory(_ path: String) throws {
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw BenchmarkFailure("\(path) can't be made") }
  }

  static func makeDirectories(_ path: String) throws {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/" + part
      try makeDirectory(made)
    }
  }

  static func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else { throw BenchmarkFailure("\(path) can't be written") }
    defer { fclose(file) }
    let bytes = Array(text.utf8)
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw BenchmarkFailure("\(path): short write") }
  }

  static func read(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw BenchmarkFailure("\(path) can't be read") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&block, 1, block.count, file), count > 0 { bytes += block[..<count] }
    return bytes
  }

  /// Of the files and directories in `directory`, in no order.
  static func names(in directory: String) throws -> [String] {
    guard let stream = opendir(directory) else {
      throw BenchmarkFailure("the directory \(directory) can't be read: \(String(cString: strerror(errno)))")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Starts a program with its output thrown away, and waits for it.
  /// - Throws: unless it ends with 0.
  static func run(_ command: [String]) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor: Int32 in 0...2 {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    try awaitEnd(try start(command, &actions), command.joined(separator: " "))
  }

  /// Starts a program and waits for it.
  /// - Parameter scratch: a directory for what it writes.
  /// - Returns: its standard output.
  /// - Throws: unless it ends with 0; then with the end of what it wrote on standard error.
  static func output(of command: [String], in scratch: String) throws -> [UInt8] {
    let files = ["output", "errors"].map { "\(scratch)/\($0)" }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (index, file) in files.enumerated() {
      posix_spawn_file_actions_addopen(&actions, Int32(index + 1), file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }
    let process = try start(command, &actions)
    do {
      try awaitEnd(process, command.joined(separator: " "))
    } catch {
      let words = String(decoding: (try? read(files[1]).suffix(2000)) ?? [], as: UTF8.self)
      throw BenchmarkFailure("\(error)\n\(words)")
    }
    return try read(files[0])
  }

  static func start(_ command: [String], _ actions: inout posix_spawn_file_actions_t) throws -> pid_t {
    var pointers: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var process: pid_t = 0
    guard let program = command.first, posix_spawn(&process, program, &actions, nil, &pointers, environ) == 0 else {
      throw BenchmarkFailure("\(command.first ?? "nothing") can't be started")
    }
    return process
  }

  /// - Throws: unless it ends with 0.
  static func awaitEnd(_ process: pid_t, _ name: String) throws {
    var status: Int32 = 0
    guard waitpid(process, &status, 0) == process, status == 0 else {
      throw BenchmarkFailure("this failed with status \(status >> 8): \(name)")
    }
  }
}
