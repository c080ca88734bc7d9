import PluginModel
import SandboxPlanning

/// The GPUs of a host, as `orchestrator doctor --gpu` writes them, as text and as JSON.
struct GPUReport: Sendable {
  var inventory: GPUInventory
  /// Where CDI files were looked for.
  var directories: [AbsolutePath]

  func lines(style: Style) -> [String] {
    var lines: [String] = []
    for gpu in inventory.gpus {
      let memory = gpu.memoryMB.map { ", \($0) MiB" } ?? ", memory not known"
      lines.append(
        "\(style("✓", .good)) \(style(gpu.reference.description, .strong)): \(SafeText.line(gpu.source))\(memory)")
      if !gpu.aliases.isEmpty {
        lines.append("    also \(gpu.aliases.map(\.text).joined(separator: ", "))")
      }
      lines += gpu.nodes.map { node in
        let origin = node.source == node.target ? "" : "  from \(SafeText.line(node.source.text))"
        return "    \(SafeText.line(node.target.text))  \(node.major):\(node.minor) \(node.accessText)\(origin)"
      }
      lines += gpu.notes.map { "    \(style(SafeText.line($0), .faint))" }
    }
    let printer = DiagnosticPrinter(style: style)
    for problem in inventory.problems { lines += printer.lines(problem) }
    if !lines.isEmpty { lines.append("") }
    lines.append(verdict(style: style))
    return lines
  }

  private func verdict(style: Style) -> String {
    let count = inventory.gpus.count
    guard count > 0 else {
      let places = directories.map { SafeText.line($0.text) }.joined(separator: ", ")
      return style("No GPU can be given to a plugin. Looked in \(places) and at NVIDIA's driver under /proc.", .bad)
    }
    return style("\(GPUDemand(count: count).words) can be given to plugins that have gpu.access.", .good)
  }

  var json: JSONValue {
    [
      "gpus": .array(inventory.gpus.map(\.json)),
      "problems": .array(inventory.problems.map(Self.json)),
      "directories": .array(directories.map { .string($0.text) }),
    ]
  }

  private static func json(_ problem: Diagnostic) -> JSONValue {
    [
      "what": .string(problem.what), "why": problem.why.map { .string($0) } ?? .null,
      "hint": problem.hint.map { .string($0) } ?? .null,
      "file": problem.location.map { .string($0.file) } ?? .null,
      "line": problem.location.map { .integer(Int64($0.line)) } ?? .null,
      "column": problem.location.map { .integer(Int64($0.column)) } ?? .null,
    ]
  }
}

extension GPU.Node {
  fileprivate var accessText: String {
    switch access {
    case .readOnly: "r"
    case .readWrite: "rw"
    }
  }
}

extension GPU {
  fileprivate var json: JSONValue {
    [
      "name": .string(reference.description), "aliases": .array(aliases.map { .string($0.text) }),
      "source": .string(source), "memory_mb": memoryMB.map { .integer(Int64($0)) } ?? .null,
      "nodes": .array(
        nodes.map { node in
          [
            "path": .string(node.target.text), "source": .string(node.source.text),
            "major": .integer(Int64(node.major)), "minor": .integer(Int64(node.minor)),
            "access": .string(node.accessText),
          ]
        }),
      "mounts": .array(mounts.map { .string($0.target.text) }),
      "notes": .array(notes.map { .string($0) }),
    ]
  }
}
