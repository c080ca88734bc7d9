// Descriptors: sockets that pass descriptors, memfds and their seals, epoll.
// Swift imports this header without _GNU_SOURCE: what needs it lives in the .c file.
#ifndef ORCHESTRATOR_CLINUX_IO_H
#define ORCHESTRATOR_CLINUX_IO_H

#include <stddef.h>
#include <stdint.h>

// `No such file or directory` and `ENOENT`; static strings, never NULL.
const char *linux_error_words(int code);
const char *linux_error_name(int code);

// `segmentation fault` and `SIGSEGV`; static strings, never NULL.
const char *linux_signal_words(int number);
const char *linux_signal_name(int number);

int linux_close(int fd);
// SO_LINGER off, so that the close(2) that follows doesn't wait for a peer. Fails harmlessly on what is no socket.
int linux_disable_linger(int fd);

// read(2) and write(2), repeated on EINTR.
int64_t linux_read(int fd, void *buffer, size_t capacity);
int64_t linux_write(int fd, const void *bytes, size_t count);
// Bytes in use of the tmpfs at the path, statfs(2); 0 where there is none.
uint64_t linux_tmpfs_used(const char *path);
// pread(2), repeated on EINTR; one call may return less than was asked for.
int64_t linux_pread(int fd, void *buffer, size_t capacity, int64_t offset);

// A pipe whose ends close on exec: ends[0] is read from, ends[1] is written to. Blocking.
int linux_pipe(int ends[2]);
// A connected pair of AF_UNIX stream sockets that close on exec. Blocking.
int linux_socket_pair(int ends[2]);
// O_NONBLOCK is set on the open file, so every duplicate of fd sees it.
int linux_set_nonblocking(int fd);

// The most descriptors that the kernel carries in one message (SCM_MAX_FD, unix(7)).
#define LINUX_MESSAGE_DESCRIPTORS 253

// sendmsg(2) with SCM_RIGHTS, never waiting and never raising SIGPIPE. -EAGAIN: nothing was sent.
int64_t linux_send(int socket, const void *bytes, size_t count, const int *fds, size_t fd_count);
// recvmsg(2), never waiting. What arrived in `fds` (room for LINUX_MESSAGE_DESCRIPTORS) closes on exec and belongs to the
// caller, also when *truncated says that the kernel had to drop control data.
int64_t linux_receive(int socket, void *buffer, size_t capacity, int *fds, size_t *fd_count, int *truncated);

// A memfd that closes on exec, can be sealed and, where the kernel knows MFD_NOEXEC_SEAL (6.3), never be executed.
int linux_memfd(const char *name);
// F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE.
int linux_seal(int fd);

struct linux_memory {
  // The bits of F_GET_SEALS.
  uint32_t seals;
  // Bytes.
  int64_t size;
  // Bool: memory of ordinary pages (tmpfs), not of a huge page pool that may be empty when it is touched.
  int ordinary;
};
// The four seals that make a memfd's content and size final.
#define LINUX_SEALS_REQUIRED 0x000fu
// Fails with -EINVAL on what can't be sealed: anything but a memfd.
int linux_memory_facts(int fd, struct linux_memory *facts);

#define LINUX_EVENT_READABLE 1u
#define LINUX_EVENT_WRITABLE 2u
struct linux_event {
  uint64_t token;
  // LINUX_EVENT_* bits; a hang-up or an error is both.
  uint32_t ready;
};
int linux_epoll_create(void);
// One-shot: the descriptor is disarmed by the event that it reports. -EPERM: it is always ready.
int linux_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token);
int linux_epoll_modify(int epoll, int fd, uint32_t interest, uint64_t token);
int linux_epoll_remove(int epoll, int fd);
// Waits so many milliseconds, -1: without a limit; 0 after EINTR.
int linux_epoll_wait(int epoll, struct linux_event *events, int capacity, int milliseconds);

// A detached thread that takes no signals. `name` has at most 15 bytes.
int linux_thread_start(const char *name, void (*body)(void *), void *context);

#endif
