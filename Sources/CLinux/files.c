#include "CLinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static long checked(long result) { return result < 0 ? -errno : result; }

static int open_beneath(int directory, const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve};
  // EAGAIN: a rename raced with the walk, openat2(2). A few tries are enough; a tree that never rests is refused.
  for (int tries = 0;; tries++) {
    long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0) return (int)fd;
    if ((errno != EAGAIN && errno != EINTR) || tries == 16) return -errno;
  }
}

int linux_directory_open(const char *path) {
  return (int)checked(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
}

int linux_beneath_open_directory(int directory, const char *path) {
  return open_beneath(directory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
}

int linux_beneath_open_file(int directory, const char *path) {
  return open_beneath(directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, RESOLVE_NO_SYMLINKS);
}

int linux_beneath_find(int directory, const char *path) { return open_beneath(directory, path, O_PATH, 0); }

int linux_file_create(int directory, const char *name, uint32_t permissions) {
  return (int)checked(openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, permissions));
}

static int fill(const struct stat *from, struct linux_file_status *status) {
  status->kind = S_ISREG(from->st_mode)   ? LINUX_FILE_REGULAR
                 : S_ISDIR(from->st_mode) ? LINUX_FILE_DIRECTORY
                 : S_ISLNK(from->st_mode) ? LINUX_FILE_LINK
                                          : LINUX_FILE_OTHER;
  status->permissions = from->st_mode & 07777;
  status->owner = from->st_uid;
  status->size = (uint64_t)from->st_size;
  status->modified_seconds = from->st_mtim.tv_sec;
  status->modified_nanoseconds = from->st_mtim.tv_nsec;
  status->is_character_device = S_ISCHR(from->st_mode);
  status->device_major = S_ISCHR(from->st_mode) ? major(from->st_rdev) : 0;
  status->device_minor = S_ISCHR(from->st_mode) ? minor(from->st_rdev) : 0;
  return 0;
}

int linux_file_status(int fd, struct linux_file_status *status) {
  struct stat found;
  return fstat(fd, &found) < 0 ? -errno : fill(&found, status);
}

int linux_file_status_at(int directory, const char *name, struct linux_file_status *status) {
  struct stat found;
  return fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : fill(&found, status);
}

int linux_file_open(const char *path) {
  return (int)checked(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

int linux_file_synchronise(int fd) { return (int)checked(fsync(fd)); }
int linux_file_rename(int directory, const char *from, const char *to) {
  return (int)checked(renameat(directory, from, directory, to));
}
int linux_file_remove(int directory, const char *name) { return (int)checked(unlinkat(directory, name, 0)); }
int linux_directory_make(int directory, const char *name, uint32_t permissions) {
  return (int)checked(mkdirat(directory, name, permissions));
}
int linux_directory_permit(int directory, uint32_t permissions) {
  return (int)checked(fchmod(directory, permissions));
}
int linux_directory_remove(int directory, const char *name) {
  return (int)checked(unlinkat(directory, name, AT_REMOVEDIR));
}
int linux_link_make(int directory, const char *name, const char *destination) {
  return (int)checked(symlinkat(destination, directory, name));
}
long linux_link_read(int directory, const char *name, char *buffer, size_t size) {
  return checked(readlinkat(directory, name, buffer, size));
}

long linux_directory_read(int directory, void *buffer, size_t size) {
  return checked(syscall(SYS_getdents64, directory, buffer, size));
}

const char *linux_directory_next(const void *buffer, size_t size, size_t *offset) {
  if (*offset >= size) return NULL;
  const struct dirent64 *record = (const struct dirent64 *)((const char *)buffer + *offset);
  *offset += record->d_reclen;
  return record->d_name;
}

int linux_path_resolve(const char *path, char *buffer, size_t size) {
  char *resolved = realpath(path, NULL);
  if (!resolved) return -errno;
  size_t length = strlen(resolved);
  int result = -ENAMETOOLONG;
  if (length < size) {
    memcpy(buffer, resolved, length + 1);
    result = 0;
  }
  free(resolved);
  return result;
}

int linux_working_directory(char *buffer, size_t size) { return getcwd(buffer, size) ? 0 : -errno; }
const char *linux_environment_variable(const char *name) { return getenv(name); }
const char *linux_environment_entry(int index) { return environ ? environ[index] : NULL; }
uint32_t linux_effective_user(void) { return geteuid(); }

int linux_processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

uint64_t linux_memory_size(void) {
  struct sysinfo info;
  return sysinfo(&info) < 0 ? 0 : (uint64_t)info.totalram * info.mem_unit;
}

uint64_t linux_core_limit(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_CORE, &limit) < 0 ? 0 : limit.rlim_max;
}

uint64_t linux_raise_open_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
  struct rlimit raised = {limit.rlim_max, limit.rlim_max};
  // EPERM: the hard limit lies above fs.nr_open; the soft one then stays.
  return setrlimit(RLIMIT_NOFILE, &raised) < 0 ? limit.rlim_cur : limit.rlim_max;
}

int linux_random(void *buffer, size_t size) {
  ssize_t result;
  do result = getrandom(buffer, size, 0);
  while (result < 0 && errno == EINTR);
  return result == (ssize_t)size ? 0 : result < 0 ? -errno : -EIO;
}

void linux_civil_time_now(struct linux_civil_time *result) {
  time_t now = time(NULL);
  struct tm parts;
  gmtime_r(&now, &parts);
  *result = (struct linux_civil_time){parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                      parts.tm_hour, parts.tm_min, parts.tm_sec};
}

int linux_is_terminal(int fd) { return isatty(fd) == 1; }

int linux_terminal_size(int fd, int *columns, int *rows) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
  *columns = size.ws_col;
  *rows = size.ws_row;
  return 0;
}

static volatile sig_atomic_t signal_output = -1;

static void note_signal(int number) {
  int saved = errno;
  unsigned char byte = (unsigned char)number;
  // The pipe doesn't block: signals that come while it is full say nothing that those in it don't say.
  ssize_t ignored = write(signal_output, &byte, 1);
  (void)ignored;
  errno = saved;
}

int linux_signals_listen(const int *signals, int count) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  if (fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0) return -errno;
  if (signal_output >= 0) {
    // In its place: the number of the old one is meant to be taken over at once, dup2(2), so that a handler that runs right now finds the one
    // or the other behind it. No test shows it.
    int moved = dup3(ends[1], signal_output, O_CLOEXEC);
    int error = errno;
    close(ends[1]);
    if (moved >= 0) return ends[0];
    close(ends[0]);
    return -error;
  }
  signal_output = ends[1];
  struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
  for (int i = 0; i < count; i++)
    if (sigaction(signals[i], &action, NULL) < 0) return -errno;
  return ends[0];
}

int linux_signal_number_interrupt(void) { return SIGINT; }
int linux_signal_number_terminate(void) { return SIGTERM; }
int linux_signal_number_hangup(void) { return SIGHUP; }
int linux_signal_number_window(void) { return SIGWINCH; }

static void note_nothing(int number) { (void)number; }

// A handler and not SIG_IGN: an ignored signal stays ignored across execve(2).
void linux_signals_ignore_broken_pipe(void) {
  struct sigaction action = {.sa_handler = note_nothing, .sa_flags = SA_RESTART};
  sigaction(SIGPIPE, &action, NULL);
}

int linux_mount_is_read_only(const char *path) {
  int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct statvfs status;
  int result = fstatvfs(fd, &status) < 0 ? -errno : (status.f_flag & ST_RDONLY) != 0;
  close(fd);
  return result;
}
