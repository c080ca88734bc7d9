// Internet sockets of the supervisor.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <resolv.h>
#include <string.h>
#include <sys/epoll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "CLinux.h"

union address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

static struct linux_endpoint endpoint_of(const union address *address) {
  struct linux_endpoint endpoint = {};
  if (address->any.sa_family == AF_INET6) {
    endpoint.is_ipv6 = 1;
    memcpy(endpoint.address, &address->ipv6.sin6_addr, 16);
    endpoint.port = ntohs(address->ipv6.sin6_port);
  } else {
    memcpy(endpoint.address, &address->ipv4.sin_addr, 4);
    endpoint.port = ntohs(address->ipv4.sin_port);
  }
  return endpoint;
}

static socklen_t address_of(const struct linux_endpoint *endpoint, union address *address) {
  memset(address, 0, sizeof *address);
  if (endpoint->is_ipv6) {
    address->ipv6.sin6_family = AF_INET6;
    address->ipv6.sin6_port = htons(endpoint->port);
    memcpy(&address->ipv6.sin6_addr, endpoint->address, 16);
    return sizeof address->ipv6;
  }
  address->ipv4.sin_family = AF_INET;
  address->ipv4.sin_port = htons(endpoint->port);
  memcpy(&address->ipv4.sin_addr, endpoint->address, 4);
  return sizeof address->ipv4;
}

// What is relayed was gathered by who sent it: waiting for more would only add to its time.
static void send_at_once(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int linux_accept(int listener, struct linux_endpoint *local) {
  int fd;
  do fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return -errno;
  union address address = {};
  socklen_t length = sizeof address;
  if (getsockname(fd, &address.any, &length) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  *local = endpoint_of(&address);
  send_at_once(fd);
  return fd;
}

int linux_dial(const struct linux_endpoint *remote) {
  int fd = socket(remote->is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  send_at_once(fd);
  union address address;
  socklen_t length = address_of(remote, &address);
  // EINTR: it goes on by itself, connect(2).
  if (connect(fd, &address.any, length) == 0 || errno == EINPROGRESS || errno == EINTR) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int linux_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
  return -error;
}

int linux_shutdown_writing(int fd) { return shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }

int linux_cut_on_close(int fd) {
  struct linger cut = {.l_onoff = 1, .l_linger = 0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &cut, sizeof cut) < 0 ? -errno : 0;
}

int64_t linux_send_bytes(int fd, const void *bytes, size_t length) {
  ssize_t count;
  do count = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int64_t linux_receive_datagram(int fd, void *buffer, size_t capacity, struct linux_endpoint *sender) {
  union address address = {};
  socklen_t length = sizeof address;
  ssize_t count;
  do count = recvfrom(fd, buffer, capacity, MSG_DONTWAIT, &address.any, &length);
  while (count < 0 && errno == EINTR);
  if (count < 0) return -errno;
  *sender = endpoint_of(&address);
  return count;
}

int64_t linux_send_datagram(int fd, const void *bytes, size_t length, const struct linux_endpoint *recipient) {
  union address address;
  socklen_t size = address_of(recipient, &address);
  ssize_t count;
  do count = sendto(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT, &address.any, size);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int linux_resolve(const char *name, struct linux_endpoint *endpoints, int capacity) {
  // The name as it is: no search list makes another of it. Of this thread alone, resolver(3).
  res_init();
  _res.options &= ~(RES_DEFNAMES | RES_DNSRCH);
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  int result = getaddrinfo(name, NULL, &hints, &found);
  if (result != 0) {
    switch (result) {
    case EAI_NONAME:
    case EAI_NODATA: return -ENOENT;
    case EAI_AGAIN: return -EAGAIN;
    case EAI_MEMORY: return -ENOMEM;
    default: return -EIO;
    }
  }
  int count = 0;
  for (const struct addrinfo *entry = found; entry != NULL && count < capacity; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    union address address = {};
    memcpy(&address, entry->ai_addr, entry->ai_addrlen < sizeof address ? entry->ai_addrlen : sizeof address);
    endpoints[count++] = endpoint_of(&address);
  }
  freeaddrinfo(found);
  return count;
}

static int socket_option(int fd, int option, int *value) {
  socklen_t length = sizeof *value;
  return getsockopt(fd, SOL_SOCKET, option, value, &length) < 0 ? -errno : 0;
}

int linux_socket_describe(int fd, struct linux_socket *described) {
  int domain, type, listening;
  int result = socket_option(fd, SO_DOMAIN, &domain);
  if (result == 0) result = socket_option(fd, SO_TYPE, &type);
  if (result == 0) result = socket_option(fd, SO_ACCEPTCONN, &listening);
  if (result < 0) return result;
  *described = (struct linux_socket){
      .family = LINUX_SOCKET_OTHER, .is_stream = type == SOCK_STREAM, .is_listening = listening != 0};
  if (domain == AF_INET || domain == AF_INET6) {
    union address address = {};
    socklen_t length = sizeof address;
    if (getsockname(fd, &address.any, &length) < 0) return -errno;
    described->family = LINUX_SOCKET_INTERNET;
    described->endpoint = endpoint_of(&address);
  } else if (domain == AF_UNIX) {
    // A path may fill sun_path, and has no NUL then.
    struct sockaddr_un address = {};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return -errno;
    size_t size = length > offsetof(struct sockaddr_un, sun_path) ? length - offsetof(struct sockaddr_un, sun_path) : 0;
    if (size > sizeof address.sun_path) size = sizeof address.sun_path;
    if (size > 0 && address.sun_path[0] != 0) size = strnlen(address.sun_path, size);
    described->family = LINUX_SOCKET_UNIX;
    described->path_length = (uint32_t)size;
    memcpy(described->path, address.sun_path, size);
  }
  return 0;
}

int linux_close_on_exec(int fd) {
  int flags = fcntl(fd, F_GETFD);
  if (flags < 0) return -errno;
  return fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0 ? -errno : 0;
}

int linux_send_unix_datagram(const void *path, size_t path_length, const void *bytes, size_t count) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path_length == 0 || path_length > sizeof address.sun_path) return -EINVAL;
  memcpy(address.sun_path, path, path_length);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_length);
  ssize_t sent;
  do sent = sendto(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, length);
  while (sent < 0 && errno == EINTR);
  int result = sent < 0 ? -errno : 0;
  close(fd);
  return result;
}

int linux_poller_watch(int epoll, int change, int fd, uint32_t interest, uint64_t token) {
  struct epoll_event event = {.data.u64 = token};
  if (interest & LINUX_EVENT_READABLE) event.events |= EPOLLIN;
  if (interest & LINUX_EVENT_WRITABLE) event.events |= EPOLLOUT;
  int operation = change == LINUX_POLLER_ADD ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int linux_poller_wait(int epoll, struct linux_event *events, int capacity, int milliseconds) {
  struct epoll_event ready[64];
  int count = epoll_wait(epoll, ready, capacity < 64 ? capacity : 64, milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    events[i].token = ready[i].data.u64;
    events[i].ready = 0;
    if (ready[i].events & EPOLLIN) events[i].ready |= LINUX_EVENT_READABLE;
    if (ready[i].events & EPOLLOUT) events[i].ready |= LINUX_EVENT_WRITABLE;
    if (ready[i].events & (EPOLLHUP | EPOLLERR)) events[i].ready |= LINUX_EVENT_BROKEN;
  }
  return count;
}
