"""Answers every request with 404, and below /closed with 401 and whether a token came, over TLS, until it is ended.

    tls.py CHAIN KEY [1.1]

Speaks nothing later than the version that is named. Prints its port once it listens on 127.0.0.1.
"""

import http.server
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_closed = self.path.startswith("/closed")
        body = b'{"title": "%s token came"}' % (b"a" if "authorization" in self.headers else b"no") if is_closed else b""
        self.send_response(401 if is_closed else 404)
        self.send_header("content-type", "application/problem+json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
if len(sys.argv) > 3:
    # Without it the library itself speaks no such version.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
