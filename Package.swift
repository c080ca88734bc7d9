// swift-tools-version: 6.1
import PackageDescription

// deploy/fuzz sets it: only then are the fuzzers targets, and the modules instrumented for them.
let isFuzzing = Context.environment["ORCHESTRATOR_FUZZ"] == "1"
// The step "tsan" of deploy/test sets it: only what threads meet in is built.
let isSanitizing = Context.environment["ORCHESTRATOR_TSAN"] == "1"

// Every target is built in the Swift 6 language mode with warnings as errors. The table of who may
// import whom is in CONTRIBUTING.md and is enforced by Tests/TidyTests.
let strict: [SwiftSetting] =
  [
    .unsafeFlags(["-warnings-as-errors"]),
    .enableUpcomingFeature("ExistentialAny"),
  ] + (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer"])] : [])
let strictC: [CSetting] = [
  .define("_GNU_SOURCE"),
  .unsafeFlags(["-std=gnu2x", "-Wall", "-Wextra", "-Werror"]),
]

let package = Package(
  name: "orchestrator",
  products: [
    .executable(name: "orchestrator", targets: ["orchestrator"]),
    .executable(name: "sandbox-init", targets: ["SandboxInit"]),
    .executable(name: "orchestrator-bench", targets: ["Benchmarks"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
  ],
  targets: [
    // System libraries.
    .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
    .systemLibrary(name: "CCap", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),

    // The seam to the kernel.
    .target(name: "CLinux", cSettings: strictC),
    .target(name: "CStart", cSettings: strictC + [.unsafeFlags(["-fno-builtin", "-fno-stack-protector"])]),
    .target(name: "LinuxSystem", dependencies: ["CLinux"], swiftSettings: strict),

    // The editor's files: C, for `#embed`.
    .target(
      name: "CWebAssets", exclude: ["web", "deno.json", "model.json"],
      cSettings: [.unsafeFlags(["-std=gnu23", "-Wall", "-Wextra", "-Werror"])]),

    // Pure: no kernel, clock, file or socket.
    .target(name: "PluginModel", dependencies: ["CYaml"], swiftSettings: strict),
    .target(name: "SandboxPlanning", dependencies: ["PluginModel", "CSeccomp"], swiftSettings: strict),
    .target(name: "Scheduling", dependencies: ["PluginModel"], swiftSettings: strict),
    .target(
      name: "PipelineEngine",
      dependencies: ["PluginModel", "Scheduling", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strict),

    // Effects.
    .target(
      name: "SandboxRuntime",
      dependencies: ["SandboxPlanning", "PluginModel", "LinuxSystem", "CLinux", "CCap"],
      swiftSettings: strict),
    .target(
      name: "WorkerHost",
      dependencies: ["SandboxRuntime", "SandboxPlanning", "PluginModel", "LinuxSystem"],
      swiftSettings: strict),
    .target(
      name: "PluginRegistry",
      dependencies: [
        "SandboxRuntime", "PluginModel", "LinuxSystem", .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: strict),
    // SQLite through GRDB, which takes Foundation with it: no other module may import either.
    .target(
      name: "StateStore",
      dependencies: [
        "PipelineEngine", "PluginModel", "LinuxSystem", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: strict),

    // What a server tells of itself: metrics, traces, lines of a log.
    .target(
      name: "Telemetry",
      dependencies: [
        "PluginModel", "LinuxSystem", .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),

    // HTTP: what is asked of a registry of plugins, and what answers there.
    .target(
      name: "RegistryClient",
      dependencies: [
        "PluginModel", "LinuxSystem", .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: strict),
    .target(
      name: "HTTPAPI",
      dependencies: [
        "PluginRegistry", "StateStore", "PipelineEngine", "PluginModel", "LinuxSystem", "CWebAssets",
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),

    // Programs.
    .executableTarget(
      name: "orchestrator",
      dependencies: [
        "PluginModel", "SandboxPlanning", "SandboxRuntime", "WorkerHost", "PipelineEngine", "Scheduling",
        "PluginRegistry", "StateStore", "LinuxSystem", "RegistryClient", "HTTPAPI", "Telemetry",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "CoreMetrics", package: "swift-metrics"), .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "WorkerHost", "SandboxRuntime", "SandboxPlanning", "PipelineEngine", "Scheduling", "PluginModel", "LinuxSystem",
      ],
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]),
    // pid 1 of every sandbox: Embedded Swift, linked statically and without a C library, whose start-up would take longer
    // than all that it does.
    .executableTarget(
      name: "SandboxInit", dependencies: ["CLinux", "CStart"],
      swiftSettings: [
        .enableExperimentalFeature("Embedded"),
        .unsafeFlags(["-wmo", "-Osize", "-parse-as-library", "-warnings-as-errors"]),
        // No heap; and the stack protector's canary would lie in thread-local storage that nothing sets up.
        .unsafeFlags(
          ["-no-allocations", "-disable-stack-protector", "-function-sections"].flatMap { ["-Xfrontend", $0] }),
      ],
      // What needs a C library isn't reached from here and is dropped; were it reached, linking would fail.
      linkerSettings: [
        // The driver asks for -pie too, which -static leaves unused.
        .unsafeFlags(
          ["-static", "-nostdlib", "-Wno-unused-command-line-argument"].flatMap { ["-Xclang-linker", $0] }
            + ["-Xlinker", "--gc-sections"])
      ]),

    // Tests.
    .testTarget(name: "PluginModelTests", dependencies: ["PluginModel"], exclude: ["Golden"]),
    .testTarget(name: "LinuxSystemTests", dependencies: ["LinuxSystem"]),
    .testTarget(
      name: "SandboxPlanningTests", dependencies: ["SandboxPlanning", "PluginModel"], exclude: ["Golden"]),
    .testTarget(name: "SchedulingTests", dependencies: ["Scheduling"]),
    .testTarget(
      name: "SandboxRuntimeTests", dependencies: ["SandboxRuntime", "SandboxPlanning", "PluginModel", "LinuxSystem"]),
    .testTarget(
      name: "WorkerHostTests",
      dependencies: ["WorkerHost", "SandboxRuntime", "SandboxPlanning", "PluginModel", "LinuxSystem"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "PipelineEngineTests", dependencies: ["PipelineEngine", "Scheduling", "PluginModel", "LinuxSystem"],
      exclude: ["Golden"]),
    .testTarget(name: "PluginRegistryTests", dependencies: ["PluginRegistry", "PluginModel", "LinuxSystem"]),
    .testTarget(
      name: "StateStoreTests",
      dependencies: [
        "StateStore", "PipelineEngine", "PluginModel", "LinuxSystem", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    .testTarget(
      name: "CommandLineTests", dependencies: ["orchestrator", "PluginModel", "PluginRegistry", "LinuxSystem"],
      exclude: ["Golden", "Fixtures"]),
    .testTarget(
      name: "HTTPAPITests",
      dependencies: [
        "HTTPAPI", "RegistryClient", "PluginRegistry", "StateStore", "PluginModel", "LinuxSystem",
        .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(
      name: "TelemetryTests",
      dependencies: [
        "Telemetry", "PluginModel", "LinuxSystem", .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    .testTarget(name: "TidyTests"),
    // Run the built programs: hostile plugins in real sandboxes.
    .testTarget(name: "EscapeTests", dependencies: ["orchestrator", "CSeccomp"]),
  ],
  swiftLanguageModes: [.v6]
)

if isSanitizing {
  // ThreadSanitizer's run time needs a C library, which sandbox-init, a program of one thread, is linked without: the
  // ordinary one is put beside the sanitized programs. The modules that only decide have no threads; and what CommandLineTests
  // and EscapeTests start takes the same paths through the program as the server's runs do, which deploy/test runs beside these: they use
  // the database too, whose threads are SQLite's and GRDB's. Those of HTTPAPI and Telemetry are SwiftNIO's.
  let left: Set = [
    "SandboxInit", "Benchmarks", "PluginModelTests", "SandboxPlanningTests", "SchedulingTests", "TidyTests",
    "CommandLineTests", "EscapeTests", "StateStoreTests", "HTTPAPITests", "TelemetryTests",
  ]
  package.targets.removeAll { left.contains($0.name) }
  package.products.removeAll { ["sandbox-init", "orchestrator-bench"].contains($0.name) }
}

if isFuzzing {
  package.targets.append(.target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer", cSettings: strictC))
  for (name, dependencies) in [
    ("FuzzFrame", ["WorkerHost", "PluginModel"]), ("FuzzManifest", ["PluginModel", "SandboxPlanning"]),
    ("FuzzWorkflow", ["PluginModel"]), ("FuzzPackage", ["PluginModel"]),
    ("FuzzEgress", ["PluginModel", "SandboxPlanning"]),
  ] {
    package.targets.append(
      .executableTarget(
        name: name, dependencies: ["CFuzzer"] + dependencies.map { .byName(name: $0) }, path: "Tests/Fuzz/\(name)",
        swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])],
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]))
  }
}
