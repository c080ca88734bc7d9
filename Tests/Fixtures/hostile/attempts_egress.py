"""What a worker tries that has a network permission: all that isn't granted.

Without one there isn't even a socket; every attempt is then denied by that.
"""

import concurrent.futures
import errno
import fcntl
import os
import socket
import struct

from harness import Prevented, attempt

NOWHERE = {
    "ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED", "ECONNRESET", "EADDRINUSE",
    "EADDRNOTAVAIL", "EPIPE", "EINVAL",
}
PROXY = ("198.18.0.1", 3128)
# Of RFC 1918, 3927, 6598 and the Internet; then the metadata services.
ADDRESSES = [
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.0.1", "100.64.0.1", "8.8.8.8",
    "169.254.169.254", "100.100.100.200", "198.18.0.1", "198.18.3.4", "127.0.0.1",
]


def refused(connect):
    """Whether a connection came to nothing: not made, reset before a byte, or
    answered by the relay itself. One that stays open and silent was made."""
    try:
        with connect() as connection:
            connection.settimeout(2)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            try:
                answer = connection.recv(100)
            except TimeoutError:
                return False
    except (ConnectionError, TimeoutError):
        return True
    except OSError as error:
        if errno.errorcode.get(error.errno) in NOWHERE | {"EPERM", "EACCES", "EAFNOSUPPORT"}:
            return True
        raise
    # The end, an alert of TLS, or a refusal in words.
    return not answer or answer[0] == 0x15 or b" 403 " in answer or b" 400 " in answer


def every(tries):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda one: (one[0], refused(one[1])), tries))
    through = [name for name, is_refused in found if not is_refused]
    if through:
        return f"reached {through}"
    raise Prevented("none was reached")


def connecting(address, port, family=socket.AF_INET):
    def connect():
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(2)
        try:
            connection.connect((address, port))
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


@attempt("egress-literal-addresses", open_to_everyone=True)
def literal_addresses(facts):
    """No address is reached by its number: private, link-local, metadata, public or
    of the relay's own network."""
    return every(
        (f"{address}:{port}", connecting(address, port))
        for address in ADDRESSES
        for port in (80, 443, facts["port"])
        if (address, port) != PROXY
    )


@attempt("egress-other-families", NOWHERE)
def other_families(facts):
    """IPv6 leads nowhere but to ::1, and what is mapped or embedded in it neither."""
    return every(
        (address, connecting(address, port, socket.AF_INET6))
        for address in (
            "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254",
            "2001:4860:4860::8888", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        )
        for port in (80, facts["port"])
    )


@attempt("egress-proxy-to-host", NOWHERE)
def proxy_to_host(facts):
    """The proxy leads to no port of the host, however that is spelled."""

    def asking(line):
        def connect():
            connection = socket.create_connection(PROXY, 2)
            # What follows is the head's end and another request.
            connection.sendall(line.encode() + b"\r\n\r\n")
            return connection

        return connect

    socket.create_connection(PROXY, 2).close()
    port = facts["port"]
    hosts = [
        "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "2130706433", "0x7f000001", "0177.0.0.1", "127.1",
        "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "0", "127.0.0.1%00.allowed.example.org", "allowed.example.org\0",
        "allowed.example.org@127.0.0.1", "169.254.169.254", socket.gethostname(),
    ]
    # Without the field Host, the head alone would be the reason to refuse it.
    lines = [f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}" for host in hosts]
    lines += [f"GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}" for host in hosts]
    lines += [f"CONNECT {host}:80 HTTP/1.1\r\nHost: {host}:80" for host in hosts]
    return every((line, asking(line)) for line in lines)


@attempt("egress-datagrams", NOWHERE)
def datagrams(facts):
    """A datagram reaches nobody: no QUIC, no resolver of the host, no time server."""
    through = []
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
    for address in ADDRESSES + ["127.0.0.53", "255.255.255.255", "224.0.0.251"]:
        for port in (53, 123, 443, 5353):
            if (address, port) == ("198.18.0.1", 53):
                continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.05)
                try:
                    s.sendto(query, (address, port))
                    s.recv(512)
                except (OSError, TimeoutError):
                    continue
                through.append((address, port))
    if through:
        return f"answered by {through}"
    raise Prevented("nobody answered")


@attempt("egress-resolve-others")
def resolve_others(facts):
    """The resolver inside tells of no name that isn't granted, and asks nobody: a
    query is a message to the outside."""
    found = []
    for name in ("example.com", os.urandom(8).hex() + ".attacker.example", "localhost.localdomain", "metadata.google.internal"):
        try:
            found.append(socket.getaddrinfo(name, 80)[0][4])
        except OSError:
            continue
    if found:
        return f"resolved to {found}"
    raise Prevented("no name was found")


@attempt("egress-raw-sockets", NOWHERE)
def raw_sockets(facts):
    """Nothing but TCP and UDP: no raw packets, no ICMP, no SCTP, no MPTCP."""
    made = []
    last = None
    for family in (socket.AF_INET, socket.AF_INET6):
        for kind, protocol in (
            (socket.SOCK_RAW, 1), (socket.SOCK_RAW, 255), (socket.SOCK_DGRAM, 1), (socket.SOCK_DGRAM, 58),
            (socket.SOCK_STREAM, 132), (socket.SOCK_STREAM, 262), (socket.SOCK_DGRAM, 136), (6, 33),
        ):
            try:
                socket.socket(family, kind, protocol).close()
                made.append((family, kind, protocol))
            except OSError as error:
                last = error
    if made:
        return f"made {made}"
    raise last


@attempt("egress-change-network", {"ENODEV"})
def change_network(facts):
    """The network inside stays as it is: no route, no address, no interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        name = struct.pack("16s", b"lo")
        address = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("10.9.8.7"))
        # SIOCSIFADDR, SIOCSIFFLAGS, SIOCADDRT.
        last = None
        for request, argument in (
            (0x8916, name + address), (0x8914, name + struct.pack("=H14x", 0)), (0x890B, bytes(128)),
        ):
            try:
                fcntl.ioctl(s, request, argument)
                return f"did {request:#x}"
            except OSError as error:
                last = error
    raise last


@attempt("egress-kernel-protocols")
def kernel_protocols(facts):
    """No protocol of the kernel's is put on top of a connection (CVE-2023-0461)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.IPPROTO_TCP, 31, b"tls")  # TCP_ULP
    return "set TCP_ULP"


@attempt("egress-take-over-services", NOWHERE)
def take_over_services(facts):
    """A listener of the worker's own is in nobody's way but its own: on a port that
    the relay has, there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind(("0.0.0.0", 443))
        s.listen()
    return "listens on port 443"
