"""Reaching anything over a socket."""

import errno
import fcntl
import os
import socket
import struct

from harness import Prevented, attempt

UNREACHABLE = {"ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ENOENT"}
# What the kernel says of a family that it lacks, and of a kind that no family has. The filter's word is another one, so
# that these show a family that it lets in, whatever this kernel makes of it.
LET_IN = {"EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EINVAL"}
NO_KIND = 15

FAMILIES = {
    "inet": socket.AF_INET,
    "inet6": socket.AF_INET6,
    "netlink": socket.AF_NETLINK,
    "packet": socket.AF_PACKET,
    "vsock": 40,
    "crypto": 38,
    "bluetooth": 31,
    "express-data-path": 44,
    "can": 29,
    "tipc": 30,
    "key": 15,
    "rds": 21,
}


def family_attempt(name, family):
    def try_family(facts):
        last = None
        for kind in (
            socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW,
            socket.SOCK_SEQPACKET, NO_KIND,
        ):
            try:
                socket.socket(family, kind, 0).close()
                return f"opened a socket of family {family}, kind {kind}"
            except OSError as error:
                last = error
        raise last

    try_family.__doc__ = f"No socket of the family {name} can be made."
    attempt(f"socket-{name}", open_to_everyone=True, reached=LET_IN)(try_family)


for _name, _family in FAMILIES.items():
    family_attempt(_name, _family)


def any_family(make):
    let_in = []
    last = None
    for family in [0] + list(range(2, 64)) + [255]:
        for kind in (1, 2, 3, 5, NO_KIND):
            try:
                make(family, kind)
                let_in.append((family, kind))
            except OSError as error:
                last = error
                if errno.errorcode.get(error.errno) in LET_IN:
                    let_in.append((family, kind))
    if let_in:
        return f"let in {let_in[:20]}"
    raise last


@attempt("socket-any-family", open_to_everyone=True)
def socket_any_family(facts):
    """Of all families, known or not, only AF_UNIX makes sockets."""
    return any_family(lambda family, kind: socket.socket(family, kind, 0).close())


@attempt("socketpair-any-family", open_to_everyone=True)
def socketpair_any_family(facts):
    """Nor do pairs of sockets come from any other."""

    def make(family, kind):
        for end in socket.socketpair(family, kind, 0):
            end.close()

    return any_family(make)


@attempt("connect-to-host", UNREACHABLE, open_to_everyone=True)
def connect_to_host(facts):
    """A port of the host's loopback can't be reached."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        connection.connect(("127.0.0.1", facts["port"]))
    return f"connected to port {facts['port']}"


@attempt("connect-to-abstract-socket", UNREACHABLE, open_to_everyone=True)
def connect_to_abstract_socket(facts):
    """Abstract Unix sockets of the host (D-Bus, X11, containerd's shims) can't
    be reached (CVE-2020-15257)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        connection.connect("\0" + facts["abstract"])
    return "connected"


@attempt("connect-to-path-socket", UNREACHABLE | {"ENOTDIR"}, open_to_everyone=True)
def connect_to_path_socket(facts):
    """Unix sockets of the host's file system can't be reached."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        connection.connect(facts["socket"])
    return "connected"


@attempt("connect-to-service-sockets", UNREACHABLE | {"ENOTDIR"})
def connect_to_service_sockets(facts):
    """The sockets of services that run as root aren't there."""
    last = None
    for path in (
        "/run/docker.sock", "/var/run/docker.sock", "/run/systemd/private",
        "/run/dbus/system_bus_socket", "/run/containerd/containerd.sock",
        "/run/podman/podman.sock", "/dev/log", "/run/systemd/journal/socket",
    ):
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(path)
            return f"connected to {path}"
        except OSError as error:
            last = error
    raise last


@attempt("see-interfaces", open_to_everyone=False)
def see_interfaces(facts):
    """A Unix socket's ioctls show no network interface but loopback."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as anything:
        found = []
        for index in range(1, 64):
            request = struct.pack("16si20x", b"", index)
            try:
                answer = fcntl.ioctl(anything, 0x8910, request)  # SIOCGIFNAME
            except OSError as error:
                if error.errno in (errno.ENODEV, errno.ENXIO):
                    continue
                raise
            found.append(answer[:16].rstrip(b"\0").decode())
    others = [name for name in found if name not in ("lo", "sit0", "tunl0")]
    if others:
        return f"saw {others}"
    raise Prevented(f"only {found}")


@attempt("resolve-names", open_to_everyone=False)
def resolve_names(facts):
    """Names can't be resolved: a query is a message to the outside."""
    try:
        found = socket.getaddrinfo("example.com", 80)
    except socket.gaierror as error:
        raise Prevented(str(error)) from None
    return f"resolved to {found[0][4]}"


@attempt("pass-descriptors-to-self", open_to_everyone=False)
def pass_descriptors_to_self(facts):
    """Passing descriptors works inside (asyncio and multiprocessing need it) and
    brings in nothing from outside."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    socket.send_fds(left, [b"x"], [0])
    _, descriptors, _, _ = socket.recv_fds(right, 1, 4)
    same = os.fstat(descriptors[0]).st_ino == os.fstat(0).st_ino
    if not same or len(descriptors) != 1:
        return "got another descriptor than was sent"
    raise Prevented("only what was sent came back")
