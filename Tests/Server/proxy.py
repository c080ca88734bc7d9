"""`orchestrator serve` behind nginx with deploy/nginx.conf: only its ports, names and files are others."""

import argparse
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from serving import Server, workflow, write_plugin

PROGRAM = ""
NGINX = ""
CONFIGURATION = os.path.join(os.path.dirname(__file__), "../../deploy/nginx.conf")
NAME = "pipelines.example.org"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ProxyTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(dir="/var/tmp")
        place = cls.directory.name
        write_plugin(place)
        cls.server = Server(PROGRAM, f"{place}/state", "--jobs", "2", "--behind-proxy", "--allowed-host", NAME)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", f"{place}/key", "-out", f"{place}/crt"],
                       check=True, capture_output=True)
        cls.plain, cls.port = free_port(), free_port()
        with open(CONFIGURATION) as file:
            text = file.read()
        for old, new in [("127.0.0.1:8080", f"127.0.0.1:{cls.server.port}"), ("listen [::]:", "#listen [::]:"),
                         ("listen 80;", f"listen 127.0.0.1:{cls.plain};"), ("listen 443 ", f"listen 127.0.0.1:{cls.port} "),
                         ("/etc/ssl/certs/orchestrator.crt", f"{place}/crt"), ("/etc/ssl/private/orchestrator.key", f"{place}/key")]:
            assert old in text, old
            text = text.replace(old, new)
        with open(f"{place}/nginx.conf", "w") as file:
            # What is around it in Debian's own nginx.conf, but for places of a test.
            paths = "".join(f"{kind}_temp_path {place}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
            user = "user root;" if os.geteuid() == 0 else ""
            file.write(f"{user} daemon off; pid {place}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; {paths}\n{text}\n}}\n")
        arguments = [NGINX, "-p", place, "-e", "stderr", "-c", f"{place}/nginx.conf"]
        checked = subprocess.run([*arguments, "-t"], capture_output=True, text=True)
        assert checked.returncode == 0 and "warn" not in checked.stderr, checked.stderr
        cls.nginx = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        cls.context = ssl.create_default_context(cafile=f"{place}/crt")
        end = time.monotonic() + 20
        while True:
            try:
                cls.connect().close()
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)

    @classmethod
    def tearDownClass(cls):
        cls.nginx.terminate()
        cls.nginx.wait()
        cls.server.stop()
        cls.server.__exit__()
        cls.directory.cleanup()

    @classmethod
    def connect(cls):
        raw = socket.create_connection(("127.0.0.1", cls.port), timeout=60)
        connection = http.client.HTTPConnection(NAME)
        connection.sock = cls.context.wrap_socket(raw, server_hostname=NAME)
        return connection

    def ask(self, method, path, body=None, **headers):
        connection = self.connect()
        fields = {"Authorization": f"Bearer {self.server.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if isinstance(body, dict):
            body, fields["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def test_health_is_answered_and_plain_requests_are_led_to_the_encrypted_ones(self):
        status, headers, body = self.ask("GET", "/healthz")
        self.assertEqual((status, body), (200, b"ok\n"))
        self.assertIn("Strict-Transport-Security", headers)
        connection = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=60)
        connection.request("GET", "/healthz", headers={"Host": NAME})
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["Location"]), (308, f"https://{NAME}/healthz"))
        connection.close()

    def test_the_name_that_was_asked_by_comes_to_the_server(self):
        self.assertEqual(self.ask("GET", "/api/v1/me", Origin=f"https://{NAME}")[0], 200)
        self.assertEqual(self.ask("GET", "/api/v1/me", Origin="https://evil.example")[0], 403)
        self.assertEqual(self.ask("GET", "/api/v1/me", Host="evil.example")[0], 421)

    def test_events_come_when_they_happen(self):
        document = workflow({"a": {"type": "tester/wait", "with": {"seconds": 2}}})
        run = json.loads(self.ask("POST", "/api/v1/runs", {"document": document})[2])["run"]
        connection = self.connect()
        connection.request("GET", f"/api/v1/runs/{run}/events", headers={"Authorization": f"Bearer {self.server.token}"})
        answer = connection.getresponse()
        seen = {}
        while line := answer.readline():
            found = re.match(rb"event: (\w+)", line)
            if found:
                seen.setdefault(found.group(1).decode(), time.monotonic())
        connection.close()
        self.assertGreater(seen["finished"] - seen["started"], 1.5, seen)

    def test_a_large_upload_comes_to_the_server_which_says_what_it_thinks_of_it(self):
        package = b"PK" + os.urandom(20 << 20)
        status, _, body = self.ask("POST", "/api/v1/plugins", package, Content_Type="application/zip")
        self.assertEqual((status, json.loads(body)["status"]), (422, 422), body[:300])

    def test_who_asks_wrongly_is_told_apart_by_the_address_that_nginx_sees(self):
        for number in range(200):
            status, _, _ = self.ask("GET", "/api/v1/me", Authorization="Bearer " + "x" * 32, X_Forwarded_For=f"192.0.2.{number}")
            if status == 429:
                break
        self.assertEqual(status, 429)
        # Others that don't come through it, or that it sees at another address, aren't held up.
        self.assertEqual(self.server.ask("GET", "/api/v1/me", headers={"X-Forwarded-For": "198.51.100.7"})[0], 200)
        time.sleep(0.2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--orchestrator", required=True)
    parser.add_argument("--nginx", default="/usr/sbin/nginx")
    chosen, rest = parser.parse_known_args()
    PROGRAM, NGINX = chosen.orchestrator, chosen.nginx
    unittest.main(argv=[sys.argv[0], "-v", *rest])
