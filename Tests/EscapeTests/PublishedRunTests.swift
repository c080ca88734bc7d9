import Foundation
import Glibc
import Testing

/// Published escapes that take more than one run, or the hand of an operator who was given hostile names.
@Suite("Over several runs,")
struct PublishedRunTests {
  /// Nothing beneath /tmp can be granted: sandboxes have their own.
  private static let grantable = URL(fileURLWithPath: "/var/tmp")

  private func run(
    _ attempt: String, facts: [String: Any] = [:], options: [String] = [], as name: String = "workflow.json",
    in scratch: Scratch
  ) async throws -> Report {
    let bait = try Bait()
    var workflow = WorkflowText()
    workflow.add(
      "probe", type: "hostile/probe", with: ["attempt": attempt, "facts": try bait.facts(adding: facts)],
      timeout: "\(60 * Program.patience)s")
    let written = try workflow.write(to: scratch)
    let path = scratch.url.appendingPathComponent(name).path
    if path != written { try FileManager.default.moveItem(atPath: written, toPath: path) }
    let finished = try await Program.run(
      Program.orchestrator,
      [
        "run", path, "--plugins", Program.fixtures.path, "--output", "json", "--state-dir",
        scratch.url.appendingPathComponent("state").path,
      ] + options, in: scratch.url)
    return withExtendedLifetime(bait) { Report(finished: finished, object: (try? finished.json()) ?? [:]) }
  }

  private func outcome(_ report: Report) -> String? { (report.value("probe") as? [String: Any])?["outcome"] as? String }

  /// CVE-2024-42472: flatpak followed a link that the application had made where its data lay.
  @Test("a link that was planted in what a plugin may write is granted to nobody, nor is what lies behind it")
  func plantedLink() async throws {
    let scratch = try Scratch(in: Self.grantable)
    let data = scratch.url.appendingPathComponent("data")
    let secret = scratch.url.appendingPathComponent("secret")
    for directory in [data, secret.appendingPathComponent("inner")] {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }
    let file = secret.appendingPathComponent("inner/file")
    try Data("secret".utf8).write(to: file)
    try FileManager.default.createSymbolicLink(
      atPath: data.appendingPathComponent("link").path, withDestinationPath: secret.path)
    for path in ["data/link", "data/link/inner", "data/link/inner/file"] {
      for access in ["read", "write"] {
        let granted = scratch.url.appendingPathComponent(path).path
        let report = try await run(
          "read-host-file", facts: ["file": data.path + "/link/inner/file"],
          options: ["--grant", "hostile=filesystem.\(access):\(granted)"], in: scratch)
        #expect(report.finished.status != 0, "\(path) was granted")
        let said = report.finished.errors + String(decoding: report.finished.output, as: UTF8.self)
        #expect(said.contains("link"), "\(said)")
      }
    }
    // The probe gets through where nothing is in the way: the directory itself, by its own name.
    let plain = try await run(
      "read-host-file", facts: ["file": file.path], options: ["--grant", "hostile=filesystem.read:\(secret.path)"],
      in: scratch)
    #expect(outcome(plain) == "allowed", "\(plain.finished.errors)")
  }

  /// CVE-2024-42472 again: the link replaces the workspace itself.
  @Test("a link in the workspace leads nowhere that the plugin may not go")
  func linkAsWorkspace() async throws {
    let scratch = try Scratch()
    let workspace = scratch.url.appendingPathComponent("workspace")
    try FileManager.default.createDirectory(at: workspace, withIntermediateDirectories: true)
    let secret = try scratch.write("secret", to: "secret.txt")
    try FileManager.default.createSymbolicLink(
      atPath: workspace.appendingPathComponent("link").path, withDestinationPath: secret)
    for grant in ["filesystem.read", "filesystem.write"] {
      let report = try await run(
        "read-host-file", facts: ["file": "/workspace/link"],
        options: ["--workspace", workspace.path, "--grant", "hostile=\(grant)"], in: scratch)
      #expect(outcome(report) == "denied", "\(report.finished.errors)")
    }
  }

  /// CVE-2024-32462: a file name that began with `--` became an option of bwrap.
  @Test("files and directories whose names are options are files and directories")
  func optionsAsNames() async throws {
    for name in ["--bind", "--help", "--grant=hostile=system.exec"] {
      let scratch = try Scratch(in: Self.grantable)
      let directory = scratch.url.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let file = directory.appendingPathComponent("--version")
      try Data("data".utf8).write(to: file)
      let report = try await run(
        "exec-in-place",
        options: ["--workspace", directory.path, "--grant", "hostile=filesystem.read:\(directory.path)"],
        as: name.replacingOccurrences(of: "/", with: "") + ".json", in: scratch)
      #expect(outcome(report) == "denied", "\(name): \(report.finished.errors)")
      let read = try await run(
        "read-host-file", facts: ["file": file.path],
        options: ["--grant", "hostile=filesystem.read:\(directory.path)"], in: scratch)
      #expect(outcome(read) == "allowed", "\(name): \(read.finished.errors)")
    }
  }

  /// CVE-2024-32462, where the name is in a grant, a workflow or a manifest.
  @Test(
    "an option is no plugin, no scope, no node and no program",
    arguments: [
      "hostile=system.exec:--bind", "hostile=filesystem.read:--ro-bind", "hostile=filesystem.write:--",
      "--unshare-net=system.exec", "hostile=--share-net", "hostile=system.exec:true,--dev",
    ])
  func optionsAsScopes(grant: String) async throws {
    let scratch = try Scratch()
    let report = try await run("exec-in-place", options: ["--grant=\(grant)"], in: scratch)
    #expect(report.finished.status == 2, "\(grant) was taken")
    #expect(outcome(report) == nil)
    var workflow = WorkflowText()
    workflow.add("--bind", type: "hostile/probe")
    let refused = try await Program.run(
      Program.orchestrator, ["validate", try workflow.write(to: scratch), "--plugins", Program.fixtures.path],
      in: scratch.url)
    #expect(refused.status == 2, "a node was called --bind")
  }

  /// CVE-2025-66479: an empty list of domains meant every domain.
  @Test(
    "an empty list is a mistake and never everything",
    arguments: [
      "system.exec:", "system.exec:,", "filesystem.read:", "filesystem.write:", "network.http:", "network.socket:",
      "gpu.access:", "gpu.access:0",
    ])
  func emptyLists(permission: String) async throws {
    let scratch = try Scratch()
    let report = try await run("exec-in-place", options: ["--grant", "hostile=\(permission)"], in: scratch)
    #expect(report.finished.status == 2, "\(permission) was taken")
    #expect(outcome(report) == nil)
  }

  @Test("a list of permissions that is empty allows nothing")
  func emptyConfiguration() async throws {
    let scratch = try Scratch()
    let system = try scratch.write(
      "plugins: {security: {default_permissions: []}}\n", to: "system.yaml")
    for attempt in ["exec-in-place", "read-host-file", "write-host-file", "connect-to-host"] {
      let nothing = try await run(attempt, options: ["--config", system], in: scratch)
      #expect(outcome(nothing) == "denied", "\(attempt): \(nothing.finished.errors)")
    }
  }

  /// CVE-2026-25725: a settings file that didn't exist when the sandbox started was made inside, and read at the next start.
  @Test("a plugin that another one planted is given nothing that was meant for the true one")
  func plantedPlugin() async throws {
    let scratch = try Scratch()
    // What a worker with filesystem.write could leave in a workspace that is the current directory.
    let planted = scratch.url.appendingPathComponent("plugins/anything")
    try FileManager.default.createDirectory(at: planted, withIntermediateDirectories: true)
    for name in ["plugin.yaml", "files_plugin.py"] {
      let original = Program.root.appendingPathComponent("Sources/Plugins/files/\(name)")
      try Data((try String(contentsOf: original, encoding: .utf8) + "# planted\n").utf8)
        .write(to: planted.appendingPathComponent(name))
    }
    let workflow: [String: Any] = [
      "apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": ["name": "planted"],
      "spec": ["nodes": ["read": ["type": "files/read", "with": ["path": "x"]]]],
    ]
    let path = try scratch.write(
      String(decoding: try JSONSerialization.data(withJSONObject: workflow), as: UTF8.self), to: "planted.json")
    let finished = try await Program.run(
      Program.orchestrator,
      [
        "run", path, "--grant", "files=filesystem.write", "--state-dir",
        scratch.url.appendingPathComponent("state").path,
      ],
      in: scratch.url)
    #expect(finished.status == 2, "\(finished.errors)")
    #expect(finished.errors.contains("found in more than one place"), "\(finished.errors)")
  }

  /// CVE-2019-5736: runc's own binary was overwritten, and the next start ran it as root.
  @Test("every program that sandboxes are made with is byte for byte the same after all attempts")
  func programsStay() async throws {
    let programs = [
      Program.orchestrator, Program.orchestrator.deletingLastPathComponent().appendingPathComponent("sandbox-init"),
      URL(fileURLWithPath: "/usr/bin/python3").resolvingSymlinksInPath(),
      Program.root.appendingPathComponent("Sources/PythonSDK/pipeline_worker.py"),
    ]
    let before = try programs.map { try Data(contentsOf: $0) }
    let scratch = try Scratch()
    for attempt in ["overwrite-own-executable", "overwrite-init-executable", "overwrite-executable-through-descriptor"]
    {
      let report = try await run(
        attempt, options: ["filesystem.write", "system.exec"].flatMap { ["--grant", "hostile=\($0)"] }, in: scratch)
      #expect(outcome(report) == "denied", "\(report.finished.errors)")
    }
    #expect(try programs.map { try Data(contentsOf: $0) } == before)
  }
}
