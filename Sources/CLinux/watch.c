#include "CLinux.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

_Static_assert(LINUX_WATCH_OVERFLOW == IN_Q_OVERFLOW && LINUX_WATCH_GONE == IN_IGNORED, "inotify");
_Static_assert(LINUX_WATCH_DIRECTORY == IN_ISDIR && LINUX_WATCH_LEFT == IN_MOVED_FROM, "inotify");
_Static_assert(LINUX_WATCH_CAME == (IN_CREATE | IN_MOVED_TO), "inotify");
_Static_assert(LINUX_WATCH_ITSELF == (IN_DELETE_SELF | IN_MOVE_SELF), "inotify");

int linux_watch_create(void) {
  int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int linux_watch_add(int watcher, const char *directory) {
  // Not IN_MODIFY: a file that is being written is told of once, when it is closed.
  int number = inotify_add_watch(
      watcher, directory,
      IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
          IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK);
  return number < 0 ? -errno : number;
}

int linux_watch_remove(int watcher, int number) { return inotify_rm_watch(watcher, number) < 0 ? -errno : 0; }

const char *linux_watch_next(const void *events, size_t length, size_t *offset, int *number, uint32_t *kinds) {
  if (*offset > length || length - *offset < sizeof(struct inotify_event)) return NULL;
  struct inotify_event event;
  memcpy(&event, (const char *)events + *offset, sizeof event);
  const char *name = (const char *)events + *offset + sizeof event;
  *offset += sizeof event + event.len;
  *number = event.wd;
  *kinds = event.mask;
  // The kernel fills it up with NULs, at least one.
  return event.len > 0 ? name : "";
}
