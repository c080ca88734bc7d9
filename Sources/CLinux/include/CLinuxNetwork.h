// Internet sockets of the supervisor, which answers and dials for its workers. Nothing here waits but linux_resolve and
// linux_poller_wait. Every function returns a non-negative result or a negated errno.
#ifndef ORCHESTRATOR_CLINUX_NETWORK_H
#define ORCHESTRATOR_CLINUX_NETWORK_H

#include <stddef.h>
#include <stdint.h>

// Of IPv4, in the first four bytes, or of IPv6; in network byte order. The port in host byte order.
struct linux_endpoint {
  uint8_t address[16];
  uint32_t is_ipv6;
  uint16_t port;
};

// accept4(2): the connection, which doesn't block and closes on exec, and the address that it was made to.
int linux_accept(int listener, struct linux_endpoint *local);
// A TCP connection under way, which doesn't block and closes on exec: writable when it is made or refused.
int linux_dial(const struct linux_endpoint *remote);
// 0, or why the connection failed: SO_ERROR, negated.
int linux_socket_error(int fd);
// SHUT_WR of shutdown(2).
int linux_shutdown_writing(int fd);
// The close(2) that follows tells the peer that the connection was cut, not ended: SO_LINGER of 0 seconds.
int linux_cut_on_close(int fd);
// send(2) of part of a stream. Never raises SIGPIPE.
int64_t linux_send_bytes(int fd, const void *bytes, size_t count);
// One datagram over IPv4, and who sent it.
int64_t linux_receive_datagram(int fd, void *buffer, size_t capacity, struct linux_endpoint *sender);
int64_t linux_send_datagram(int fd, const void *bytes, size_t count, const struct linux_endpoint *recipient);

// getaddrinfo(3) of an absolute name for TCP, in the order in which it says that they are to be tried: RFC 6724. Waits for as long as
// the host's resolver does.
// Returns: how many there are in `endpoints`, or -EAI_AGAIN's stand-in -EAGAIN, -ENOENT for a name that isn't there, -EIO.
int linux_resolve(const char *name, struct linux_endpoint *endpoints, int capacity);

#define LINUX_SOCKET_INTERNET 0
#define LINUX_SOCKET_UNIX 1
#define LINUX_SOCKET_OTHER 2
// What a descriptor that came from elsewhere is.
struct linux_socket {
  // LINUX_SOCKET_*.
  uint32_t family;
  // Bools: SOCK_STREAM, and SO_ACCEPTCONN of socket(7).
  uint32_t is_stream;
  uint32_t is_listening;
  // Of LINUX_SOCKET_INTERNET: where it is bound.
  struct linux_endpoint endpoint;
  // Of LINUX_SOCKET_UNIX: sun_path of unix(7), without the NUL behind a path. Of an abstract socket the first byte is NUL; one without
  // a name has none.
  uint8_t path[108];
  uint32_t path_length;
};
// -ENOTSOCK for anything but a socket, -EBADF where nothing is open.
int linux_socket_describe(int fd, struct linux_socket *socket);
// FD_CLOEXEC of fcntl(2).
int linux_close_on_exec(int fd);
// One datagram to a socket of AF_UNIX, by the name that sun_path has for it. Never waits: -EAGAIN where it can't be taken now.
int linux_send_unix_datagram(const void *path, size_t path_length, const void *bytes, size_t count);

#define LINUX_POLLER_ADD 0
#define LINUX_POLLER_CHANGE 1
// epoll(7), level-triggered: reports as long as it holds. `interest` are LINUX_EVENT_* bits; of none, only the end is reported.
int linux_poller_watch(int epoll, int change, int fd, uint32_t interest, uint64_t token);
// Of the reported event: the other side is gone, or the connection is broken.
#define LINUX_EVENT_BROKEN 4u
struct linux_event;
// Waits at most so long; without end for a negative number. 0 also after EINTR.
int linux_poller_wait(int epoll, struct linux_event *events, int capacity, int milliseconds);

#endif
