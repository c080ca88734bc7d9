#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int result_of(long value) { return value < 0 ? -errno : (int)value; }

int linux_draft_open(int directory) {
  return result_of(openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

int linux_draft_create(int directory, const char *name) {
  return result_of(openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
}

int linux_draft_link(int fd, int directory, const char *name) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return result_of(linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW));
}

int linux_file_clone(int source, int target) { return result_of(ioctl(target, FICLONE, source)); }

int linux_file_touch(int fd) { return result_of(futimens(fd, NULL)); }

int linux_lock_open(int directory, const char *name) {
  return result_of(openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
}

int linux_lock_wait(int fd, int is_exclusive) {
  int result;
  do result = flock(fd, is_exclusive ? LOCK_EX : LOCK_SH);
  while (result < 0 && errno == EINTR);
  return result_of(result);
}

int linux_lock_release(int fd) { return result_of(flock(fd, LOCK_UN)); }
