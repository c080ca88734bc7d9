"""Clients of HTTPS from PyPI in workers under the profile `network`, through the relay.

    python3 clients.py --orchestrator PROGRAM --python INTERPRETER

In a network namespace of its own, a server of HTTPS listens on the loopback, with the
name `shop.example.org` and a certificate of an authority that is made for it. The
plugin is granted that name, and the operator's policy opens 127.0.0.1. Without the
policy nothing of it is reached. `--python` is as for `packages.py`. Root only.
"""

import argparse
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
AUTHORITY = HERE.parent / "Fixtures/egress/authority.sh"
NAME = "shop.example.org"
INSIDE = "COMPATIBILITY_CLIENTS"
PROFILE = "network"

POLICY = """\
security:
  network:
    private_networks: [127.0.0.1]
"""

# What every client finds; `refused` and `sent_away` are looked at by themselves.
EXPECTED = {
    "connections": 1, "posted": True, "echoed": True, "redirects": [3, 200, "/peer"],
    "secured": "/peer", "missing": 404,
}
NODES = {
    f"{package}-{way}": (package, way == "by-proxy")
    for package in ("requests", "httpx") for way in ("by-proxy", "by-name")
}
# By the proxy a refusal has words; by name, the resolver knows no such host.
REFUSALS = {True: "403 Forbidden", False: "Name or service not known"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Answers are written in two parts; the second must not wait for the first's acknowledgement.
    disable_nagle_algorithm = True

    def answer(self, status, body=b"", location=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path
        if not isinstance(self.connection, ssl.SSLSocket):
            self.answer(301, location=f"https://{NAME}/peer")
        elif path == "/peer":
            self.answer(200, str(self.client_address[1]).encode())
        elif path == "/away":
            self.answer(302, location="https://evil.example.org/")
        elif path.startswith("/redirect/"):
            left = int(path.rpartition("/")[2]) - 1
            self.answer(302, location=f"/redirect/{left}" if left else "/peer")
        else:
            self.answer(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/echo":
            self.answer(200, body)
        else:
            told = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            self.answer(200, json.dumps(told).encode())

    def log_message(self, *arguments):
        pass


def serve(place):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "chain.pem", place / "key.pem")
    for port in (80, 443):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if port == 443:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def run(chosen, place, options):
    """The report of a run of all clients."""
    nodes = {
        name: {
            "type": f"clients/{package}", "timeout": "120s",
            "resources": {"memory": "256Mi", "cpu": 1},
            "with": {
                "server": f"https://{NAME}", "proxy": proxy,
                "authority": (place / "ca.pem").read_text(encoding="ascii"),
            },
        }
        for name, (package, proxy) in NODES.items()
    }
    workflow = {
        "apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": {"name": "clients"},
        "spec": {"nodes": nodes, "outputs": {name: f"{name}.result" for name in nodes}},
    }
    path = place / "workflow.json"
    path.write_text(json.dumps(workflow), encoding="utf-8")
    done = subprocess.run(
        [
            chosen.orchestrator, "run", str(path), "--plugins", str(HERE / "plugins"),
            "--profile", PROFILE, "--python", chosen.python, "--grant",
            f"clients=network.http:{NAME}", "--state-dir", str(place / "state"),
            "--output", "json", *options,
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=place,
    )
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"orchestrator run ended with {done.returncode} and no report") from None


def wrong_with_open(report):
    """What isn't as it has to be where the operator opened the address."""
    wrong = []
    for node in report["nodes"]:
        name = node["node"]
        if node["error"]:
            wrong.append(f"{name}: {json.dumps(node['error'])}")
            continue
        given = report["outputs"][name]["value"]
        words = REFUSALS[NODES[name][1]]
        for key, value in EXPECTED.items():
            if given[key] != value:
                wrong.append(f"{name}: {key} is {given[key]}, and not {value}")
        for key in ("refused", "sent_away"):
            if words not in given[key]:
                wrong.append(f"{name}: {key} doesn't say {words!r}: {given[key]}")
        told = {entry["destination"] for entry in node["network"]["denied"]}
        if not any(destination.startswith("evil.example.org") for destination in told):
            wrong.append(f"{name}: the report doesn't tell of the refused host: {told}")
    return wrong


def wrong_with_closed(report):
    """The same where nobody opened the address: nothing of it may be reached."""
    wrong = []
    for node in report["nodes"]:
        denied = (node.get("network") or {}).get("denied") or []
        if not node["error"]:
            wrong.append(f"{node['node']}: a private address was reached that nobody had opened")
        elif not any("127.0.0.1" in json.dumps(entry) for entry in denied):
            wrong.append(f"{node['node']}: the report doesn't tell why: {json.dumps(denied)}")
    return wrong


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--orchestrator", required=True, type=os.path.abspath)
    options.add_argument("--python", required=True)
    chosen = options.parse_args()
    if INSIDE not in os.environ:
        if os.geteuid() != 0:
            print("clients: left out, a network of their own takes root")
            return
        os.environ[INSIDE] = "1"
        os.execvp(
            "unshare",
            ["unshare", "--mount", "--net", "--propagation", "private", "--", sys.executable, "-B", *sys.argv],
        )
    with tempfile.TemporaryDirectory(prefix="clients-") as directory:
        place = Path(directory)
        subprocess.run([str(AUTHORITY), directory, NAME], check=True)
        (place / "hosts").write_text(f"127.0.0.1 localhost {NAME}\n", encoding="ascii")
        (place / "hosts").chmod(0o644)
        (place / "policy.yaml").write_text(POLICY, encoding="utf-8")
        subprocess.run(["mount", "--bind", str(place / "hosts"), "/etc/hosts"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        try:
            serve(place)
            wrong = wrong_with_open(run(chosen, place, ["--policy", str(place / "policy.yaml")]))
            wrong += wrong_with_closed(run(chosen, place, []))
        finally:
            subprocess.run(["umount", "/etc/hosts"], check=True)
    told = {text.partition(":")[0] for text in wrong}
    print(f"profile {PROFILE}: {len(NODES) - len(told)} of {len(NODES)} clients work")
    for text in wrong:
        print(f"  {text}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
