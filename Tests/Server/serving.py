"""A server of the built program, for as long as a test lasts."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest


class Server:
    """`orchestrator serve` in a state directory; what it says is in two files there."""

    def __init__(self, program, state, *options, token=None, variables=None):
        self.program, self.state, self.token = program, state, token
        os.makedirs(state, exist_ok=True)
        self.output, self.errors = (tempfile.NamedTemporaryFile("w+b", dir=os.path.dirname(state), delete=False) for _ in range(2))
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--state-dir", state, "--plugins", os.path.dirname(state), *options],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.errors, cwd=os.path.dirname(state), env={**os.environ, **(variables or {})})
        self.port = int(self.wait(self.output, rb"listening at https?://127\.0\.0\.1:(\d+)"))
        if not token:
            self.token = self.wait(self.errors, rb"(orchestrator_[0-9a-f]{64})")

    def wait(self, file, pattern, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(pattern, self.text(file))
            if found:
                return found.group(1).decode()
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"the server never said {pattern}: {self.text(self.output)} {self.text(self.errors)}")

    @staticmethod
    def text(file):
        with open(file.name, "rb") as opened:
            return opened.read()

    def ask(self, method, path, body=None, token=None, headers=None, raw=False, timeout=60):
        """The status, the header fields, and the body, decoded where it is JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        fields = {"Authorization": f"Bearer {token or self.token}"} if token != "" else {}
        if isinstance(body, (dict, list)):
            body, fields["Content-Type"] = json.dumps(body), "application/json"
        fields.update(headers or {})
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        is_json = "json" in (answer.headers.get("Content-Type") or "") and not raw
        return answer.status, answer.headers, json.loads(content) if is_json and content else content

    def ok(self, method, path, body=None, **options):
        status, _, answer = self.ask(method, path, body, **options)
        assert 200 <= status < 300, (method, path, status, answer)
        return answer

    def events(self, run, after=None, limit=None, path="", timeout=60):
        """Those of a run, (id, kind, data), until it has ended."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        fields = {"Authorization": f"Bearer {self.token}"}
        if after is not None:
            fields["Last-Event-ID"] = str(after)
        seen = []
        try:
            connection.request("GET", f"/api/v1/runs/{run}/events{path}", headers=fields)
            answer = connection.getresponse()
            assert answer.status in (200, 204), answer.status
            event = {}
            while answer.status == 200 and (limit is None or len(seen) < limit):
                line = answer.readline()
                if not line:
                    break
                text = line.decode().rstrip("\n")
                if text.startswith(":"):
                    continue
                if text:
                    name, _, value = text.partition(": ")
                    event[name] = value
                elif event:
                    number = event.get("id")
                    seen.append((int(number) if number else None, event["event"], json.loads(event["data"])))
                    event = {}
        finally:
            connection.close()
        return seen

    def ended(self, run, seconds=60):
        """The run, once it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.ok("GET", f"/api/v1/runs/{run}")
            if shown["state"] not in ("running", "cutOff"):
                return shown
            time.sleep(0.05)
        raise AssertionError(f"the run {run} never ended: {shown}")

    def stop(self, number=signal.SIGTERM, seconds=60):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server didn't end: {self.text(self.errors)}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


PLUGIN = {
    "plugin.yaml": """name: tester
version: 1.0.0
author: A
description: Waits and answers
entry_point: plugin.py
node_types: [wait, fail, inherited]
permissions: [filesystem.write]
""",
    "plugin.py": '''import os
import time

from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification


class Wait(DeclaredNode):
    specification = NodeSpecification(
        "wait", "Wait", "Tests", "Waits",
        inputs=[PortSpecification("input", "any", "Input", "Anything", required=False)],
        outputs=[PortSpecification("output", "any", "Output", "What was said")],
        parameters=[
            ParameterSpecification("seconds", "number", "Seconds", "How long", 0),
            ParameterSpecification("say", "any", "Say", "What to return", "said"),
            ParameterSpecification("lines", "integer", "Lines", "How much to print", 0)])

    def execute(self, inputs, context):
        for number in range(self.parameters["lines"]):
            print("line", number)
        time.sleep(self.parameters["seconds"])
        return {"output": self.parameters["say"]}


class Fail(DeclaredNode):
    specification = NodeSpecification(
        "fail", "Fail", "Tests", "Fails",
        inputs=[PortSpecification("input", "any", "Input", "Anything", required=False)],
        outputs=[PortSpecification("output", "any", "Output", "Nothing")])

    def execute(self, inputs, context):
        raise ValueError("it fails")


class Inherited(DeclaredNode):
    specification = NodeSpecification(
        "inherited", "Inherited", "Looks", "What a worker got from who started it",
        outputs=[PortSpecification("output", "any", "Output", "Variables and descriptors")])

    def execute(self, inputs, context):
        return {"output": [sorted(os.environ), sorted(os.listdir("/proc/self/fd"))]}


class Tester(DeclaredPlugin):
    nodes = (Wait, Fail, Inherited)
''',
}


def write_plugin(directory, plugin="tester", files=None):
    os.makedirs(f"{directory}/{plugin}", exist_ok=True)
    for name, text in (files or PLUGIN).items():
        with open(f"{directory}/{plugin}/{name}", "w", encoding="utf-8") as file:
            file.write(text)


def workflow(nodes, inputs=None, name="test"):
    spec = {"nodes": nodes}
    if inputs:
        spec["inputs"] = inputs
    return {"apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": {"name": name}, "spec": spec}


WAIT = "tester/wait"


def node(seconds=0, needs=None, **rest):
    made = {"type": WAIT, "with": {"seconds": seconds, **rest}}
    if needs:
        made["needs"] = needs
    return made


class ServerCase(unittest.TestCase):
    """Tests of one server, which is asked by all of them."""

    program = ""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(dir="/var/tmp")
        write_plugin(cls.directory.name)
        cls.server = Server(cls.program, f"{cls.directory.name}/state", "--jobs", "4")

    @classmethod
    def tearDownClass(cls):
        try:
            assert cls.server.stop() == 0, cls.server.text(cls.server.errors)
        finally:
            cls.server.__exit__()
            cls.directory.cleanup()

    def token(self, name, scope, **rest):
        return self.server.ok("POST", "/api/v1/tokens", {"name": name, "scope": scope, **rest})["secret"]

    def run_of(self, nodes, token=None, **rest):
        return self.server.ok("POST", "/api/v1/runs", {"document": workflow(nodes), **rest}, token=token)["run"]

    def raw(self, text, seconds=20):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=seconds) as connection:
            connection.sendall(text)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
                    if b"\r\n\r\n" in answer:
                        break
            except (TimeoutError, ConnectionResetError):
                pass
        return answer
