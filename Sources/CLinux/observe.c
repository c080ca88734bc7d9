// What pid 1 records of the calls that it lets go on while a plugin's needs are learned: which calls, and at which paths. Reads the
// memory of the worker, believes nothing of it, and needs neither a heap nor the C library.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "CLinux.h"
#include "kernel.h"
#include "memory.h"

_Static_assert(sizeof(struct sandbox_observations) == SANDBOX_OBSERVED_COUNTS_AT, "the counts follow the header");
_Static_assert(sizeof(struct sandbox_observed_path) == SANDBOX_OBSERVED_ENTRY_SIZE, "entries follow each other");

int sandbox_map_observations(int fd, void **address) {
  // Touching what another has cut off would be SIGBUS: memfd_create(2).
  long seals = call(SYS_fcntl, fd, F_GET_SEALS);
  if (seals < 0) return (int)seals;
  if (!(seals & F_SEAL_SHRINK)) return -EPERM;
  struct stat status;
  long result = call(SYS_fstat, fd, &status);
  if (result < 0) return (int)result;
  if (status.st_size != SANDBOX_OBSERVATIONS_SIZE) return -EFBIG;
  result = call(SYS_mmap, 0, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (result < 0) return (int)result;
  *address = (void *)result;
  return 0;
}

// ---- Which calls name what ----

enum { NONE = -1, OPEN_FLAGS = 1 << 16 };

// A call that names a path: which arguments are the directory that it is relative to, and the path.
struct named_path {
  uint16_t number;
  int8_t directory;
  int8_t path;
  // SANDBOX_PATH_*, or OPEN_FLAGS: the argument behind the path says it.
  uint32_t uses;
};

static const struct named_path named_paths[] = {
#ifdef SYS_open
    {SYS_open, NONE, 0, OPEN_FLAGS},
    {SYS_creat, NONE, 0, SANDBOX_PATH_WRITE | SANDBOX_PATH_CHANGE},
    {SYS_stat, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_lstat, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_access, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_readlink, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_mkdir, NONE, 0, SANDBOX_PATH_CHANGE},
    {SYS_mknod, NONE, 0, SANDBOX_PATH_CHANGE},
    {SYS_rmdir, NONE, 0, SANDBOX_PATH_CHANGE},
    {SYS_unlink, NONE, 0, SANDBOX_PATH_CHANGE},
    {SYS_rename, NONE, 0, SANDBOX_PATH_CHANGE},
    {SYS_rename, NONE, 1, SANDBOX_PATH_CHANGE},
    {SYS_link, NONE, 0, SANDBOX_PATH_READ},
    {SYS_link, NONE, 1, SANDBOX_PATH_CHANGE},
    {SYS_symlink, NONE, 1, SANDBOX_PATH_CHANGE},
    {SYS_chmod, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_chown, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_lchown, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_utime, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_utimes, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_futimesat, 0, 1, SANDBOX_PATH_WRITE},
#endif
#ifdef SYS_renameat
    {SYS_renameat, 0, 1, SANDBOX_PATH_CHANGE},
    {SYS_renameat, 2, 3, SANDBOX_PATH_CHANGE},
#endif
    {SYS_openat, 0, 1, OPEN_FLAGS},
    {SYS_newfstatat, 0, 1, SANDBOX_PATH_LOOK},
    {SYS_statx, 0, 1, SANDBOX_PATH_LOOK},
    {SYS_statfs, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_faccessat, 0, 1, SANDBOX_PATH_LOOK},
    {SYS_faccessat2, 0, 1, SANDBOX_PATH_LOOK},
    {SYS_readlinkat, 0, 1, SANDBOX_PATH_LOOK},
    {SYS_chdir, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_getxattr, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_lgetxattr, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_listxattr, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_llistxattr, NONE, 0, SANDBOX_PATH_LOOK},
    {SYS_inotify_add_watch, NONE, 1, SANDBOX_PATH_READ},
    {SYS_mkdirat, 0, 1, SANDBOX_PATH_CHANGE},
    {SYS_mknodat, 0, 1, SANDBOX_PATH_CHANGE},
    {SYS_unlinkat, 0, 1, SANDBOX_PATH_CHANGE},
    {SYS_renameat2, 0, 1, SANDBOX_PATH_CHANGE},
    {SYS_renameat2, 2, 3, SANDBOX_PATH_CHANGE},
    {SYS_linkat, 0, 1, SANDBOX_PATH_READ},
    {SYS_linkat, 2, 3, SANDBOX_PATH_CHANGE},
    {SYS_symlinkat, 1, 2, SANDBOX_PATH_CHANGE},
    {SYS_truncate, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_fchmodat, 0, 1, SANDBOX_PATH_WRITE},
    // fchmodat2, newer than the headers of a supported distribution.
    {452, 0, 1, SANDBOX_PATH_WRITE},
    {SYS_fchownat, 0, 1, SANDBOX_PATH_WRITE},
    {SYS_utimensat, 0, 1, SANDBOX_PATH_WRITE},
    {SYS_setxattr, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_lsetxattr, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_removexattr, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_lremovexattr, NONE, 0, SANDBOX_PATH_WRITE},
    {SYS_execve, NONE, 0, SANDBOX_PATH_EXECUTE},
    {SYS_execveat, 0, 1, SANDBOX_PATH_EXECUTE},
};

// Calls whose first argument is an open descriptor. close(2) isn't one of them: programs close numbers that were never open.
static const uint16_t on_descriptors[] = {
    SYS_read,     SYS_write,   SYS_readv,   SYS_writev,  SYS_pread64,    SYS_pwrite64,  SYS_fstat,    SYS_lseek,
    SYS_fcntl,    SYS_ioctl,   SYS_sendmsg, SYS_recvmsg, SYS_getdents64, SYS_ftruncate, SYS_sendto,   SYS_recvfrom,
    SYS_connect,  SYS_bind,    SYS_listen,  SYS_accept4, SYS_setsockopt, SYS_getsockopt, SYS_epoll_ctl, SYS_epoll_pwait,
    SYS_fsync,    SYS_flock,
};

static uint32_t uses_of_flags(uint64_t flags) {
  if (flags & O_PATH) return SANDBOX_PATH_LOOK;
  uint32_t uses = (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC) ? SANDBOX_PATH_READ : SANDBOX_PATH_WRITE;
  if (flags & O_CREAT) uses |= SANDBOX_PATH_CHANGE;
  if (flags & O_DIRECTORY) uses |= SANDBOX_PATH_LIST;
  return uses;
}

// ---- The table of paths ----

// Where an entry is, plus 1; 0: nowhere. Twice as many as there are entries, so that searches end.
enum { BUCKETS = 2 * SANDBOX_OBSERVED_PATHS };
static uint16_t buckets[BUCKETS];

static struct sandbox_observed_path *entry(void *observations, uint32_t index) {
  return (struct sandbox_observed_path *)((char *)observations + SANDBOX_OBSERVED_ENTRIES_AT) + index;
}

// FNV-1a. Whoever makes paths collide makes their own calls slow, as far as the table is long.
static uint32_t bucket(const unsigned char *path, uint32_t length) {
  uint32_t hash = 2166136261U;
  for (uint32_t i = 0; i < length; i++) hash = (hash ^ path[i]) * 16777619U;
  return hash % BUCKETS;
}

static void record(void *observations, const struct sandbox_observed_path *seen) {
  struct sandbox_observations *header = observations;
  uint32_t place = bucket(seen->path, seen->length);
  for (; buckets[place] != 0; place = (place + 1) % BUCKETS) {
    struct sandbox_observed_path *known = entry(observations, buckets[place] - 1U);
    if (known->length != seen->length || memcmp(known->path, seen->path, seen->length) != 0) continue;
    known->uses |= seen->uses;
    known->count++;
    return;
  }
  uint32_t used = header->used;
  if (used >= SANDBOX_OBSERVED_PATHS) {
    header->further_paths++;
    return;
  }
  struct sandbox_observed_path *made = entry(observations, used);
  made->count = 1;
  made->uses = seen->uses;
  made->length = seen->length;
  made->is_whole = seen->is_whole;
  memcpy(made->path, seen->path, seen->length);
  buckets[place] = (uint16_t)(used + 1);
  // Whoever reads sees all of an entry or nothing.
  __atomic_store_n(&header->used, used + 1, __ATOMIC_RELEASE);
}

// Where a relative path starts: the working directory, or an open directory. Its length, or a negated errno.
static long base_of(uint32_t pid, int64_t directory, unsigned char *text, size_t capacity) {
  char link[PROCESS_PATH];
  char *end = append_number(append_text(link, "/proc/"), pid);
  if ((int32_t)directory == AT_FDCWD) {
    append_text(end, "/cwd");
  } else {
    append_number(append_text(end, "/fd/"), (uint32_t)directory);
  }
  long length = call(SYS_readlinkat, AT_FDCWD, link, text, capacity);
  // What has no path, such as a socket, is no directory either.
  return length > 0 && text[0] != '/' ? -ENOTDIR : length;
}

static void record_path(void *observations, const struct sandbox_notification *made, int listener,
                        const struct named_path *named) {
  static struct sandbox_observed_path seen;
  static unsigned char path[SANDBOX_OBSERVED_PATH];
  struct sandbox_observations *header = observations;
  bool is_whole = false;
  long length = read_text(made->pid, made->arguments[named->path], path, sizeof path, &is_whole);
  // Empty: the descriptor itself is meant, AT_EMPTY_PATH.
  if (length == 0) return;
  long start = 0;
  if (length > 0 && path[0] != '/') {
    int64_t directory = named->directory == NONE ? AT_FDCWD : (int64_t)made->arguments[named->directory];
    start = base_of(made->pid, directory, seen.path, sizeof seen.path - 1);
    if (start > 0) seen.path[start++] = '/';
  }
  // A call that waits no more was killed, and what was read may be another process's.
  if (sandbox_notification_valid(listener, made->id) < 0) return;
  if (length < 0 || start < 0) {
    header->unread_paths++;
    return;
  }
  long room = (long)sizeof seen.path - start;
  seen.is_whole = is_whole && length <= room;
  if (length > room) length = room;
  memcpy(seen.path + start, path, (size_t)length);
  seen.length = (uint32_t)(start + length);
  seen.uses = named->uses == OPEN_FLAGS ? uses_of_flags(made->arguments[named->path + 1]) : named->uses;
  record(observations, &seen);
}

static void note_descriptor(struct sandbox_observations *header, uint64_t argument) {
  int32_t descriptor = (int32_t)argument;
  // fs.nr_open is never more, proc(5).
  if (descriptor < 0 || descriptor >= 1 << 30) return;
  if ((uint32_t)descriptor > header->highest_descriptor) header->highest_descriptor = (uint32_t)descriptor;
}

void sandbox_observe(void *observations, const struct sandbox_notification *notification, int listener) {
  struct sandbox_observations *header = observations;
  uint64_t *counts = (uint64_t *)((char *)observations + SANDBOX_OBSERVED_COUNTS_AT);
  uint32_t number = (uint32_t)notification->number;
  if (number < SANDBOX_OBSERVED_CALLS) counts[number]++;
  for (size_t i = 0; i < sizeof on_descriptors / sizeof *on_descriptors; i++)
    if (on_descriptors[i] == number) note_descriptor(header, notification->arguments[0]);
#ifdef SYS_dup2
  if (number == SYS_dup2) note_descriptor(header, notification->arguments[1]);
#endif
  if (number == SYS_dup3) note_descriptor(header, notification->arguments[1]);
  for (size_t i = 0; i < sizeof named_paths / sizeof *named_paths; i++)
    if (named_paths[i].number == number) record_path(observations, notification, listener, &named_paths[i]);
}
