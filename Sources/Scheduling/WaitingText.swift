import PluginModel

/// For people. Names come from files and requests: they are written between quotes and harmless to a terminal.
extension WaitingReason {
  /// One sentence for each cause.
  /// - Parameter name: what the run calls a node.
  package func text(_ name: (NodeReference) -> String = { "\($0.run.text.quoted) node \($0.node)" }) -> String {
    causes.map { $0.text(name) }.joined(separator: "; ")
  }
}

extension WaitingReason.Cause {
  package func text(_ name: (NodeReference) -> String) -> String {
    switch self {
    case .impossible(let refusal): refusal.text
    case .resources(let host, let shortages):
      "waits for \(list(shortages, name)) on the host \(host.text.quoted), which comes nearest"
    case .semaphores(let shortages): "waits for \(list(shortages, name))"
    case .reserved(let host, let request, _):
      "there is room on the host \(host.text.quoted), which is kept for a node that has waited longer and needs \(request.text)"
    case .fairness(let run, let its, let own):
      "the run \(run.text.quoted) comes first: it has \(percent(its)) of its share, this one \(percent(own))"
    case .priority(let node): "\(name(node)) of the same run comes first: more depends on it, or it waits longer"
    }
  }

  private func list(_ shortages: [Shortage], _ name: (NodeReference) -> String) -> String {
    shortages.map { shortage in
      var holders = shortage.holders.map { "\(name($0.node)) has \(shortage.resource.text($0.amount))" }
      if shortage.heldElsewhere > 0 {
        holders.append("another orchestrator has \(shortage.resource.text(shortage.heldElsewhere))")
      }
      let who = holders.isEmpty ? "" : " (\(holders.joined(separator: ", ")))"
      return "\(shortage.text)\(who)"
    }.joined(separator: " and ")
  }

  /// Per mille are as exact as anybody needs.
  private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}

extension Shortage {
  /// `2 GPUs of which 1 is free (8 in all)`.
  package var text: String {
    "\(resource.text(needed)), \(resource.text(available)) free of \(resource.text(capacity))"
  }
}

extension Refusal {
  package var text: String {
    switch self {
    case .invalid(let resource): "the amount of \(resource.word) means nothing"
    case .noHosts: "there is no host"
    case .tooLarge(let nearest, let shortages):
      "no host has "
        + shortages.map { "\($0.resource.text($0.needed))" }.joined(separator: " and ")
        + ", however empty: the host \(nearest.text.quoted), which comes nearest, has "
        + shortages.map { $0.resource.text($0.capacity) }.joined(separator: " and ")
    case .semaphore(let name, let needed, 0):
      "it needs \(needed) of the semaphore \(name.text.quoted), which isn't declared"
    case .semaphore(let name, let needed, let capacity):
      "it needs \(needed) of the semaphore \(name.text.quoted), of which there are \(capacity)"
    case .unknownRun: "its run wasn't submitted, or has ended"
    case .duplicate: "it is queued or runs already"
    }
  }
}

extension Resource {
  var word: String {
    switch self {
    case .cpu: "CPU"
    case .memory: "memory"
    case .gpus(_, .some(let profile)): "MIG instances \(profile.text.quoted)"
    case .gpus: "GPUs"
    case .gpuShare: "GPU share"
    case .semaphore(let name): name.text.quoted
    }
  }

  /// An amount with its unit.
  func text(_ amount: Int) -> String {
    switch self {
    case .cpu: "\(Self.thousandths(amount)) CPU"
    case .memory: Self.bytes(amount)
    case .gpus(let memory, let profile):
      "\(amount) " + (profile.map { "MIG \($0.text.quoted)" } ?? (amount == 1 ? "GPU" : "GPUs"))
        + (memory > 0 ? " with \(Self.bytes(memory))" : "")
    case .gpuShare(let memory):
      "\(Self.thousandths(amount)) of a GPU" + (memory > 0 ? " with \(Self.bytes(memory))" : "")
    case .semaphore(let name): "\(amount) of \(name.text.quoted)"
    }
  }

  /// `1.5`, `0.05`, `2`.
  static func thousandths(_ amount: Int) -> String {
    let (whole, rest) = amount.magnitude.quotientAndRemainder(dividingBy: 1000)
    var digits = String(String(1000 + rest).dropFirst())
    while digits.hasSuffix("0") { digits.removeLast() }
    return (amount < 0 ? "-" : "") + "\(whole)" + (digits.isEmpty ? "" : "." + digits)
  }

  /// In mebibytes, unless there is less than one.
  static func bytes(_ amount: Int) -> String {
    amount.magnitude < 1 << 20 && amount != 0 ? "\(amount) B" : "\(amount / (1 << 20))Mi"
  }
}

extension ResourceRequest {
  /// `2 CPU, 512Mi, 1 GPU`.
  package var text: String {
    var parts: [String] = []
    if cpuMilli != 0 { parts.append(Resource.cpu.text(cpuMilli)) }
    if memory != 0 { parts.append(Resource.memory.text(memory)) }
    switch gpu {
    case .none: break
    case .devices(let count, let memory, let profile):
      parts.append(Resource.gpus(memory: memory, profile: profile).text(count))
    case .share(let milli, let memory): parts.append(Resource.gpuShare(memory: memory).text(milli))
    }
    parts += semaphores.map { Resource.semaphore($0.name).text($0.count) }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }
}
