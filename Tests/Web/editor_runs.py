"""Runs in the editor: what nodes returned, parts of runs, what they wait for, what went wrong, and those before."""

import os
import re
import signal
import tempfile

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from browser import Server, write_plugin
from editor_case import OPTIONS, EditorCase
from serving import workflow

EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "examples", "license-report.yaml")
VALUES_PLUGIN = {
    "plugin.yaml": """name: values
version: 1.0.0
author: A
description: Returns values of all kinds
entry_point: plugin.py
node_types: [values, large, blocked, chatty, forgetful]
permissions: [system.exec]
""",
    "plugin.py": '''import base64
import subprocess
import time

from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification
from pipeline.files import File

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGNgYPgPQf8JUQBNQhHvxMg7ggAAAABJRU5ErkJggg=="
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" onload="parent.document.title=1">'
SVG += '<rect width="40" height="20" fill="teal"/><script>parent.document.title = 2</script></svg>'


def port(name):
    return PortSpecification(name, "any", name.capitalize(), "A value")


class Values(DeclaredNode):
    specification = NodeSpecification(
        "values", "Values", "Tests", "Values of all kinds",
        outputs=[port(name) for name in ["records", "tree", "text", "bitmap", "drawing", "file", "odd"]])

    def execute(self, inputs, context):
        records = [{"name": f"row {number}", "size": (number * 37) % 251, "note": None} for number in range(250)]
        records[0]["note"] = "<b>bold</b>"
        tree = {"list": [[number] for number in range(250)], "inner": {"deep": {"truth": True}}}
        return {
            "records": records, "tree": tree, "text": "first line\\n<i>second</i>\\u202e line", "bitmap": base64.b64decode(PNG),
            "drawing": SVG, "file": File("notes.txt", b"of a file"), "odd": bytes(range(256))}


class Large(DeclaredNode):
    specification = NodeSpecification("large", "Large", "Tests", "A large value", outputs=[port("text"), port("list")])

    def execute(self, inputs, context):
        return {"text": File("large.txt", b"a line of it\\n" * 3_000_000), "list": ["x" * 1000] * 6000}


class Blocked(DeclaredNode):
    specification = NodeSpecification("blocked", "Blocked", "Tests", "Starts a program", outputs=[port("output")])

    def execute(self, inputs, context):
        return {"output": subprocess.run(["/bin/echo", "ran"], capture_output=True, check=True, text=True).stdout.strip()}


class Chatty(DeclaredNode):
    specification = NodeSpecification(
        "chatty", "Chatty", "Tests", "Says much", outputs=[port("output")],
        parameters=[ParameterSpecification("lines", "integer", "Lines", "How many", 10),
                    ParameterSpecification("pause", "number", "Pause", "Seconds between two", 0)])

    def execute(self, inputs, context):
        for number in range(self.parameters["lines"]):
            print(f"\\x1b[31mline\\x1b[0m {number}", flush=True)
            time.sleep(self.parameters["pause"])
        context.log("that was much", "warning")
        return {"output": 1}


class Forgetful(DeclaredNode):
    specification = NodeSpecification("forgetful", "Forgetful", "Tests", "Forgets a value", outputs=[port("first"), port("second")])

    def execute(self, inputs, context):
        return {"first": 1}


class ValuesPlugin(DeclaredPlugin):
    nodes = (Values, Large, Blocked, Chatty, Forgetful)
''',
}


class RunTests(EditorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_plugin(cls.directory.name, "values", VALUES_PLUGIN)
        cls.server.ok("POST", "/api/v1/reload")

    def ran(self, page, outcome="The run has succeeded."):
        page.tab.get_by_role("button", name="Run", exact=True).click()
        expect(page.status()).to_have_text(outcome)

    def value(self, page, name):
        return page.tab.locator(f'node-inspector .value[data-value="{name}"]')

    def drawn(self, image):
        expect(image).to_be_visible()
        self.assertGreater(image.evaluate("(image) => image.decode().then(() => image.naturalWidth)"), 0)

    # What nodes returned

    def test_the_example_shows_its_charts(self):
        with open(EXAMPLE, encoding="utf-8") as file:
            self.server.ok("PUT", "/api/v1/workflows/charts", file.read(),
                           headers={"If-None-Match": "*", "Content-Type": "application/yaml"})
        self.server.ok("POST", "/api/v1/plugins/files/grants",
                       {"permissions": ["filesystem.read:/usr/share/common-licenses", "filesystem.write"]})
        page = self.page().open("#workflow=charts")
        page.node("lengths").wait_for()
        self.ran(page)
        for name in ["lengths", "similarity"]:
            page.tab.keyboard.press("f")
            page.node(name).locator(".node-title").click()
            self.drawn(page.tab.get_by_role("img", name="How long they are" if name == "lengths" else "Which ones are related"))
            self.picture(page, f"chart-{name}")
        page.tab.get_by_role("button", name="Larger: section").click()
        self.drawn(page.tab.get_by_role("dialog").get_by_role("img"))
        self.picture(page, "chart-large")
        page.tab.keyboard.press("Escape")
        page.node("count").locator(".node-title").click()
        rows = self.value(page, "count.rows.0")
        expect(rows.get_by_role("img", name="Chart of rows")).to_be_visible()
        self.picture(page, "chart-of-records")

    def test_values_of_each_kind_are_shown_as_what_they_are(self):
        self.store("values", {"v": {"type": "values/values"}})
        page = self.page().open("#workflow=values")
        page.node("v").click()
        self.ran(page)
        expect(page.tab.locator("node-inspector .value")).to_have_count(7)
        self.drawn(self.value(page, "v.bitmap.0").get_by_role("img"))
        self.drawn(self.value(page, "v.drawing.0").get_by_role("img"))
        expect(self.value(page, "v.text.0").locator("pre")).to_have_text("first line\n<i>second</i> line", use_inner_text=False)
        expect(self.value(page, "v.file.0")).to_contain_text("notes.txt · file · 9 B")
        expect(self.value(page, "v.file.0").locator("pre")).to_have_text("of a file")
        expect(self.value(page, "v.odd.0")).to_contain_text("neither text nor a picture")
        records = self.value(page, "v.records.0")
        records.get_by_role("button", name="Table", exact=True).click()
        expect(records.locator("tbody tr")).to_have_count(100)
        expect(records.locator("tbody")).to_contain_text("<b>bold</b>")
        records.get_by_role("button", name="size").click()
        expect(records.locator("tbody td").nth(1)).to_have_text("0")
        records.get_by_role("button", name="size").click()
        expect(records.locator('th[aria-sort="descending"]')).to_have_text("size")
        expect(records.locator("tbody td").nth(1)).to_have_text("250")
        for _ in range(2):
            records.get_by_role("button", name="After").click()
        expect(records.locator("tbody tr")).to_have_count(50)
        expect(records).to_contain_text("201–250 of 250")
        tree = self.value(page, "v.tree.0")
        expect(tree.locator(".tree-leaf")).to_have_count(0)
        tree.locator("summary", has_text="list").click()
        expect(tree.locator("details details details")).to_have_count(100)
        tree.get_by_role("button", name="More").click()
        expect(tree.locator("details details details")).to_have_count(200)
        self.picture(page, "values")
        with page.tab.expect_download() as download:
            self.value(page, "v.file.0").get_by_role("button", name="Download").click()
        self.assertEqual(download.value.suggested_filename, "notes.txt")
        with open(download.value.path(), "rb") as file:
            self.assertEqual(file.read(), b"of a file")
        self.assertEqual(page.tab.title(), "values – Orchestrator")

    def test_of_a_large_value_only_the_beginning_is_read(self):
        self.store("large", {"big": {"type": "values/large"}})
        page = self.page().open("#workflow=large")
        page.node("big").click()
        ranges = []
        page.tab.on("request", lambda request: "/artifacts/" in request.url and ranges.append(request.headers.get("range")))
        self.ran(page)
        text, records = self.value(page, "big.text.0"), self.value(page, "big.list.0")
        text.get_by_role("button", name="Show (39.0 MB)").click()
        expect(text).to_contain_text("The first 65.5 kB of 39.0 MB:")
        records.get_by_role("button", name="Show").click()
        expect(records).to_contain_text("The first 65.5 kB of 6.02 MB:")
        self.assertEqual(ranges, ["bytes=0-65535"] * 2)

    # Parts of runs

    def test_nodes_are_run_up_to_one_and_from_one_on(self):
        self.store("parts", {
            "first": {"type": "tester/wait", "with": {"say": "one"}, "cache": "never"},
            "second": {"type": "tester/wait", "in": {"input": "first.output"}, "cache": "never"},
            "third": {"type": "tester/wait", "in": {"input": "second.output"}, "cache": "never"},
        }, outputs={"end": "third.output"})
        page = self.page().open("#workflow=parts")
        page.node("second").click()
        page.tab.get_by_role("button", name="Run from here").click()
        expect(page.status()).to_have_text("No run is shown whose results could be taken: run all of it first.")
        page.tab.get_by_role("button", name="Run to here").click()
        expect(page.status()).to_have_text("The run has succeeded.")
        expect(page.node("second")).to_have_attribute("data-state", "succeeded")
        expect(page.node("third")).not_to_have_attribute("data-state", "succeeded")
        expect(page.tab.locator(".run-progress")).to_contain_text("2 of 2 · ")
        page.tab.keyboard.press("Control+Enter")
        expect(page.node("third")).to_have_attribute("data-state", "succeeded")
        expect(page.status()).to_have_text("The run has succeeded.")
        # As it is on the canvas now, which the first node's result doesn't depend on.
        page.tab.get_by_label("Say", exact=True).fill('"two"')
        page.tab.keyboard.press("Control+Alt+Enter")
        expect(self.value(page, "second.output.0").locator("pre")).to_have_text("two")
        runs = self.server.ok("GET", "/api/v1/runs?workflow=parts")["runs"]
        self.assertEqual(runs[0]["parent"], runs[1]["run"])
        kinds = {(kind, data.get("node")) for _, kind, data in self.server.events(runs[0]["run"])}
        self.assertNotIn(("started", "first"), kinds)
        self.assertTrue({("started", "second"), ("started", "third")} <= kinds)
        page.node("third").click(modifiers=["Shift"])
        expect(page.tab.get_by_role("button", name="Run from here")).to_have_count(0)
        page.tab.keyboard.press("Control+Shift+Enter")
        expect(page.status()).to_have_text("The run has succeeded.")

    # Where it stands

    def test_a_queued_node_says_what_it_waits_for_and_the_bar_how_far_all_of_it_is(self):
        nodes = {f"n{number}": {"type": "tester/wait", "with": {"seconds": 60}, "cache": "never"} for number in range(5)}
        nodes["last"] = {"type": "tester/wait", "in": {"input": "n4.output"}, "needs": ["n0", "n1", "n2", "n3"]}
        self.store("queue", nodes)
        page = self.page().open("#workflow=queue")
        page.node("n0").wait_for()
        asked = []
        page.tab.on("request", lambda request: request.url.endswith("/waiting") and asked.append(request.url))
        page.tab.get_by_role("button", name="Run", exact=True).click()
        queued = page.tab.locator('.node[data-state="queued"]')
        expect(queued).to_have_count(1)
        expect(queued.locator(".node-note")).to_contain_text("waits for 1 of '--jobs'")
        expect(queued).to_have_attribute("aria-label", re.compile("queued, waits for"))
        expect(page.tab.locator('.node[data-state="running"]')).to_have_count(4)
        expect(page.tab.locator('.node[data-state="running"] .node-state').first).to_have_text(re.compile("^running · [0-9]+ s$"))
        expect(page.tab.locator(".run-progress")).to_contain_text("0 of 6 · ")
        self.picture(page, "queued")
        # Whoever comes late is told too.
        page.tab.reload()
        expect(queued.locator(".node-note")).to_contain_text("waits for 1 of '--jobs'")
        expect(page.tab.locator(".run-progress")).to_contain_text("0 of 6 · ")
        page.tab.get_by_role("button", name="Cancel the run").click()
        expect(page.status()).to_have_text("The run was cancelled.")
        expect(queued).to_have_count(0)
        expect(page.tab.locator(".is-cut")).to_have_count(5)
        count = len(asked)
        page.tab.wait_for_timeout(2500)
        self.assertEqual(len(asked), count, "nothing waits any more")

    # What went wrong

    def test_problems_mark_their_port_and_field_and_keys_lead_from_one_to_the_next(self):
        self.store("troubles", {"a": {"type": "odd/typed"}, "b": {"type": "odd/typed", "with": {"count": 9}, "in": {"number": "a.count"}}})
        page = self.page().open("#workflow=troubles")
        page.node("a").wait_for()
        page.tab.keyboard.press("x")
        expect(page.status()).to_have_text("There is no problem.")
        page.tab.keyboard.press("Control+Enter")
        expect(page.status()).to_have_text("It can't be run: 2 problems.")
        port = page.node("a").locator('.port[data-port="number"]')
        expect(port).to_have_class(re.compile("has-problem"))
        expect(port).to_have_attribute("aria-label", re.compile("Input Number, number, required: .*number.* is not connected"))
        expect(port).to_have_attribute("title", re.compile("is not connected"))
        expect(page.node("b").locator(".port.has-problem")).to_have_count(0)
        page.tab.keyboard.press("Escape")
        expect(page.tab.locator("node-inspector .problems > li")).to_have_count(2)
        self.picture(page, "troubles")
        page.tab.keyboard.press("g")
        page.tab.keyboard.press("x")
        expect(port).to_be_focused()
        expect(page.status()).to_contain_text("1 of 2: ")
        page.tab.keyboard.press("x")
        field = page.tab.get_by_label("Number of them", exact=True)
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("Shift+X")
        expect(port).to_be_focused()

    def test_a_node_that_failed_is_gone_to_and_says_why(self):
        self.store("broken", {
            "a": {"type": "tester/wait"},
            "b": {"type": "tester/fail", "in": {"input": "a.output"}},
            "c": {"type": "tester/wait", "in": {"input": "b.output"}}})
        page = self.page().open("#workflow=broken")
        page.node("b").wait_for()
        page.tab.keyboard.press("Control+Enter")
        expect(page.status()).to_have_text("The run has failed.")
        expect(page.node("b").locator(".node-note")).to_have_text("ValueError: it fails")
        expect(page.tab.locator("node-inspector")).to_contain_text("ValueError: it fails")
        self.picture(page, "broken")
        page.tab.keyboard.press("x")
        expect(page.node("b")).to_be_focused()
        expect(page.status()).to_have_text("ValueError: it fails")
        expect(page.tab.get_by_role("region", name="Traceback")).to_contain_text("it fails")

    def test_an_error_that_names_a_port_marks_it_and_instances_say_each_how_it_went(self):
        self.store("ports", {
            "p": {"type": "values/forgetful"},
            "taker": {"type": "tester/wait", "in": {"input": "p.second"}},
            "w": {"type": "tester/wait", "matrix": {"say": ["one", "two"]}, "with": {"say": "${{ matrix.say }}"}}})
        page = self.page().open("#workflow=ports")
        page.node("w").click()
        self.ran(page, "The run has failed.")
        expect(page.node("p").locator('.port[data-port="second"]')).to_have_attribute("aria-label", re.compile("Output Second, any: .*'second'"))
        expect(page.node("p").locator('.port[data-port="first"]')).not_to_have_class(re.compile("has-problem"))
        instances = page.tab.get_by_role("list", name="Instances").get_by_role("listitem")
        expect(instances).to_have_text([re.compile(r"^w\[0\] · "), re.compile(r"^w\[1\] · ")])
        expect(self.value(page, "w[1].output.0").locator("pre")).to_have_text("two")

    def test_what_a_sandbox_refused_is_explained_granted_by_a_click_and_gone_on_from(self):
        self.store("denied", {"a": {"type": "tester/wait"}, "b": {"type": "values/blocked", "needs": ["a"]}})
        viewer = self.server.ok("POST", "/api/v1/tokens", {"name": "denied-runner", "scope": "runner"})["secret"]
        other = self.page().open("#workflow=denied", token=viewer)
        page = self.page().open("#workflow=denied")
        for one in [other, page]:
            one.node("b").click()
            self.ran(one, "The run has failed.")
            denial = one.tab.locator(".denial")
            expect(denial).to_contain_text("It tried to start the program '/bin/echo' (once, first by the process")
            expect(denial).to_contain_text("Refused: it isn't granted system.exec.")
            expect(denial).to_contain_text("Think of: ")
        expect(other.tab.locator(".denial pre")).to_have_text("orchestrator plugin grant values system.exec:echo")
        expect(other.tab.locator(".denial").get_by_role("button", name="Grant")).to_have_count(0)
        self.picture(other, "denied-runner")
        self.picture(page, "denied")
        page.tab.get_by_role("button", name="Grant system.exec:echo to values").click()
        expect(page.tab.locator(".denial").get_by_role("button", name="Run from here")).to_be_focused()
        page.tab.keyboard.press("Enter")
        expect(page.node("b")).to_have_attribute("data-state", "succeeded")
        expect(self.value(page, "b.output.0").locator("pre")).to_have_text("ran")
        expect(page.tab.locator(".denial")).to_have_count(0)

    # What nodes said

    def test_of_a_long_log_the_end_is_shown_and_the_rest_page_by_page(self):
        self.store("chatty", {"c": {"type": "values/chatty", "with": {"lines": 3000}, "cache": "never"},
                              "d": {"type": "values/chatty", "with": {"lines": 5}, "cache": "never"}})
        page = self.page(permissions=["clipboard-read", "clipboard-write"]).open("#workflow=chatty")
        page.node("c").click()
        self.ran(page)
        page.tab.get_by_role("button", name="Show the log").click()
        log = page.tab.get_by_role("log", name="Log of c")
        # What is logged comes by another way than what is printed: which of them is first isn't known.
        lines, printed = log.locator(".log-line"), log.locator(".log-line.is-stdout")
        expect(log.locator(".log-line.is-warning")).to_have_text("warningthat was much")
        expect(printed.last).to_have_text("line 2999")
        expect(log).to_be_focused()
        self.assertLess(lines.count(), 1500)
        self.picture(page, "log")
        older = page.tab.get_by_role("button", name="Older", exact=True)
        while lines.count() < 3001:
            count = lines.count()
            older.click()
            expect(lines.nth(count)).to_be_attached()
        expect(older).to_be_hidden()
        self.assertEqual(printed.all_inner_texts(), [f"line {number}" for number in range(3000)])
        page.tab.get_by_label("Search in the log").fill("line 299")
        expect(page.tab.get_by_text("11 lines")).to_be_visible()
        page.tab.get_by_role("button", name="Copy", exact=True).click()
        expect(page.tab.get_by_text("Copied.")).to_be_visible()
        copied = page.tab.evaluate("navigator.clipboard.readText()").splitlines()
        self.assertEqual([line.split(" ", 1)[1] for line in copied], [f"stdout line {number}" for number in [299, *range(2990, 3000)]])
        with page.tab.expect_download() as download:
            page.tab.locator(".log-view").get_by_role("button", name="Download").click()
        with open(download.value.path(), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 3001)
        # Of all nodes, each named.
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("r")
        page.tab.get_by_role("tab", name="Log").click()
        whole = page.tab.get_by_role("log", name="Log of the run")
        expect(whole.locator(".log-node").last).to_have_text(re.compile("^[cd]$"))
        page.tab.locator(".drawer").get_by_label("Search in the log").fill("c stdout line 2998")
        expect(whole.locator(".log-line:visible")).to_have_text(["cline 2998"])
        self.picture(page, "log-of-the-run")

    def test_a_log_follows_its_end_unless_somebody_has_gone_up_and_misses_nothing_of_a_server_that_was_killed(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            write_plugin(directory)
            write_plugin(directory, "values", VALUES_PLUGIN)
            with Server(OPTIONS.orchestrator, f"{directory}/state") as server:
                port, token = server.port, server.token
                nodes = {"c": {"type": "values/chatty", "with": {"lines": 250, "pause": 0.03}}}
                server.ok("PUT", "/api/v1/workflows/live", workflow(nodes, name="live"), headers={"If-None-Match": "*"})
                page = self.page(server).open("#workflow=live")
                page.node("c").click()
                page.tab.get_by_role("button", name="Run", exact=True).click()
                page.tab.get_by_role("button", name="Show the log").click()
                log = page.tab.get_by_role("log", name="Log of c")
                expect(log.locator(".log-line", has_text=re.compile("^line 40$"))).to_be_attached()
                self.assertTrue(log.evaluate("(log) => log.scrollTop > 0 && log.scrollHeight - log.scrollTop - log.clientHeight < 16"))
                log.evaluate("(log) => { log.scrollTop = 0 }")
                count = log.locator(".log-line").count()
                expect(log.locator(".log-line").nth(count + 10)).to_be_attached()
                self.assertEqual(log.evaluate("(log) => log.scrollTop"), 0)
                server.stop(signal.SIGKILL)
            expect(page.status()).to_contain_text("The connection is lost")
            with Server(OPTIONS.orchestrator, f"{directory}/state", "--listen", f"127.0.0.1:{port}", token=token) as server:
                page.tab.keyboard.press("r")
                rows = page.tab.locator(".run-list tbody tr")
                expect(rows.first).to_contain_text("succeeded", timeout=60000)
                run = rows.first.get_attribute("data-run")
                expect(log.locator(".log-line", has_text="that was much")).to_be_attached()
                older = page.tab.locator("node-inspector").get_by_role("button", name="Older", exact=True)
                if older.is_visible():
                    older.click()
                    expect(log.locator(".log-line", has_text=re.compile("^line 0$"))).to_be_attached()
                wanted, after, has_more = [], 0, True
                while has_more:
                    answer = server.ok("GET", f"/api/v1/runs/{run}/logs?node=c&limit=200&after={after}")
                    wanted += [entry.get("line") or entry.get("message") for entry in answer["entries"]]
                    after, has_more = answer["next"], answer["has_more"]
                wanted = [re.sub(r"\\u\{1b\}\[\d+m", "", line) for line in wanted]
                self.assertEqual([text.removeprefix("warning") for text in log.locator(".log-line").all_text_contents()], wanted)
                page.tab.get_by_role("tab", name="Timeline").click()
                expect(page.tab.get_by_role("option", name=re.compile("^c, succeeded"))).to_have_count(1)
                expect(page.status()).to_have_text("The run has succeeded.")
                page.tab.reload()
                expect(page.node("c")).to_have_attribute("data-state", "succeeded")
                expect(page.tab.locator(".run-progress")).to_contain_text("1 of 1 · ")

    # Those before

    def test_former_runs_are_listed_shown_compared_repeated_and_removed(self):
        self.store("former", {
            "a": {"type": "tester/wait", "with": {"say": 1}},
            "b": {"type": "tester/wait", "in": {"input": "a.output"}, "with": {"seconds": 0.2, "say": "${{ inputs.word }}"}},
            "f": {"type": "tester/fail", "needs": ["b"]},
        }, inputs={"word": {"type": "string", "default": "one"}})
        page = self.page().open("#workflow=former")
        page.node("a").wait_for()
        tab, keys = page.tab, page.tab.keyboard
        keys.press("Control+Enter")
        expect(page.status()).to_have_text("The run has failed.")
        tab.get_by_label("word", exact=True).fill("two")
        keys.press("Escape")
        page.node("f").click()
        keys.press("Delete")
        page.node("a").click()
        tab.get_by_label("Say", exact=True).fill("2")
        keys.press("Control+Enter")
        expect(page.status()).to_have_text("The run has succeeded.")
        keys.press("Escape")
        keys.press("r")
        drawer = tab.get_by_role("region", name="Runs", exact=True)
        rows = drawer.locator(".run-list tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.nth(0)).to_contain_text("succeeded")
        expect(rows.nth(0)).to_have_attribute("aria-current", "true")
        expect(rows.nth(1)).to_contain_text("failed")
        expect(rows.nth(1)).to_contain_text("first")
        self.picture(page, "runs")
        # One of before is shown, and what has changed since.
        rows.nth(1).get_by_role("button", name="Show").click()
        expect(tab.locator(".former")).to_contain_text("by first: failed. One node has changed since.")
        expect(page.node("a")).to_have_class(re.compile("is-changed"))
        expect(page.node("a")).to_have_attribute("aria-label", re.compile("changed since the run"))
        expect(page.node("b")).not_to_have_class(re.compile("is-changed"))
        tab.get_by_role("tab", name="Timeline").click()
        bars = tab.get_by_role("listbox", name="When each node waited and ran")
        expect(bars.get_by_role("option")).to_have_count(3)
        expect(bars.get_by_role("option", name=re.compile("^b, succeeded, .*ran 2"))).to_have_count(1)
        expect(bars.locator(".gantt-bar.is-failed")).to_have_count(1)
        self.picture(page, "timeline")
        bars.focus()
        keys.press("End")
        keys.press("Enter")
        expect(page.node("f")).to_have_count(0)
        tab.get_by_text("As a table", exact=True).click()
        expect(drawer.get_by_role("region", name="When each node waited and ran").get_by_role("row")).to_have_count(4)
        tab.reload()
        expect(tab.locator(".former")).to_contain_text("by first: failed.")
        tab.get_by_role("button", name="Show the latest run").click()
        expect(tab.locator(".former")).to_be_hidden()
        expect(page.node("b")).to_have_attribute("data-state", "succeeded")
        # Two beside each other.
        keys.press("r")
        for number in range(2):
            rows.nth(number).get_by_role("checkbox").check()
        drawer.get_by_role("button", name="Compare", exact=True).click()
        compared = drawer.get_by_role("tabpanel", name="Compare")
        for title, cells in [("Inputs that differ", [["word", "one", "two"]]), ("Settings that differ", [["a.with.say", "1", "2"]])]:
            region = compared.get_by_role("region", name=title)
            expect(region.locator("tbody tr").first).to_be_visible()
            self.assertEqual([row.locator("td").all_inner_texts() for row in region.locator("tbody tr").all()][:1], cells)
        expect(compared.get_by_role("region", name="Settings that differ")).to_contain_text("f")
        expect(compared.get_by_role("region", name="Nodes")).to_contain_text("failed")
        self.picture(page, "compare")
        # Again, and away.
        tab.get_by_role("tab", name="Runs").click()
        rows.nth(1).get_by_role("button", name="Run again").click()
        expect(rows).to_have_count(3)
        expect(page.status()).to_have_text("The run has failed.")
        expect(rows.nth(0)).to_contain_text("failed")
        with tab.expect_download() as download:
            rows.nth(0).get_by_role("button", name="Report").click()
        self.assertRegex(download.value.suggested_filename, r"^2\d{7}T.*\.html$")
        rows.nth(0).get_by_role("button", name="Remove").click()
        expect(page.status()).to_have_text("Removed the run.")
        expect(rows).to_have_count(2)
        self.assertEqual(len(self.server.ok("GET", "/api/v1/runs?workflow=former")["runs"]), 2)
        keys.press("r")
        expect(drawer).to_have_count(0)

    def test_of_a_run_of_10000_nodes_only_bars_that_are_seen_are_drawn(self):
        self.store("many-bars", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=many-bars")
        page.node("a").wait_for()
        page.tab.keyboard.press("r")
        page.tab.get_by_role("tab", name="Timeline").click()
        expect(page.tab.get_by_text("Nothing has run yet.")).to_be_visible()
        spent = page.tab.evaluate("""async () => {
          const { editor } = document.querySelector('workflow-canvas')
          const nodes = new Map(Array.from({ length: 10_000 }, (_, index) => [`n[${index}]`, {
            state: 'succeeded', attempt: 1, fraction: undefined, message: '', started: 1000 + index, ended: 1500 + index,
            attempts: [{ start: 1000 + index, end: 1500 + index }], duration: 500, cached: false, error: undefined, reason: '',
          }]))
          editor.run = { last: 1, began: 1000, ended: 12_000, outcome: 'succeeded', nodes }
          const start = performance.now()
          editor.changed()
          await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
          return performance.now() - start
        }""")
        bars = page.tab.get_by_role("listbox")
        expect(bars.get_by_role("option").first).to_have_attribute("aria-setsize", "10000")
        self.assertLess(bars.get_by_role("option").count(), 60)
        self.assertLess(spent, 300 * OPTIONS.slack)
        bars.focus()
        page.tab.keyboard.press("End")
        expect(bars.get_by_role("option", name="n[9999], succeeded, waited 10.00 s, ran 500 ms from 10.00 s on")).to_be_visible()
        self.assertLess(bars.get_by_role("option").count(), 60)
        self.picture(page, "timeline-many")

    # For everybody

    def seen(self, page, name):
        self.picture(page, name)
        found = Axe().run(page.tab)
        self.assertEqual(found.violations_count, 0, f"{name}: {found.generate_report()}")
        overflow = page.tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        self.assertLessEqual(overflow, 0, f"{name} is wider than the screen")

    def test_no_screen_of_runs_has_a_violation_that_axe_finds(self):
        self.store("run-seen", {"v": {"type": "values/values"}, "f": {"type": "tester/fail"}})
        for scheme in ["light", "dark"]:
            # axe itself is a script that the policy wouldn't let in.
            page = self.page(color_scheme=scheme, bypass_csp=True).open("#workflow=run-seen")
            page.node("v").wait_for()
            self.ran(page, "The run has failed.")
            for width in [1280, 320]:
                page.tab.set_viewport_size({"width": width, "height": 720})
                for name, shown in [("v", ".tree"), ("f", ".run-error")]:
                    page.tab.keyboard.press("Escape")
                    page.tab.keyboard.press("g")
                    page.tab.evaluate(f"document.querySelector('workflow-canvas').focusNode('{name}')")
                    page.tab.keyboard.press("Enter")
                    page.tab.locator(f"node-inspector {shown}").first.wait_for()
                    self.seen(page, f"run-{name}-{scheme}-{width}")
                page.tab.evaluate("document.querySelector('workflow-canvas').focusNode('v')")
                page.tab.keyboard.press("Enter")
                page.tab.get_by_role("button", name="Larger: records").click()
                self.seen(page, f"value-large-{scheme}-{width}")
                page.tab.keyboard.press("Escape")
                page.tab.keyboard.press("Escape")
                page.tab.keyboard.press("Escape")
                page.tab.keyboard.press("r")
                page.tab.get_by_role("tab", name="Runs").click()
                page.tab.locator(".run-list tbody tr").first.wait_for()
                self.seen(page, f"runs-{scheme}-{width}")
                page.tab.get_by_role("tab", name="Timeline").click()
                page.tab.get_by_role("option").first.wait_for()
                self.seen(page, f"timeline-{scheme}-{width}")
                page.tab.get_by_role("tab", name="Log").click()
                self.seen(page, f"log-{scheme}-{width}")
                page.tab.keyboard.press("r")
                page.tab.locator(".drawer").wait_for(state="detached")


__all__ = ["RunTests"]
