/// The system calls that a learned profile keeps whether or not they were seen: what any worker needs to start, to be told what to
/// do, to tell what came of it, to be cancelled, to fail and to end. One run doesn't show all of that: not everybody fails, or waits for
/// a lock.
package enum WorkerCalls {
  package static let needed: Set<String> = Set(reasons.flatMap(\.names))

  package static let reasons: [(why: String, names: [String])] = [
    ("the worker itself is started with it", ["execve"]),
    (
      "programs begin with them: the loader and the C library",
      [
        "access", "arch_prctl", "brk", "close", "fstat", "getrandom", "mmap", "mprotect", "munmap", "newfstatat",
        "open",
        "openat", "pread64", "prlimit64", "read", "readlink", "rseq", "set_robust_list", "set_tid_address", "stat",
      ]
    ),
    (
      "the interpreter finds itself and its modules, and prints where an error was raised",
      [
        "dup", "fcntl", "getcwd", "getdents64", "getegid", "geteuid", "getgid", "getpid", "getuid", "ioctl", "lseek",
        "lstat",
        "readlinkat", "readv", "sysinfo", "uname", "write", "writev",
      ]
    ),
    ("memory grows and is given back", ["madvise", "mremap"]),
    (
      "threads start, wait for each other and end; the heartbeat and the reader of frames are threads",
      [
        "clone", "exit", "exit_group", "futex", "getcpu", "gettid", "prctl", "restart_syscall", "sched_getaffinity",
        "sched_yield",
      ]
    ),
    (
      "a signal cancels it, and ends it",
      ["kill", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "tgkill"]
    ),
    (
      "time, where the clock of this host can't be read without the kernel: vdso(7)",
      ["clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time"]
    ),
    (
      "frames and values are received and sent",
      [
        "ftruncate", "getpeername", "getsockname", "getsockopt", "memfd_create", "poll", "ppoll", "pselect6",
        "recvfrom",
        "recvmsg", "select", "sendmsg", "sendto", "setsockopt", "shutdown",
      ]
    ),
  ]
}
