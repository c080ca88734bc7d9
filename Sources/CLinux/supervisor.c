// The supervisor's side of a launch: one system call each, or one sequence without choices.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CLinux.h"

static int result_of(long value) { return value < 0 ? -errno : (int)value; }

static int write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -errno;
    bytes += written;
    length -= (size_t)written;
  }
  return 0;
}

int sandbox_sealed_memory(const char *name, const void *bytes, size_t length) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  int result = write_all(fd, bytes, length);
  if (result >= 0)
    result = result_of(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
  if (result >= 0) return fd;
  close(fd);
  return result;
}

int sandbox_shared_memory(const char *name, size_t size) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  int result = result_of(ftruncate(fd, (off_t)size));
  if (result >= 0) result = result_of(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW));
  if (result >= 0) return fd;
  close(fd);
  return result;
}

int sandbox_receive_descriptors(int control, union sandbox_incoming *incoming, int32_t *descriptors, uint32_t *count) {
  *incoming = (union sandbox_incoming){};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * LINUX_MESSAGE_DESCRIPTORS)];
  } room;
  struct iovec part = {.iov_base = incoming, .iov_len = sizeof *incoming};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room};
  *count = 0;
  ssize_t received;
  do received = recvmsg(control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    uint32_t arrived = (uint32_t)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    // The kernel sends one SCM_RIGHTS a message, within the room that it was given.
    memcpy(descriptors + *count, CMSG_DATA(header), arrived * sizeof(int));
    *count += arrived;
  }
  if ((message.msg_flags & MSG_CTRUNC) == 0) return (int)received;
  for (uint32_t i = 0; i < *count; i++) close(descriptors[i]);
  *count = 0;
  return -EMSGSIZE;
}

static int do_not_block(int ends[2]) {
  int flags = fcntl(ends[0], F_GETFL);
  if (flags >= 0 && fcntl(ends[0], F_SETFL, flags | O_NONBLOCK) >= 0) return 0;
  int error = errno;
  close(ends[0]);
  close(ends[1]);
  return -error;
}

int sandbox_stream_pair(int ends[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
  return do_not_block(ends);
}

int sandbox_message_pair(int ends[2]) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
  return do_not_block(ends);
}

int sandbox_output_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  return do_not_block(ends);
}

int sandbox_open_directory(const char *path) { return result_of(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }
int sandbox_open_path(const char *path) { return result_of(open(path, O_PATH | O_CLOEXEC)); }

int sandbox_write_file(const char *path, const char *contents, size_t length) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t written;
  do written = write(fd, contents, length);
  while (written < 0 && errno == EINTR);
  int result = written == (ssize_t)length ? 0 : written < 0 ? -errno : -EIO;
  close(fd);
  return result;
}

int sandbox_read_file(const char *path, char *contents, size_t capacity) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  size_t length = 0;
  int result = 0;
  while (length < capacity) {
    ssize_t received = read(fd, contents + length, capacity - length);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) result = -errno;
    if (received <= 0) break;
    length += (size_t)received;
  }
  close(fd);
  return result < 0 ? result : (int)length;
}

int sandbox_lock_directory(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? -ESTALE : -errno;
  int result = result_of(flock(fd, LOCK_EX | LOCK_NB));
  // Between open(2) and flock(2) it may have been removed, and another made in its place.
  struct stat mine, there;
  if (result >= 0) result = result_of(fstat(fd, &mine));
  if (result >= 0 && (stat(path, &there) < 0 || there.st_ino != mine.st_ino || there.st_dev != mine.st_dev)) result = -ESTALE;
  if (result >= 0) return fd;
  close(fd);
  return result;
}

int sandbox_make_locked_directory(const char *path) {
  if (mkdir(path, 0700) < 0) return -errno;
  int fd = sandbox_lock_directory(path);
  // Who got hold of it first removes it too.
  if (fd < 0 && fd != -ESTALE && fd != -EWOULDBLOCK) rmdir(path);
  return fd;
}

int sandbox_create_directory(const char *path, uint32_t mode) { return result_of(mkdir(path, mode)); }
int sandbox_remove_directory(const char *path) { return result_of(rmdir(path)); }

int sandbox_open_process(int32_t pid) { return result_of(syscall(SYS_pidfd_open, pid, 0)); }

int sandbox_signal_process(int pidfd, int signal) {
  return result_of(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int sandbox_kill_process(int pidfd) { return sandbox_signal_process(pidfd, SIGKILL); }

static int reap(int pidfd, int options) {
  siginfo_t information = {};
  int result;
  do result = waitid(P_PIDFD, (id_t)pidfd, &information, WEXITED | options);
  while (result < 0 && errno == EINTR);
  if (result < 0) return -errno;
  return information.si_pid == 0 ? -EAGAIN : 0;
}

int sandbox_reap_process(int pidfd) { return reap(pidfd, WNOHANG); }
int sandbox_await_process(int pidfd) { return reap(pidfd, 0); }
