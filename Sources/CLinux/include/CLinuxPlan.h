// The flat form of a sandbox plan, as it crosses from the supervisor to `sandbox-init` in a sealed memfd, and the
// messages of the control socket between the two. Both sides are one build of one repository: the layout is this
// machine's own and is never stored.
#ifndef ORCHESTRATOR_CLINUX_PLAN_H
#define ORCHESTRATOR_CLINUX_PLAN_H

#include <stdint.h>

// Swift switches over these exhaustively, by the names that SANDBOX_SWIFT gives.
#define SANDBOX_CLOSED_ENUM __attribute__((enum_extensibility(closed)))
#define SANDBOX_SWIFT(name) __attribute__((swift_name(#name)))

// Where `sandbox-init` finds its descriptors. 1, 2 and 3 are the worker's own (standard output, standard error, the
// worker protocol); standard input is made by `sandbox-init`. Prepared trees follow from SANDBOX_FD_TREES on, and after them the
// memory for what is observed, where the plan says so.
enum {
  SANDBOX_FD_OUTPUT = 1,
  SANDBOX_FD_ERROR = 2,
  SANDBOX_FD_CONNECTION = 3,
  SANDBOX_FD_CONTROL = 4,
  SANDBOX_FD_PLAN = 5,
  SANDBOX_FD_TREES = 6,
};

// What the header of a plan begins with; changes with the layout.
static const uint64_t SANDBOX_PLAN_MAGIC = 0x346E616C50786253ULL;
// No plan needs more; a larger one is refused before it is mapped.
static const uint32_t SANDBOX_PLAN_LIMIT = 4 << 20;

// Bytes of the plan, followed by a NUL that `length` doesn't count.
struct sandbox_text {
  uint32_t offset;
  uint32_t length;
};

// `count` records from `offset` on, aligned to 8.
struct sandbox_span {
  uint32_t offset;
  uint32_t count;
};

struct sandbox_plan {
  uint64_t magic;
  // Of the whole plan in bytes.
  uint32_t size;
  // Bits of sandbox_plan_flag.
  uint32_t flags;
  uint32_t user;
  uint32_t group;
  // How many prepared trees were placed from SANDBOX_FD_TREES on.
  uint32_t trees;
  uint32_t reserved;
  struct sandbox_text hostname;
  struct sandbox_text directory;
  // Of sandbox_operation, sandbox_rule, sandbox_limit, struct sock_filter.
  struct sandbox_span operations;
  struct sandbox_span rules;
  struct sandbox_span limits;
  struct sandbox_span filter;
  // A second filter, which asks about what the first allows; none unless SANDBOX_OBSERVES.
  struct sandbox_span watch;
  // Of sandbox_pointer, the last of which is 0.
  struct sandbox_span arguments;
  struct sandbox_span environment;
  // Of sandbox_port_rule; of sandbox_route and sandbox_listener, none unless the network namespace is this sandbox's to set up.
  struct sandbox_span port_rules;
  struct sandbox_span routes;
  struct sandbox_span listeners;
  // Of sandbox_route: where no packet goes.
  struct sandbox_span refused_networks;
  uint64_t handled_filesystem;
  uint64_t handled_network;
  uint64_t scoped;
};

enum sandbox_plan_flag : uint32_t {
  // setgroups(2) to none: only where the supervisor is privileged enough not to have had to forbid it.
  SANDBOX_CLEAR_GROUPS = 1,
  // The filter answers execve(2) with a notification; all but the first are refused.
  SANDBOX_WORKER_ONLY = 2,
  // The filter has a listener: calls that it denies are notified too, refused by pid 1 and told of.
  SANDBOX_NOTIFIES = 4,
  // The supervisor connects the network namespace to a network, once it is there.
  SANDBOX_OPEN_NETWORK = 8,
  // The filter `watch` has the listener; what it asks about is recorded and goes on. What `filter` denies is denied by the kernel,
  // and asked about by nobody.
  SANDBOX_OBSERVES = 16,
};

// The offset of a text; `sandbox-init` replaces it by the address in its private mapping.
typedef uint64_t sandbox_pointer;

enum sandbox_operation_kind : uint32_t {
  SANDBOX_DIRECTORY SANDBOX_SWIFT(directory),
  SANDBOX_SYMBOLIC_LINK SANDBOX_SWIFT(symbolicLink),
  SANDBOX_FILE SANDBOX_SWIFT(file),
  SANDBOX_BIND_DIRECTORY SANDBOX_SWIFT(bindDirectory),
  SANDBOX_BIND_FILE SANDBOX_SWIFT(bindFile),
  SANDBOX_BIND_DEVICE SANDBOX_SWIFT(bindDevice),
  SANDBOX_TEMPORARY SANDBOX_SWIFT(temporary),
  SANDBOX_PROCESS SANDBOX_SWIFT(process),
  SANDBOX_READ_ONLY SANDBOX_SWIFT(readOnly),
} SANDBOX_CLOSED_ENUM;

enum sandbox_operation_flag : uint32_t {
  SANDBOX_WRITABLE = 1,
  SANDBOX_EXECUTABLE = 2,
  // The source is the prepared tree `tree`, not `other`.
  SANDBOX_PREPARED = 4,
  // Writes go to the directory `staging`: the source is the lower layer of an overlay.
  SANDBOX_STAGED = 8,
};

struct sandbox_operation {
  // enum sandbox_operation_kind, checked by the reader.
  uint32_t kind;
  uint32_t flags;
  struct sandbox_text target;
  // The source of a bind, the destination of a link, the contents of a file.
  struct sandbox_text other;
  // Holds `upper` and `work` for an overlay.
  struct sandbox_text staging;
  uint64_t size;
  uint64_t inodes;
  uint32_t mode;
  uint32_t device_major;
  uint32_t device_minor;
  // In the plan: the index of a prepared tree. Then, in `sandbox-init`: the descriptor of the detached mount.
  int32_t tree;
  // In `sandbox-init`: the descriptor of the detached mount of `staging`, and those of the two directories in it.
  int32_t staging_tree;
  int32_t upper;
  int32_t work;
  uint32_t reserved;
};

struct sandbox_rule {
  struct sandbox_text path;
  uint64_t allowed;
};

// A TCP port and LANDLOCK_ACCESS_NET_* of it.
struct sandbox_port_rule {
  uint64_t port;
  uint64_t allowed;
};

// Addresses of IPv4 that lead to the loopback interface, or nowhere.
struct sandbox_route {
  // In host byte order.
  uint32_t address;
  uint32_t prefix_length;
};

// No message carries more descriptors: SCM_MAX_FD, unix(7).
static const uint32_t SANDBOX_LISTENER_LIMIT = 253;

// A socket that is made in the sandbox's network and answered outside of it.
struct sandbox_listener {
  // IPv4, in host byte order.
  uint32_t address;
  uint16_t port;
  // Bool: SOCK_STREAM, listening; otherwise SOCK_DGRAM.
  uint16_t is_stream;
  // In `sandbox-init`: its descriptor.
  int32_t descriptor;
  uint32_t reserved;
};

struct sandbox_limit {
  uint64_t value;
  uint32_t resource;
  uint32_t reserved;
};

// RLIMIT_* of setrlimit(2), the same on every architecture that is supported.
enum sandbox_resource : uint32_t {
  SANDBOX_RESOURCE_CPU SANDBOX_SWIFT(cpu) = 0,
  SANDBOX_RESOURCE_FILE_SIZE SANDBOX_SWIFT(fileSize) = 1,
  SANDBOX_RESOURCE_STACK SANDBOX_SWIFT(stack) = 3,
  SANDBOX_RESOURCE_CORE SANDBOX_SWIFT(core) = 4,
  SANDBOX_RESOURCE_PROCESSES SANDBOX_SWIFT(processes) = 6,
  SANDBOX_RESOURCE_OPEN_FILES SANDBOX_SWIFT(openFiles) = 7,
  SANDBOX_RESOURCE_LOCKED_MEMORY SANDBOX_SWIFT(lockedMemory) = 8,
  SANDBOX_RESOURCE_ADDRESS_SPACE SANDBOX_SWIFT(addressSpace) = 9,
  SANDBOX_RESOURCE_PENDING_SIGNALS SANDBOX_SWIFT(pendingSignals) = 11,
  SANDBOX_RESOURCE_MESSAGE_QUEUE SANDBOX_SWIFT(messageQueue) = 12,
  SANDBOX_RESOURCE_NICENESS SANDBOX_SWIFT(niceness) = 13,
  SANDBOX_RESOURCE_REALTIME_PRIORITY SANDBOX_SWIFT(realtimePriority) = 14,
} SANDBOX_CLOSED_ENUM;

// CLONE_NEW* of clone(2).
enum sandbox_namespace : uint64_t {
  SANDBOX_NAMESPACE_MOUNT = 0x00020000,
  SANDBOX_NAMESPACE_CGROUP = 0x02000000,
  SANDBOX_NAMESPACE_UTS = 0x04000000,
  SANDBOX_NAMESPACE_IPC = 0x08000000,
  SANDBOX_NAMESPACE_USER = 0x10000000,
  SANDBOX_NAMESPACE_PID = 0x20000000,
  SANDBOX_NAMESPACE_NETWORK = 0x40000000,
};

// The steps of a launch that happen beyond clone3(2), in their order.
enum sandbox_step : uint32_t {
  SANDBOX_STEP_DESCRIPTORS SANDBOX_SWIFT(descriptors),
  SANDBOX_STEP_AMBIENT SANDBOX_SWIFT(ambient),
  SANDBOX_STEP_RELEASE SANDBOX_SWIFT(release),
  SANDBOX_STEP_EXECUTE_INIT SANDBOX_SWIFT(executeInit),
  SANDBOX_STEP_READ_PLAN SANDBOX_SWIFT(readPlan),
  SANDBOX_STEP_PARENT_DEATH SANDBOX_SWIFT(parentDeath),
  SANDBOX_STEP_USER_NAMESPACES SANDBOX_SWIFT(userNamespaces),
  SANDBOX_STEP_SOURCE SANDBOX_SWIFT(source),
  SANDBOX_STEP_SOURCE_KIND SANDBOX_SWIFT(sourceKind),
  SANDBOX_STEP_CLONE_TREE SANDBOX_SWIFT(cloneTree),
  SANDBOX_STEP_RESTRICT_TREE SANDBOX_SWIFT(restrictTree),
  SANDBOX_STEP_IDENTITY SANDBOX_SWIFT(identity),
  SANDBOX_STEP_NEW_ROOT SANDBOX_SWIFT(newRoot),
  SANDBOX_STEP_TARGET SANDBOX_SWIFT(target),
  SANDBOX_STEP_CREATE SANDBOX_SWIFT(create),
  SANDBOX_STEP_MOUNT SANDBOX_SWIFT(mount),
  SANDBOX_STEP_OVERLAY SANDBOX_SWIFT(overlay),
  SANDBOX_STEP_READ_ONLY SANDBOX_SWIFT(readOnly),
  SANDBOX_STEP_PIVOT SANDBOX_SWIFT(pivot),
  SANDBOX_STEP_HOSTNAME SANDBOX_SWIFT(hostname),
  SANDBOX_STEP_KEYRING SANDBOX_SWIFT(keyring),
  SANDBOX_STEP_DIRECTORY SANDBOX_SWIFT(directory),
  SANDBOX_STEP_NETWORK_SOCKET SANDBOX_SWIFT(networkSocket),
  SANDBOX_STEP_NETWORK_LOOPBACK SANDBOX_SWIFT(networkLoopback),
  SANDBOX_STEP_NETWORK_ROUTE SANDBOX_SWIFT(networkRoute),
  SANDBOX_STEP_NETWORK_LISTEN SANDBOX_SWIFT(networkListen),
  SANDBOX_STEP_NETWORK_HAND_OVER SANDBOX_SWIFT(networkHandOver),
  SANDBOX_STEP_NETWORK_AWAIT SANDBOX_SWIFT(networkAwait),
  SANDBOX_STEP_NETWORK_REFUSE SANDBOX_SWIFT(networkRefuse),
  SANDBOX_STEP_NO_NEW_PRIVILEGES SANDBOX_SWIFT(noNewPrivileges),
  SANDBOX_STEP_LANDLOCK_RULESET SANDBOX_SWIFT(landlockRuleset),
  SANDBOX_STEP_LANDLOCK_RULE SANDBOX_SWIFT(landlockRule),
  SANDBOX_STEP_LANDLOCK_PORT SANDBOX_SWIFT(landlockPort),
  SANDBOX_STEP_LANDLOCK_ENFORCE SANDBOX_SWIFT(landlockEnforce),
  SANDBOX_STEP_CAPABILITIES SANDBOX_SWIFT(capabilities),
  SANDBOX_STEP_VERIFY SANDBOX_SWIFT(verify),
  SANDBOX_STEP_WORKER_INPUT SANDBOX_SWIFT(workerInput),
  SANDBOX_STEP_WORKER_CLONE SANDBOX_SWIFT(workerClone),
  SANDBOX_STEP_WORKER_SESSION SANDBOX_SWIFT(workerSession),
  SANDBOX_STEP_WORKER_LIMIT SANDBOX_SWIFT(workerLimit),
  SANDBOX_STEP_WORKER_SIGNALS SANDBOX_SWIFT(workerSignals),
  SANDBOX_STEP_WORKER_SECCOMP SANDBOX_SWIFT(workerSeccomp),
  SANDBOX_STEP_WORKER_NOTIFICATION SANDBOX_SWIFT(workerNotification),
  SANDBOX_STEP_WORKER_EXECUTE SANDBOX_SWIFT(workerExecute),
} SANDBOX_CLOSED_ENUM;

enum sandbox_message : uint32_t {
  // To the child: the id maps are written, go on. To pid 1, after SANDBOX_NETWORK: its namespace is connected.
  SANDBOX_GO SANDBOX_SWIFT(go) = 1,
  // To pid 1: SIGTERM to the worker.
  SANDBOX_TERMINATE SANDBOX_SWIFT(terminate),
  // From the child or pid 1: the launch failed; `step`, `error` and `index` say where.
  SANDBOX_FAILED SANDBOX_SWIFT(failed),
  // From pid 1, with the descriptors of the plan's listeners, in their order.
  SANDBOX_LISTENING SANDBOX_SWIFT(listening),
  // From pid 1 where the plan has an open network: its namespace is there, and nothing is in it yet.
  SANDBOX_NETWORK SANDBOX_SWIFT(network),
  // From pid 1: the worker's program was executed; the enforced values are set.
  SANDBOX_READY SANDBOX_SWIFT(ready),
  // From pid 1, its last: how the worker ended.
  SANDBOX_ENDED SANDBOX_SWIFT(ended),
  // To pid 1: SIGSTOP, and SIGCONT, to every other process of the sandbox.
  SANDBOX_HOLD SANDBOX_SWIFT(hold),
  SANDBOX_RESUME SANDBOX_SWIFT(resume),
  // From pid 1: a call that it refused and has not told of yet, a sandbox_denial. Always before the call returns.
  SANDBOX_DENIED SANDBOX_SWIFT(denied),
  // To pid 1: how often each was refused. From pid 1, the answer and once at the end: sandbox_denial_counts; the table is empty
  // then.
  SANDBOX_COUNT SANDBOX_SWIFT(count),
  SANDBOX_COUNTED SANDBOX_SWIFT(counted),
} SANDBOX_CLOSED_ENUM;

static const uint32_t SANDBOX_NO_INDEX = 0xFFFFFFFF;

// Every message of the control socket, in both directions, but for the two about denials.
struct sandbox_report {
  uint32_t message;
  uint32_t step;
  int32_t error;
  // Of the operation, rule or limit, or SANDBOX_NO_INDEX.
  uint32_t index;
  // As waitpid(2) gives it.
  int32_t status;
  uint32_t denied_executions;
  // As accepted by the calls that enforce them.
  uint64_t landlock_filesystem;
  uint64_t landlock_network;
  uint64_t landlock_scoped;
  uint32_t seccomp_instructions;
  uint32_t reserved;
};

// ---- What pid 1 refused ----

enum {
  // Different ones that pid 1 keeps apart until it is asked; all others are only counted together. With the counts, they fit the
  // buffer of the control socket, so that nobody has to read while they are written.
  SANDBOX_DENIALS = 64,
  // Of a path, in bytes; longer ones are cut.
  SANDBOX_DENIED_PATH = 512,
  // TASK_COMM_LEN of proc_pid_comm(5).
  SANDBOX_DENIED_PROCESS = 16,
};

enum sandbox_denied_kind : uint32_t {
  // execve(2), execveat(2): with a path where it could be read.
  SANDBOX_DENIED_EXECUTION SANDBOX_SWIFT(execution),
  // socket(2), socketpair(2): one for each family.
  SANDBOX_DENIED_SOCKET SANDBOX_SWIFT(socket),
  SANDBOX_DENIED_CALL SANDBOX_SWIFT(call),
} SANDBOX_CLOSED_ENUM;

// Sent without the unused end of `path`. All of it is what a worker's memory held: no more than its word.
struct sandbox_denial {
  uint32_t message;
  // Its place in sandbox_denial_counts.
  uint32_t slot;
  // enum sandbox_denied_kind, checked by the reader.
  uint32_t kind;
  // The number of the system call.
  int32_t number;
  // Of the first time.
  uint64_t arguments[6];
  // Of the first time, ended by a NUL where it is shorter; empty where it couldn't be read.
  unsigned char process[SANDBOX_DENIED_PROCESS];
  uint32_t path_length;
  // Bools: a path was read; all of it.
  uint16_t has_path;
  uint16_t is_whole;
  unsigned char path[SANDBOX_DENIED_PATH];
};

struct sandbox_denial_counts {
  uint32_t message;
  // How many places are in use.
  uint32_t used;
  // Refused calls that found no place.
  uint64_t further;
  uint64_t counts[SANDBOX_DENIALS];
};

// ---- What pid 1 observes ----
//
// Memory that it shares with the supervisor, which reads it at any time, also once all of the sandbox is gone: a header, a count for each
// number of a system call, and a table of paths. Bounded, whatever a worker does.

struct sandbox_observations {
  // Entries that are whole; grows by one when an entry is.
  uint32_t used;
  // Of all descriptors that calls were given, but those that only closed them, the highest.
  uint32_t highest_descriptor;
  // Paths that found no place, and those that could not be read.
  uint64_t further_paths;
  uint64_t unread_paths;
  uint64_t reserved[5];
};

enum {
  // Numbers below this are counted.
  SANDBOX_OBSERVED_CALLS = 1024,
  SANDBOX_OBSERVED_PATHS = 2048,
  // In bytes; longer ones are cut.
  SANDBOX_OBSERVED_PATH = 512,
  // Of the counts, 64-bit each, and of the entries, from the start; of one entry; of all.
  SANDBOX_OBSERVED_COUNTS_AT = 64,
  SANDBOX_OBSERVED_ENTRIES_AT = SANDBOX_OBSERVED_COUNTS_AT + 8 * SANDBOX_OBSERVED_CALLS,
  SANDBOX_OBSERVED_ENTRY_SIZE = 24 + SANDBOX_OBSERVED_PATH,
  SANDBOX_OBSERVATIONS_SIZE = SANDBOX_OBSERVED_ENTRIES_AT + SANDBOX_OBSERVED_ENTRY_SIZE * SANDBOX_OBSERVED_PATHS,
};

// What was to be done at a path, as far as the arguments tell: whether it came to that, they don't.
enum sandbox_path_use : uint32_t {
  // stat(2), access(2), readlink(2).
  SANDBOX_PATH_LOOK = 1,
  SANDBOX_PATH_READ = 2,
  SANDBOX_PATH_WRITE = 4,
  // Made, removed or renamed: the directory that it is in is written to.
  SANDBOX_PATH_CHANGE = 8,
  SANDBOX_PATH_EXECUTE = 16,
  // Opened as a directory.
  SANDBOX_PATH_LIST = 32,
};

// A worker's word, absolute where its working directory or the directory it named could be found out.
struct sandbox_observed_path {
  uint64_t count;
  uint32_t uses;
  uint32_t length;
  // Bool.
  uint32_t is_whole;
  uint32_t reserved;
  unsigned char path[SANDBOX_OBSERVED_PATH];
};

#endif
