extension Gate {
  private static func source(_ text: String, module: String = "WorkerHost") -> RepositoryFile {
    RepositoryFile(path: "Sources/\(module)/Made.swift", text: text + "\n")
  }

  /// Modules that decide and never do: no kernel, clock, file, socket, environment or chance.
  static let pureModules: Set = ["PluginModel", "SandboxPlanning", "PipelineEngine", "Scheduling"]
  /// Programs that talk to a person.
  private static let programs: Set = ["orchestrator", "Benchmarks"]

  static let noForking = Gate.banned(
    "no code copies the supervisor's page tables", in: { $0.isSwiftSource || $0.fileExtension == "c" },
    [
      .call("fork", "costs 38 ms with a supervisor of 1 GB and copies its memory; launch with clone3"),
      .call("vfork", "launch with clone3"), .call("daemon", "forks"), .call("popen", "forks a shell"),
      .call("system", "forks a shell"),
    ],
    rejects: [
      source("let child = fork()"), source("_ = vfork()"),
      RepositoryFile(path: "Sources/CLinux/made.c", text: "int f(void) { return system(\"ls\"); }\n"),
    ],
    accepts: [
      source("// never fork()"), source("let words = \"fork()\""), source("template.fork()"),
      source("static func system(_ a: Int) {}"),
    ])

  /// Traps that no input can reach: the argument is a StaticString, so a wrong one is a mistake of ours at the first run.
  private static let reviewedTraps: Set = ["Sources/PluginModel/PathConstants.swift"]

  static let noTraps = Gate.banned(
    "no input can trap the supervisor", in: { $0.isSwiftSource && !reviewedTraps.contains($0.path) },
    [
      BannedPattern("\\btry!", "try!: throw, or handle the error"),
      BannedPattern("\\bas!", "as!: bind with as?"),
      BannedPattern("[A-Za-z0-9_)\\]}\"?>]!($|[^=])", "force unwrap or implicitly unwrapped type: bind it"),
      .call("fatalError", "return or throw: the supervisor outlives every plugin"),
      .call("preconditionFailure", "return or throw: the supervisor outlives every plugin"),
      BannedPattern("\\bunowned(\\(|\\s+(let|var|self)\\b)", "unowned: use weak or a strong reference"),
    ],
    rejects: [
      source("let a = try! f()"), source("let a = b as! Int"), source("let a = b!"), source("f(a[0]!.c)"),
      source("var a: Int!"), source("default: fatalError()"), source("let text = \"\\(a!)\""),
    ],
    accepts: [
      source("if a != b, !c { }"), source("let text = \"Hello!\""), source("// really!"), source("if !(a) { }"),
    ])

  static let visibleLocks = Gate.banned(
    "ThreadSanitizer sees every lock", in: { $0.fileExtension == "swift" && !$0.path.hasPrefix("Tests/TidyTests/") },
    [BannedPattern("\\bMutex\\b", "Synchronization.Mutex: use Lock of LinuxSystem, which ThreadSanitizer sees")],
    rejects: [
      source("private let state = Mutex(State())"),
      RepositoryFile(path: "Tests/A/Made.swift", text: "let a: Synchronization.Mutex<Int>\n"),
    ],
    accepts: [source("private let state = Lock(State())"), source("// Not a Mutex."), source("let count = Atomic(0)")])

  static let packageAccess = Gate.banned(
    "nothing is public: the package is a program, not a library", in: \.isSwiftSource,
    [
      BannedPattern(
        "(^|\\s)(public|open)\\s+(\\w+\\s+)*(struct|class|enum|protocol|func|var|let|init|actor|extension|static|typealias|import)\\b",
        "use package")
    ],
    rejects: [source("public struct A {}"), source("  public init() {}"), source("open class A {}")],
    accepts: [source("package struct A {}"), source("let isPublic = true")])

  static let noPrinting = Gate.banned(
    "only the command line writes to the terminal",
    in: { $0.isSwiftSource && !programs.contains($0.module ?? "") },
    [.call("print", "return the text, or log it"), .call("debugPrint", "return the text, or log it")],
    rejects: [source("print(1)"), source("  debugPrint(a)")],
    accepts: [source("print(1)", module: "orchestrator"), source("pretty.print(1)")])

  static let purity = Gate.banned(
    "modules that decide touch no kernel, clock, file, socket, environment or chance",
    in: { $0.isSwiftSource && pureModules.contains($0.module ?? "") },
    [
      BannedPattern("\\bDate\\(", "a clock: take the time as an argument"),
      BannedPattern(
        "\\b(ContinuousClock|SuspendingClock|DispatchTime|DispatchQueue)\\b",
        "a clock or a queue: take the time as an argument"),
      BannedPattern("\\bTask\\.sleep\\b", "a clock: return an action"),
      BannedPattern("\\b(FileManager|FileHandle|ProcessInfo|FileDescriptor)\\b", "an effect: return an action"),
      BannedPattern("\\.(random|randomElement|shuffled?)\\(", "chance: take a generator as an argument"),
      BannedPattern("\\b(SystemRandomNumberGenerator|UUID)\\b", "chance: take a generator as an argument"),
      .call("clock_gettime", "a clock"), .call("time", "a clock"), .call("getenv", "the environment: take the value"),
      .call("fopen", "a file: take its contents"), .call("openat", "a file: take its contents"),
      .call("socket", "a socket: return an action"),
      .call("lstat", "a file: take the fact"), .call("getpid", "the kernel: take the fact"),
      .call("getuid", "the kernel: take the fact"),
    ],
    rejects: [
      source("let now = Date()", module: "PluginModel"),
      source("let file = fopen(path, mode)", module: "SandboxPlanning"),
      source("let clock = ContinuousClock()", module: "PipelineEngine"),
      source("try await Task.sleep(for: .seconds(1))", module: "PipelineEngine"),
      source("let n = Int.random(in: 0..<3)", module: "SandboxPlanning"),
    ],
    accepts: [source("let now = ContinuousClock.now"), source("func openat(_ a: Int) {}", module: "PluginModel")])

  static let boundedC = Gate.banned(
    "the C is bounded: no call that can't be told a size", in: { ["c", "h"].contains($0.fileExtension) },
    ["strcpy", "strcat", "sprintf", "vsprintf", "gets", "alloca", "strtok", "mktemp", "tmpnam"].map {
      .call($0, "use the form that takes a size")
    },
    rejects: [RepositoryFile(path: "Sources/CLinux/made.c", text: "void f(char *a) { strcpy(a, \"b\"); }\n")],
    accepts: [RepositoryFile(path: "Sources/CLinux/made.c", text: "void f(char *a) { strlcpy(a, \"b\", 2); }\n")])

  static let noPickle = Gate.banned(
    "no Python code serialises by running code",
    in: { $0.fileExtension == "py" && $0.path.hasPrefix("Sources/") && !$0.path.contains("/tests/") },
    [
      BannedPattern("^\\s*(import|from)\\s+(pickle|cPickle|marshal|shelve|dill|cloudpickle)\\b", "unpickling runs code")
    ],
    rejects: [RepositoryFile(path: "Sources/PythonSDK/pipeline/made.py", text: "import pickle\n")],
    accepts: [RepositoryFile(path: "Sources/PythonSDK/pipeline/made.py", text: "import json\n")])
}
