#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

_Static_assert(LINUX_SEALS_REQUIRED == (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), "seals");

const char *linux_error_words(int code) {
  const char *words = strerrordesc_np(code);
  return words ? words : "unknown error";
}

const char *linux_error_name(int code) {
  const char *name = strerrorname_np(code);
  return name ? name : "no name";
}

const char *linux_signal_words(int number) {
  const char *words = sigdescr_np(number);
  return words ? words : "unknown signal";
}

// sigabbrev_np gives the name without its prefix, and a static string must come back.
const char *linux_signal_name(int number) {
  switch (number) {
  case SIGHUP: return "SIGHUP";
  case SIGINT: return "SIGINT";
  case SIGQUIT: return "SIGQUIT";
  case SIGILL: return "SIGILL";
  case SIGTRAP: return "SIGTRAP";
  case SIGABRT: return "SIGABRT";
  case SIGBUS: return "SIGBUS";
  case SIGFPE: return "SIGFPE";
  case SIGKILL: return "SIGKILL";
  case SIGSEGV: return "SIGSEGV";
  case SIGPIPE: return "SIGPIPE";
  case SIGALRM: return "SIGALRM";
  case SIGTERM: return "SIGTERM";
  case SIGXCPU: return "SIGXCPU";
  case SIGXFSZ: return "SIGXFSZ";
  case SIGSYS: return "SIGSYS";
  default: return "signal";
  }
}

// Linux has released the number even when close(2) reports EINTR: never retried.
int linux_disable_linger(int fd) {
  struct linger off = {0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off) < 0 ? -errno : 0;
}

int64_t linux_read(int fd, void *buffer, size_t capacity) {
  ssize_t count;
  do count = read(fd, buffer, capacity);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int64_t linux_write(int fd, const void *bytes, size_t length) {
  ssize_t count;
  do count = write(fd, bytes, length);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int64_t linux_pread(int fd, void *buffer, size_t capacity, int64_t offset) {
  ssize_t count;
  do count = pread(fd, buffer, capacity, offset);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int linux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int linux_socket_pair(int ends[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

int linux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

// Room for the descriptors of one message, aligned as cmsg(3) asks.
union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * LINUX_MESSAGE_DESCRIPTORS)];
};

int64_t linux_send(int socket, const void *bytes, size_t length, const int *fds, size_t fd_count) {
  if (fd_count > LINUX_MESSAGE_DESCRIPTORS) return -EINVAL;
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  union control control;
  if (fd_count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
  }
  ssize_t count;
  do count = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int64_t linux_receive(int socket, void *buffer, size_t capacity, int *fds, size_t *fd_count, int *truncated) {
  union control control;
  struct iovec part = {.iov_base = buffer, .iov_len = capacity};
  struct msghdr message;
  ssize_t count;
  *fd_count = 0;
  *truncated = 0;
  do {
    message = (struct msghdr){
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t received = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    // The kernel gives one SCM_RIGHTS a message, within the room it was given: this can't overflow.
    if (received > LINUX_MESSAGE_DESCRIPTORS - *fd_count) abort();
    memcpy(fds + *fd_count, CMSG_DATA(header), received * sizeof(int));
    *fd_count += received;
  }
  *truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  return count;
}

int linux_memfd(const char *name) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return fd < 0 ? -errno : fd;
}

int linux_seal(int fd) { return fcntl(fd, F_ADD_SEALS, LINUX_SEALS_REQUIRED) < 0 ? -errno : 0; }

int linux_memory_facts(int fd, struct linux_memory *facts) {
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return -errno;
  struct stat status;
  struct statfs filesystem;
  if (fstat(fd, &status) < 0 || fstatfs(fd, &filesystem) < 0) return -errno;
  facts->seals = (uint32_t)seals;
  facts->size = status.st_size;
  facts->ordinary = S_ISREG(status.st_mode) && filesystem.f_type == TMPFS_MAGIC;
  return 0;
}

uint64_t linux_tmpfs_used(const char *path) {
  struct statfs status;
  if (statfs(path, &status) < 0 || status.f_type != TMPFS_MAGIC || status.f_blocks < status.f_bfree) return 0;
  return (uint64_t)(status.f_blocks - status.f_bfree) * (uint64_t)status.f_bsize;
}

int linux_epoll_create(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int epoll_change(int epoll, int operation, int fd, uint32_t interest, uint64_t token) {
  struct epoll_event event = {.events = EPOLLONESHOT, .data.u64 = token};
  if (interest & LINUX_EVENT_READABLE) event.events |= EPOLLIN | EPOLLRDHUP;
  if (interest & LINUX_EVENT_WRITABLE) event.events |= EPOLLOUT;
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int linux_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token) {
  return epoll_change(epoll, EPOLL_CTL_ADD, fd, interest, token);
}

int linux_epoll_modify(int epoll, int fd, uint32_t interest, uint64_t token) {
  return epoll_change(epoll, EPOLL_CTL_MOD, fd, interest, token);
}

int linux_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0; }

int linux_epoll_wait(int epoll, struct linux_event *events, int capacity, int milliseconds) {
  struct epoll_event ready[64];
  int count = epoll_wait(epoll, ready, capacity < 64 ? capacity : 64, milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    events[i].token = ready[i].data.u64;
    events[i].ready = 0;
    if (ready[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) events[i].ready |= LINUX_EVENT_READABLE;
    if (ready[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) events[i].ready |= LINUX_EVENT_WRITABLE;
  }
  return count;
}

struct thread_start {
  void (*body)(void *);
  void *context;
  char name[16];
};

static void *thread_main(void *argument) {
  struct thread_start start = *(struct thread_start *)argument;
  free(argument);
  pthread_setname_np(pthread_self(), start.name);
  start.body(start.context);
  return NULL;
}

int linux_thread_start(const char *name, void (*body)(void *), void *context) {
  struct thread_start *start = calloc(1, sizeof *start);
  if (!start) return -ENOMEM;
  start->body = body;
  start->context = context;
  strncpy(start->name, name, sizeof start->name - 1);
  // A new thread inherits the mask of its maker: no signal handler ever runs on it.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  int code = pthread_create(&thread, &attributes, thread_main, start);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0) free(start);
  return -code;
}
