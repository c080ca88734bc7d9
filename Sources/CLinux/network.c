// The network namespace of a sandbox whose plugin has a network permission: nothing in it but the loopback interface, to which
// a whole prefix of addresses leads, and the sockets that the supervisor answers; or an interface of pasta's, and addresses that
// are refused. Nothing here needs the C library.
#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "CLinux.h"
#include "kernel.h"

// The first interface of every network namespace.
enum { LOOPBACK_INDEX = 1, BACKLOG = 4096 };

_Static_assert(LINUX_MESSAGE_DESCRIPTORS == 253, "SANDBOX_LISTENER_LIMIT");

int sandbox_open_route_socket(void) {
  return (int)call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

// Sends one request, which asks for an acknowledgement, and returns what that says: netlink(7).
static int request(int route_socket, const struct nlmsghdr *header) {
  long result = call(SYS_sendto, route_socket, header, header->nlmsg_len, 0);
  if (result < 0) return (int)result;
  union {
    struct nlmsghdr header;
    char bytes[1024];
  } answer;
  do result = call(SYS_recvfrom, route_socket, &answer, sizeof answer, 0);
  while (result == -EINTR);
  if (result < 0) return (int)result;
  if (result < (long)NLMSG_LENGTH(sizeof(int)) || answer.header.nlmsg_type != NLMSG_ERROR) return -EBADMSG;
  return ((const struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
}

int sandbox_loopback_up(int route_socket) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg interface;
  } up = {
      .header = {.nlmsg_len = sizeof up, .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
      .interface = {.ifi_family = AF_UNSPEC, .ifi_index = LOOPBACK_INDEX, .ifi_flags = IFF_UP, .ifi_change = IFF_UP},
  };
  return request(route_socket, &up.header);
}

// A route of IPv4 in `table`, over the interface with this index; 0: over none.
static int add_route(int route_socket, const struct sandbox_route *wanted, unsigned char table, unsigned char scope,
                     unsigned char type, uint32_t interface) {
  struct {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr destination;
    uint32_t address;
    // Not sent where there is none.
    struct rtattr interface;
    uint32_t index;
  } route = {
      .header = {.nlmsg_len = interface != 0 ? sizeof route : sizeof route - RTA_LENGTH(sizeof(uint32_t)),
                 .nlmsg_type = RTM_NEWROUTE,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
      .route = {.rtm_family = AF_INET,
                .rtm_dst_len = (unsigned char)wanted->prefix_length,
                .rtm_table = table,
                .rtm_protocol = RTPROT_BOOT,
                .rtm_scope = scope,
                .rtm_type = type},
      .destination = {.rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_DST},
      .address = __builtin_bswap32(wanted->address),
      .interface = {.rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_OIF},
      .index = interface,
  };
  return request(route_socket, &route.header);
}

int sandbox_route_to_loopback(int route_socket, const struct sandbox_route *wanted) {
  return add_route(route_socket, wanted, RT_TABLE_LOCAL, RT_SCOPE_HOST, RTN_LOCAL, LOOPBACK_INDEX);
}

int sandbox_refuse_network(int route_socket, const struct sandbox_route *refused) {
  return add_route(route_socket, refused, RT_TABLE_MAIN, RT_SCOPE_UNIVERSE, RTN_UNREACHABLE, 0);
}

int sandbox_open_listener(const struct sandbox_listener *listener) {
  int kind = (listener->is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  long fd = call(SYS_socket, AF_INET, kind, 0);
  if (fd < 0) return (int)fd;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = __builtin_bswap16(listener->port),
                                .sin_addr = {__builtin_bswap32(listener->address)}};
  long result = call(SYS_bind, fd, &address, sizeof address);
  // The kernel takes net.core.somaxconn where that is less.
  if (result >= 0 && listener->is_stream) result = call(SYS_listen, fd, BACKLOG);
  if (result >= 0) return (int)fd;
  call(SYS_close, fd);
  return (int)result;
}

int sandbox_send_listeners(int control, const struct sandbox_listener *listeners, uint32_t count) {
  if (count == 0 || count > SANDBOX_LISTENER_LIMIT) return -EINVAL;
  struct sandbox_report report = {.message = SANDBOX_LISTENING, .index = SANDBOX_NO_INDEX};
  struct iovec part = {.iov_base = &report, .iov_len = sizeof report};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * LINUX_MESSAGE_DESCRIPTORS)];
  } room;
  room.header = (struct cmsghdr){
      .cmsg_len = CMSG_LEN(sizeof(int) * count), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  int *descriptors = (int *)CMSG_DATA(&room.header);
  for (uint32_t i = 0; i < count; i++) descriptors[i] = listeners[i].descriptor;
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &room,
                           .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
  long sent = call(SYS_sendmsg, control, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return (int)sent;
  return sent == sizeof report ? 0 : -EMSGSIZE;
}
