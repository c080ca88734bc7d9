import PluginModel

/// The variables by which the vendors' libraries are told which GPUs they have.
enum GPUEnvironment {
  private static let visible = "NVIDIA_VISIBLE_DEVICES"
  private static let ordinals = "CUDA_VISIBLE_DEVICES"

  /// What the descriptions say, and what follows from the assignment.
  /// - Throws: every variable that would have two values, or replace one that all workers have.
  static func variables(of gpus: [GPU]) throws(Diagnostics) -> [EnvironmentVariable] {
    var values: [String: String] = [:]
    var problems: [Diagnostic] = []
    for gpu in gpus {
      for variable in gpu.environment where variable.name != visible {
        if SandboxPlanner.environment.contains(where: { $0.name == variable.name }) {
          problems.append(
            Diagnostic(
              "the GPU \(gpu.reference) can't set \(variable.name)", why: "every worker has its own",
              hint: "remove it from \(gpu.source)"))
        } else if let other = values.updateValue(variable.value, forKey: variable.name), other != variable.value {
          problems.append(
            Diagnostic(
              "\(variable.name) would have two values", why: "\(other.quoted) and \(variable.value.quoted)",
              hint: "remove it from \(gpu.source)"))
        }
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    let nvidia = gpus.filter { $0.reference.kind == .nvidiaGPU }
    if !nvidia.isEmpty {
      // The files say "void", for runtimes that would otherwise add what they think fit.
      values[visible] = nvidia.map(\.reference.device.text).joined(separator: ",")
      if values[ordinals] == nil { values[ordinals] = cudaDevices(nvidia) }
    }
    return values.sorted { $0.key < $1.key }.map { EnvironmentVariable($0.key, $0.value) }
  }

  /// CUDA numbers the GPUs that it can open from 0 on, whatever their numbers on the host. Instances it knows by their UUIDs alone: where
  /// these aren't known, all that can be opened is visible, which is what was assigned.
  private static func cudaDevices(_ gpus: [GPU]) -> String? {
    let instances = gpus.filter(\.isInstance)
    if instances.isEmpty { return gpus.indices.map(String.init).joined(separator: ",") }
    let identifiers = instances.compactMap { gpu in
      ([gpu.reference.device] + gpu.aliases).first { $0.text.hasPrefix("MIG-") }?.text
    }
    return identifiers.count == gpus.count ? identifiers.joined(separator: ",") : nil
  }
}
