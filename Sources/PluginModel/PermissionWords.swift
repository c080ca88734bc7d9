/// What a permission really gives, for the person who is to decide about it: one line each, without a full stop.
extension Permission {
  package var meaning: String {
    switch self {
    case .filesystemRead(nil): "read every file of the run's workspace"
    case .filesystemRead(.some(let path)): "read \(path) and everything beneath it"
    case .filesystemWrite(nil): "read, change and delete every file of the run's workspace"
    case .filesystemWrite(.some(let path)): "read, change and delete \(path) and everything beneath it"
    case .networkHTTP([]): "speak HTTP and HTTPS with every public host"
    case .networkHTTP(let hosts): "speak HTTP and HTTPS with \(hosts.joined(separator: ", "))"
    case .networkSocket([]): "open TCP connections to anywhere"
    case .networkSocket(let endpoints): "open TCP connections to \(endpoints.joined(separator: ", "))"
    case .systemExec([]): "start every program that is in its sandbox: the system's own"
    case .systemExec(let programs): "start the programs \(programs.joined(separator: ", "))"
    case .gpuAccess(nil): "use the GPUs that its nodes are assigned"
    case .gpuAccess(.some(let count)):
      "use \(count == 1 ? "one GPU" : "up to \(count) GPUs") that its nodes are assigned"
    case .memoryUnlimited: "use memory without a limit of its own"
    }
  }

  package var risk: String {
    switch self {
    case .filesystemRead(nil): "it sees what other nodes left there, and can send it wherever it may connect to"
    case .filesystemRead:
      "keys, tokens and other people's data that lie there are its to keep, and to send wherever it may connect to"
    case .filesystemWrite(nil): "it can alter or destroy what other nodes made"
    case .filesystemWrite:
      "it can alter or destroy what lies there; a script or a configuration that others use is a way out of its sandbox"
    case .networkHTTP([]), .networkSocket([]): "whatever it can read, it can send to anybody"
    case .networkHTTP:
      "whatever it can read, it can send to those hosts, and to whoever else can read what is sent there"
    case .networkSocket: "whatever it can read, it can send there, in any protocol"
    case .systemExec([]):
      "an attacker who gets into it finds a shell and every tool; what is started has the plugin's rights and no more"
    case .systemExec(let programs):
      programs.contains { Self.interpreters.contains($0) || $0.hasPrefix("python") }
        ? "this program runs what it is told to, which comes near to a grant of system.exec for all; it has the plugin's rights "
          + "and no more"
        : "the program gets arguments and files from the plugin, so that a flaw of it is the plugin's to use; it has the plugin's "
          + "rights and no more"
    case .gpuAccess: "a GPU's driver is large and runs in the kernel; device memory may hold what others left"
    case .memoryUnlimited: "it can take the memory that other programs of this host need"
    }
  }

  /// Programs that do whatever their input says, or start others.
  private static let interpreters: Set = [
    "sh", "bash", "dash", "zsh", "ksh", "busybox", "env", "xargs", "find", "awk", "gawk", "mawk", "sed", "perl", "ruby",
    "node", "lua", "php", "tclsh", "git", "tar", "make", "ssh", "vim", "vi", "gdb", "nice", "timeout", "setsid",
    "nohup",
  ]
}
