// One system call each, or one sequence without choices, for `sandbox-init` and the supervisor. Nothing here needs the C
// library: `sandbox-init` is linked without it.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/securebits.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CLinux.h"
#include "kernel.h"

static_assert(SANDBOX_TREE_READ_ONLY == MOUNT_ATTR_RDONLY);
static_assert(SANDBOX_TREE_NO_SUID == MOUNT_ATTR_NOSUID);
static_assert(SANDBOX_TREE_NO_DEVICES == MOUNT_ATTR_NODEV);
static_assert(SANDBOX_TREE_NO_EXECUTE == MOUNT_ATTR_NOEXEC);
static_assert(SANDBOX_NODE_DIRECTORY == S_IFDIR && SANDBOX_NODE_FILE == S_IFREG);
static_assert((unsigned)SANDBOX_RESOURCE_CPU == (unsigned)RLIMIT_CPU && (unsigned)SANDBOX_RESOURCE_FILE_SIZE == (unsigned)RLIMIT_FSIZE);
static_assert((unsigned)SANDBOX_RESOURCE_STACK == (unsigned)RLIMIT_STACK && (unsigned)SANDBOX_RESOURCE_CORE == (unsigned)RLIMIT_CORE);
static_assert((unsigned)SANDBOX_RESOURCE_PROCESSES == (unsigned)RLIMIT_NPROC && (unsigned)SANDBOX_RESOURCE_OPEN_FILES == (unsigned)RLIMIT_NOFILE);
static_assert((unsigned)SANDBOX_RESOURCE_LOCKED_MEMORY == (unsigned)RLIMIT_MEMLOCK && (unsigned)SANDBOX_RESOURCE_ADDRESS_SPACE == (unsigned)RLIMIT_AS);
static_assert((unsigned)SANDBOX_RESOURCE_PENDING_SIGNALS == (unsigned)RLIMIT_SIGPENDING);
static_assert((unsigned)SANDBOX_RESOURCE_MESSAGE_QUEUE == (unsigned)RLIMIT_MSGQUEUE && (unsigned)SANDBOX_RESOURCE_NICENESS == (unsigned)RLIMIT_NICE);
static_assert((unsigned)SANDBOX_RESOURCE_REALTIME_PRIORITY == (unsigned)RLIMIT_RTPRIO);
static_assert(SANDBOX_NODE_CHARACTER_DEVICE == S_IFCHR);

enum { KERNEL_SIGNAL_SET = 8 };

// ---- Messages and the plan ----

int sandbox_send_report(int control, const struct sandbox_report *report) {
  long sent = call(SYS_sendto, control, report, sizeof *report, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return (int)sent;
  return sent == sizeof *report ? 0 : -EMSGSIZE;
}

int sandbox_receive_report(int control, struct sandbox_report *report, bool wait) {
  long received;
  do received = call(SYS_recvfrom, control, report, sizeof *report, wait ? 0 : MSG_DONTWAIT);
  while (received == -EINTR);
  return (int)received;
}

int sandbox_map_plan(int fd, void **address) {
  // Nobody can change or shorten it any more: the checks of the reader hold for good. memfd_create(2)
  long seals = call(SYS_fcntl, fd, F_GET_SEALS);
  if (seals < 0) return (int)seals;
  if ((seals & (F_SEAL_WRITE | F_SEAL_SHRINK)) != (F_SEAL_WRITE | F_SEAL_SHRINK)) return -EPERM;
  struct stat status;
  long result = call(SYS_fstat, fd, &status);
  if (result < 0) return (int)result;
  if (status.st_size < (off_t)sizeof(struct sandbox_plan) || status.st_size > (off_t)SANDBOX_PLAN_LIMIT) return -EFBIG;
  result = call(SYS_mmap, 0, status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  // An address is never that high.
  if (result < 0) return (int)result;
  *address = (void *)result;
  return (int)status.st_size;
}

// ---- The process ----

int sandbox_close_on_exec_from(unsigned first) {
  return (int)call(SYS_close_range, first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
}

int sandbox_parent_death_signal(void) { return (int)call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL); }

int sandbox_reset_signals(void) {
  // Ignored signals survive execve and CLONE_CLEAR_SIGHAND alike; SIGPIPE usually is one. All zero is SIG_DFL in every
  // layout of struct sigaction.
  const uint64_t standard[8] = {};
  for (int number = 1; number <= 64; number++) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    long result = call(SYS_rt_sigaction, number, standard, NULL, KERNEL_SIGNAL_SET);
    if (result < 0) return (int)result;
  }
  return 0;
}

int sandbox_forbid_user_namespaces(void) {
  // The file shows the limits of the user namespace of who opens it: namespaces(7).
  long fd = call(SYS_openat, AT_FDCWD, "/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return (int)fd;
  long written = call(SYS_write, fd, "0\n", 2);
  call(SYS_close, fd);
  return written == 2 ? 0 : written < 0 ? (int)written : -EIO;
}

int sandbox_set_identity(uint32_t user, uint32_t group, bool clear_groups) {
  long result = call(SYS_setresgid, group, group, group);
  if (result >= 0 && clear_groups) result = call(SYS_setgroups, 0, NULL);
  if (result >= 0) result = call(SYS_setresuid, user, user, user);
  return (int)result;
}

int sandbox_set_hostname(const char *name, size_t length) { return (int)call(SYS_sethostname, name, length); }

int sandbox_new_session_keyring(void) {
  long result = call(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
  return result < 0 ? (int)result : 0;
}

int sandbox_change_directory(const char *path) { return (int)call(SYS_chdir, path); }

int linux_close(int fd) { return (int)call(SYS_close, fd); }

_Noreturn void sandbox_end(int code) {
  for (;;) call(SYS_exit_group, code);
}

// ---- Paths and mounts ----

static int open_without_links(int directory, const char *path, uint64_t resolve) {
  // RESOLVE_NO_SYMLINKS implies RESOLVE_NO_MAGICLINKS.
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_SYMLINKS};
  long fd = -EAGAIN;
  // EAGAIN: something was renamed or mounted meanwhile and the walk can't be vouched for. openat2(2)
  for (int attempt = 0; fd == -EAGAIN && attempt < 64; attempt++)
    fd = call(SYS_openat2, directory, path, &how, sizeof how);
  return (int)fd;
}

int sandbox_open_source(const char *path) { return open_without_links(AT_FDCWD, path, 0); }
int sandbox_open_target(int root, const char *path) { return open_without_links(root, path, RESOLVE_IN_ROOT); }

int sandbox_open_again(int directory) { return open_without_links(directory, ".", RESOLVE_BENEATH); }
int sandbox_open_upper(int staging) { return open_without_links(staging, "upper", RESOLVE_BENEATH); }
int sandbox_open_work(int staging) { return open_without_links(staging, "work", RESOLVE_BENEATH); }

int sandbox_inspect(int fd, struct sandbox_node *node) {
  struct statx status;
  long result = call(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_UID | STATX_GID, &status);
  if (result < 0) return (int)result;
  *node = (struct sandbox_node){.type = status.stx_mode & S_IFMT,
                                .device_major = status.stx_rdev_major,
                                .device_minor = status.stx_rdev_minor,
                                .owner = status.stx_uid,
                                .group = status.stx_gid};
  return 0;
}

int sandbox_clone_tree(int fd) {
  return (int)call(SYS_open_tree, fd, "",
                   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE | AT_NO_AUTOMOUNT);
}

static int change_tree(int tree, struct mount_attr *attributes, bool recursive) {
  int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return (int)call(SYS_mount_setattr, tree, "", flags, attributes, sizeof *attributes);
}

int sandbox_restrict_tree(int tree, uint64_t attributes, bool recursive) {
  // Private: a mount that the host makes later beneath the source must not appear inside. mount_namespaces(7)
  struct mount_attr change = {.attr_set = attributes, .propagation = MS_PRIVATE};
  return change_tree(tree, &change, recursive);
}

int sandbox_map_tree_owner(int tree, int user_namespace) {
  struct mount_attr change = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace};
  return change_tree(tree, &change, false);
}

int sandbox_attach_tree(int tree, int target) {
  return (int)call(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int sandbox_attach_root(int tree) {
  return (int)call(SYS_move_mount, tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
}

int sandbox_enter_root(int root) {
  // The old root ends up stacked on the new one and is then detached: pivot_root(2), "pivot_root(".", ".")".
  long result = call(SYS_fchdir, root);
  if (result >= 0) result = call(SYS_pivot_root, ".", ".");
  if (result >= 0) result = call(SYS_umount2, ".", MNT_DETACH);
  if (result >= 0) result = call(SYS_chdir, "/");
  return (int)result;
}

static int set_option(int context, const char *name, const char *value) {
  return (int)call(SYS_fsconfig, context, FSCONFIG_SET_STRING, name, value);
}

// Makes the mount that `context` describes, and closes `context`.
static int finish_mount(int context, int result, uint64_t attributes) {
  if (result >= 0) result = (int)call(SYS_fsconfig, context, FSCONFIG_CMD_CREATE);
  if (result >= 0) result = (int)call(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
  call(SYS_close, context);
  return result;
}

enum { NUMBER_LENGTH = 24 };

// The digits of a number with their NUL; the result lies in `text`.
static const char *digits(uint64_t number, unsigned base, char text[NUMBER_LENGTH]) {
  char *first = text + NUMBER_LENGTH - 1;
  *first = 0;
  do *--first = (char)('0' + number % base);
  while ((number /= base) != 0);
  return first;
}

int sandbox_new_temporary(uint64_t size, uint64_t inodes, uint32_t mode, uint64_t attributes) {
  int context = (int)call(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  if (context < 0) return context;
  // 22 octal digits are the most.
  char text[NUMBER_LENGTH];
  int result = set_option(context, "size", digits(size, 10, text));
  if (result >= 0) result = set_option(context, "nr_inodes", digits(inodes, 10, text));
  if (result >= 0) result = set_option(context, "mode", digits(mode, 8, text));
  return finish_mount(context, result, attributes);
}

int sandbox_new_process(void) {
  int context = (int)call(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
  if (context < 0) return context;
  int result = set_option(context, "subset", "pid");
  if (result >= 0) result = set_option(context, "hidepid", "invisible");
  return finish_mount(context, result, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

int sandbox_new_overlay(int lower, int upper, int work, uint64_t attributes) {
  static const char *const names[] = {"lowerdir", "upperdir", "workdir"};
  const int layers[] = {lower, upper, work};
  int context = (int)call(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
  if (context < 0) return context;
  int result = (int)call(SYS_fsconfig, context, FSCONFIG_SET_FLAG, "userxattr", NULL);
  // Whatever the module's defaults are: an index marks new directories opaque and links files of several names.
  if (result >= 0) result = set_option(context, "index", "off");
  if (result >= 0) result = set_option(context, "xino", "off");
  for (int i = 0; result >= 0 && i < 3; i++) {
    // Older kernels take layers by path only.
    char path[sizeof "/proc/self/fd/" + NUMBER_LENGTH] = "/proc/self/fd/";
    char text[NUMBER_LENGTH];
    const char *number = digits((uint64_t)layers[i], 10, text);
    char *end = path + sizeof "/proc/self/fd/" - 1;
    do *end++ = *number;
    while (*number++ != 0);
    result = set_option(context, names[i], path);
  }
  return finish_mount(context, result, attributes);
}

int sandbox_make_directory(int parent, const char *name, uint32_t mode) {
  return (int)call(SYS_mkdirat, parent, name, mode);
}

int sandbox_make_link(int parent, const char *name, const char *destination) {
  return (int)call(SYS_symlinkat, destination, parent, name);
}

int sandbox_make_file(int parent, const char *name, uint32_t mode, const char *contents, size_t length) {
  long fd = call(SYS_openat, parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) return (int)fd;
  int result = 0;
  while (length > 0) {
    long written = call(SYS_write, fd, contents, length);
    if (written == -EINTR) continue;
    if (written < 0) {
      result = (int)written;
      break;
    }
    contents += written;
    length -= (size_t)written;
  }
  call(SYS_close, fd);
  return result;
}

int sandbox_make_placeholder(int parent, const char *name) {
  // mknod(2) of a regular file needs no privilege and, unlike open(2), makes no descriptor.
  return (int)call(SYS_mknodat, parent, name, S_IFREG | 0444);
}

// ---- Landlock: the whole of ABI 6, which older headers don't have. Zero fields are accepted by older kernels. ----

struct ruleset_attributes {
  uint64_t filesystem;
  uint64_t network;
  uint64_t scoped;
};

int sandbox_landlock_abi(void) {
  return (int)call(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

int sandbox_landlock_create(uint64_t filesystem, uint64_t network, uint64_t scoped) {
  struct ruleset_attributes attributes = {filesystem, network, scoped};
  return (int)call(SYS_landlock_create_ruleset, &attributes, sizeof attributes);
}

int sandbox_landlock_allow(int ruleset, int path, uint64_t allowed) {
  struct landlock_path_beneath_attr rule = {.allowed_access = allowed, .parent_fd = path};
  return (int)call(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule);
}

// LANDLOCK_RULE_NET_PORT, ABI 4.
enum { NET_PORT_RULE = 2 };

struct net_port_attributes {
  uint64_t allowed;
  uint64_t port;
};

int sandbox_landlock_allow_port(int ruleset, uint64_t port, uint64_t allowed) {
  struct net_port_attributes rule = {.allowed = allowed, .port = port};
  return (int)call(SYS_landlock_add_rule, ruleset, NET_PORT_RULE, &rule);
}

int sandbox_landlock_enforce(int ruleset) { return (int)call(SYS_landlock_restrict_self, ruleset); }

// ---- Privileges ----

int sandbox_no_new_privileges(void) { return (int)call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1); }

enum {
  LOCKED_SECUREBITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                      SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
};

int sandbox_drop_capabilities(void) {
  long result = call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  if (result < 0) return (int)result;
  // EINVAL: past the last capability that this kernel knows.
  for (int capability = 0; capability < 64; capability++) {
    result = call(SYS_prctl, PR_CAPBSET_DROP, capability);
    if (result == -EINVAL && capability > CAP_AUDIT_READ) break;
    if (result < 0) return (int)result;
  }
  result = call(SYS_prctl, PR_SET_SECUREBITS, LOCKED_SECUREBITS);
  if (result < 0) return (int)result;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {};
  result = call(SYS_capset, &header, none);
  if (result < 0) return (int)result;
  // The worker has pid 1's user id: this is what keeps it out of /proc/1 and from ptrace(2).
  return (int)call(SYS_prctl, PR_SET_DUMPABLE, 0);
}

int sandbox_verify_dropped(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  long result = call(SYS_capget, &header, sets);
  if (result < 0) return (int)result;
  // The ambient set is never more than the permitted and the inheritable: capabilities(7).
  for (int word = 0; word < 2; word++)
    if ((sets[word].effective | sets[word].permitted | sets[word].inheritable) != 0) return -EPERM;
  for (int capability = 0; capability < 64; capability++) {
    long bounding = call(SYS_prctl, PR_CAPBSET_READ, capability);
    if (bounding < 0) break;
    if (bounding != 0) return -EPERM;
  }
  if (call(SYS_prctl, PR_GET_SECUREBITS) != LOCKED_SECUREBITS) return -EPERM;
  if (call(SYS_prctl, PR_GET_NO_NEW_PRIVS) != 1) return -EPERM;
  return call(SYS_prctl, PR_GET_DUMPABLE) == 0 ? 0 : -EPERM;
}

// ---- Notifications of the filter: seccomp_unotify(2) ----

// The kernel's structures grow at the end and it writes as much as its own have.
union notification {
  struct seccomp_notif fields;
  unsigned char room[512];
};
union answer {
  struct seccomp_notif_resp fields;
  unsigned char room[512];
};

int sandbox_notification_available(void) {
  uint32_t action = SECCOMP_RET_USER_NOTIF;
  return (int)call(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

int sandbox_notification_receive(int listener, struct sandbox_notification *notification) {
  union notification received = {};
  long result = call(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &received);
  if (result < 0) return (int)result;
  const struct seccomp_data *data = &received.fields.data;
  *notification = (struct sandbox_notification){
      .id = received.fields.id,
      .pid = received.fields.pid,
      .number = data->nr,
      .is_execve = data->nr == SYS_execve,
      .kind = data->nr == SYS_execve || data->nr == SYS_execveat     ? SANDBOX_DENIED_EXECUTION
              : data->nr == SYS_socket || data->nr == SYS_socketpair ? SANDBOX_DENIED_SOCKET
                                                                     : SANDBOX_DENIED_CALL,
  };
  for (int i = 0; i < 6; i++) notification->arguments[i] = data->args[i];
  return 0;
}

int sandbox_notification_valid(int listener, uint64_t id) {
  return (int)call(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

int sandbox_notification_answer(int listener, uint64_t id, int error) {
  union answer answer = {.fields = {.id = id,
                                    .error = -error,
                                    .flags = error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0}};
  return (int)call(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

// ---- pid 1 ----

int sandbox_empty_input(void) {
  int ends[2];
  long result = call(SYS_pipe2, ends, 0);
  if (result < 0) return (int)result;
  call(SYS_close, ends[1]);
  return ends[0];
}

int sandbox_child_signals(void) {
  uint64_t set = 1ULL << (SIGCHLD - 1);
  return (int)call(SYS_signalfd4, -1, &set, KERNEL_SIGNAL_SET, SFD_NONBLOCK | SFD_CLOEXEC);
}

int sandbox_drain_signals(int fd) {
  struct signalfd_siginfo pending[8];
  while (call(SYS_read, fd, pending, sizeof pending) > 0) continue;
  return 0;
}

int sandbox_signal(int pid, int number) { return (int)call(SYS_kill, pid, number); }

int sandbox_reap(int *status) {
  long pid = call(SYS_wait4, -1, status, WNOHANG);
  return pid == -ECHILD ? 0 : (int)pid;
}

int sandbox_poll(int control, int listener, int signals) {
  struct pollfd watched[] = {{control, POLLIN, 0}, {signals, POLLIN, 0}, {listener, POLLIN, 0}};
  long result;
  do result = call(SYS_ppoll, watched, 3);
  while (result == -EINTR);
  if (result < 0) return (int)result;
  // POLLHUP alone on the listener: nothing with this filter is left, and the child's end says the rest.
  return (watched[0].revents != 0 ? 1 : 0) | (watched[2].revents & POLLIN ? 2 : 0) | (watched[1].revents != 0 ? 4 : 0) |
         (watched[2].revents != 0 && !(watched[2].revents & POLLIN) ? 8 : 0);
}
