// Directory trees whose content a stranger wrote: every name is one component, no link is followed, no mount is entered.
// Every function returns a non-negative result or a negated errno.
#ifndef ORCHESTRATOR_CLINUX_TREE_H
#define ORCHESTRATOR_CLINUX_TREE_H

#include <stdbool.h>
#include <stdint.h>

enum linux_tree_kind : uint32_t {
  LINUX_TREE_DIRECTORY,
  LINUX_TREE_FILE,
  LINUX_TREE_LINK,
  // A character device 0:0: overlayfs writes it for a name that was removed.
  LINUX_TREE_WHITEOUT,
  LINUX_TREE_FIFO,
  LINUX_TREE_SOCKET,
  LINUX_TREE_DEVICE,
};

struct linux_tree_status {
  uint32_t kind;
  // The low twelve bits of st_mode.
  uint32_t permissions;
  uint32_t user;
  uint32_t group;
  uint64_t links;
  int64_t size;
  int64_t modified_seconds;
  int64_t modified_nanoseconds;
};

int linux_tree_status(int directory, const char *name, struct linux_tree_status *status);
// For reading; opens what its owner may not read, when that is this process.
int linux_tree_open_directory(int directory, const char *name);
int linux_tree_open_file(int directory, const char *name);
// 1 where overlayfs marked that nothing beneath shows through, in the form for unprivileged mounts.
int linux_tree_is_opaque(int directory);
// The bytes that are there, in their places: holes stay holes.
int linux_tree_copy(int source, int target);
// At most the first `size` bytes; where the source has fewer, zeros stand in for the rest.
int linux_tree_copy_first(int source, int target, int64_t size);
int linux_tree_make_link(int directory, const char *name, const char *destination);
int linux_tree_rename(int from_directory, const char *from, int to_directory, const char *to);
// A symbolic link itself, with O_PATH; ELOOP where the name is anything else.
int linux_tree_open_link(int directory, const char *name);
// Of what `fd` has open, by whatever name it goes now.
int linux_tree_set_owner(int fd, uint32_t user, uint32_t group);
int linux_tree_set_permissions(int fd, uint32_t permissions);
// All of the filesystem of an open directory, which may be one with O_PATH.
int linux_tree_synchronise(int fd);
int linux_tree_set_modified(int fd, const struct linux_tree_status *status);
// An absolute path, with O_PATH and through no link.
int linux_tree_open_place(const char *path);
// `path` with the directories `upper` and `work` for overlayfs: `upper` has the permission bits of the open directory
// `like`, and both belong to `user` and `group` unless `user` is -1. The result is `path`, locked as long as it is open.
int linux_tree_make_staging(const char *path, int like, uint32_t user, uint32_t group);
// Locks what linux_tree_make_staging made: EWOULDBLOCK where its maker still has it. flock(2)
int linux_tree_lock(int directory);

#endif
