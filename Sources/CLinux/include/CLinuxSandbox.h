// Processes: clone3, namespaces, mounts, Landlock, seccomp, capabilities.
#ifndef ORCHESTRATOR_CLINUX_SANDBOX_H
#define ORCHESTRATOR_CLINUX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CLinuxPlan.h"

// ---- spawn.c: the only code between clone3(2) and execve(2) ----

// A stack with a guard page below it; one child at a time may run on it.
struct sandbox_stack {
  void *base;
  size_t size;
  // 1 while a child runs on it; the kernel clears it when the child has left this address space.
  uint32_t occupied;
};

int sandbox_stack_create(struct sandbox_stack *stack);
void sandbox_stack_destroy(struct sandbox_stack *stack);
// Returns when the child has executed another program or ended.
void sandbox_stack_await(struct sandbox_stack *stack);

// The first process of a sandbox. It arranges its descriptors, waits for SANDBOX_GO and executes `executable`.
struct sandbox_spawn {
  // CLONE_NEW* of clone(2).
  uint64_t namespaces;
  // The directory of a cgroup v2, or -1.
  int32_t cgroup;
  // To start in the namespace `network`, with the caller's own to come back to. Not told by a number of -1: a descriptor that
  // was closed would then start the process in the caller's network.
  bool enters_network;
  int32_t network;
  int32_t own_network;
  // Its network namespace is one of `namespaces`, and it keeps the capabilities to set that up until it drops all.
  bool configures_network;
  // Opened with O_PATH.
  int32_t executable;
  // Placed at 1, 2, 3, … in the child; the fourth must be its end of the control socket.
  const int32_t *descriptors;
  uint32_t descriptor_count;
  // Results: in the caller's pid namespace.
  int32_t pid;
  int32_t pidfd;
};

int sandbox_start_first(struct sandbox_spawn *request, struct sandbox_stack *stack);

// The worker, started by pid 1 of the sandbox. It shares pid 1's memory and descriptors until it executes `path`.
struct sandbox_worker {
  const char *path;
  char *const *arguments;
  char *const *environment;
  const struct sandbox_limit *limits;
  uint32_t limit_count;
  const void *filter;
  uint16_t filter_length;
  // Installed before `filter`, with the listener; none where the length is 0.
  uint16_t watch_length;
  const void *watch;
  bool notifies;
  // Written by the child. The listener's number, -1 while there is none.
  int32_t listener;
  // 0, or what failed where.
  int32_t error;
  uint32_t step;
  uint32_t index;
  // The processors on which pid 1 may run, and the worker: their bytes, or a negated errno.
  long processors_size;
  uint64_t processors[16];
};

// The pid, as pid 1 sees it.
int sandbox_worker_start(struct sandbox_worker *worker, struct sandbox_stack *stack);
// The listener's number, or the error with which the child failed before it had one.
int sandbox_worker_await_listener(struct sandbox_worker *worker, struct sandbox_stack *stack);

// The calling thread's network namespace, or the error where it couldn't come back to it from another.
int sandbox_own_network(void);
// A new network namespace, owned by the caller's user namespace; the calling thread comes back to `own`.
int sandbox_new_network(int own);

// Another program of the host's, which ends when the calling thread does: absolute path and arguments, /dev/null for input, `output`
// for all that it says, which is lost where nobody reads it, and no other descriptor. A session of its own.
int sandbox_start_program(struct sandbox_stack *stack, char *const *arguments, int output, int32_t *pid, int32_t *pidfd);

// A process in a new user namespace that waits until it is killed: the namespace is what is wanted of it.
int sandbox_hold_user_namespace(struct sandbox_stack *stack, int32_t *pid, int32_t *pidfd);
// 0 when clone3(2) with these namespaces works here; the child ends at once.
int sandbox_probe_namespaces(struct sandbox_stack *stack, uint64_t namespaces);
// 0 when a process in a new user and UTS namespace may name it here: sethostname(2).
int sandbox_probe_host_name(struct sandbox_stack *stack);
// 0 when a process in a user namespace of its own can mount an overlay of `lower`, `upper` and `work` in `directory`.
int sandbox_probe_overlay(struct sandbox_stack *stack, const char *directory, uint32_t user, uint32_t group);

// ---- sandbox.c: one system call each, or a sequence without choices ----

int sandbox_send_report(int control, const struct sandbox_report *report);
// The bytes received; 0 at the end of the stream.
int sandbox_receive_report(int control, struct sandbox_report *report, bool wait);
// Anything that pid 1 says, of which the first word says what it is; what wasn't sent is zero.
union sandbox_incoming {
  struct sandbox_report report;
  struct sandbox_denial denial;
  struct sandbox_denial_counts counts;
};

// Maps the sealed plan privately; the result is its size.
int sandbox_map_plan(int fd, void **address);

int sandbox_close_on_exec_from(unsigned first);
int sandbox_parent_death_signal(void);
int sandbox_reset_signals(void);
int sandbox_forbid_user_namespaces(void);
int sandbox_set_identity(uint32_t user, uint32_t group, bool clear_groups);
int sandbox_set_hostname(const char *name, size_t length);
int sandbox_new_session_keyring(void);
int sandbox_change_directory(const char *path);

// What a path turned out to be.
struct sandbox_node {
  // The S_IFMT bits.
  uint32_t type;
  uint32_t device_major;
  uint32_t device_minor;
  uint32_t owner;
  uint32_t group;
};
enum sandbox_node_type : uint32_t {
  SANDBOX_NODE_DIRECTORY = 0040000,
  SANDBOX_NODE_FILE = 0100000,
  SANDBOX_NODE_CHARACTER_DEVICE = 0020000,
};

enum sandbox_tree_attribute : uint64_t {
  SANDBOX_TREE_READ_ONLY = 0x1,
  SANDBOX_TREE_NO_SUID = 0x2,
  SANDBOX_TREE_NO_DEVICES = 0x4,
  SANDBOX_TREE_NO_EXECUTE = 0x8,
};

// A host path without any link in it, with O_PATH.
int sandbox_open_source(const char *path);
// A path beneath `root`, with O_PATH, through no link; `path` may be absolute and is read relative to `root`.
int sandbox_open_target(int root, const char *path);
// Another descriptor of the same directory; those of the two layers that a staging directory holds. All with O_PATH.
int sandbox_open_again(int directory);
int sandbox_open_upper(int staging);
int sandbox_open_work(int staging);
int sandbox_inspect(int fd, struct sandbox_node *node);
int sandbox_clone_tree(int fd);
int sandbox_restrict_tree(int tree, uint64_t attributes, bool recursive);
int sandbox_map_tree_owner(int tree, int user_namespace);
int sandbox_attach_tree(int tree, int target);
int sandbox_attach_root(int tree);
int sandbox_enter_root(int root);
int sandbox_new_temporary(uint64_t size, uint64_t inodes, uint32_t mode, uint64_t attributes);
int sandbox_new_process(void);
// An overlay that unprivileged processes may mount (`userxattr`); the descriptors lie on mounts of this namespace.
int sandbox_new_overlay(int lower, int upper, int work, uint64_t attributes);

int sandbox_make_directory(int parent, const char *name, uint32_t mode);
int sandbox_make_link(int parent, const char *name, const char *destination);
// An empty file.
int sandbox_make_placeholder(int parent, const char *name);
int sandbox_make_file(int parent, const char *name, uint32_t mode, const char *contents, size_t length);

int sandbox_landlock_abi(void);
int sandbox_landlock_create(uint64_t filesystem, uint64_t network, uint64_t scoped);
int sandbox_landlock_allow(int ruleset, int path, uint64_t allowed);
// A rule for a TCP port. ABI 4.
int sandbox_landlock_allow_port(int ruleset, uint64_t port, uint64_t allowed);
int sandbox_landlock_enforce(int ruleset);

int sandbox_no_new_privileges(void);
// Empties the five sets and locks the securebits; the process also becomes undumpable.
int sandbox_drop_capabilities(void);
// EPERM unless every set is empty, no_new_privs is set and the process isn't dumpable.
int sandbox_verify_dropped(void);

// ---- network.c: the sandbox's own network namespace, set up by pid 1 ----

// rtnetlink(7).
int sandbox_open_route_socket(void);
int sandbox_loopback_up(int route_socket);
// Every address of the prefix is this namespace's own, on the loopback interface: `ip route add local … dev lo`.
int sandbox_route_to_loopback(int route_socket, const struct sandbox_route *route);
// No packet goes to an address of the prefix: `ip route add unreachable …`.
int sandbox_refuse_network(int route_socket, const struct sandbox_route *route);
// Its descriptor: doesn't block, closes on exec, is bound and, for a stream, listens.
int sandbox_open_listener(const struct sandbox_listener *listener);
// SANDBOX_LISTENING with their descriptors.
int sandbox_send_listeners(int control, const struct sandbox_listener *listeners, uint32_t count);

struct sandbox_notification {
  uint64_t id;
  // The thread that waits, as pid 1 sees it.
  uint32_t pid;
  // enum sandbox_denied_kind.
  uint32_t kind;
  int32_t number;
  // execve(2), which is how the worker itself is started.
  bool is_execve;
  uint64_t arguments[6];
};
int sandbox_notification_available(void);
int sandbox_notification_receive(int listener, struct sandbox_notification *notification);
// 0 lets the call go on, an errno refuses it.
int sandbox_notification_answer(int listener, uint64_t id, int error);
// -ENOENT once the call waits no more: its pid may be another's by now, and what was read of it also.
int sandbox_notification_valid(int listener, uint64_t id);

// ---- denial.c ----

// What was refused since the supervisor asked: zero at the start. Static storage, of which only what is used takes memory.
struct sandbox_denials {
  struct sandbox_denial_counts counts;
  // And one to read the next into.
  struct sandbox_denial entries[SANDBOX_DENIALS + 1];
};
struct sandbox_denials *sandbox_denials(void);
// NULL beyond the last.
struct sandbox_denial *sandbox_denial_entry(struct sandbox_denials *denials, uint32_t slot);
// Once more.
void sandbox_denial_count(struct sandbox_denials *denials, uint32_t slot);
// Fills in kind, number, arguments and, of an execution, the path, from the memory of who waits: process_vm_readv(2).
void sandbox_denial_describe(struct sandbox_denial *denial, const struct sandbox_notification *notification);
// The name of the process; empty where /proc doesn't show it.
void sandbox_denial_name(struct sandbox_denial *denial, uint32_t pid);
bool sandbox_denial_equal(const struct sandbox_denial *left, const struct sandbox_denial *right);
int sandbox_denial_send(int control, const struct sandbox_denial *denial);
int sandbox_counts_send(int control, const struct sandbox_denial_counts *counts);

// ---- observe.c ----

// The memory for what is observed, of which nobody can change the size.
int sandbox_map_observations(int fd, void **address);
// Records a call that goes on. What it reads of the worker's memory may be something else by the time that the call reads it: only
// what the worker may do anyway is recorded, and nothing is decided by it.
void sandbox_observe(void *observations, const struct sandbox_notification *notification, int listener);

// The read end of a pipe that nothing can be written to: at its end from the start.
int sandbox_empty_input(void);
int sandbox_child_signals(void);
int sandbox_drain_signals(int fd);
int sandbox_signal(int pid, int number);
// The pid of a child that ended and its status; 0 when none has.
int sandbox_reap(int *status);
// Bits: 1 the control socket, 2 a notification, 4 a child, 8 the listener is at its end; it may be -1.
int sandbox_poll(int control, int listener, int signals);

_Noreturn void sandbox_end(int code);

// ---- supervisor.c: the supervisor's side ----

// As sandbox_receive_report, without waiting, and with the descriptors that came along: at most SANDBOX_LISTENER_LIMIT, which
// close on exec and are the caller's. -EMSGSIZE: the kernel dropped some, because this process may open no more.
int sandbox_receive_descriptors(int control, union sandbox_incoming *incoming, int32_t *descriptors, uint32_t *count);

// A memfd with these bytes, sealed against any change.
int sandbox_sealed_memory(const char *name, const void *bytes, size_t length);
// A memfd of `size` zeros, whose size nobody can change.
int sandbox_shared_memory(const char *name, size_t size);
// Close-on-exec; the first end, the supervisor's, doesn't block.
int sandbox_stream_pair(int ends[2]);
int sandbox_message_pair(int ends[2]);
// Close-on-exec; the reading end, `ends[0]`, doesn't block.
int sandbox_output_pipe(int ends[2]);
int sandbox_open_directory(const char *path);
int sandbox_open_path(const char *path);
// One write(2); the file must be there.
int sandbox_write_file(const char *path, const char *contents, size_t length);
// Up to `capacity` bytes of a file in /proc or /sys.
int sandbox_read_file(const char *path, char *contents, size_t capacity);
int sandbox_create_directory(const char *path, uint32_t mode);
int sandbox_remove_directory(const char *path);
// Open and locked: flock(2). EWOULDBLOCK where someone has it, ESTALE where it is gone or another by now.
int sandbox_lock_directory(const char *path);
// A new one for this user alone, open and locked. EWOULDBLOCK or ESTALE where someone else got hold of it first.
int sandbox_make_locked_directory(const char *path);
// pidfd_open(2) of any process.
int sandbox_open_process(int32_t pid);
int sandbox_signal_process(int pidfd, int signal);
int sandbox_kill_process(int pidfd);
// Reaps; doesn't wait. -EAGAIN while the process lives.
int sandbox_reap_process(int pidfd);
// Reaps; waits.
int sandbox_await_process(int pidfd);

// ---- device.c ----

// A program of type BPF_PROG_TYPE_CGROUP_DEVICE of `count` instructions: its descriptor.
int sandbox_load_device_program(const void *instructions, uint32_t count);
// To the cgroup of this open directory, which keeps it as long as it lives. Programs of groups above stay in force.
int sandbox_attach_device_program(int cgroup, int program);

#endif
