"""deploy/bench server: what `orchestrator serve` answers, beside nginx with the same bytes.

    server_bench.py PROGRAM [--json] [--quick]

palette     /api/plugins/nodes with 500 node types, asked by wrk, in turns with
            nginx that has the same bytes as a file; requests a second, and the
            time within which 99 of 100 were answered
first event from the start of a submission until the run's first event is
            there, in turns with `orchestrator run` and its first line
readers     how long a run takes that a thousand watch, beside the same run
            that nobody watches; every reader has to see every event
memory      resident, of the server: idle, and after each of these
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from bench_results import compare, show

sys.path.insert(0, str(Path(__file__).parents[2] / "Tests/Server"))

from serving import Server, write_plugin  # noqa: E402

NODE_TYPES = 500
READERS = 1000
NODES = 1000
CONNECTIONS = 32

MANIFEST = """name: palette
version: 1.0.0
author: Benchmark
description: Many node types
entry_point: plugin.py
node_types: [{}]
permissions: []
"""

CODE = '''import time

from pipeline import (
    DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification,
)


def node(number):
    class Node(DeclaredNode):
        specification = NodeSpecification(
            f"kind_{number}", f"Kind {number}", "Benchmark", f"What the kind {number} does with its input",
            inputs=[PortSpecification("input", "any", "Input", "Anything", required=False)],
            outputs=[PortSpecification("output", "any", "Output", "The same")],
            parameters=[ParameterSpecification("count", "integer", "Count", "How often", 1)])

        def execute(self, inputs, context):
            if number == 1:
                time.sleep(self.parameters["count"])
            return {"output": number}

    return Node


class Palette(DeclaredPlugin):
    nodes = [node(number) for number in range(NUMBER)]
'''


class MeasuredServer(Server):
    """The program without tokens and without a limit of requests, and what it holds."""

    def __init__(self, program: str, home: Path) -> None:
        super().__init__(
            program, str(home / "state"), "--no-tokens", "--rate-limit", "0",
            "--jobs", "2", token="none",
        )

    @property
    def resident(self) -> float:
        """Mebibytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        return round(int(found.group(1)) / 1024, 1) if found else 0

    def start(self, document: dict) -> str:
        body = {"document": document, "no_cache": True}
        return self.ok("POST", "/api/v1/runs", body)["run"]


def nginx(home: Path, content: bytes) -> Tuple[subprocess.Popen, int]:
    """The same bytes from nginx, and its port."""
    place = home / "nginx"
    (place / "html").mkdir(parents=True)
    (place / "html/nodes").write_bytes(content)
    port = 20_000 + os.getpid() % 10_000
    (place / "nginx.conf").write_text(
        f"""worker_processes auto; daemon off; pid {place}/pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000000; open_file_cache max=10;
  client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c;
  uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;
  server {{
    listen 127.0.0.1:{port};
    location / {{ root {place}/html; default_type application/json; }}
  }}
}}
"""
    )
    os.chmod(home, 0o755)
    process = subprocess.Popen(
        ["nginx", "-p", str(place), "-c", str(place / "nginx.conf"), "-e", "stderr"]
    )
    time.sleep(1)
    return process, port


def wrk(url: str, seconds: int) -> Tuple[float, float]:
    """Requests a second, and milliseconds within which 99 of 100 are answered."""
    done = subprocess.run(
        [
            "wrk", "--threads", "1", "--connections", str(CONNECTIONS),
            "--duration", f"{seconds}s", "--latency", url,
        ],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    if re.search("Non-2xx|Socket errors", done):
        sys.exit(f"{url} wasn't always answered:\n{done}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", done)
    if not rate or not late:
        sys.exit(f"wrk says something else:\n{done}")
    unit = {"us": 0.001, "ms": 1, "s": 1000}[late.group(2)]
    return float(rate.group(1)), float(late.group(1)) * unit


def workflow(count: int) -> dict:
    nodes = {f"n{number}": {"type": "palette/kind_0"} for number in range(count)}
    return {
        "apiVersion": "orchestrator/v1",
        "kind": "Workflow",
        "metadata": {"name": "busy"},
        "spec": {"nodes": nodes},
    }


def first_event(server: MeasuredServer) -> float:
    """Milliseconds from the submission to the run's first event."""
    began = time.perf_counter()
    run = server.start(workflow(1))
    with urllib.request.urlopen(
        f"http://127.0.0.1:{server.port}/api/v1/runs/{run}/events", timeout=60
    ) as events:
        events.readline()
        taken = time.perf_counter() - began
        events.read()
    server.ended(run)
    return taken * 1000


def first_line(program: str, home: Path) -> float:
    """Milliseconds from the start of the command to its first event."""
    began = time.perf_counter()
    with subprocess.Popen(
        [
            program, "run", str(home / "one.json"), "--output", "json",
            "--no-cache", "--state-dir", str(home / "alone"),
            "--plugins", str(home),
        ],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        taken = time.perf_counter() - began
        process.stdout.read()
    if process.returncode != 0:
        sys.exit("orchestrator run failed")
    return taken * 1000


async def watch(port: int, run: str, ready: asyncio.Semaphore) -> bytes:
    """All events of a run, as one reader sees them: looked at later, for reading them takes more time than sending them."""
    async with ready:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /api/v1/runs/{run}/events HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head:
        sys.exit(f"a reader was refused: {head.decode()}")
    content = await reader.read()
    writer.close()
    return content


def held(server: MeasuredServer, count: int) -> str:
    """A run of many nodes, which wait for one that waits until all watch."""
    document = workflow(NODES)
    nodes: Dict[str, dict] = document["spec"]["nodes"]
    for node in nodes.values():
        node["needs"] = ["hold"]
    seconds = 4 if count else 0
    nodes["hold"] = {"type": "palette/kind_1", "with": {"count": seconds}}
    return server.start(document)


def watched(server: MeasuredServer, count: int) -> float:
    """Milliseconds from the first node after the hold to the last, as the journal has them."""
    run = held(server, count)

    async def all_of_them() -> List[bytes]:
        ready = asyncio.Semaphore(64)
        return await asyncio.gather(
            *(watch(server.port, run, ready) for _ in range(count))
        )

    seen = asyncio.run(all_of_them()) if count else []
    if server.ended(run)["state"] != "succeeded":
        sys.exit("the busy run failed")
    with urllib.request.urlopen(
        f"http://127.0.0.1:{server.port}/api/v1/runs/{run}/events", timeout=60
    ) as answer:
        text = answer.read().decode()
    numbers = [int(one) for one in re.findall(r"^id: (\d+)", text, re.MULTILINE)]
    times = [
        event["time_ms"]
        for event in map(json.loads, re.findall("^data: (.*)$", text, re.MULTILINE))
        if event.get("node") not in (None, "hold")
    ]
    for one in seen:
        found = [int(number) for number in re.findall(rb"^id: (\d+)", one, re.MULTILINE)]
        if found != numbers:
            sys.exit(f"a reader saw {len(found)} of {len(numbers)} events")
    return max(times) - min(times)


def main() -> None:
    program = os.path.abspath(sys.argv[1])
    as_json, quick = "--json" in sys.argv, "--quick" in sys.argv
    rounds, seconds = (3, 2) if quick else (7, 5)
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        home = Path(name)
        kinds = ", ".join(f"kind_{number}" for number in range(NODE_TYPES))
        files = {
            "plugin.yaml": MANIFEST.format(kinds),
            "plugin.py": CODE.replace("NUMBER", str(NODE_TYPES)),
        }
        write_plugin(name, "palette", files)
        (home / "one.json").write_text(json.dumps(workflow(1)))
        server = MeasuredServer(program, home)
        peer: Optional[subprocess.Popen] = None
        try:
            url = f"http://127.0.0.1:{server.port}/api/plugins/nodes"
            with urllib.request.urlopen(url, timeout=60) as answer:
                content = answer.read()
            assert len(json.loads(content)["nodes"]) >= NODE_TYPES
            time.sleep(3)
            memory = [("idle", server.resident)]
            peer, port = nginx(home, content)
            own, other = [], []
            for _ in range(rounds):
                own.append(wrk(url, seconds))
                other.append(wrk(f"http://127.0.0.1:{port}/nodes", seconds))
            memory.append(("after palette", server.resident))
            size = f"palette, {len(content) >> 10} KiB"
            for title, unit, index in [(size, "1/s", 0), (f"{size}, p99", "ms", 1)]:
                compare(
                    as_json, title, unit, [one[index] for one in own],
                    "nginx, the same bytes", [one[index] for one in other],
                )
            first_event(server)
            first_line(program, home)
            own, other = [], []
            for _ in range(rounds * 3):
                own.append(first_event(server))
                other.append(first_line(program, home))
            compare(as_json, "first event", "ms", own, "orchestrator run", other)
            memory.append(("after runs", server.resident))
            own, other = [], []
            watched(server, 0)
            for _ in range(2 if quick else 5):
                own.append(watched(server, READERS))
                other.append(watched(server, 0))
            compare(
                as_json, f"{NODES} nodes, {READERS} readers", "ms", own, "nobody watches", other
            )
            memory.append((f"after {READERS} readers", server.resident))
            for title, amount in memory:
                show(as_json, name=f"memory {title}", median=amount, unit="MiB", spread=0)
        finally:
            if peer:
                peer.terminate()
                peer.wait()
            server.stop()


if __name__ == "__main__":
    main()
