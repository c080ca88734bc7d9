"""What a relay leads to: servers on one address, until standard input ends.

    server.py ADDRESS [DIRECTORY [PORT...]]

Port 80 speaks HTTP; with a DIRECTORY that holds chain.pem and key.pem, port 443
speaks the same over TLS and, where that is agreed on, answers the preface of
HTTP/2. Every further port echoes what it reads, and ends its side only after
the other has ended its own. Prints `ready` once all of them listen.
"""

import base64
import hashlib
import json
import os
import socket
import socketserver
import ssl
import sys
import threading

H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
H2_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


def request(file):
    first = file.readline(8192)
    if not first:
        return None, {}
    headers = {}
    while (line := file.readline(8192)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    return first.decode("latin-1").split(), headers


class Web(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            self.serve()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass

    def serve(self):
        while True:
            words, headers = request(self.rfile)
            if not words:
                return
            path = words[1]
            if headers.get(b"upgrade", b"").lower() == b"websocket":
                return self.websocket(headers)
            if path.startswith("/big/"):
                return self.big(int(path.rpartition("/")[2]))
            if path == "/cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it")
                self.wfile.flush()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                # Not as socketserver does it, which ends the stream first.
                os.close(self.connection.detach())
                return
            body = self.rfile.read(int(headers.get(b"content-length", b"0")))
            answer = json.dumps({
                "host": headers.get(b"host", b"").decode(), "method": words[0],
                "path": path, "received": len(body),
            }).encode()
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
                + answer)
            self.wfile.flush()

    def big(self, count):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % count)
        block = b"x" * 65536
        while count > 0:
            self.wfile.write(block[:count])
            count -= len(block)

    def websocket(self, headers):
        key = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + WEBSOCKET).digest())
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n")
        self.wfile.flush()
        # One masked text frame of fewer than 126 bytes comes back unmasked.
        head = self.rfile.read(2)
        mask = self.rfile.read(4)
        text = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(head[1] & 0x7F)))
        self.wfile.write(bytes([head[0], len(text)]) + text)
        self.wfile.flush()


class SecureWeb(Web):
    def setup(self):
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def serve(self):
        if self.request.selected_alpn_protocol() == "h2":
            if self.rfile.read(len(H2_PREFACE)) == H2_PREFACE:
                self.wfile.write(H2_SETTINGS)
            return
        super().serve()


class Secure(Server):
    def __init__(self, address, directory):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(directory, "chain.pem"), os.path.join(directory, "key.pem"))
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        super().__init__(address, SecureWeb)

    def handle_error(self, request, client_address):
        pass


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
            self.request.sendall(b"<end>")
        except ConnectionError:
            pass


def main():
    address = sys.argv[1]
    servers = [Server((address, 80), Web)]
    if len(sys.argv) > 2 and sys.argv[2] != "-":
        servers.append(Secure((address, 443), sys.argv[2]))
    servers += [Server((address, int(port)), Echo) for port in sys.argv[3:]]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


main()
