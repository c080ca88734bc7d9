"""What `orchestrator serve` takes and gives beside runs: files for them, pages of them, and the registry of plugins."""

import argparse
import base64
import hashlib
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
import unittest

from serving import PLUGIN, Server, ServerCase, node, workflow, write_plugin


class RegistryTests(ServerCase):
    def pack(self, name, version, rest="", directory=None):
        place = directory or f"{self.directory.name}/sources"
        os.makedirs(f"{place}/{name}", exist_ok=True)
        for file, text in PLUGIN.items():
            with open(f"{place}/{name}/{file}", "w") as written:
                written.write(text.replace("name: tester", f"name: {name}").replace("version: 1.0.0", f"version: {version}") + (
                    rest if file == "plugin.yaml" else ""))
        package = f"{place}/{name}-{version}.zip"
        subprocess.run([self.program, "plugin", "pack", f"{place}/{name}", "--out", package], check=True, capture_output=True, timeout=60)
        return package

    def command(self, *arguments, token="", port=None):
        """A command on a host of its own, which has the server's registry configured and, in its environment, a token."""
        elsewhere = f"{self.directory.name}/elsewhere"
        os.makedirs(elsewhere, exist_ok=True)
        with open(f"{elsewhere}/s.yaml", "w") as file:
            file.write(f"plugins: {{registry: {{enable: true, url: \"http://127.0.0.1:{port or self.server.port}/api/registry\"}}}}\n")
        surroundings = {**os.environ, "ORCHESTRATOR_REGISTRY_TOKEN": token}
        if not token:
            del surroundings["ORCHESTRATOR_REGISTRY_TOKEN"]
        state = ["--state-dir", f"{elsewhere}/state"] if arguments[1] in ("install", "info", "list") else []
        return subprocess.run([self.program, *arguments, "--config", f"{elsewhere}/s.yaml", *state], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120, cwd=elsewhere, env=surroundings, text=True)

    def test_plugins_are_published_found_installed_and_yanked_by_the_commands_as_the_scopes_say(self):
        tokens = {name: self.token(name, scope) for name, scope in [
            ("reader", "viewer"), ("worker", "runner"), ("alice", "author"), ("mallory", "author"), ("chief", "admin")]}
        package = self.pack("wares", "1.0.0")
        for name in ["reader", "worker"]:
            refused = self.command("plugin", "publish", package, token=tokens[name])
            self.assertEqual(refused.returncode, 2)
            self.assertIn("scope author", refused.stderr)
        published = self.command("plugin", "publish", package, "--category", "tests", token=tokens["alice"])
        self.assertIn("wares 1.0.0 is published", published.stdout, published.stderr)
        self.assertIn("was published before", self.command("plugin", "publish", package, token=tokens["alice"]).stdout)
        stolen = self.command("plugin", "publish", self.pack("wares", "1.1.0"), token=tokens["mallory"])
        self.assertEqual(stolen.returncode, 2)
        self.assertIn("belongs to another publisher", stolen.stderr)
        self.assertEqual(self.server.ok("GET", "/api/registry/plugins/wares", token=tokens["reader"])["owner"], "alice")
        # Who has no token learns nothing, and is told where one is named.
        blind = self.command("plugin", "search", "wares")
        self.assertEqual(blind.returncode, 2)
        self.assertIn("token_file", blind.stderr)
        self.assertIn("wares 1.0.0", self.command("plugin", "search", "waits", "--category", "tests", token=tokens["reader"]).stdout)
        self.assertIn("alice", self.command("plugin", "info", "wares", token=tokens["reader"]).stdout)
        installed = self.command("plugin", "install", "wares", "--no-consent", token=tokens["reader"])
        self.assertEqual(installed.returncode, 0, installed.stderr)
        self.assertIn("wares 1.0.0", self.command("plugin", "list").stdout)
        self.assertEqual(self.command("plugin", "yank", "wares@1.0.0", "--reason", "no", token=tokens["mallory"]).returncode, 2)
        yanked = self.command("plugin", "yank", "wares@1.0.0", "--reason", "loses a line", token=tokens["alice"])
        self.assertEqual(yanked.returncode, 0, yanked.stderr)
        self.assertNotIn("wares", self.command("plugin", "search", "waits", token=tokens["reader"]).stdout)
        # An admin may do it for anybody, and it is written down.
        self.assertEqual(self.command("plugin", "yank", "wares@1.0.0", "--undo", token=tokens["chief"]).returncode, 0)
        self.assertIn("wares 1.0.0", self.command("plugin", "search", "waits", token=tokens["reader"]).stdout)
        self.assertIn(("registry.undo_yank", "wares 1.0.0", "chief", "done"), [
            (one["action"], one["subject"], one["actor"], one["outcome"]) for one in self.server.ok("GET", "/api/v1/audit")["entries"]])

    def test_a_plugin_comes_from_the_registry_with_what_it_needs_and_no_more_is_granted_than_was_said(self):
        # The registry of this server is that of another one too.
        config = f"{self.directory.name}/other.yaml"
        with open(f"{self.directory.name}/registry.token", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(self.token("other-server", "viewer"))
        with open(config, "w") as file:
            file.write(f"plugins: {{registry: {{enable: true, url: \"http://127.0.0.1:{self.server.port}/api/registry\", "
                       f"token_file: {self.directory.name}/registry.token}}}}\n")
        author = self.token("dave", "author")
        for name, version, rest in [("ware", "1.0.0", ""), ("ware", "1.1.0", ""), ("stall", "1.0.0", "dependencies: ['plugin:ware<1.1']\n")]:
            done = self.command("plugin", "publish", self.pack(name, version, rest), token=author)
            self.assertEqual(done.returncode, 0, done.stderr)
        empty = f"{self.directory.name}/empty"
        os.makedirs(empty, exist_ok=True)
        with Server(self.program, f"{empty}/state", "--config", config, "--jobs", "2") as other:
            made = other.ok("POST", "/api/v1/plugins/stall/install", {"grants": {"ware": ["filesystem.write"]}})
            self.assertEqual([(one["name"], one["version"]) for one in made["installed"]], [("ware", "1.0.0"), ("stall", "1.0.0")])
            self.assertIn("not signed", json.dumps(made["warnings"]))
            self.assertIn("ware/wait", {one["nodeType"] for one in other.ok("GET", "/api/plugins/nodes")["nodes"]})
            for name, granted in [("ware", ["filesystem.write"]), ("stall", [])]:
                effective = other.ok("GET", f"/api/v1/plugins/{name}/grants")["effective"]
                self.assertEqual([one for one in effective if one == "filesystem.write"], granted)
            upgraded = other.ok("POST", "/api/v1/plugins/ware/install", {"range": ">=1.1"})["installed"]
            self.assertEqual([(one["version"], one["before"]) for one in upgraded], [("1.1.0", "1.0.0")])
            for body, status in [({"range": ">=9"}, 422), ({"range": "x y"}, 422), ({"grants": {"ware": ["all"]}}, 422), ({"grants": []}, 422),
                                 ({"range": "1.0.0"}, 422), ({"checksum": "sha256:" + "0" * 64}, 422), ({"other": 1}, 422)]:
                self.assertEqual(other.ask("POST", "/api/v1/plugins/ware/install", body)[0], status, body)
            self.assertEqual(other.ok("POST", "/api/v1/plugins/ware/install", {"range": "1.0.0", "allow_downgrade": True})["installed"][0]["version"], "1.0.0")
            self.assertEqual(other.ask("POST", "/api/v1/plugins/..%2fware/install")[0], 422)
            self.assertEqual(other.ask("POST", "/api/v1/plugins/nothing_there/install")[0], 422)
            told = [(one["action"], one["subject"], one["outcome"]) for one in other.ok("GET", "/api/v1/audit")["entries"]]
            self.assertIn(("plugin.install", "stall", "done"), told)
            self.assertIn(("plugin.install", "nothing_there", "failed"), told)
            self.assertEqual(other.stop(), 0)
        # Nothing is asked where nothing is configured.
        status, _, answer = self.server.ask("POST", "/api/v1/plugins/ware/install")
        self.assertEqual(status, 422)
        self.assertIn("no registry of plugins is configured", answer["title"])

    def test_a_registry_takes_nothing_that_is_not_whole_or_not_what_it_is_said_to_be(self):
        token = self.token("carol", "author")
        with open(self.pack("goods", "1.0.0"), "rb") as file:
            package = file.read()
        path, zipped = "/api/registry/plugins/goods/1.0.0/package", {"Content-Type": "application/zip"}
        for bytes_sent, place, headers, status in [
                (b"nothing", path, zipped, 422), (package, path.replace("1.0.0", "2.0.0"), zipped, 422), (package, path.replace("1.0.0", "1.0"), zipped, 400),
                (package, path.replace("goods", "..%2f..%2fgoods"), zipped, 400), (package, path, {"Content-Type": "text/plain"}, 415),
                (package, path + "?category=no%20category", zipped, 400), (package, path + "?other=1", zipped, 400)]:
            self.assertEqual(self.server.ask("PUT", place, bytes_sent, token=token, headers=headers)[0], status, (place, headers))
        chunked = self.server.ask("PUT", path, iter([package]), token=token, headers=zipped)
        self.assertEqual(chunked[0], 411)
        self.assertIn(b" 413 ", self.raw(f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                                         f"Content-Type: application/zip\r\nContent-Length: 9000000000\r\n\r\n".encode()))
        self.assertEqual(self.server.ask("GET", "/api/registry/plugins/goods")[0], 404)
        self.assertEqual(self.server.ask("PUT", path, package, token=token, headers=zipped)[0], 201)
        self.assertEqual(self.server.ok("GET", path, raw=True), package)


class PageTests(ServerCase):
    def test_a_run_is_drawn_and_reported_in_pages_that_run_nothing_but_their_own_script(self):
        hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
        nodes = {"a": node(lines=2, say=hostile), "b": {"type": "tester/fail", "in": {"input": "a.output"}, "continue-on-error": True}}
        run = self.run_of(nodes)
        self.server.ended(run)
        report = f"/api/v1/runs/{run}/report"
        end = time.monotonic() + 20
        while (answer := self.server.ask("GET", report))[0] == 409 and time.monotonic() < end:
            time.sleep(0.05)
        status, headers, page = answer
        self.assertEqual((status, headers["Content-Type"], headers["Content-Disposition"]), (200, "text/html; charset=utf-8", "inline"))
        policy = headers["Content-Security-Policy"]
        self.assertTrue(policy.startswith("default-src 'none'; script-src 'sha256-") and policy.endswith("frame-ancestors 'none'"), policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual((headers["X-Content-Type-Options"], headers["X-Frame-Options"]), ("nosniff", "DENY"))
        allowed = {f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"
                   for text in re.findall(rb"<(?:script|style)>(.*?)</(?:script|style)>", page, re.DOTALL)}
        self.assertEqual(allowed, set(re.findall(r"'sha256-[^']*'", policy)))
        self.assertNotIn(b"alert(1)</script>", page)
        self.assertNotIn(b"<img", page)
        self.assertEqual(self.server.ask("GET", report, headers={"If-None-Match": headers["ETag"]})[0], 304)
        status, headers, drawing = self.server.ask("GET", f"/api/v1/runs/{run}/graph")
        self.assertEqual((status, headers["Content-Type"]), (200, "image/svg+xml"))
        self.assertIn("style-src 'sha256-", headers["Content-Security-Policy"])
        self.assertIn("sandbox", headers["Content-Security-Policy"])
        self.assertTrue(drawing.startswith(b"<svg") and b"tester/fail" in drawing)
        self.assertIn("b", self.server.ok("GET", f"/api/v1/runs/{run}/graph?format=text").decode())
        self.assertEqual(self.server.ask("GET", f"/api/v1/runs/{run}/graph?format=dot")[0], 400)
        self.server.ok("PUT", "/api/v1/workflows/drawn", workflow(nodes), headers={"If-None-Match": "*"})
        self.assertEqual(self.server.ok("GET", "/api/v1/workflows/drawn/graph"), drawing)
        self.assertEqual(self.server.ask("GET", "/api/v1/workflows/none/graph")[0], 404)
        self.assertEqual(self.server.ask("GET", "/api/v1/runs/none/report")[0], 404)
        running = self.run_of({"a": node(20)})
        self.assertEqual(self.server.ask("GET", f"/api/v1/runs/{running}/report")[0], 409)
        self.server.ok("POST", f"/api/v1/runs/{running}/cancel")
        self.server.ended(running)


class UploadTests(ServerCase):
    def send(self, content, token=None, **options):
        return self.server.ok("POST", "/api/v1/uploads", content, token=token, headers={"Content-Type": "application/octet-stream"}, **options)

    def test_a_file_that_was_sent_lies_in_the_workspace_of_each_run_that_is_given_it(self):
        content = random.Random(7).randbytes(3_000_000)
        large, empty = self.send(content), self.send(b"")
        self.assertEqual((large["bytes"], large["digest"]), (len(content), f"sha256:{hashlib.sha256(content).hexdigest()}"))
        self.assertEqual((empty["bytes"], empty["taken"]), (0, False))
        chunked = self.server.ask("POST", "/api/v1/uploads", iter([b"a" * 70_000] * 3), headers={
            "Content-Type": "application/octet-stream"})
        self.assertEqual((chunked[0], chunked[2]["bytes"]), (201, 210_000))
        self.assertEqual(chunked[1]["Location"], f"/api/v1/uploads/{chunked[2]['upload']}")
        files = {"data/in/large.bin": large["upload"], "data/empty": empty["upload"], "data/in/again": large["upload"]}
        run = self.run_of({"a": node(), "b": {"type": "tester/fail", "in": {"input": "a.output"}}}, files=files)
        shown = self.server.ended(run)
        self.assertEqual({one["path"]: one["digest"] for one in shown["given_files"]}, {
            path: {large["upload"]: large, empty["upload"]: empty}[upload]["digest"] for path, upload in files.items()})
        self.assertEqual(self.server.ok("GET", f"/api/v1/runs/{run}/file?path=data/in/large.bin"), content)
        listed = {one["path"]: one["bytes"] for one in self.server.ok("GET", f"/api/v1/runs/{run}/files")["files"]}
        self.assertEqual(listed, {"data/in/large.bin": len(content), "data/in/again": len(content), "data/empty": 0})
        told = subprocess.run([self.program, "runs", "show", run, "--state-dir", f"{self.directory.name}/state"], capture_output=True, timeout=60)
        self.assertIn(f"data/in/large.bin, {len(content)} bytes", told.stdout.decode(), told.stderr)
        # What a run has stays, and the run goes on and is repeated with it.
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/uploads/{large['upload']}")[0], 409)
        self.assertTrue(self.server.ok("GET", f"/api/v1/uploads/{large['upload']}")["taken"])
        self.server.ok("POST", f"/api/v1/runs/{run}/resume")
        self.server.ended(run)
        self.assertEqual(self.server.ok("GET", f"/api/v1/runs/{run}/file?path=data/in/again"), content)
        again = self.server.ok("POST", f"/api/v1/runs/{run}/rerun", {"from": "b"})["run"]
        self.server.ended(again)
        self.server.ok("DELETE", f"/api/v1/runs/{run}")
        self.assertEqual(self.server.ok("GET", f"/api/v1/runs/{again}/file?path=data/in/large.bin"), content)
        self.assertEqual(self.server.ask("DELETE", f"/api/v1/uploads/{large['upload']}")[0], 409)
        self.server.ok("DELETE", f"/api/v1/runs/{again}")
        self.server.ok("DELETE", f"/api/v1/uploads/{large['upload']}")
        self.assertEqual(self.server.ask("POST", "/api/v1/runs", {"document": workflow({"a": node()}), "files": files})[0], 422)

    def test_a_file_that_was_sent_is_its_owners_and_lies_nowhere_but_in_the_workspace(self):
        mine, other = self.token("sender", "runner"), self.token("stranger", "runner")
        upload = self.send(b"secret", token=mine)["upload"]
        self.assertEqual(self.server.ask("POST", "/api/v1/uploads", b"a", token=self.token("looker", "viewer"), headers={
            "Content-Type": "application/octet-stream"})[0], 403)
        absent = self.server.ask("GET", "/api/v1/uploads/" + "0" * 32, token=other)
        for method in ["GET", "DELETE"]:
            foreign = self.server.ask(method, f"/api/v1/uploads/{upload}", token=other)
            self.assertEqual((foreign[0], foreign[2]), (404, absent[2]))
        taken = self.server.ask("POST", "/api/v1/runs", {"document": workflow({"a": node()}), "files": {"a": upload}}, token=other)
        self.assertEqual(taken[0], 422)
        self.assertNotIn(upload, json.dumps(self.server.ok("GET", "/api/v1/uploads", token=other)))
        self.assertEqual([one["upload"] for one in self.server.ok("GET", "/api/v1/uploads", token=mine)["uploads"]], [upload])
        self.assertIn(upload, json.dumps(self.server.ok("GET", "/api/v1/uploads?limit=200")))
        before = len(self.server.ok("GET", "/api/v1/runs?submitter=sender")["runs"])
        for files in [{"../a": upload}, {"/etc/a": upload}, {"a/../../b": upload}, {"": upload}, {"a//b": upload}, {"a/.": upload},
                      {"a\\b": upload}, {"a\u202eb": upload}, {"a\u0000": upload}, {"a": upload, "a/b": upload}, {"a": upload, "A": upload},
                      {"a": "../../state.sqlite"}, {"a": upload.upper()}, {"a": 1}, ["a"], {str(i): upload for i in range(257)},
                      {"/".join("a" for _ in range(40)): upload}, {"a" * 300: upload}]:
            status, _, answer = self.server.ask("POST", "/api/v1/runs", {"document": workflow({"a": node()}), "files": files}, token=mine)
            self.assertIn(status, (400, 422), files)
        self.assertEqual(len(self.server.ok("GET", "/api/v1/runs?submitter=sender")["runs"]), before)
        self.assertIn(b" 413 ", self.raw(f"POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {mine}\r\n"
                                         f"Content-Type: application/octet-stream\r\nContent-Length: 5000000000\r\n\r\n".encode()))
        # Who goes away in the middle leaves nothing, and only so many come at one time.
        held, sent, status = [], {"Content-Type": "application/octet-stream"}, 201
        while status == 201 and len(held) < 20:
            connection = socket.create_connection(("127.0.0.1", self.server.port))
            connection.sendall(f"POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {mine}\r\n"
                               f"Content-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n{'a' * 1000}".encode())
            held.append(connection)
            time.sleep(0.05)
            status = self.server.ask("POST", "/api/v1/uploads", b"a", token=mine, headers=sent)[0]
        self.assertEqual(status, 429)
        for connection in held:
            connection.close()
        end = time.monotonic() + 10
        while (status := self.server.ask("POST", "/api/v1/uploads", b"a", token=mine, headers=sent)[0]) != 201 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(status, 201)
        self.server.ok("GET", "/api/v1/me", token=mine)
        known = {one["upload"] for one in self.server.ok("GET", "/api/v1/uploads?limit=200")["uploads"]}
        self.assertEqual(set(os.listdir(f"{self.directory.name}/state/uploads")), known)

    def test_a_file_that_no_run_takes_expires_and_what_a_killed_server_left_is_removed(self):
        sent, state = {"Content-Type": "application/octet-stream"}, f"{self.directory.name}/life/state"
        os.makedirs(f"{self.directory.name}/life")
        write_plugin(f"{self.directory.name}/life")
        with Server(self.program, state, "--upload-lifetime", "2s") as server:
            token = server.token
            taken, lost = (server.ok("POST", "/api/v1/uploads", text, headers=sent)["upload"] for text in [b"taken", b"lost"])
            run = server.ok("POST", "/api/v1/runs", {"document": workflow({"a": node()}), "files": {"a": taken}})["run"]
            server.ended(run)
            end = time.monotonic() + 20
            while time.monotonic() < end and server.ask("GET", f"/api/v1/uploads/{lost}")[0] == 200:
                time.sleep(0.1)
            self.assertEqual(server.ask("GET", f"/api/v1/uploads/{lost}")[0], 404)
            self.assertEqual(os.listdir(f"{state}/uploads"), [taken])
            server.process.kill()
            server.process.wait()
        for name in ["0" * 32, ".draft-0123"]:
            with open(f"{state}/uploads/{name}", "w") as file:
                file.write("left")
        # A run that was being given its files, and that nobody was told of.
        os.makedirs(f"{state}/runs/20260101T000000Z-0badcafe/workspace/in")
        for path in ["placing", "workspace/in/a"]:
            with open(f"{state}/runs/20260101T000000Z-0badcafe/{path}", "w") as file:
                file.write("left")
        with Server(self.program, state, token=token) as server:
            self.assertEqual(os.listdir(f"{state}/uploads"), [taken])
            self.assertEqual(os.listdir(f"{state}/runs"), [run])
            server.ok("DELETE", f"/api/v1/runs/{run}")
            server.ok("DELETE", f"/api/v1/uploads/{taken}")
            self.assertEqual(os.listdir(f"{state}/uploads"), [])
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--orchestrator", required=True)
    chosen, rest = parser.parse_known_args()
    ServerCase.program = chosen.orchestrator
    unittest.main(argv=[sys.argv[0], "-v", *rest])
