// Files, terminals and signals of the supervisor itself: what the command line and the plugin registry need.
// Every function returns a non-negative result or a negated errno.
#ifndef ORCHESTRATOR_CLINUX_FILES_H
#define ORCHESTRATOR_CLINUX_FILES_H

#include <stddef.h>
#include <stdint.h>

// What an inode is, as linux_file_status fills it in.
enum linux_file_kind {
  LINUX_FILE_REGULAR = 0,
  LINUX_FILE_DIRECTORY = 1,
  LINUX_FILE_LINK = 2,
  LINUX_FILE_OTHER = 3,
};

struct linux_file_status {
  int kind;
  uint32_t permissions;
  uint32_t owner;
  uint64_t size;
  // st_mtim.
  int64_t modified_seconds;
  int64_t modified_nanoseconds;
  // Of a character device; the number is 0:0 for everything else.
  int is_character_device;
  uint32_t device_major;
  uint32_t device_minor;
};

// open(2) of a directory; follows links.
int linux_directory_open(const char *path);
// openat2(2) beneath `directory`. No link is followed anywhere, no FIFO waited for, no terminal acquired.
int linux_beneath_open_directory(int directory, const char *path);
int linux_beneath_open_file(int directory, const char *path);
// openat2(2) with O_PATH: follows links as long as they stay beneath `directory`.
int linux_beneath_find(int directory, const char *path);
// openat(2) with O_CREAT|O_EXCL|O_NOFOLLOW, for writing.
int linux_file_create(int directory, const char *name, uint32_t permissions);

int linux_file_status(int fd, struct linux_file_status *status);
// fstatat(2) with AT_SYMLINK_NOFOLLOW.
int linux_file_status_at(int directory, const char *name, struct linux_file_status *status);
int linux_file_synchronise(int fd);
// 1 where what lies at the path is on a mount or a filesystem that is read-only, statvfs(3); links aren't followed.
int linux_mount_is_read_only(const char *path);
// open(2), following links, without waiting for a FIFO or acquiring a terminal.
int linux_file_open(const char *path);
int linux_file_rename(int directory, const char *from, const char *to);
int linux_file_remove(int directory, const char *name);
int linux_directory_make(int directory, const char *name, uint32_t permissions);
int linux_directory_permit(int directory, uint32_t permissions);
int linux_directory_remove(int directory, const char *name);
int linux_link_make(int directory, const char *name, const char *destination);
long linux_link_read(int directory, const char *name, char *buffer, size_t size);

// A file without a name in this directory, for reading and writing: O_TMPFILE, open(2).
int linux_draft_open(int directory);
// openat(2) with O_CREAT|O_EXCL|O_NOFOLLOW, for reading and writing.
int linux_draft_create(int directory, const char *name);
// Gives an open file a name; EEXIST where it is taken. linkat(2) through /proc, which takes no capability.
int linux_draft_link(int fd, int directory, const char *name);
// ioctl_ficlone(2): `target` shares the blocks of `source` until either is written to.
int linux_file_clone(int source, int target);
// futimens(2): accessed and modified now.
int linux_file_touch(int fd);
// Opens or makes (mode 0600) a file to lock, through no link.
int linux_lock_open(int directory, const char *name);
// flock(2), waiting.
int linux_lock_wait(int fd, int is_exclusive);
int linux_lock_release(int fd);

// getdents64(2): `count` entries of whole records; see linux_directory_next.
long linux_directory_read(int directory, void *buffer, size_t size);
// The name of the record at `offset` of a buffer that linux_directory_read filled to `size`, and the offset of the one
// after it; NULL at the end.
const char *linux_directory_next(const void *buffer, size_t size, size_t *offset);

// realpath(3) into `buffer` of `size` bytes.
int linux_path_resolve(const char *path, char *buffer, size_t size);
// getcwd(3).
int linux_working_directory(char *buffer, size_t size);
// getenv(3); NULL when absent. Nothing in the program changes its environment.
const char *linux_environment_variable(const char *name);
// environ(7): `NAME=value`; NULL after the last. To be asked for one after the other, from 0.
const char *linux_environment_entry(int index);
// geteuid(2).
uint32_t linux_effective_user(void);
// sched_getaffinity(2): the processors that this process may use; at least 1.
int linux_processor_count(void);
// sysinfo(2): bytes of memory.
uint64_t linux_memory_size(void);
// Raises the soft RLIMIT_NOFILE to the hard one; the limit that holds then, or 0 where it can't be read. getrlimit(2)
uint64_t linux_raise_open_files(void);
// The hard RLIMIT_CORE in bytes; 0 where it can't be read.
uint64_t linux_core_limit(void);
// getrandom(2), whole.
int linux_random(void *buffer, size_t size);

struct linux_civil_time {
  int year, month, day, hour, minute, second;
};
// The time now, UTC.
void linux_civil_time_now(struct linux_civil_time *time);

int linux_is_terminal(int fd);
// TIOCGWINSZ.
int linux_terminal_size(int fd, int *columns, int *rows);

// Writes the number of each of these signals, when it comes, as one byte to the descriptor it returns the other end
// of. Handlers instead of signalfd(2): a blocked signal would stay blocked in every program that is started.
// The latest listener of a process gets them; those before it come to their end, perhaps with one that came while it changed.
int linux_signals_listen(const int *signals, int count);
int linux_signal_number_interrupt(void);
int linux_signal_number_terminate(void);
int linux_signal_number_hangup(void);
int linux_signal_number_window(void);
// A broken pipe is then an errno, not a death.
void linux_signals_ignore_broken_pipe(void);

// The variables of this process, environ(7).
char **linux_environment(void);
// Starts a program, found as execvp(3) does, in `directory`, with this process's standard streams and, where `passed` isn't negative,
// that descriptor as the number `as`; in a process group of its own where `own_group` isn't 0. *pidfd is the caller's to close.
int linux_program_start(
    char *const *arguments, char *const *environment, const char *directory, int passed, int as, int own_group,
    int32_t *pid, int32_t *pidfd);
// Blocks until it has ended, and reaps it; *code is its status, or *signal the signal that ended it.
int linux_program_await(int32_t pid, int *code, int *signal);

// inotify(7), without waiting.
#define LINUX_WATCH_LEFT 0x00000040u
#define LINUX_WATCH_CAME 0x00000180u
#define LINUX_WATCH_ITSELF 0x00000c00u
#define LINUX_WATCH_OVERFLOW 0x00004000u
#define LINUX_WATCH_GONE 0x00008000u
#define LINUX_WATCH_DIRECTORY 0x40000000u
int linux_watch_create(void);
// Follows no link. The number of the watch; the same again for the same directory.
int linux_watch_add(int watcher, const char *directory);
int linux_watch_remove(int watcher, int number);
// The event at *offset of what read(2) gave, and steps behind it: the name in the watched directory, or an empty one where the event is
// about the directory itself. NULL at the end.
const char *linux_watch_next(const void *events, size_t length, size_t *offset, int *number, uint32_t *kinds);

#endif
