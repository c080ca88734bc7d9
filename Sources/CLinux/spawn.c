// The code that runs between clone3(2) and execve(2). The children share their parent's memory and run beside it, so
// they use no errno, no allocation and no library call with state: every system call is made by `call` of kernel.h.
// Nor are they instrumented: a sanitizer keeps its books in thread-local storage, which is the parent's.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "CLinux.h"
#pragma clang attribute push(__attribute__((disable_sanitizer_instrumentation)), apply_to = function)
#include "kernel.h"

// SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV of linux/seccomp.h.
enum { FILTER_FLAG_WAIT_KILLABLE = 1 << 5 };
enum { STACK_SIZE = 64 * 1024, GUARD_SIZE = 64 * 1024, SPARE_DESCRIPTORS = 64, KERNEL_SIGNAL_SET = 8 };

#if defined(__x86_64__)
// clone3 with a function for the child, which must not return into its parent's frames. The kernel keeps rdx and r8.
__asm__(".text\n.type sandbox_clone,@function\nsandbox_clone:\n"
        ".cfi_startproc\n"
        "  endbr64\n"
        "  movq %rcx, %r8\n"
        "  movl $435, %eax\n"
        "  syscall\n"
        "  testq %rax, %rax\n"
        "  jz 1f\n"
        "  ret\n"
        "1:\n"
        "  .cfi_undefined rip\n"
        "  xorl %ebp, %ebp\n"
        "  andq $-16, %rsp\n"
        "  movq %r8, %rdi\n"
        "  callq *%rdx\n"
        "  hlt\n"
        ".cfi_endproc\n.size sandbox_clone,.-sandbox_clone\n");
#elif defined(__aarch64__)
__asm__(".text\n.type sandbox_clone,%function\nsandbox_clone:\n"
        ".cfi_startproc\n"
        "  hint #34\n"
        "  mov x8, #435\n"
        "  svc #0\n"
        "  cbz x0, 1f\n"
        "  ret\n"
        "1:\n"
        "  .cfi_undefined x30\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  mov x0, x3\n"
        "  blr x2\n"
        "  brk #1\n"
        ".cfi_endproc\n.size sandbox_clone,.-sandbox_clone\n");
#else
#error "clone3 needs a trampoline for this architecture"
#endif

long sandbox_clone(struct clone_args *arguments, size_t size, void (*child)(void *), void *context);

_Noreturn static void leave(void) {
  for (;;) call(SYS_exit_group, 127, 0, 0, 0, 0);
}

// ---- Stacks ----

int sandbox_stack_create(struct sandbox_stack *stack) {
  size_t size = GUARD_SIZE + STACK_SIZE;
  long result = call(SYS_mmap, 0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1);
  if (result < 0) return (int)result;
  char *base = (char *)result;
  result = call(SYS_mprotect, base + GUARD_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE);
  if (result < 0) {
    call(SYS_munmap, base, size);
    return (int)result;
  }
  *stack = (struct sandbox_stack){.base = base, .size = size};
  return 0;
}

void sandbox_stack_destroy(struct sandbox_stack *stack) {
  call(SYS_munmap, stack->base, stack->size);
  stack->base = NULL;
}

void sandbox_stack_await(struct sandbox_stack *stack) {
  while (__atomic_load_n(&stack->occupied, __ATOMIC_ACQUIRE) != 0)
    call(SYS_futex, (long)&stack->occupied, FUTEX_WAIT, 1, 0, 0);
}

// Starts `child` on `stack`, in this address space. CLONE_CHILD_CLEARTID makes the kernel clear `occupied` and wake
// its waiters once the child has executed another program or ended: see set_tid_address(2).
static long start(struct sandbox_stack *stack, uint64_t flags, int cgroup, int32_t *pidfd, void (*child)(void *),
                  void *context) {
  struct clone_args arguments = {
      .flags = flags | CLONE_VM | CLONE_CLEAR_SIGHAND | CLONE_CHILD_CLEARTID,
      .child_tid = (uint64_t)(uintptr_t)&stack->occupied,
      .exit_signal = SIGCHLD,
      .stack = (uint64_t)(uintptr_t)stack->base + GUARD_SIZE,
      .stack_size = STACK_SIZE,
  };
  if (pidfd != NULL) {
    arguments.flags |= CLONE_PIDFD;
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
  }
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)cgroup;
  }
  __atomic_store_n(&stack->occupied, 1, __ATOMIC_RELEASE);
  // No handler of this process may run in the child, which would run it on the memory of both.
  const uint64_t all = ~0ULL;
  uint64_t before = 0;
  call(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, KERNEL_SIGNAL_SET);
  long pid = sandbox_clone(&arguments, sizeof arguments, child, context);
  call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_SIGNAL_SET);
  if (pid < 0) __atomic_store_n(&stack->occupied, 0, __ATOMIC_RELEASE);
  return pid;
}

// ---- The first process of a sandbox ----

// What `sandbox-init` needs until it has built the root: ids, mounts, limits, and emptying the bounding set.
// CAP_DAC_OVERRIDE is for overlayfs, which works in a directory of mode 0 with the rights of who mounted it.
static const int kept_capabilities[] = {CAP_DAC_OVERRIDE, CAP_SETGID,    CAP_SETUID,
                                        CAP_SETPCAP,      CAP_SYS_ADMIN, CAP_SYS_RESOURCE};
// And until it has set up a network of its own: the loopback interface and a route, and listeners on ports below 1024.
static const int network_capabilities[] = {CAP_NET_ADMIN, CAP_NET_BIND_SERVICE};

// As root, the caller's own id isn't mapped in the new namespace until `sandbox-init` takes the mapped one, and an
// execve by such an id drops all but the ambient capabilities: capabilities(7).
static long raise_ambient(bool configures_network) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  long result = call(SYS_capget, (long)&header, (long)sets, 0, 0, 0);
  if (result < 0) return result;
  uint32_t kept = 0;
  for (size_t i = 0; i < sizeof kept_capabilities / sizeof *kept_capabilities; i++)
    kept |= 1U << kept_capabilities[i];
  for (size_t i = 0; configures_network && i < sizeof network_capabilities / sizeof *network_capabilities; i++)
    kept |= 1U << network_capabilities[i];
  sets[0].inheritable = kept;
  sets[1].inheritable = 0;
  result = call(SYS_capset, (long)&header, (long)sets, 0, 0, 0);
  for (int capability = 0; result >= 0 && capability < 32; capability++)
    if ((kept & 1U << capability) != 0) result = call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
  return result;
}

// Places the descriptors at 1, 2, 3, … and closes every other but the program. They are first moved out of the way:
// a source may lie where another is wanted. The result is the program's number.
static long arrange_descriptors(const struct sandbox_spawn *request) {
  long spare = call(SYS_fcntl, request->executable, F_DUPFD, SPARE_DESCRIPTORS, 0, 0);
  if (spare < 0) return spare;
  long program = (long)request->descriptor_count + 1;
  if (spare < program) return -EMFILE;
  // The first spare is the program's, the next are the others', in order: nothing else runs on this table.
  long moved[SPARE_DESCRIPTORS];
  for (uint32_t i = 0; i < request->descriptor_count; i++) {
    moved[i] = call(SYS_fcntl, request->descriptors[i], F_DUPFD, SPARE_DESCRIPTORS, 0, 0);
    if (moved[i] < 0) return moved[i];
  }
  for (uint32_t i = 0; i < request->descriptor_count; i++) {
    long result = call(SYS_dup3, moved[i], (long)i + 1, 0, 0, 0);
    if (result < 0) return result;
  }
  long result = call(SYS_dup3, spare, program, O_CLOEXEC, 0, 0);
  if (result < 0) return result;
  call(SYS_close, 0, 0, 0, 0, 0);
  result = call(SYS_close_range, program + 1, ~0U, 0, 0, 0);
  return result < 0 ? result : program;
}

_Noreturn static void fail(int control, uint32_t step, long error) {
  struct sandbox_report report = {
      .message = SANDBOX_FAILED, .step = step, .error = (int32_t)-error, .index = SANDBOX_NO_INDEX};
  call(SYS_sendto, control, (long)&report, sizeof report, MSG_NOSIGNAL | MSG_DONTWAIT, 0);
  leave();
}

static void first_process(void *context) {
  const struct sandbox_spawn *request = context;
  // Also ends this process when the spawner's thread ends before execve; later the control socket's end does.
  call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  long program = arrange_descriptors(request);
  if (program < 0) fail(request->descriptors[SANDBOX_FD_CONTROL - 1], SANDBOX_STEP_DESCRIPTORS, program);
  long result = raise_ambient(request->configures_network);
  if (result < 0) fail(SANDBOX_FD_CONTROL, SANDBOX_STEP_AMBIENT, result);

  struct sandbox_report report;
  do result = call(SYS_recvfrom, SANDBOX_FD_CONTROL, (long)&report, sizeof report, 0, 0);
  while (result == -EINTR);
  if (result != sizeof report || report.message != SANDBOX_GO) leave();

  static char *const arguments[] = {"sandbox-init", NULL};
  static char *const environment[] = {NULL};
  result = call(SYS_execveat, program, (long)"", (long)arguments, (long)environment, AT_EMPTY_PATH);
  fail(SANDBOX_FD_CONTROL, SANDBOX_STEP_EXECUTE_INIT, result);
}

// ---- Network namespaces ----

static int thread_network(void) {
  return (int)call(SYS_openat, AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

// A thread that stayed away would do the supervisor's work, and start its threads, in a sandbox's network. Nothing but
// want of memory can fail here: sandbox_own_network has tried it.
static void return_to_network(int own) {
  const struct timespec pause = {.tv_nsec = 1000 * 1000};
  while (call(SYS_setns, own, CLONE_NEWNET) < 0) call(SYS_nanosleep, &pause, NULL);
}

int sandbox_own_network(void) {
  int own = thread_network();
  if (own < 0) return own;
  long result = call(SYS_setns, own, CLONE_NEWNET);
  if (result >= 0) return own;
  call(SYS_close, own);
  return (int)result;
}

int sandbox_new_network(int own) {
  long result = call(SYS_unshare, CLONE_NEWNET);
  if (result < 0) return (int)result;
  int made = thread_network();
  return_to_network(own);
  return made;
}

struct spawn_context {
  struct sandbox_spawn request;
  int32_t descriptors[SPARE_DESCRIPTORS];
};

int sandbox_start_first(struct sandbox_spawn *request, struct sandbox_stack *stack) {
  if (request->descriptor_count < SANDBOX_FD_PLAN || request->descriptor_count >= SPARE_DESCRIPTORS - 1) return -EINVAL;
  // The child reads these beside its parent, for as long as it is on the stack: they lie at the stack's far end.
  struct spawn_context *context = (struct spawn_context *)((char *)stack->base + GUARD_SIZE);
  context->request = *request;
  for (uint32_t i = 0; i < request->descriptor_count; i++) context->descriptors[i] = request->descriptors[i];
  context->request.descriptors = context->descriptors;
  if (request->enters_network) {
    long result = call(SYS_setns, request->network, CLONE_NEWNET);
    if (result < 0) return (int)result;
  }
  long pid = start(stack, request->namespaces, request->cgroup, &request->pidfd, first_process, &context->request);
  if (request->enters_network) return_to_network(request->own_network);
  if (pid < 0) return (int)pid;
  request->pid = (int32_t)pid;
  return 0;
}

// ---- The worker ----

_Noreturn static void fail_worker(struct sandbox_worker *worker, uint32_t step, uint32_t index, long error) {
  worker->step = step;
  worker->index = index;
  __atomic_store_n(&worker->error, (int32_t)-error, __ATOMIC_RELEASE);
  leave();
}

// Never raises a limit: where the supervisor's own is lower already, that one stays.
static long set_limit(const struct sandbox_limit *limit) {
  struct rlimit64 current;
  long result = call(SYS_prlimit64, 0, limit->resource, 0, (long)&current, 0);
  if (result < 0) return result;
  uint64_t value = limit->value < current.rlim_max ? limit->value : current.rlim_max;
  struct rlimit64 wanted = {value, value};
  return call(SYS_prlimit64, 0, limit->resource, (long)&wanted, 0, 0);
}

static void allow_processors(const struct sandbox_worker *worker) {
  if (worker->processors_size > 0) call(SYS_sched_setaffinity, 0, worker->processors_size, worker->processors);
}

// The listener's descriptor where it notifies.
static long install_filter(const void *filter, uint16_t length, bool notifies) {
  struct sock_fprog program = {.len = length, .filter = (struct sock_filter *)filter};
  // Signals don't interrupt a call that pid 1 has taken up, so that it fails with the error that it always had. Linux 5.19.
  unsigned flags = notifies ? SECCOMP_FILTER_FLAG_NEW_LISTENER | FILTER_FLAG_WAIT_KILLABLE : 0;
  long result = call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, (long)&program, 0, 0);
  if (result == -EINVAL && notifies)
    result = call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, (long)&program, 0, 0);
  return result;
}

static void worker_process(void *context) {
  struct sandbox_worker *worker = context;
  allow_processors(worker);
  long result = call(SYS_setsid, 0, 0, 0, 0, 0);
  if (result < 0) fail_worker(worker, SANDBOX_STEP_WORKER_SESSION, SANDBOX_NO_INDEX, result);
  for (uint32_t i = 0; i < worker->limit_count; i++) {
    result = set_limit(&worker->limits[i]);
    if (result < 0) fail_worker(worker, SANDBOX_STEP_WORKER_LIMIT, i, result);
  }
  uint64_t none = 0;
  result = call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, KERNEL_SIGNAL_SET, 0);
  if (result < 0) fail_worker(worker, SANDBOX_STEP_WORKER_SIGNALS, SANDBOX_NO_INDEX, result);

  // Of the answers of several filters the strictest holds, seccomp(2): `watch` asks where `filter` allows, and lets nothing through
  // that `filter` denies.
  bool watches = worker->watch_length > 0;
  result = watches ? install_filter(worker->watch, worker->watch_length, true)
                   : install_filter(worker->filter, worker->filter_length, worker->notifies);
  if (result < 0) fail_worker(worker, SANDBOX_STEP_WORKER_SECCOMP, SANDBOX_NO_INDEX, result);
  if (worker->notifies) {
    __atomic_store_n(&worker->listener, (int32_t)result, __ATOMIC_RELEASE);
    // The filter may well refuse this: pid 1 also looks by itself every few milliseconds.
    call(SYS_futex, (long)&worker->listener, FUTEX_WAKE, 1, 0, 0);
  }
  if (watches) {
    result = install_filter(worker->filter, worker->filter_length, false);
    if (result < 0) fail_worker(worker, SANDBOX_STEP_WORKER_SECCOMP, SANDBOX_NO_INDEX, result);
  }
  result = call(SYS_execve, (long)worker->path, (long)worker->arguments, (long)worker->environment, 0, 0);
  fail_worker(worker, SANDBOX_STEP_WORKER_EXECUTE, SANDBOX_NO_INDEX, result);
}

int sandbox_worker_start(struct sandbox_worker *worker, struct sandbox_stack *stack) {
  worker->listener = -1;
  worker->error = 0;
  // A new process is put on another processor, where it waits for as long as what runs there may run on; on this one it
  // starts when this process sleeps. On a machine with more processors than the set has room for, it is left at that.
  unsigned here = 0;
  call(SYS_getcpu, &here, NULL, NULL);
  worker->processors_size = call(SYS_sched_getaffinity, 0, sizeof worker->processors, worker->processors);
  if (worker->processors_size > 0 && here < 8 * sizeof worker->processors) {
    uint64_t only[sizeof worker->processors / sizeof *worker->processors] = {};
    only[here / 64] = 1ULL << here % 64;
    call(SYS_sched_setaffinity, 0, sizeof only, only);
  }
  int result = (int)start(stack, CLONE_FILES, -1, NULL, worker_process, worker);
  allow_processors(worker);
  return result;
}

int sandbox_worker_await_listener(struct sandbox_worker *worker, struct sandbox_stack *stack) {
  for (;;) {
    int32_t listener = __atomic_load_n(&worker->listener, __ATOMIC_ACQUIRE);
    if (listener >= 0) return listener;
    int32_t error = __atomic_load_n(&worker->error, __ATOMIC_ACQUIRE);
    if (error != 0) return -error;
    if (__atomic_load_n(&stack->occupied, __ATOMIC_ACQUIRE) == 0) return -ESRCH;
    struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
    call(SYS_futex, (long)&worker->listener, FUTEX_WAIT, -1, (long)&pause, 0);
  }
}

// ---- Programs of the host ----

struct program_context {
  char *const *arguments;
  int output;
  int32_t error;
};

static void program_process(void *context) {
  struct program_context *program = context;
  static char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
  const uint64_t none = 0;
  call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // A terminal's signals are for the supervisor.
  long result = call(SYS_setsid, 0, 0, 0, 0, 0);
  if (result >= 0) result = call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, KERNEL_SIGNAL_SET, 0);
  long output = result < 0 ? result : call(SYS_fcntl, program->output, F_DUPFD, SPARE_DESCRIPTORS, 0, 0);
  long input = output < 0 ? output : call(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDONLY | O_CLOEXEC, 0, 0);
  if (input >= 0) input = call(SYS_fcntl, input, F_DUPFD, SPARE_DESCRIPTORS, 0, 0);
  result = input < 0 ? input : call(SYS_dup3, input, 0, 0, 0, 0);
  for (int number = 1; result >= 0 && number < 3; number++) result = call(SYS_dup3, output, number, 0, 0, 0);
  if (result >= 0) result = call(SYS_fcntl, 1, F_SETFL, O_NONBLOCK, 0, 0);
  if (result >= 0) result = call(SYS_close_range, 3, ~0U, 0, 0, 0);
  if (result >= 0)
    result = call(SYS_execve, (long)program->arguments[0], (long)program->arguments, (long)environment, 0, 0);
  __atomic_store_n(&program->error, (int32_t)-result, __ATOMIC_RELEASE);
  leave();
}

int sandbox_start_program(struct sandbox_stack *stack, char *const *arguments, int output, int32_t *pid, int32_t *pidfd) {
  // Shared with the child, which is awaited: CLONE_VM.
  struct program_context program = {.arguments = arguments, .output = output};
  long result = start(stack, 0, -1, pidfd, program_process, &program);
  if (result < 0) return (int)result;
  sandbox_stack_await(stack);
  int32_t error = __atomic_load_n(&program.error, __ATOMIC_ACQUIRE);
  if (error == 0) {
    *pid = (int32_t)result;
    return 0;
  }
  siginfo_t information;
  while (call(SYS_waitid, P_PIDFD, *pidfd, &information, WEXITED) == -EINTR) continue;
  call(SYS_close, *pidfd);
  return -error;
}

// ---- Namespaces by themselves ----

static void waiting_process(void *context) {
  (void)context;
  call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  call(SYS_close_range, 0, ~0U, 0, 0, 0);
  for (;;) call(SYS_ppoll, 0, 0, 0, 0, 0);
}

int sandbox_hold_user_namespace(struct sandbox_stack *stack, int32_t *pid, int32_t *pidfd) {
  long result = start(stack, CLONE_NEWUSER, -1, pidfd, waiting_process, NULL);
  if (result < 0) return (int)result;
  *pid = (int32_t)result;
  return 0;
}

static void ending_process(void *context) {
  (void)context;
  for (;;) call(SYS_exit_group, 0, 0, 0, 0, 0);
}

int sandbox_probe_namespaces(struct sandbox_stack *stack, uint64_t namespaces) {
  int32_t pidfd = -1;
  long result = start(stack, namespaces, -1, &pidfd, ending_process, NULL);
  if (result < 0) return (int)result;
  sandbox_stack_await(stack);
  siginfo_t information;
  while (call(SYS_waitid, P_PIDFD, pidfd, &information, WEXITED) == -EINTR) continue;
  call(SYS_close, pidfd);
  return 0;
}

static void naming_process(void *context) {
  *(long *)context = call(SYS_sethostname, (long)"probe", 5, 0, 0, 0, 0);
  for (;;) call(SYS_exit_group, 0, 0, 0, 0, 0);
}

int sandbox_probe_host_name(struct sandbox_stack *stack) {
  // Shared with the child, which is awaited: CLONE_VM.
  long outcome = -EIO;
  int32_t pidfd = -1;
  long result = start(stack, CLONE_NEWUSER | CLONE_NEWUTS, -1, &pidfd, naming_process, &outcome);
  if (result < 0) return (int)result;
  sandbox_stack_await(stack);
  siginfo_t information;
  while (call(SYS_waitid, P_PIDFD, pidfd, &information, WEXITED) == -EINTR) continue;
  call(SYS_close, pidfd);
  return (int)outcome;
}

struct overlay_probe {
  const char *directory;
  uint32_t user;
  uint32_t group;
  long result;
};

// Maps one id to itself, as a process may for its own: user_namespaces(7).
static long map_itself(const char *path, uint32_t id) {
  char text[32];
  char *first = text + sizeof text;
  *--first = '1';
  *--first = ' ';
  for (int copy = 0; copy < 2; copy++) {
    uint32_t rest = id;
    do *--first = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (copy == 0) *--first = ' ';
  }
  long fd = call(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC, 0, 0);
  if (fd < 0) return fd;
  return call(SYS_write, fd, (long)first, text + sizeof text - first, 0, 0);
}

static long open_layer(int directory, const char *name) {
  return call(SYS_openat, directory, (long)name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, 0);
}

static void overlay_process(void *context) {
  struct overlay_probe *probe = context;
  long fd = call(SYS_openat, AT_FDCWD, (long)"/proc/self/setgroups", O_WRONLY | O_CLOEXEC, 0, 0);
  long result = fd < 0 ? fd : call(SYS_write, fd, (long)"deny", 4, 0, 0);
  if (result >= 0) result = map_itself("/proc/self/gid_map", probe->group);
  if (result >= 0) result = map_itself("/proc/self/uid_map", probe->user);
  // By its path, and so in this mount namespace: before Linux 6.15 a layer must lie in the one that it is mounted from.
  if (result >= 0) result = call(SYS_chdir, (long)probe->directory, 0, 0, 0, 0);
  long lower = result, upper = result, work = result;
  if (result >= 0) lower = open_layer(AT_FDCWD, "lower");
  if (result >= 0) upper = open_layer(AT_FDCWD, "upper");
  if (result >= 0) work = open_layer(AT_FDCWD, "work");
  if (result >= 0) result = lower < 0 ? lower : upper < 0 ? upper : work < 0 ? work : 0;
  if (result >= 0) result = sandbox_new_overlay((int)lower, (int)upper, (int)work, SANDBOX_TREE_NO_SUID);
  probe->result = result;
  for (;;) call(SYS_exit_group, 0, 0, 0, 0, 0);
}

int sandbox_probe_overlay(struct sandbox_stack *stack, const char *directory, uint32_t user, uint32_t group) {
  // Shared with the child, which is awaited: CLONE_VM.
  struct overlay_probe probe = {.directory = directory, .user = user, .group = group, .result = -EIO};
  int32_t pidfd = -1;
  long result = start(stack, CLONE_NEWUSER | CLONE_NEWNS, -1, &pidfd, overlay_process, &probe);
  if (result < 0) return (int)result;
  sandbox_stack_await(stack);
  siginfo_t information;
  while (call(SYS_waitid, P_PIDFD, pidfd, &information, WEXITED) == -EINTR) continue;
  call(SYS_close, pidfd);
  return probe.result < 0 ? (int)probe.result : 0;
}

#pragma clang attribute pop
