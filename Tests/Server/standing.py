"""A server that stands for long: workers that crash, idle and share places, what it says in its log, and the spans that it sends."""

import argparse
import http.server
import json
import os
import signal
import sys
import tempfile
import threading
import time
import unittest

from serving import Server, workflow, write_plugin

PROGRAM = ""

BREAKER = {
    "plugin.yaml": """name: breaker
version: 1.0.0
author: A
description: Ends its worker when it is told to
entry_point: plugin.py
node_types: [break]
permissions: []
""",
    "plugin.py": '''import os

from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification


class Break(DeclaredNode):
    specification = NodeSpecification(
        "break", "Break", "Tests", "Ends its worker",
        inputs=[], outputs=[PortSpecification("output", "any", "Output", "Nothing")],
        parameters=[ParameterSpecification("breaks", "boolean", "Breaks", "Whether it does", True)])

    def execute(self, inputs, context):
        if self.parameters["breaks"]:
            os._exit(9)
        return {"output": "well"}


class Breaker(DeclaredPlugin):
    nodes = [Break]
''',
}


class Collector:
    """What takes spans: OTLP over HTTP, in JSON."""

    def __init__(self):
        self.spans, self.fields = [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
                self.fields.append((handler.path, dict(handler.headers)))
                for resource in body["resourceSpans"]:
                    for scope in resource["scopeSpans"]:
                        self.spans += scope["spans"]
                handler.send_response(200)
                handler.send_header("Content-Length", "2")
                handler.end_headers()
                handler.wfile.write(b"{}")

            def log_message(handler, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}"


def attributes(span):
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


class StandingTests(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(dir="/var/tmp")
        write_plugin(self.directory.name)
        write_plugin(self.directory.name, "breaker", BREAKER)
        self.addCleanup(self.directory.cleanup)

    def configure(self, text):
        path = f"{self.directory.name}/plugin_system.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def serve(self, *options, configuration="{}", **environment):
        server = Server(
            PROGRAM, f"{self.directory.name}/state", "--jobs", "4", "--config", self.configure(configuration), *options,
            variables=environment)
        self.addCleanup(server.__exit__)
        return server

    def run_of(self, server, nodes):
        return server.ended(server.ok("POST", "/api/v1/runs", {"document": workflow(nodes), "no_cache": True})["run"])

    @staticmethod
    def metric(server, name):
        for line in server.ok("GET", "/metrics", raw=True).decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")

    def test_a_plugin_whose_workers_keep_crashing_isnt_started_any_more_and_says_so(self):
        server = self.serve()
        nodes = {"a": {"type": "breaker/break", "with": {"breaks": True}}}
        for _ in range(3):
            self.assertEqual(self.run_of(server, nodes)["state"], "failed")
        well = {"a": {"type": "breaker/break", "with": {"breaks": False}}}
        shown = self.run_of(server, well)
        self.assertEqual(shown["state"], "failed")
        told = json.dumps(shown)
        self.assertIn("no worker of the plugin breaker is started any more", told)
        self.assertEqual(self.metric(server, "orchestrator_plugins_stopped"), 1)
        stop = server.ok("GET", "/api/v1/plugins/breaker")["stopped"]
        self.assertEqual(stop["crashes"], 3)
        self.assertGreater(stop["remaining_ms"], 200_000)
        self.assertEqual(server.text(server.errors).count(b"no worker of the plugin breaker is started any more"), 1 + 1)
        # Others go on, and it does so once somebody says that it is mended.
        other = self.run_of(server, {"a": {"type": "tester/wait", "with": {"seconds": 0}}})
        self.assertEqual(other["state"], "succeeded")
        server.ok("POST", "/api/v1/reload")
        self.assertIsNone(server.ok("GET", "/api/v1/plugins/breaker")["stopped"])
        self.assertEqual(self.run_of(server, well)["state"], "succeeded")

    IDLE = 'orchestrator_workers{state="idle"}'

    def nobody(self, server):
        end = time.monotonic() + 25
        while self.metric(server, self.IDLE) > 0 and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(self.metric(server, self.IDLE), 0)

    def test_workers_start_when_they_are_needed_and_end_when_nobody_needs_them(self):
        server = self.serve(configuration="plugins: {workers: {idle_timeout: 1s}}")
        self.assertEqual(self.metric(server, self.IDLE), 0)
        self.run_of(server, {"a": {"type": "tester/wait", "with": {"seconds": 0}}})
        self.assertEqual(self.metric(server, self.IDLE), 1)
        self.nobody(server)
        self.assertEqual(self.run_of(server, {"a": {"type": "tester/wait", "with": {"seconds": 0}}})["state"], "succeeded")

    def test_of_a_plugin_no_more_nodes_run_than_the_operator_says_and_a_reload_changes_that(self):
        server = self.serve(configuration="plugins: {workers: {concurrency: {tester: 1}}}")
        nodes = {f"n{number}": {"type": "tester/wait", "with": {"seconds": 0.4}} for number in range(3)}
        self.run_of(server, nodes)
        began = time.monotonic()
        run = server.ok("POST", "/api/v1/runs", {"document": workflow(nodes), "no_cache": True})["run"]
        time.sleep(0.3)
        waiting = json.dumps(server.ok("GET", "/api/v1/queue"))
        self.assertIn("places of the plugin tester", waiting)
        server.ended(run)
        self.assertGreater(time.monotonic() - began, 1.2)
        self.configure("plugins: {workers: {concurrency: {tester: 3}}}")
        server.ok("POST", "/api/v1/reload")
        self.run_of(server, nodes)
        running = self.most_at_once(server, nodes)
        self.assertEqual(running, 3)

    def most_at_once(self, server, nodes):
        run = self.run_of(server, nodes)["run"]
        now = most = 0
        for _, kind, _ in server.events(run):
            now += {"started": 1, "succeeded": -1}.get(kind, 0)
            most = max(most, now)
        return most

    def test_the_log_says_of_which_run_and_node_each_line_is(self):
        server = self.serve("--log-format", "json")
        shown = self.run_of(server, {"bad": {"type": "tester/fail"}})
        server.stop()
        lines = [json.loads(line) for line in server.text(server.errors).decode().splitlines() if line.startswith("{")]
        mine = [line for line in lines if line.get("metadata", {}).get("run") == shown["run"]]
        self.assertEqual([line["message"] for line in mine], ["the run begins", "the node has failed", "the run has ended"])
        self.assertEqual(mine[1]["metadata"]["node"], "bad")
        self.assertEqual(mine[2]["metadata"]["outcome"], "failed")

    def test_a_run_is_traced_as_a_part_of_the_request_that_began_it_and_of_what_that_is_a_part_of(self):
        collector = Collector()
        server = self.serve(OTEL_EXPORTER_OTLP_ENDPOINT=collector.address, OTEL_EXPORTER_OTLP_HEADERS="x-key=very%20secret")
        trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        document = workflow({"first": {"type": "tester/wait", "with": {"seconds": 0.2}}, "bad": {"type": "tester/fail", "needs": ["first"]}})
        run = server.ok("POST", "/api/v1/runs", {"document": document}, headers={"traceparent": f"00-{trace}-{parent}-01"})["run"]
        server.ended(run)
        # Who has no token makes no spans.
        server.ask("GET", "/api/v1/runs", token="", headers={"traceparent": f"00-{'1' * 32}-{parent}-01"})
        self.assertEqual(server.stop(), 0)
        self.assertNotIn(b"very secret", server.text(server.errors))
        self.assertTrue(all(path == "/v1/traces" and fields["x-key"] == "very secret" for path, fields in collector.fields))
        self.assertFalse([one for one in collector.spans if one["traceId"] == "1" * 32])
        mine = {one["name"]: one for one in collector.spans if one["traceId"] == trace}
        self.assertEqual(set(mine), {"POST /api/v1/runs", "run test", "first", "bad"})
        request, whole, first, bad = (mine[name] for name in ["POST /api/v1/runs", "run test", "first", "bad"])
        self.assertEqual(request["parentSpanId"], parent)
        self.assertEqual(whole["parentSpanId"], request["spanId"])
        self.assertEqual({first["parentSpanId"], bad["parentSpanId"]}, {whole["spanId"]})
        self.assertEqual(attributes(request)["http.response.status_code"], "202")
        self.assertEqual(attributes(whole)["orchestrator.run.id"], run)
        self.assertEqual([one["status"].get("code") for one in (whole, bad)], [2, 2])
        took = (int(first["endTimeUnixNano"]) - int(first["startTimeUnixNano"])) / 1e9
        self.assertTrue(0.2 <= took < 5, took)
        self.assertLessEqual(int(first["endTimeUnixNano"]), int(bad["startTimeUnixNano"]))
        self.assertLess(abs(int(bad["endTimeUnixNano"]) / 1e9 - time.time()), 60)

    def test_a_collector_that_isnt_there_holds_up_nobody(self):
        server = self.serve(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
        self.assertEqual(self.run_of(server, {"a": {"type": "tester/wait", "with": {"seconds": 0}}})["state"], "succeeded")
        began = time.monotonic()
        self.assertEqual(server.stop(signal.SIGTERM), 0)
        self.assertLess(time.monotonic() - began, 20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orchestrator", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = os.path.abspath(arguments.orchestrator)
    unittest.main(argv=[sys.argv[0], "-v", *rest])
