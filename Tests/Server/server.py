"""`orchestrator serve` in use, as its clients and its enemies use it. Each test says what holds."""

import argparse
import concurrent.futures
import http.client
import json
import os
import random
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from serving import WAIT, Server, ServerCase, node, workflow, write_plugin

PROGRAM = ""
KILLS = 8


class ServerTests(ServerCase):
    # Who may ask

    def test_without_a_token_nobody_learns_more_than_that_one_is_needed(self):
        answers = set()
        for method, path in [("GET", "/api/v1/runs"), ("GET", "/api/v1/nothing"), ("PATCH", "/api/v1/runs"), ("POST", "/api/v1/runs"),
                             ("GET", "/openapi.json"), ("GET", "/metrics"), ("GET", "/api/registry/plugins"), ("GET", "/api/v1/runs?x=1")]:
            for token in ["", "orchestrator_" + "0" * 64]:
                status, headers, body = self.server.ask(method, path, token=token)
                fields = {name: value for name, value in headers.items() if name.lower() not in ("date",)}
                answers.add((status, json.dumps(body), json.dumps(fields)))
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(answers.pop()[0], 401)

    def test_a_token_allows_what_its_scope_says_and_nothing_beyond(self):
        asked = [("viewer", "GET", "/api/v1/runs", None, {}), ("runner", "POST", "/api/v1/runs/x/cancel", None, {}),
                 ("author", "PUT", "/api/v1/workflows/a", workflow({"a": node()}), {"If-None-Match": "*"}),
                 ("admin", "GET", "/api/v1/tokens", None, {}), ("admin", "GET", "/api/v1/audit", None, {}),
                 ("admin", "POST", "/api/v1/plugins/tester/grants", {"permissions": ["filesystem.write"]}, {})]
        order = ["viewer", "runner", "author", "admin"]
        for scope in order:
            token = self.token(f"s-{scope}", scope)
            for needed, method, path, body, headers in asked:
                status, _, answer = self.server.ask(method, path, body, token=token, headers=headers)
                is_allowed = order.index(scope) >= order.index(needed)
                self.assertEqual(status != 403, is_allowed, (scope, method, path, status, answer))

    def test_a_token_that_was_taken_back_or_has_expired_is_worth_nothing(self):
        token = self.token("leaving", "viewer")
        self.server.ok("GET", "/api/v1/me", token=token)
        self.server.ok("DELETE", "/api/v1/tokens/leaving")
        self.assertEqual(self.server.ask("GET", "/api/v1/me", token=token)[0], 401)
        short = self.token("short", "viewer", expires="1s")
        time.sleep(1.1)
        self.assertEqual(self.server.ask("GET", "/api/v1/me", token=short)[0], 401)

    def test_what_is_administered_is_written_down_and_no_secret_with_it(self):
        token = self.token("audited", "viewer")
        self.server.ok("POST", "/api/v1/plugins/tester/grants", {"permissions": ["filesystem.write"]})
        self.server.ok("DELETE", "/api/v1/plugins/tester/grants")
        self.assertEqual(self.server.ask("POST", "/api/v1/plugins/tester/grants", {"permissions": ["gpu.access"]})[0], 422)
        entries = self.server.ok("GET", "/api/v1/audit")["entries"]
        found = [(entry["action"], entry["subject"], entry["outcome"], entry["actor"]) for entry in entries]
        for expected in [("token.create", "audited", "done", "first"), ("plugin.grant", "tester", "done", "first"),
                         ("plugin.revoke", "tester", "done", "first"), ("plugin.grant", "tester", "failed", "first")]:
            self.assertIn(expected, found)
        self.assertNotIn(token, json.dumps(entries))

    def test_a_page_of_another_origin_and_a_name_of_somebody_elses_are_refused(self):
        for headers, status in [({"Host": "evil.example"}, 421), ({"Host": "127.0.0.1.evil.example"}, 421),
                                ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
                                ({"Origin": f"http://127.0.0.1:{self.server.port + 1}"}, 403),
                                ({"Origin": f"http://127.0.0.1:{self.server.port}"}, 200), ({"Host": "localhost"}, 200)]:
            self.assertEqual(self.server.ask("GET", "/api/v1/me", headers=headers)[0], status, headers)

    def test_nobody_has_more_runs_or_processors_than_the_token_may(self):
        token = self.token("bounded", "runner", quota="runs=1,cpu=0.5")
        run = self.run_of({"a": node(20)}, token=token)
        status, headers, _ = self.server.ask("POST", "/api/v1/runs", {"document": workflow({"a": node()})}, token=token)
        self.assertEqual((status, headers["Retry-After"]), (429, "10"))
        self.server.ok("POST", f"/api/v1/runs/{run}/cancel", token=token)
        self.assertEqual(self.server.ended(run)["state"], "interrupted")
        large = workflow({"a": {**node(), "resources": {"cpu": 1}}})
        status, _, answer = self.server.ask("POST", "/api/v1/runs", {"document": large}, token=token)
        self.assertEqual(status, 422)
        self.assertIn("may have 500", answer["title"])

    # Plugins

    def test_the_palette_has_every_node_type_and_isnt_sent_twice(self):
        status, headers, palette = self.server.ask("GET", "/api/plugins/nodes")
        self.assertEqual(status, 200)
        mine = {entry["nodeType"]: entry for entry in palette["nodes"]}[WAIT]
        self.assertEqual((mine["displayName"], mine["category"], mine["specification"]["parameters"][0]["name"]), ("Wait", "Tests", "seconds"))
        self.assertEqual(self.server.ask("GET", "/api/plugins/nodes", headers={"If-None-Match": headers["ETag"]})[0], 304)
        few = self.server.ok("GET", "/api/plugins/nodes?category=Tests")["nodes"]
        self.assertEqual({entry["nodeType"] for entry in few}, {WAIT, "tester/fail"})

    # Workflows

    def test_of_two_who_change_a_workflow_one_is_told_that_it_changed(self):
        first, second = workflow({"a": node()}), workflow({"a": node(1)})
        status, headers, made = self.server.ask("PUT", "/api/v1/workflows/two", first, headers={"If-None-Match": "*"})
        self.assertEqual((status, made["version"]), (201, 1))
        tag = headers["ETag"]
        self.assertEqual(self.server.ask("PUT", "/api/v1/workflows/two", first, headers={"If-None-Match": "*"})[0], 412)
        self.assertEqual(self.server.ask("PUT", "/api/v1/workflows/two", second)[0], 428)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(self.server.ask, "PUT", "/api/v1/workflows/two", workflow({"a": node(2 + i)}), None, {"If-Match": tag})
                     for i in range(8)]
            self.assertEqual(sorted(one.result()[0] for one in asked), [200] + [412] * 7)
        self.assertEqual(self.server.ask("DELETE", "/api/v1/workflows/two", headers={"If-Match": tag})[0], 412)
        shown = self.server.ok("GET", "/api/v1/workflows/two")
        self.assertEqual(shown["version"], 2)
        self.assertEqual(json.loads(self.server.ok("GET", "/api/v1/workflows/two?version=1")["source"]), first)
        self.server.ok("DELETE", "/api/v1/workflows/two", headers={"If-Match": shown["etag"]})
        self.assertEqual(self.server.ask("GET", "/api/v1/workflows/two")[0], 404)

    def test_what_is_wrong_with_a_workflow_is_told_by_node_port_and_parameter(self):
        wrong = "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  nodes:\n    a: {type: tester/nothing}\n" \
            "    b:\n      type: tester/wait\n      with: {seconds: soon}\n      in: {other: a.output}\n"
        told = self.server.ok("POST", "/api/v1/workflows/validate", wrong, headers={"Content-Type": "application/yaml"})
        self.assertFalse(told["valid"])
        subjects = {(one.get("node"), one.get("port"), one.get("parameter")) for one in told["diagnostics"]}
        self.assertTrue({("a", None, None), ("b", None, "seconds"), ("b", "other", None)} <= subjects, told)
        status, _, answer = self.server.ask("POST", "/api/v1/runs", {"source": wrong})
        self.assertEqual(status, 422)
        self.assertEqual(answer["diagnostics"], told["diagnostics"])

    def test_a_flow_becomes_a_workflow_and_a_workflow_a_flow(self):
        flow = {"nodes": [{"id": "a", "position": {"x": 1, "y": 2}, "data": {"nodeType": WAIT, "parameters": {"say": 0}}},
                          {"id": "b", "position": {"x": 3, "y": 4}, "data": {"nodeType": WAIT}}],
                "edges": [{"id": "e", "source": "a", "sourceHandle": "output", "target": "b", "targetHandle": "input"}]}
        made = self.server.ok("POST", "/api/v1/workflows/import", flow)
        self.server.ok("PUT", "/api/v1/workflows/flow", made["document"], headers={"If-None-Match": "*"})
        run = self.server.ok("POST", "/api/v1/runs", {"workflow": "flow"})["run"]
        self.assertEqual(self.server.ended(run)["state"], "succeeded")
        back = self.server.ok("GET", "/api/v1/workflows/flow/export")
        self.assertEqual([(edge["source"], edge["target"]) for edge in back["edges"]], [("a", "b")])
        self.assertEqual({one["id"]: one["position"] for one in back["nodes"]}["a"], {"x": 1, "y": 2})

    # Runs

    def test_a_run_takes_its_inputs_as_they_are_typed_and_gives_its_results_back(self):
        typed = workflow({"a": node(say="${{ inputs.text }}"), "b": node(say="${{ inputs.number }}")},
                         {"text": {"type": "string"}, "number": {"type": "integer", "default": 7}})
        for inputs in [{"text": 5}, {"text": "a", "number": "7"}, {"other": 1, "text": "a"}, {}]:
            self.assertEqual(self.server.ask("POST", "/api/v1/runs", {"document": typed, "inputs": inputs})[0], 422, inputs)
        run = self.server.ok("POST", "/api/v1/runs", {"document": typed, "inputs": {"text": "5"}})["run"]
        self.assertEqual(self.server.ended(run)["state"], "succeeded")
        found = {one["node"]: one for one in self.server.ok("GET", f"/api/v1/runs/{run}/artifacts")["artifacts"]}
        self.assertEqual(self.server.ok("GET", f"/api/v1/runs/{run}/artifacts/a/output/0", raw=True), b'"5"')
        self.assertEqual(self.server.ok("GET", f"/api/v1/runs/{run}/artifacts/b/output/0", raw=True), b"7")
        self.assertEqual(found["a"]["bytes"], 3)
        path = f"/api/v1/runs/{run}/artifacts/a/output/0"
        status, headers, part = self.server.ask("GET", path, headers={"Range": "bytes=1-1"}, raw=True)
        self.assertEqual((status, part, headers["Content-Range"]), (206, b"5", "bytes 1-1/3"))
        self.assertEqual(self.server.ask("GET", path, headers={"Range": "bytes=3-"})[0], 416)
        self.assertEqual(self.server.ask("GET", path, headers={"If-None-Match": headers["ETag"]})[0], 304)

    def test_nothing_outside_of_a_workspace_is_read_whatever_the_path(self):
        run = self.run_of({"a": node()})
        place = self.server.ended(run)["workspace"]
        os.makedirs(f"{place}/in", exist_ok=True)
        with open(f"{place}/in/here.txt", "w") as file:
            file.write("here")
        os.symlink("/etc/passwd", f"{place}/link")
        os.symlink("/etc", f"{place}/directory")
        os.mkfifo(f"{place}/fifo")
        listed = self.server.ok("GET", f"/api/v1/runs/{run}/files")
        self.assertEqual([one["path"] for one in listed["files"]], ["in/here.txt"])
        self.assertEqual(self.server.ok("GET", f"/api/v1/runs/{run}/file?path=in/here.txt"), b"here")
        for path in ["../../../../../etc/passwd", "/etc/passwd", "link", "directory/passwd", "in/../in/here.txt", "in//here.txt", "fifo",
                     "in", "", ".", "..%2f..%2fstate.sqlite", "%2e%2e/lock", "in/here.txt%00"]:
            status, _, _ = self.server.ask("GET", f"/api/v1/runs/{run}/file?path={path}", timeout=10)
            self.assertIn(status, (400, 404), path)

    def test_every_event_comes_once_and_in_order_to_each_who_watches(self):
        nodes = {f"n{i}": node(random.Random(i).random() / 5, [f"n{i - 4}"] if i >= 4 else None) for i in range(40)}
        run = self.run_of(nodes)
        journal = []

        def follow(seed):
            chance, last, seen = random.Random(seed), None, []
            while True:
                got = self.server.events(run, last, limit=chance.randrange(1, 30) if seed else None, path="?transient=true" if seed % 2 else "")
                kept = [one for one in got if one[0] is not None]
                seen += kept
                if not got or kept and kept[-1][1] == "finished":
                    return seen
                last = seen[-1][0] if seen else None

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            seen = list(pool.map(follow, range(6)))
        self.assertEqual(self.server.ended(run)["state"], "succeeded")
        for one in seen:
            self.assertEqual([event[0] for event in one], list(range(1, len(one) + 1)))
            self.assertEqual(one, seen[0])
        self.assertEqual({event[2]["node"] for event in seen[0] if event[1] == "succeeded"}, set(nodes))
        # Who has seen all of it is told not to ask again.
        self.assertEqual(self.server.ask("GET", f"/api/v1/runs/{run}/events", headers={"Last-Event-ID": str(len(seen[0]))})[0], 204)

    def test_what_nodes_print_is_kept_and_told_page_by_page(self):
        run = self.run_of({"a": node(lines=120), "b": node(lines=3)})
        self.server.ended(run)
        offset, lines = 0, []
        while True:
            page = self.server.ok("GET", f"/api/v1/runs/{run}/logs?limit=50&after={offset}&node=a")
            lines += [entry["line"] for entry in page["entries"]]
            if page["next"] == offset:
                break
            offset = page["next"]
        self.assertEqual(lines, [f"line {number}" for number in range(120)])

    def test_a_run_that_failed_goes_on_and_one_is_repeated_from_a_node(self):
        run = self.run_of({"a": node(), "b": {"type": "tester/fail", "in": {"input": "a.output"}}, "c": node(say="c")})
        shown = self.server.ended(run)
        self.assertEqual(shown["state"], "failed")
        self.server.ok("POST", f"/api/v1/runs/{run}/resume")
        self.assertEqual(self.server.ended(run)["state"], "failed")
        started = [one[2]["node"] for one in self.server.events(run) if one[1] == "started"]
        self.assertEqual(sorted(started), ["a", "b", "b", "c"])
        again = self.server.ok("POST", f"/api/v1/runs/{run}/rerun", {"from": "a"})
        self.assertEqual(self.server.ended(again["run"])["state"], "failed")
        events = self.server.events(again["run"])
        self.assertEqual(sorted(one[2]["node"] for one in events if one[1] in ("started", "succeeded") and one[2]["node"] == "c"), ["c"])
        self.assertNotIn("c", [one[2]["node"] for one in events if one[1] == "started"])
        self.assertEqual(again["parent"], run)
        self.assertEqual(self.server.ask("POST", f"/api/v1/runs/{run}/rerun", {"from": "nothing"})[0], 422)

    def test_runs_are_listed_by_pages_and_filters_and_removed(self):
        token = self.token("lister", "runner")
        mine = [self.run_of({"a": node()}, token=token) for _ in range(5)]
        for run in mine:
            self.server.ended(run)
        seen, before = [], None
        while True:
            page = self.server.ok("GET", "/api/v1/runs?submitter=lister&state=succeeded&limit=2" + (f"&before={before}" if before else ""))
            seen += [run["run"] for run in page["runs"]]
            before = page["next"]
            if not before:
                break
        self.assertEqual(seen, mine[::-1])
        self.server.ok("DELETE", f"/api/v1/runs/{mine[0]}")
        self.assertEqual(self.server.ask("GET", f"/api/v1/runs/{mine[0]}")[0], 404)

    def test_a_running_run_is_neither_removed_nor_gone_on_with(self):
        run = self.run_of({"a": node(30)})
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/runs/{run}")[0], 409)
        self.assertEqual(self.server.ask("POST", f"/api/v1/runs/{run}/resume")[0], 409)
        began = time.monotonic()
        self.server.ok("POST", f"/api/v1/runs/{run}/cancel")
        self.assertEqual(self.server.ended(run)["state"], "interrupted")
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.server.ask("POST", f"/api/v1/runs/{run}/cancel")[0], 409)

    def test_a_queued_node_says_what_it_waits_for(self):
        run = self.run_of({f"n{i}": node(20, say=i) for i in range(6)})
        end = time.monotonic() + 20
        while time.monotonic() < end:
            queue = {one["run"]: one["waiting"] for one in self.server.ok("GET", "/api/v1/queue")["runs"]}
            if len(queue.get(run, [])) == 2:
                break
            time.sleep(0.05)
        self.assertEqual(len(queue[run]), 2, queue)
        self.assertIn("--jobs", queue[run][0]["reason"])
        self.server.ok("POST", f"/api/v1/runs/{run}/cancel")
        self.server.ended(run)

    # Enemies

    def head(self, rest=""):
        return (f"POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.server.token}\r\n"
                f"Content-Type: application/json\r\n{rest}").encode()

    def test_bodies_headers_and_documents_have_bounds(self):
        self.assertIn(b" 413 ", self.raw(self.head("Content-Length: 1000000000\r\n\r\n")))
        self.assertIn(b" 400 ", self.raw(self.head("".join(f"X-{i}: {'a' * 1000}\r\n" for i in range(60))) + b"\r\n"))
        self.assertIn(b" 400 ", self.raw(self.head("".join(f"X-{i}: a\r\n" for i in range(2000))) + b"\r\n"))
        deep = b'{"document":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"
        self.assertIn(b" 400 ", self.raw(self.head(f"Content-Length: {len(deep)}\r\n\r\n") + deep))
        chunks = b"".join(b"10000\r\n" + b"a" * 65536 + b"\r\n" for _ in range(200))
        self.assertIn(b" 413 ", self.raw(self.head("Transfer-Encoding: chunked\r\n\r\n") + chunks))
        self.assertIn(b" 415 ", self.raw(self.head("Content-Length: 2\r\n\r\n{}").replace(b"application/json", b"text/plain")))
        self.server.ok("GET", "/api/v1/me")

    def test_who_watches_and_never_reads_holds_up_neither_run_nor_others(self):
        slow = []
        run = self.run_of({f"n{i}": node(0.05, [f"n{i - 1}"] if i else None, lines=300) for i in range(30)})
        for _ in range(50):
            connection = socket.create_connection(("127.0.0.1", self.server.port))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(f"GET /api/v1/runs/{run}/events?transient=true HTTP/1.1\r\nHost: localhost\r\n"
                               f"Authorization: Bearer {self.server.token}\r\n\r\n".encode())
            slow.append(connection)
        events = self.server.events(run)
        self.assertEqual(self.server.ended(run)["state"], "succeeded")
        self.assertEqual([one[0] for one in events], list(range(1, len(events) + 1)))
        for connection in slow:
            connection.close()


class LifeTests(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(dir="/var/tmp")
        write_plugin(self.directory.name)
        self.state = f"{self.directory.name}/state"

    def tearDown(self):
        self.directory.cleanup()

    def serve(self, *options, token=None):
        return Server(PROGRAM, self.state, "--jobs", "4", *options, token=token)

    def test_killed_again_and_again_every_accepted_run_ends_and_no_node_is_done_twice(self):
        token, accepted, chance = None, [], random.Random(1)
        for _ in range(KILLS):
            with self.serve(token=token) as server:
                token = server.token

                def submit():
                    while True:
                        try:
                            nodes = {f"n{i}": node(0.05, [f"n{i - 2}"] if i > 1 else None) for i in range(8)}
                            status, _, answer = server.ask("POST", "/api/v1/runs", {"document": workflow(nodes), "no_cache": True}, timeout=20)
                            if status == 202:
                                accepted.append(answer["run"])
                        except (OSError, http.client.HTTPException, ValueError):
                            return
                        time.sleep(0.02)

                threads = [threading.Thread(target=submit) for _ in range(2)]
                for thread in threads:
                    thread.start()
                time.sleep(0.2 + chance.random())
                server.process.kill()
                server.process.wait()
                for thread in threads:
                    thread.join()
        self.assertGreater(len(accepted), 20)
        with self.serve(token=token) as server:
            for run in accepted:
                self.assertEqual(server.ended(run, 120)["state"], "succeeded", run)
                events = server.events(run)
                self.assertEqual([one[0] for one in events], list(range(1, len(events) + 1)))
                done = [one[2]["node"] for one in events if one[1] == "succeeded"]
                self.assertEqual(sorted(done), sorted(f"n{i}" for i in range(8)))
            self.assertEqual(server.stop(), 0)

    def test_a_server_that_is_to_end_lets_the_next_one_go_on(self):
        with self.serve("--shutdown-timeout", "1s") as server:
            run = server.ok("POST", "/api/v1/runs", {"document": workflow({"a": node(), "b": node(4, ["a"]), "c": node(0, ["b"], say="c")})})["run"]
            while not any(one[1] == "succeeded" for one in server.events(run, limit=3)):
                time.sleep(0.05)
            began = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - began, 15)
            token = server.token
        with self.serve(token=token) as server:
            self.assertEqual(server.ended(run)["state"], "succeeded")
            started = [one[2]["node"] for one in server.events(run) if one[1] == "started"]
            self.assertEqual(started, ["a", "b", "b", "c"])
            self.assertEqual(server.stop(), 0)

    def test_a_run_that_cant_go_on_ends_and_says_why(self):
        with self.serve() as server:
            token = server.token
            run = server.ok("POST", "/api/v1/runs", {"document": workflow({"a": node(30)})})["run"]
            server.process.kill()
            server.process.wait()
        with open(f"{self.directory.name}/tester/plugin.py", "a") as file:
            file.write("\n# another version\n")
        with self.serve(token=token) as server:
            shown = server.ended(run)
            self.assertEqual(shown["state"], "failed")
            self.assertIn("changed since it began", shown["problems"][0]["why"])
            self.assertEqual(server.stop(), 0)

    def test_the_first_token_is_shown_once_and_two_servers_dont_share_a_state(self):
        with self.serve() as server:
            second = None
            try:
                second = Server(PROGRAM, self.state)
            except AssertionError as refusal:
                self.assertIn("another server uses the state directory", str(refusal))
            self.assertIsNone(second)
            self.assertEqual(server.stop(), 0)
            token = server.token
        with self.serve(token=token) as server:
            self.assertNotIn(b"orchestrator_", server.text(server.errors))
            server.ok("GET", "/api/v1/me")
            self.assertEqual(server.stop(), 0)

    def test_a_plugin_that_comes_is_found_after_a_reload(self):
        with self.serve() as server:
            before = {one["nodeType"] for one in server.ok("GET", "/api/plugins/nodes")["nodes"]}
            self.assertIn(WAIT, before)
            os.rename(f"{self.directory.name}/tester", f"{self.directory.name}/.gone")
            server.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 20
            while time.monotonic() < end:
                now = {one["nodeType"] for one in server.ok("GET", "/api/plugins/nodes")["nodes"]}
                if WAIT not in now:
                    break
                time.sleep(0.05)
            self.assertNotIn(WAIT, now)
            os.rename(f"{self.directory.name}/.gone", f"{self.directory.name}/tester")
            server.ok("POST", "/api/v1/reload")
            self.assertIn(WAIT, {one["nodeType"] for one in server.ok("GET", "/api/plugins/nodes")["nodes"]})
            self.assertEqual(server.stop(), 0)

    def certificate(self, name):
        place = self.directory.name
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{place}/new.key",
             "-out", f"{place}/new.crt"], check=True, capture_output=True)
        for suffix in ("crt", "key"):
            os.rename(f"{place}/new.{suffix}", f"{place}/server.{suffix}")

    def peer(self, server):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
            context = ssl.create_default_context(cafile=f"{self.directory.name}/server.crt")
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b""
                while piece := connection.recv(4096):
                    answer += piece
                return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"], answer

    def test_a_certificate_that_changes_is_used_and_one_that_is_none_is_not(self):
        self.certificate("first")
        with self.serve("--tls-certificate", f"{self.directory.name}/server.crt", "--tls-key", f"{self.directory.name}/server.key") as server:
            name, answer = self.peer(server)
            self.assertEqual(name, "first")
            self.assertIn(b"Strict-Transport-Security: max-age", answer)
            self.assertIn(b" 200 ", answer)
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode, old.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_1
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain, self.assertRaises(OSError):
                old.wrap_socket(plain)
            self.certificate("second")
            server.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 20
            while time.monotonic() < end:
                try:
                    if self.peer(server)[0] == "second":
                        break
                except ssl.SSLError:
                    pass
                time.sleep(0.05)
            self.assertEqual(self.peer(server)[0], "second")
            os.rename(f"{self.directory.name}/server.crt", f"{self.directory.name}/good.crt")
            with open(f"{self.directory.name}/server.crt", "w") as file:
                file.write("nothing")
            server.process.send_signal(signal.SIGHUP)
            server.wait(server.errors, rb"(the new certificate can't be used)")
            os.rename(f"{self.directory.name}/good.crt", f"{self.directory.name}/server.crt")
            self.assertEqual(self.peer(server)[0], "second")
            self.assertEqual(server.stop(), 0)

    def test_a_socket_with_a_path_answers_too(self):
        path = f"{self.directory.name}/socket"
        with self.serve("--listen", f"unix:{path}") as server:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(path)
                connection.sendall(f"GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
                                   "Connection: close\r\n\r\n".encode())
                answer = b""
                while piece := connection.recv(4096):
                    answer += piece
            self.assertIn(b" 200 ", answer)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
            # Another server, with a state of its own, doesn't take it away.
            refused = subprocess.run(
                [PROGRAM, "serve", "--listen", f"unix:{path}", "--state-dir", f"{self.directory.name}/other"], capture_output=True, timeout=60)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(b"another process takes connections at", refused.stderr)
            # Nobody could have asked it.
            self.assertNotIn(b"orchestrator_", refused.stderr)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(path)
            server.process.kill()
            server.process.wait()
        with Server(PROGRAM, f"{self.directory.name}/other", "--listen", f"unix:{path}", "--socket-mode", "600") as server:
            # One that nobody serves is replaced, and the first token is shown by who can be asked with it.
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            server.ok("GET", "/api/v1/me")
            self.assertEqual(server.stop(), 0)

    def test_a_command_that_would_end_the_server_with_a_run_is_refused(self):
        with self.serve() as server:
            run = server.ok("POST", "/api/v1/runs", {"document": workflow({"a": node(20)})})["run"]
            refused = subprocess.run([PROGRAM, "runs", "cancel", run, "--state-dir", self.state], capture_output=True, timeout=60)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(b"carried out by a server", refused.stderr)
            listed = subprocess.run([PROGRAM, "runs", "list", "--state-dir", self.state], capture_output=True, timeout=60)
            self.assertIn(run.encode(), listed.stdout)
            server.ok("POST", f"/api/v1/runs/{run}/cancel")
            server.ended(run)
            self.assertEqual(server.stop(), 0)

    def test_an_address_that_others_reach_takes_tokens_and_encryption(self):
        for options, words in [(["--listen", "0.0.0.0:0"], "without encryption"),
                               (["--listen", "0.0.0.0:0", "--behind-proxy", "--no-tokens"], "without tokens"),
                               (["--listen", "[::]:0"], "without encryption"), (["--listen", "localhost:0"], "a number is needed")]:
            ended = subprocess.run([PROGRAM, "serve", "--state-dir", self.state, *options], capture_output=True, timeout=60)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(words, ended.stderr.decode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--orchestrator", required=True)
    parser.add_argument("--kills", type=int, default=KILLS, help="how often the server is killed under load")
    chosen, rest = parser.parse_known_args()
    PROGRAM = ServerCase.program = chosen.orchestrator
    KILLS = chosen.kills
    unittest.main(argv=[sys.argv[0], "-v", *rest])
