import PluginModel

/// A GPU of this host, or a part of one that its driver keeps apart (MIG), with all that a worker needs to use it. Everything
/// of it was found on the host: there is nothing left to resolve.
package struct GPU: Hashable, Sendable {
  package var reference: CDIDeviceReference
  /// Other names of the same device.
  package var aliases: [CDIDeviceName]
  /// The file that describes it.
  package var source: String
  package var nodes: [Node]
  package var mounts: [Mount]
  /// Links that its description wants.
  package var links: [Link]
  package var environment: [EnvironmentVariable]
  /// Mebibytes. Nil: unknown.
  package var memoryMB: Int?
  /// What its vendor calls it, and the version of its driver. Nil: unknown.
  package var model: String?
  package var driver: String?
  /// What its description wants and no sandbox does, for people.
  package var notes: [String]

  package init(
    reference: CDIDeviceReference, aliases: [CDIDeviceName] = [], source: String, nodes: [Node], mounts: [Mount] = [],
    links: [Link] = [], environment: [EnvironmentVariable] = [], memoryMB: Int? = nil, model: String? = nil,
    driver: String? = nil, notes: [String] = []
  ) {
    self.model = model
    self.driver = driver
    self.reference = reference
    self.aliases = aliases
    self.source = source
    self.nodes = nodes
    self.mounts = mounts
    self.links = links
    self.environment = environment
    self.memoryMB = memoryMB
    self.notes = notes
  }

  /// A part of a GPU that the driver keeps apart (MIG): it has nodes of its own that stand for its share, or a name of those that
  /// NVIDIA's tool gives to instances.
  package var isInstance: Bool {
    nodes.contains { $0.target.text.hasPrefix("/dev/nvidia-caps/") }
      || reference.kind == .nvidiaGPU && ([reference.device] + aliases).contains(where: \.namesInstance)
  }

  /// A device node: where it is on the host, without a link, where it is shown, and what it is.
  package struct Node: Hashable, Sendable {
    package var source: AbsolutePath
    package var target: AbsolutePath
    package var major: UInt32
    package var minor: UInt32
    package var access: Bind.Access

    package init(
      source: AbsolutePath, target: AbsolutePath, major: UInt32, minor: UInt32, access: Bind.Access = .readWrite
    ) {
      self.source = source
      self.target = target
      self.major = major
      self.minor = minor
      self.access = access
    }
  }

  /// A file or directory of the driver, always read-only.
  package struct Mount: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
      case file
      case directory
    }
    /// Without a link.
    package var source: AbsolutePath
    package var target: AbsolutePath
    package var kind: Kind
    /// The host has the same file under the name of `target`.
    package var isAtSamePlace: Bool
    /// The shared libraries in it, by their paths inside.
    package var libraries: [Library]

    package init(
      source: AbsolutePath, target: AbsolutePath, kind: Kind = .file, isAtSamePlace: Bool = false,
      libraries: [Library] = []
    ) {
      self.source = source
      self.target = target
      self.kind = kind
      self.isAtSamePlace = isAtSamePlace
      self.libraries = libraries
    }
  }

  /// A shared library, and the name by which programs ask for it: DT_SONAME, elf(5).
  package struct Library: Hashable, Sendable {
    package var path: AbsolutePath
    package var soname: String?

    package init(path: AbsolutePath, soname: String?) {
      self.path = path
      self.soname = soname
    }

    /// `libcuda.so.550.54.15`, and whatever else the dynamic loader would take.
    package static func isName(_ name: String) -> Bool {
      name.hasPrefix("lib") && (name.hasSuffix(".so") || name.contains(".so."))
    }
  }

  package struct Link: Hashable, Sendable {
    package var path: AbsolutePath
    package var destination: String

    package init(path: AbsolutePath, destination: String) {
      self.path = path
      self.destination = destination
    }
  }
}

/// What one node asks for.
package struct GPUDemand: Hashable, Sendable {
  package var count: Int
  /// Thousandths of one that others use too; nil: they are its own.
  package var milli: Int?
  /// Mebibytes on each; 0: any.
  package var memoryMB: Int

  package init(count: Int, milli: Int? = nil, memoryMB: Int = 0) {
    self.count = count
    self.milli = milli
    self.memoryMB = memoryMB
  }

  /// Nil where it asks for none.
  package init?(_ requirement: ResourceRequirement) {
    if requirement.gpuMilli > 0 {
      self.init(count: 1, milli: requirement.gpuMilli, memoryMB: requirement.gpuMemoryMB)
    } else {
      guard requirement.gpuCount > 0 else { return nil }
      self.init(count: requirement.gpuCount, memoryMB: requirement.gpuMemoryMB)
    }
  }

  /// A GPU whose memory is not known may do.
  package func accepts(_ gpu: GPU) -> Bool {
    (milli == nil || !gpu.isInstance) && gpu.memoryMB.map { $0 >= memoryMB } ?? true
  }

  package var words: String {
    if let milli {
      return "\(Double(milli) / 1000) of a GPU" + (memoryMB == 0 ? "" : " with \(memoryMB) MiB")
    }
    let gpus = count == 1 ? "1 GPU" : "\(count) GPUs"
    return memoryMB == 0 ? gpus : "\(gpus) with \(memoryMB) MiB\(count == 1 ? "" : " each")"
  }
}

/// The GPUs that a worker was assigned, and what the host's loader knows: from these its share of the plan is made.
package struct GPUAssignment: Hashable, Sendable {
  package var gpus: [GPU]
  /// What the host's own cache has. Nil: the host has none, or none that can be read.
  package var hostLibraries: LoaderCache?

  package init(_ gpus: [GPU] = [], hostLibraries: LoaderCache? = nil) {
    self.gpus = gpus
    self.hostLibraries = hostLibraries
  }
}

/// A device of a plan, for people.
package struct PlannedDevice: Hashable, Sendable {
  package var reference: CDIDeviceReference
  package var source: String
  package var notes: [String]

  package init(_ gpu: GPU) {
    reference = gpu.reference
    source = gpu.source
    notes = gpu.notes
  }
}
