"""Both ends of the benchmark `egress`.

    egress_peer.py serve ADDRESS PORT
    egress_peer.py measure HOST PORT [PROXY_HOST PROXY_PORT]

A client sends `D` and a count of 8 bytes and gets that many, or anything of
SIZE bytes and gets it back. `measure` prints milliseconds: of one transfer, of
one request on a connection that is kept, of a connection with one request.
"""

import socket
import struct
import sys
import threading
import time

SIZE = 200
TRANSFER = 256 << 20
REQUESTS = 1000
CONNECTIONS = 200
BLOCK = bytes(1 << 20)


def serve_one(connection):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            request = b""
            while len(request) < SIZE:
                piece = connection.recv(SIZE - len(request))
                if not piece:
                    return
                request += piece
            if request[:1] == b"D":
                left = struct.unpack("=Q", request[1:9])[0]
                while left > 0:
                    part = min(left, len(BLOCK))
                    connection.sendall(memoryview(BLOCK)[:part])
                    left -= part
            else:
                connection.sendall(request)


def serve(address, port):
    with socket.create_server((address, port), backlog=1024) as server:
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve_one, args=[connection], daemon=True).start()


def connected(host, port, proxy):
    connection = socket.create_connection(proxy or (host, port), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if proxy:
        connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"the proxy said {head!r}")
    return connection


def exchange(connection, request, count):
    connection.sendall(request.ljust(SIZE, b"\0"))
    buffer = bytearray(1 << 20)
    while count > 0:
        got = connection.recv_into(buffer, min(count, len(buffer)))
        if not got:
            raise SystemExit("the connection ended early")
        count -= got


def measure(host, port, proxy):
    def milliseconds(times, body):
        began = time.perf_counter()
        for _ in range(times):
            body()
        return (time.perf_counter() - began) * 1000 / times

    def once():
        with connected(host, port, proxy) as connection:
            exchange(connection, b"x", SIZE)

    once()
    with connected(host, port, proxy) as connection:
        transfer = milliseconds(1, lambda: exchange(connection, b"D" + struct.pack("=Q", TRANSFER), TRANSFER))
        request = milliseconds(REQUESTS, lambda: exchange(connection, b"x", SIZE))
    print(transfer, request, milliseconds(CONNECTIONS, once))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        measure(sys.argv[2], int(sys.argv[3]), (sys.argv[4], int(sys.argv[5])) if len(sys.argv) > 4 else None)
