"""`orchestrator serve` as a service manager starts it: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3)."""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from serving import Server, workflow, write_plugin

PROGRAM = ""
# Of systemd itself: hands over sockets as systemd.socket(5) does.
ACTIVATE = "systemd-socket-activate"


class ServiceTests(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(dir="/var/tmp")
        self.state = f"{self.directory.name}/state"
        write_plugin(self.directory.name)
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = f"{self.directory.name}/notify"
        self.notices.bind(self.path)
        self.notices.settimeout(30)

    def tearDown(self):
        self.notices.close()
        self.directory.cleanup()

    def serve(self, *options, **variables):
        return Server(PROGRAM, self.state, "--jobs", "2", *options, variables={"NOTIFY_SOCKET": self.path, **variables})

    def notice(self):
        return dict(line.split("=", 1) for line in self.notices.recv(4096).decode().splitlines())

    def told(self, name, seconds=30):
        """The next notice that has it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.notice()
            if name in found:
                return found
        raise AssertionError(f"{name} was never told")

    def test_the_manager_hears_of_the_start_of_reloads_and_of_the_end(self):
        with self.serve("--shutdown-timeout", "5s") as server:
            ready = self.told("READY")
            self.assertEqual(ready["STATUS"], f"listening at http://127.0.0.1:{server.port}")
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            server.process.send_signal(signal.SIGHUP)
            reloading = self.told("RELOADING")
            self.assertGreaterEqual(int(reloading["MONOTONIC_USEC"]), before)
            self.told("READY")
            server.ok("POST", "/api/v1/reload")
            self.told("RELOADING")
            self.told("READY")
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(self.told("STOPPING")["EXTEND_TIMEOUT_USEC"], "35000000")
            self.assertEqual(server.stop(), 0)

    def test_the_watchdog_hears_of_a_server_that_lives_and_nothing_of_one_that_stands_still(self):
        with self.serve(WATCHDOG_USEC="1000000") as server:
            self.told("READY")
            for _ in range(3):
                self.assertEqual(self.notice(), {"WATCHDOG": "1"})
            server.process.send_signal(signal.SIGSTOP)
            self.notices.settimeout(2)
            with self.assertRaises(TimeoutError):
                while True:
                    self.notice()
            server.process.send_signal(signal.SIGCONT)
            self.told("WATCHDOG")
            self.assertEqual(server.stop(), 0)

    def test_a_watchdog_of_another_process_is_left_alone(self):
        with self.serve(WATCHDOG_USEC="200000", WATCHDOG_PID="1") as server:
            self.told("READY")
            self.notices.settimeout(1.5)
            with self.assertRaises(TimeoutError):
                self.told("WATCHDOG")
            self.assertEqual(server.stop(), 0)

    def test_a_manager_that_is_gone_ends_nothing(self):
        with self.serve() as server:
            self.told("READY")
            os.unlink(self.path)
            server.process.send_signal(signal.SIGHUP)
            server.wait(server.errors, rb"(the service manager can't be told)")
            server.ok("GET", "/api/v1/me")
            self.assertEqual(server.stop(), 0)

    def test_no_node_learns_how_to_speak_to_the_manager(self):
        with self.serve(WATCHDOG_USEC="60000000", LISTEN_FDS="1", LISTEN_PID="1", LISTEN_FDNAMES="a") as server:
            self.told("READY")
            document = workflow({"a": {"type": "tester/inherited"}})
            run = server.ok("POST", "/api/v1/runs", {"document": document})["run"]
            self.assertEqual(server.ended(run)["state"], "succeeded")
            variables, _ = json.loads(server.ok("GET", f"/api/v1/runs/{run}/artifacts/a/output/0", raw=True))
            self.assertIn("PATH", variables)
            self.assertEqual([name for name in variables if name.startswith(("NOTIFY_", "WATCHDOG_", "LISTEN_"))], [])
            self.assertEqual(server.stop(), 0)

    def test_the_first_token_may_come_from_a_file_and_is_shown_nowhere(self):
        token = "orchestrator_" + "5" * 64
        path = f"{self.directory.name}/token"
        for content, status in [("short", 2), (token + "\n", 0)]:
            with open(path, "w") as file:
                file.write(content)
            if status:
                ended = subprocess.run([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--state-dir", self.state, "--first-token", path],
                                       capture_output=True, timeout=60)
                self.assertEqual(ended.returncode, status)
                self.assertIn(b"holds no token that can be used", ended.stderr)
        with Server(PROGRAM, self.state, "--first-token", path, token=token) as server:
            self.assertEqual(server.ok("GET", "/api/v1/me")["scope"], "admin")
            self.assertNotIn(b"orchestrator_", server.text(server.errors) + server.text(server.output))
            self.assertEqual(server.stop(), 0)

    def test_behind_a_proxy_nobody_uses_up_what_others_may_ask_wrongly(self):
        with self.serve("--behind-proxy") as server:
            statuses = [server.ask("GET", "/api/v1/me", token="x" * 32, headers={"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.1"})[0]
                        for number in range(200)]
            self.assertEqual(set(statuses), {401, 429})
            self.assertEqual(server.ask("GET", "/api/v1/me", headers={"X-Forwarded-For": "198.51.100.1"})[0], 429)
            self.assertEqual(server.ask("GET", "/api/v1/me", headers={"X-Forwarded-For": "198.51.100.1, 198.51.100.2"})[0], 200)
            self.assertEqual(server.stop(), 0)

    # Sockets

    def activated(self, *arguments, options=()):
        """The program, started by the first connection to what systemd listens at."""
        return subprocess.Popen(
            [ACTIVATE, *arguments, "--setenv=HOME", PROGRAM, "serve", "--state-dir", self.state, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @staticmethod
    def free_port():
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return one.getsockname()[1]

    @staticmethod
    def health(family, place, seconds=60):
        """What is answered to the first connection, which starts the server."""
        end = time.monotonic() + seconds
        while True:
            connection = socket.socket(family)
            connection.settimeout(seconds)
            try:
                connection.connect(place)
                break
            except OSError:
                connection.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        with connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
        return answer

    def ended(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output.decode(), errors.decode()

    def test_sockets_that_systemd_made_are_listened_on_and_nothing_else(self):
        port, path = self.free_port(), f"{self.directory.name}/http"
        process = self.activated(f"--listen=127.0.0.1:{port}", f"--listen={path}", "--fdname=http:local")
        try:
            self.assertIn(b" 200 ", self.health(socket.AF_INET, ("127.0.0.1", port)))
            self.assertIn(b" 200 ", self.health(socket.AF_UNIX, path))
        finally:
            status, output, errors = self.ended(process)
        self.assertEqual((status, sorted(re.findall("listening at (.*)", output))), (0, [f"http://127.0.0.1:{port}", f"unix:{path}"]), errors)

    def refused(self, *arguments, connect, options=()):
        process = self.activated(*arguments, options=options)
        try:
            connect()
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        return process.returncode, errors.decode()

    def test_who_made_a_socket_doesnt_change_who_may_be_let_in(self):
        for options, words in [((), "without encryption"), (("--behind-proxy", "--no-tokens"), "without tokens")]:
            port = self.free_port()

            def connect(port=port):
                try:
                    self.health(socket.AF_INET, ("127.0.0.1", port))
                except OSError:
                    pass

            status, errors = self.refused(f"--listen=0.0.0.0:{port}", connect=connect, options=options)
            self.assertEqual(status, 2, errors)
            self.assertIn(words, errors)

    def test_what_is_no_listening_socket_with_a_place_is_refused(self):
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        three = socket.socket(socket.AF_UNIX)
        three.bind("\0orchestrator-test")
        three.listen()
        pair = socket.socketpair()
        file = open("/dev/null", "rb")
        for given, words in [(one, "it is a connection, or takes none"), (two, "it takes no streams"),
                             (three, "it has no path"), (pair[0], "it is a connection"), (file, "ENOTSOCK")]:
            script = f"exec 3<&{given.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec {PROGRAM} serve --state-dir {self.state}"
            ended = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, pass_fds=[given.fileno()])
            self.assertEqual(ended.returncode, 2)
            self.assertIn(words, ended.stderr.decode())
        for given in [one, two, three, *pair, file]:
            given.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--orchestrator", required=True)
    chosen, rest = parser.parse_known_args()
    PROGRAM = chosen.orchestrator
    unittest.main(argv=[sys.argv[0], "-v", *rest])
