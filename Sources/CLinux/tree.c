#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int result_of(long value) { return value < 0 ? -errno : (int)value; }

static int open_one(int directory, const char *name, uint64_t flags) {
  struct open_how how = {.flags = flags | O_NOFOLLOW | O_CLOEXEC,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
  // EAGAIN: a rename raced with the walk. openat2(2)
  for (int tries = 0;; tries++) {
    long fd = syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (fd >= 0) return (int)fd;
    if ((errno != EAGAIN && errno != EINTR) || tries == 16) return -errno;
  }
}

// A mode without the owner's bits keeps the owner out too; the very inode that was opened is the one that is changed.
static int open_readable(int directory, const char *name, uint64_t flags, mode_t wanted) {
  int fd = open_one(directory, name, flags);
  if (fd != -EACCES) return fd;
  int place = open_one(directory, name, O_PATH);
  if (place < 0) return place;
  struct stat status;
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", place);
  int result = fstat(place, &status) < 0 ? -errno : result_of(chmod(path, (status.st_mode & 0777) | wanted));
  close(place);
  return result < 0 ? result : open_one(directory, name, flags);
}

int linux_tree_open_directory(int directory, const char *name) {
  return open_readable(directory, name, O_RDONLY | O_DIRECTORY, 0700);
}

int linux_tree_open_file(int directory, const char *name) {
  return open_readable(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0400);
}

static enum linux_tree_kind kind_of(const struct stat *status) {
  switch (status->st_mode & S_IFMT) {
  case S_IFDIR: return LINUX_TREE_DIRECTORY;
  case S_IFREG: return LINUX_TREE_FILE;
  case S_IFLNK: return LINUX_TREE_LINK;
  case S_IFIFO: return LINUX_TREE_FIFO;
  case S_IFSOCK: return LINUX_TREE_SOCKET;
  case S_IFCHR: return status->st_rdev == makedev(0, 0) ? LINUX_TREE_WHITEOUT : LINUX_TREE_DEVICE;
  default: return LINUX_TREE_DEVICE;
  }
}

int linux_tree_status(int directory, const char *name, struct linux_tree_status *status) {
  struct stat found;
  if (fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) < 0) return -errno;
  *status = (struct linux_tree_status){.kind = kind_of(&found),
                                       .permissions = found.st_mode & 07777,
                                       .user = found.st_uid,
                                       .group = found.st_gid,
                                       .links = found.st_nlink,
                                       .size = found.st_size,
                                       .modified_seconds = found.st_mtim.tv_sec,
                                       .modified_nanoseconds = found.st_mtim.tv_nsec};
  return 0;
}

int linux_tree_is_opaque(int directory) {
  char value = 0;
  ssize_t length = fgetxattr(directory, "user.overlay.opaque", &value, 1);
  if (length >= 0) return length == 1 && value == 'y';
  // ERANGE: longer than the mark.
  return errno == ENODATA || errno == EOPNOTSUPP || errno == ERANGE ? 0 : -errno;
}

static int copy_range(int source, int target, off_t from, off_t end) {
  char buffer[1 << 16];
  bool in_kernel = true;
  while (from < end) {
    size_t wanted = (size_t)(end - from);
    off_t read_at = from, write_at = from;
    if (in_kernel) {
      ssize_t copied = copy_file_range(source, &read_at, target, &write_at, wanted, 0);
      if (copied > 0) {
        from += copied;
        continue;
      }
      if (copied < 0 && errno == EINTR) continue;
      // 0 before the end: some filesystems take no part and don't say so. copy_file_range(2), BUGS
      if (copied < 0 && errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS) return -errno;
      in_kernel = false;
    }
    ssize_t got = pread(source, buffer, wanted < sizeof buffer ? wanted : sizeof buffer, from);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) return 0;
    for (ssize_t done = 0; done < got;) {
      ssize_t put = pwrite(target, buffer + done, (size_t)(got - done), from + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return -errno;
      done += put;
    }
    from += got;
  }
  return 0;
}

int linux_tree_copy(int source, int target) {
  struct stat status;
  return fstat(source, &status) < 0 ? -errno : linux_tree_copy_first(source, target, status.st_size);
}

int linux_tree_copy_first(int source, int target, int64_t size) {
  if (ftruncate(target, size) < 0) return -errno;
  for (off_t from = 0; from < size;) {
    off_t data = lseek(source, from, SEEK_DATA);
    // ENXIO: only a hole is left.
    if (data < 0) return errno == ENXIO ? 0 : -errno;
    off_t end = lseek(source, data, SEEK_HOLE);
    if (end < 0) return -errno;
    // It may have grown.
    if (end > size) end = size;
    int result = copy_range(source, target, data, end);
    if (result < 0) return result;
    from = end;
  }
  return 0;
}

int linux_tree_make_link(int directory, const char *name, const char *destination) {
  return result_of(symlinkat(destination, directory, name));
}

int linux_tree_rename(int from_directory, const char *from, int to_directory, const char *to) {
  return result_of(renameat(from_directory, from, to_directory, to));
}

int linux_tree_open_link(int directory, const char *name) {
  int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct stat status;
  int result = fstat(fd, &status) < 0 ? -errno : S_ISLNK(status.st_mode) ? 0 : -ELOOP;
  if (result >= 0) return fd;
  close(fd);
  return result;
}

int linux_tree_set_owner(int fd, uint32_t user, uint32_t group) {
  return result_of(fchownat(fd, "", user, group, AT_EMPTY_PATH));
}

int linux_tree_set_permissions(int fd, uint32_t permissions) { return result_of(fchmod(fd, permissions)); }

int linux_tree_synchronise(int fd) {
  int open = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (open < 0) return -errno;
  int result = result_of(syncfs(open));
  close(open);
  return result;
}

int linux_tree_set_modified(int fd, const struct linux_tree_status *status) {
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                              {.tv_sec = status->modified_seconds, .tv_nsec = status->modified_nanoseconds}};
  return result_of(futimens(fd, times));
}

static int make_layer(int directory, const char *name, mode_t permissions, uint32_t user, uint32_t group) {
  if (mkdirat(directory, name, 0700) < 0) return -errno;
  if (user != ~0U && fchownat(directory, name, user, group, AT_SYMLINK_NOFOLLOW) < 0) return -errno;
  // After the change of owner, and not by mkdir's mode: the umask takes nothing away.
  return result_of(fchmodat(directory, name, permissions, 0));
}

int linux_tree_open_place(const char *path) {
  struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
  return result_of(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
}

int linux_tree_lock(int directory) { return result_of(flock(directory, LOCK_EX | LOCK_NB)); }

int linux_tree_make_staging(const char *path, int like, uint32_t user, uint32_t group) {
  struct stat model;
  if (fstat(like, &model) < 0) return -errno;
  if (mkdir(path, 0700) < 0) return -errno;
  int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int result = directory < 0 ? -errno : linux_tree_lock(directory);
  if (result >= 0) result = make_layer(directory, "upper", model.st_mode & 0777, user, group);
  if (result >= 0) result = make_layer(directory, "work", 0700, user, group);
  if (result < 0) {
    if (directory >= 0) unlinkat(directory, "upper", AT_REMOVEDIR);
    if (directory >= 0) unlinkat(directory, "work", AT_REMOVEDIR);
    rmdir(path);
    if (directory >= 0) close(directory);
    return result;
  }
  return directory;
}
