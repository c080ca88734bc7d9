#include "CLinux.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

char **linux_environment(void) { return environ; }

// posix_spawn(3) of glibc shares the caller's memory until the program runs: nothing is copied.
int linux_program_start(
    char *const *arguments, char *const *environment, const char *directory, int passed, int as, int own_group,
    int32_t *pid, int32_t *pidfd) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return -error;
  error = posix_spawnattr_init(&attributes);
  if (error) {
    posix_spawn_file_actions_destroy(&actions);
    return -error;
  }
  // Threads of ours block every signal, and SIGPIPE is ignored: neither is the program's to inherit.
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  // A terminal's signals go to a whole process group: setpgid(2).
  posix_spawnattr_setpgroup(&attributes, 0);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (own_group ? POSIX_SPAWN_SETPGROUP : 0);
  error = posix_spawnattr_setflags(&attributes, flags);
  if (!error) error = posix_spawn_file_actions_addchdir_np(&actions, directory);
  // dup2(2) onto itself would leave it to be closed; glibc then opens it to the program.
  if (!error && passed >= 0) error = posix_spawn_file_actions_adddup2(&actions, passed, as);
  pid_t started = 0;
  if (!error) error = posix_spawnp(&started, arguments[0], &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error) return -error;
  // It isn't reaped before it is waited for: the number is its own.
  int fd = (int)syscall(SYS_pidfd_open, started, 0);
  if (fd < 0) {
    error = errno;
    kill(started, SIGKILL);
    waitpid(started, NULL, 0);
    return -error;
  }
  *pid = started;
  *pidfd = fd;
  return 0;
}

int linux_program_await(int32_t pid, int *code, int *signal) {
  int status;
  pid_t result;
  do result = waitpid(pid, &status, 0);
  while (result < 0 && errno == EINTR);
  if (result < 0) return -errno;
  *code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return 0;
}
