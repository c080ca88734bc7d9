"""What `orchestrator serve` does for an editor: workflows in their other forms, runs of what has changed, plugins' settings, what runs where."""

import argparse
import json
import subprocess
import sys
import time
import unittest

from serving import ServerCase, node, workflow, write_plugin

SETTABLE = {
    "plugin.yaml": """name: settable
version: 1.0.0
author: A
description: Tells its configuration
entry_point: plugin.py
node_types: [tell]
permissions: []
configuration:
  currency: {type: string, default: EUR, description: What is paid in}
  rounds: {type: integer}
  fixed: {type: boolean}
  token: {type: string, secret: true}
""",
    "plugin.py": '''from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, PortSpecification


class Tell(DeclaredNode):
    specification = NodeSpecification("tell", "Tell", "Tests", "Tells", outputs=[PortSpecification("output", "any", "Output", "All")])

    def execute(self, inputs, context):
        return {"output": {key: len(value) if key == "token" else value for key, value in self.config.items()}}


class Settable(DeclaredPlugin):
    nodes = (Tell,)
''',
}


class EditingTests(ServerCase):
    # Forms

    def test_a_workflow_is_told_in_its_other_forms_and_keeps_its_order_and_its_values(self):
        document = workflow({"b": node(1.5, say="yes"), "a": {"type": "tester/wait", "in": {"input": "b.output"}, "if": "${{ true }}"}})
        made = self.server.ok("POST", "/api/v1/workflows/convert", document)
        self.assertEqual(made["document"], document)
        self.assertEqual(made["diagnostics"], [])
        self.assertIsNone(made["flow"])
        self.assertIn("apiVersion: orchestrator/v1\n", made["source"])
        self.assertIn('say: "yes"', made["source"])
        text = "# a comment\n" + made["source"]
        again = self.server.ok("POST", "/api/v1/workflows/convert?react_flow=true", text, headers={"Content-Type": "application/yaml"})
        self.assertEqual(json.dumps(again["document"]), json.dumps(document))
        self.assertEqual(again["source"], made["source"])
        self.assertEqual({one["id"] for one in again["flow"]["nodes"]}, {"a", "b"})

    def test_a_text_that_is_no_workflow_yet_is_told_with_what_is_wrong_at_its_line(self):
        def convert(text):
            status, _, body = self.server.ask("POST", "/api/v1/workflows/convert", text, headers={"Content-Type": "application/yaml"})
            return status, body

        text = "apiVersion: orchestrator/v1\nkind: Workflow\nmetadata: {name: x}\nspec:\n  nodes:\n    a: {typ: tester/wait}\n"
        status, answer = convert(text)
        self.assertEqual(status, 200)
        self.assertEqual(answer["document"]["spec"], {"nodes": {"a": {"typ": "tester/wait"}}})
        self.assertEqual({one["line"] for one in answer["diagnostics"]}, {6})
        for broken, line in [("a: [\nb: 1\n", 3), ("a: 1\na: 2\n", 2), ("- a\n", None)]:
            status, answer = convert(broken)
            self.assertEqual(status, 422, broken)
            self.assertTrue(answer["diagnostics"], broken)
            if line:
                self.assertEqual(answer["diagnostics"][0]["line"], line, broken)

    # Again

    def test_a_run_of_what_has_changed_takes_the_results_that_still_hold(self):
        nodes = {"a": node(say="a"), "b": node(say="b"), "c": {"type": "tester/wait", "in": {"input": "b.output"}},
                 "d": {"type": "tester/wait", "in": {"input": "c.output"}}}
        run = self.run_of(nodes)
        self.assertEqual(self.server.ended(run)["state"], "succeeded")
        self.assertEqual(self.server.ok("GET", f"/api/v1/runs/{run}")["document"], workflow(nodes))

        def begun_again(changed, start, **spec):
            document = workflow(changed)
            document["spec"].update(spec)
            again = self.server.ok("POST", f"/api/v1/runs/{run}/rerun", {"from": start, "document": document, "no_cache": True})["run"]
            self.assertEqual(self.server.ended(again)["state"], "succeeded")
            return sorted(one[2]["node"] for one in self.server.events(again) if one[1] == "started")

        self.assertEqual(begun_again(nodes, "d"), ["d"])
        # What is another runs too, with all that follows; what is new had no result.
        changed = {**nodes, "b": node(say="other"), "e": node(say="e")}
        self.assertEqual(begun_again(changed, "d"), ["b", "c", "d", "e"])
        self.assertEqual(begun_again({"d": {"type": "tester/wait"}, "a": nodes["a"]}, "d"), ["d"])
        # What all depend on.
        self.assertEqual(begun_again(nodes, "d", defaults={"timeout": "60s"}), ["a", "b", "c", "d"])
        status, _, _ = self.server.ask("POST", f"/api/v1/runs/{run}/rerun", {"from": "d", "document": workflow({"d": {"type": "no/such"}})})
        self.assertEqual(status, 422)
        status, _, _ = self.server.ask("POST", f"/api/v1/runs/{run}/rerun", {"from": "d", "document": []})
        self.assertEqual(status, 422)

    # Plugins' settings

    def test_an_admin_sets_what_the_file_leaves_open_and_nobody_reads_a_secret(self):
        directory = f"{self.directory.name}/extra"
        write_plugin(directory, "settable", SETTABLE)
        with open(f"{self.directory.name}/secret", "w") as file:
            file.write("hunter2hunter2")
        with open(f"{self.directory.name}/system.yaml", "w") as file:
            file.write("plugins:\n  configuration:\n    settable: {fixed: true, token: {file: %s/secret}}\n" % self.directory.name)
        state = f"{self.directory.name}/settings-state"
        options = ["--plugins", directory, "--config", f"{self.directory.name}/system.yaml"]
        place = "/api/v1/plugins/settable/settings"
        with type(self.server)(self.program, state, *options) as server:
            before = server.ok("GET", place)
            self.assertEqual(before["settings"], {"currency": "EUR", "fixed": True})
            self.assertEqual(before["configured"], {"fixed": "file", "token": "file"})
            self.assertEqual([key["name"] for key in before["keys"]], ["currency", "rounds", "fixed", "token"])
            for wrong in [{"rounds": "three"}, {"nothing": 1}, {"token": "x"}, {"fixed": False}, {"currency": "CHF", "rounds": 1.5}]:
                status, _, body = server.ask("PUT", place, {"settings": wrong})
                self.assertEqual(status, 422, wrong)
                self.assertNotIn("hunter2", json.dumps(body))
            self.assertEqual(server.ok("GET", place), before, "all of them or none")
            after = server.ok("PUT", place, {"settings": {"currency": "CHF", "rounds": 3}})
            self.assertEqual(after["settings"], {"currency": "CHF", "rounds": 3, "fixed": True})
            self.assertEqual(after["configured"]["rounds"], "server")
            told = self.told(server)
            self.assertEqual(told, {"currency": "CHF", "rounds": 3, "fixed": True, "token": 14})
            reader = server.ok("POST", "/api/v1/tokens", {"name": "r", "scope": "author"})["secret"]
            for method, body in [("GET", None), ("PUT", {"settings": {}})]:
                self.assertEqual(server.ask(method, place, body, token=reader)[0], 403)
            self.assertIn("plugin.set", {one["action"] for one in server.ok("GET", "/api/v1/audit")["entries"]})
            # SIGHUP's reading of the file keeps them.
            server.ok("POST", "/api/v1/reload")
            self.assertEqual(server.ok("GET", place), after)
            server.ok("PUT", place, {"settings": {"rounds": None}})
            self.assertEqual(server.stop(), 0)
            token = server.token
        with type(self.server)(self.program, state, *options, token=token) as server:
            self.assertEqual(server.ok("GET", place)["settings"], {"currency": "CHF", "fixed": True})
            self.assertEqual(self.told(server)["currency"], "CHF")
            self.assertEqual(server.stop(), 0)
        # A command of the same state has them too.
        shown = subprocess.run([self.program, "config", "show", *options, "--state-dir", state], capture_output=True, text=True, timeout=60)
        self.assertIn("CHF", shown.stdout, shown.stderr)

    def told(self, server):
        document = workflow({"tell": {"type": "settable/tell", "cache": "never"}})
        run = server.ok("POST", "/api/v1/runs", {"document": document})["run"]
        self.assertEqual(server.ended(run)["state"], "succeeded", server.events(run))
        return json.loads(server.ask("GET", f"/api/v1/runs/{run}/artifacts/tell/output/0", raw=True)[2])

    # What was refused

    def test_what_a_sandbox_refused_is_told_with_what_would_allow_it(self):
        write_plugin(self.directory.name, "curious", {
            "plugin.yaml": SETTABLE["plugin.yaml"].replace("name: settable", "name: curious").replace("[tell]", "[look]").replace(
                "permissions: []", "permissions: [system.exec]").split("configuration:")[0],
            "plugin.py": SETTABLE["plugin.py"].replace('"tell"', '"look"').replace(
                "        return", "        import subprocess\n        subprocess.run(['/bin/echo'])\n        return"),
        })
        self.server.ok("POST", "/api/v1/reload")
        run = self.run_of({"a": node(), "list": {"type": "curious/look", "needs": ["a"]}})
        self.assertEqual(self.server.ended(run)["state"], "failed")
        for path, names in [("", ["a", "list"]), ("?node=list", ["list"]), ("?node=lis", [])]:
            told = self.server.ok("GET", f"/api/v1/runs/{run}/explain{path}")
            self.assertEqual([one["node"] for one in told["nodes"]], names)
            self.assertEqual(told["nodes_left_out_count"], 0)
        denial, = self.server.ok("GET", f"/api/v1/runs/{run}/explain?node=list")["nodes"][0]["denials"]
        self.assertEqual(denial["permission"], "system.exec:echo")
        self.assertTrue(denial["requested"])
        long = self.run_of({"a": node(20, say="denied")})
        self.assertEqual(self.server.ask("GET", f"/api/v1/runs/{long}/explain")[0], 409)
        self.server.ok("POST", f"/api/v1/runs/{long}/cancel")
        self.server.ended(long)
        self.assertEqual(self.server.ask("GET", "/api/v1/runs/20200101T000000Z-00000000/explain")[0], 404)

    # What runs

    def test_a_host_says_which_nodes_run_on_it_and_what_each_has(self):
        run = self.run_of({"long": node(20, say="running") | {"resources": {"cpu": 0.5}}, "short": node(20, say="too")})
        end = time.monotonic() + 20
        running = []
        while time.monotonic() < end and len(running) < 2:
            running = [one for one in self.server.ok("GET", "/api/v1/hosts")["hosts"][0]["running"] if one["run"] == run]
            time.sleep(0.05)
        self.assertEqual([one["node"] for one in running], ["long", "short"])
        self.assertEqual([one["cpu_milli"] for one in running], [500, 0])
        self.server.ok("POST", f"/api/v1/runs/{run}/cancel")
        self.server.ended(run)
        self.assertNotIn(run, [one["run"] for one in self.server.ok("GET", "/api/v1/hosts")["hosts"][0]["running"]])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--orchestrator", required=True)
    chosen, rest = parser.parse_known_args()
    ServerCase.program = chosen.orchestrator
    unittest.main(argv=[sys.argv[0], "-v", *rest])
