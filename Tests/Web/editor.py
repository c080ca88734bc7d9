"""The editor in a browser, at a server that runs real workers. Each test says what holds."""

import argparse
import os
import signal
import sys
import tempfile
import time
import unittest

from playwright.sync_api import expect

from browser import Server, write_plugin
from editor_canvas import CanvasTests
from editor_case import OPTIONS, EditorCase
from editor_copies import CopyTests
from editor_frames import FrameTests
from editor_keeping import KeepingTests
from editor_pages import PageTests
from editor_runs import RunTests
from editor_text import TextTests

__all__ = ["CanvasTests", "CopyTests", "FrameTests", "KeepingTests", "PageTests", "RunTests", "TextTests"]


class EditorTests(EditorCase):
    # Building and running

    def test_a_workflow_is_built_by_mouse_saved_and_run(self):
        page = self.page().open().create("by-mouse")
        page.drop("Wait", 60, 80)
        page.drop("Wait", 380, 60)
        page.drop("Fail", 380, 260)
        page.wire("wait", "output", "wait_2", "input")
        page.wire("wait", "output", "fail", "input")
        expect(page.status()).to_have_text("Connected wait.output to fail.input.")
        page.node("wait").click()
        page.tab.get_by_label("Seconds", exact=True).fill("0.3")
        page.tab.get_by_role("button", name="Save", exact=True).click()
        expect(page.status()).to_have_text("Saved by-mouse.")
        document = self.stored("by-mouse")
        self.assertEqual(document["spec"]["nodes"], {
            "wait": {"type": "tester/wait", "with": {"seconds": 0.3}},
            "wait_2": {"type": "tester/wait", "in": {"input": "wait.output"}},
            "fail": {"type": "tester/fail", "in": {"input": "wait.output"}}})
        self.assertEqual(set(document["layout"]), {"wait", "wait_2", "fail"})
        page.tab.get_by_role("button", name="Run", exact=True).click()
        expect(page.node("wait")).to_have_attribute("data-state", "succeeded")
        expect(page.node("wait_2")).to_have_attribute("data-state", "succeeded")
        expect(page.node("fail")).to_have_attribute("data-state", "failed")
        expect(page.status()).to_have_text("The run has failed.")
        page.node("fail").click()
        expect(page.tab.locator("node-inspector")).to_contain_text("ValueError: it fails")
        expect(page.tab.locator("node-inspector pre")).to_contain_text("Traceback")
        self.picture(page, "run-light")

    def test_the_same_is_done_by_keyboard_alone(self):
        page = self.page().open()
        keys = page.tab.keyboard
        page.tab.get_by_label("Name").focus()
        keys.type("by-keyboard")
        keys.press("Enter")
        page.tab.locator("workflow-canvas").wait_for()
        for _ in range(2):
            keys.press("/")
            keys.press("Control+a")
            keys.type("wait")
            keys.press("Enter")
        expect(page.node("wait_2")).to_be_focused()
        keys.press("Alt+ArrowRight")
        keys.press("Alt+Shift+ArrowRight")
        keys.press("c")
        keys.press("Enter")
        expect(page.status()).to_contain_text("Connecting wait_2.output")
        # On the one port that fits.
        expect(page.node("wait").locator('[data-side="inputs"]')).to_be_focused()
        keys.press("Enter")
        expect(page.status()).to_have_text("Connected wait_2.output to wait.input.")
        keys.press("Enter")
        expect(page.tab.get_by_label("Seconds", exact=True)).to_be_focused()
        keys.press("Control+a")
        keys.type("0")
        keys.press("Control+s")
        expect(page.status()).to_have_text("Saved by-keyboard.")
        self.assertEqual(self.stored("by-keyboard")["spec"]["nodes"]["wait"],
                         {"type": "tester/wait", "in": {"input": "wait_2.output"}, "with": {"seconds": 0}})
        keys.press("Control+Enter")
        expect(page.node("wait")).to_have_attribute("data-state", "succeeded")
        keys.press("Escape")
        expect(page.node("wait")).to_be_focused()
        keys.press("Delete")
        expect(page.node("wait")).to_have_count(0)
        keys.press("Control+z")
        expect(page.node("wait")).to_have_count(1)
        keys.press("?")
        expect(page.tab.get_by_role("dialog", name="Keys")).to_be_visible()

    def test_what_does_not_fit_is_refused_with_the_reason(self):
        self.store("refusals", {"a": {"type": "odd/typed"}, "b": {"type": "odd/typed"}})
        page = self.page().open("#workflow=refusals")
        page.tab.get_by_role("button", name="Arrange the nodes").click()
        page.wire("a", "text", "b", "number")
        expect(page.status()).to_contain_text("Number takes number, and Text gives string")
        page.wire("a", "count", "b", "number")
        expect(page.status()).to_have_text("Connected a.count to b.number.")
        page.wire("b", "count", "a", "number")
        expect(page.status()).to_contain_text("a cycle")
        # By a click on each end: what fits is lit, what doesn't is not.
        page.port("b", "count").click()
        expect(page.node("a").locator('[data-side="inputs"].fits')).to_have_count(0)
        page.tab.keyboard.press("Escape")
        page.port("a", "count").click()
        expect(page.node("b").locator(".fits")).to_have_count(0)
        page.tab.keyboard.press("Escape")
        page.tab.get_by_role("button", name="Undo").click()
        page.port("a", "count").click()
        expect(page.node("b").locator(".fits")).to_have_count(1)
        self.picture(page, "connecting")
        page.port("b", "number", "inputs").click()
        expect(page.status()).to_have_text("Connected a.count to b.number.")

    def test_a_line_that_is_dropped_on_nothing_asks_for_a_node_that_fits(self):
        self.store("wish", {"a": {"type": "odd/typed"}})
        page = self.page().open("#workflow=wish")
        start = page.centre(page.port("a", "text"))
        page.drag(start, (start[0] + 80, start[1] + 120))
        expect(page.tab.get_by_label("Search node types")).to_be_focused()
        expect(page.tab.locator(".palette-count")).to_contain_text("that fit a.text")
        expect(page.tab.locator(".palette-item", has_text="Key Figures")).to_have_count(0)
        page.tab.keyboard.type("wait")
        page.tab.keyboard.press("Enter")
        expect(page.node("wait")).to_be_focused()
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved wish.")
        self.assertEqual(self.stored("wish")["spec"]["nodes"]["wait"], {"type": "tester/wait", "in": {"input": "a.text"}})
        page.tab.keyboard.press("Control+z")
        expect(page.node("wait")).to_have_count(0)
        # By the keyboard too, and it can be given up.
        page.tab.keyboard.press("g")
        page.tab.keyboard.press("c")
        page.tab.keyboard.press("Enter")
        page.tab.keyboard.press("/")
        expect(page.tab.locator(".palette-count")).to_contain_text("that fit")
        page.tab.keyboard.press("Escape")
        expect(page.tab.locator(".palette-count")).to_contain_text("node types")

    def test_what_flows_in_is_connected_and_disconnected_in_the_details_too(self):
        self.store("details", {"a": {"type": "odd/typed"}, "b": {"type": "tester/wait", "in": {"input": "inputs.path"}}},
                   inputs={"path": {"type": "string", "default": ""}})
        page = self.page().open("#workflow=details")
        page.node("b").click()
        page.tab.get_by_role("button", name="Disconnect inputs.path from Input").click()
        page.tab.get_by_label("Connect Input", exact=True).fill("a.count")
        page.tab.keyboard.press("Enter")
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved details.")
        self.assertEqual(self.stored("details")["spec"]["nodes"]["b"], {"type": "tester/wait", "in": {"input": "a.count"}})
        page.tab.get_by_role("button", name="Disconnect a.count from Input").click()
        page.tab.get_by_label("Name", exact=True).fill("renamed")
        page.tab.keyboard.press("Enter")
        expect(page.node("renamed")).to_have_count(1)
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved details.")
        self.assertEqual(self.stored("details")["spec"]["nodes"]["renamed"], {"type": "tester/wait"})

    def test_problems_are_told_at_the_node_that_they_belong_to(self):
        self.store("problems", {"a": {"type": "tester/wait"}, "b": {"type": "odd/typed", "with": {"count": 9}}})
        page = self.page().open("#workflow=problems")
        page.tab.get_by_role("button", name="Run", exact=True).click()
        expect(page.status()).to_contain_text("It can't be run")
        expect(page.tab.locator(".node.has-problems")).to_have_count(1)
        expect(page.tab.locator("node-inspector .problems")).to_contain_text("is not connected")
        expect(page.tab.get_by_text("Number of them must be at most 5")).to_be_visible()

    def test_parameters_keep_their_types_and_0_false_and_the_empty_text_are_values(self):
        self.store("values", {"t": {"type": "odd/typed"}, "w": {"type": "tester/wait"}})
        page = self.page().open("#workflow=values")
        page.node("t").click()
        tab = page.tab
        slider = tab.get_by_role("slider", name="Level")
        slider.focus()
        for _ in range(2):
            tab.keyboard.press("ArrowLeft")
        tab.get_by_label("Active", exact=True).uncheck()
        tab.get_by_label("Number of them", exact=True).fill("0")
        tab.get_by_label("Mode", exact=True).select_option("b")
        tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved values.")
        self.assertEqual(self.stored("values")["spec"]["nodes"]["t"]["with"], {"level": 0, "active": False, "count": 0, "mode": "b"})
        # A value that can't be one stays in its field, and the document as it was.
        tab.get_by_label("Number of them", exact=True).fill("x")
        expect(tab.get_by_text("Number of them must be a whole number")).to_be_visible()
        tab.get_by_role("button", name="Reset Level").click()
        tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved values.")
        self.assertEqual(self.stored("values")["spec"]["nodes"]["t"]["with"], {"active": False, "count": 0, "mode": "b"})
        # The two movements of the slider were one.
        undo = tab.get_by_role("button", name="Undo")
        for _ in range(5):
            undo.click()
        expect(undo).to_be_disabled()

    def test_a_workflow_that_somebody_wrote_as_yaml_loses_nothing_and_runs(self):
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "examples", "license-report.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.server.ok("PUT", "/api/v1/workflows/license-report", text,
                       headers={"If-None-Match": "*", "Content-Type": "application/yaml"})
        self.server.ok("POST", "/api/v1/plugins/files/grants",
                       {"permissions": ["filesystem.read:/usr/share/common-licenses", "filesystem.write"]})
        before = self.stored("license-report")
        page = self.page().open("#workflow=license-report")
        expect(page.tab.locator(".node")).to_have_count(12)
        start = page.centre(page.node("write").locator(".node-title"))
        page.drag(start, (start[0], start[1] + 60))
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_contain_text("Saved license-report.")
        after = self.stored("license-report")
        self.assertNotEqual(before["layout"].pop("write"), after["layout"].pop("write"))
        self.assertEqual(before, after)
        self.assertEqual(list(before["spec"]["nodes"]), list(after["spec"]["nodes"]))
        page.tab.get_by_role("button", name="Run", exact=True).click()
        expect(page.status()).to_have_text("The run has succeeded.", timeout=60000)
        expect(page.tab.locator('.node[data-state="succeeded"]')).to_have_count(12)
        self.picture(page, "example")

    # Never losing work

    def test_of_two_tabs_the_second_is_told_and_chooses(self):
        self.store("conflict", {"a": {"type": "tester/wait"}})
        first, second = (self.page().open("#workflow=conflict") for _ in range(2))
        for page, title in [(first, "Wait"), (second, "Fail")]:
            page.drop(title, 300, 400)
            page.tab.keyboard.press("Control+s")
        expect(first.status()).to_have_text("Saved conflict.")
        notice = second.tab.locator(".notice")
        expect(notice).to_contain_text("has saved another version meanwhile")
        expect(notice).to_contain_text("Only in yours: fail")
        expect(notice).to_contain_text("Only in theirs: wait")
        second.tab.get_by_role("button", name="Save mine over it").click()
        expect(second.status()).to_have_text("Saved conflict.")
        self.assertEqual(set(self.stored("conflict")["spec"]["nodes"]), {"a", "fail"})
        first.drop("Wait", 100, 400)
        first.tab.keyboard.press("Control+s")
        first.tab.get_by_role("button", name="Show that version").click()
        expect(first.node("fail")).to_have_count(1)
        first.tab.keyboard.press("Control+z")
        expect(first.node("wait")).to_have_count(1)

    def test_what_was_not_saved_is_there_after_a_reload(self):
        page = self.page().open().create("draft")
        page.drop("Wait", 100, 100)
        page.tab.reload()
        expect(page.node("wait")).to_have_count(1)
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved draft.")

    def test_a_server_that_is_killed_in_the_middle_is_caught_up_with(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            write_plugin(directory)
            with Server(OPTIONS.orchestrator, f"{directory}/state") as server:
                port, token = server.port, server.token
                page = self.page(server).open().create("killed")
                page.drop("Wait", 60, 80)
                page.drop("Wait", 380, 80)
                page.wire("wait", "output", "wait_2", "input")
                page.node("wait_2").click()
                page.tab.get_by_label("Seconds", exact=True).fill("3")
                page.tab.get_by_role("button", name="Run", exact=True).click()
                expect(page.node("wait_2")).to_have_attribute("data-state", "running")
                server.stop(signal.SIGKILL)
            expect(page.status()).to_contain_text("The connection is lost")
            with Server(OPTIONS.orchestrator, f"{directory}/state", "--listen", f"127.0.0.1:{port}", token=token):
                expect(page.node("wait_2")).to_have_attribute("data-state", "succeeded", timeout=40000)
                expect(page.status()).to_have_text("The run has succeeded.")
                page.tab.reload()
                expect(page.node("wait_2")).to_have_attribute("data-state", "succeeded")

    def test_copies_go_through_the_clipboard_and_are_one_step(self):
        self.store("copies", {"a": {"type": "tester/wait"}, "b": {"type": "tester/wait", "in": {"input": "a.output"}}})
        page = self.page(permissions=["clipboard-read", "clipboard-write"]).open("#workflow=copies")
        page.tab.keyboard.press("g")
        page.tab.keyboard.press("Control+a")
        page.tab.keyboard.press("Control+c")
        text = page.tab.evaluate("navigator.clipboard.readText()")
        self.assertIn('"kind": "WorkflowFragment"', text)
        page.tab.keyboard.press("Control+v")
        expect(page.tab.locator(".node")).to_have_count(4)
        page.tab.keyboard.press("Control+z")
        expect(page.tab.locator(".node")).to_have_count(2)
        page.tab.evaluate("navigator.clipboard.writeText('<b>no</b>')")
        page.tab.keyboard.press("Control+v")
        expect(page.status()).to_contain_text("no part of a workflow")

    # What others wrote

    def test_texts_of_plugins_are_texts_whatever_is_in_them(self):
        self.store("hostile", {"o": {"type": "odd/odd"}})
        page = self.page().open("#workflow=hostile")
        page.node("o").click()
        page.tab.get_by_role("button", name="Run", exact=True).click()
        expect(page.node("o")).to_have_attribute("data-state", "failed")
        expect(page.tab.locator("node-inspector")).to_contain_text("onerror")
        self.picture(page, "hostile")
        self.assertEqual(page.tab.locator("img, script:not([src]), b").count(), 0)
        self.assertEqual(page.tab.title(), "hostile – Orchestrator")
        shown = page.tab.locator("body").inner_text()
        self.assertNotIn("\u202e", shown)
        stopped = page.tab.evaluate("(() => { try { document.body.innerHTML = '<b>'; return false } catch { return true } })()")
        self.assertTrue(stopped, "markup can be made of text")
        page.errors = [error for error in page.errors if "TrustedHTML" not in error and "Trusted" not in error]

    def test_a_token_that_is_worth_nothing_lets_nobody_in_and_none_is_in_an_address(self):
        page = self.page()
        page.tab.goto(f"http://127.0.0.1:{self.server.port}/")
        page.tab.get_by_label("Token").fill("orchestrator_" + "0" * 64)
        page.tab.keyboard.press("Enter")
        expect(page.tab.get_by_role("alert")).to_contain_text("a token is needed")
        seen = []
        page.tab.on("request", lambda request: seen.append(request.url))
        page.tab.get_by_label("Token").fill(self.server.token)
        page.tab.keyboard.press("Enter")
        page.tab.get_by_role("button", name="Sign out").wait_for()
        self.assertFalse([url for url in seen if self.server.token in url])
        self.assertFalse([url for url in seen if not url.startswith(f"http://127.0.0.1:{self.server.port}/")])
        page.tab.get_by_role("button", name="Sign out").click()
        self.assertEqual(page.tab.evaluate("sessionStorage.length"), 1)
        self.assertEqual(page.tab.evaluate("sessionStorage.getItem('orchestrator.token')"), "")

    # For everybody

    def test_no_screen_has_a_violation_that_axe_finds(self):
        self.store("seen", {"a": {"type": "odd/typed"}, "b": {"type": "tester/wait", "in": {"input": "a.text"}}, "c": {"type": "gone/x"}},
                   inputs={"path": {"type": "string", "description": "Where"}})
        for scheme in ["light", "dark"]:
            for width in [1280, 320]:
                # axe itself is a script that the policy wouldn't let in.
                page = self.page(color_scheme=scheme, viewport={"width": width, "height": 720}, bypass_csp=True)
                page.tab.goto(f"http://127.0.0.1:{self.server.port}/")
                page.tab.get_by_label("Token").wait_for()
                self.seen(page, f"sign-in-{scheme}-{width}")
                page.open()
                page.tab.get_by_role("button", name="Sign out").wait_for()
                self.seen(page, f"workflows-{scheme}-{width}")
                page.tab.get_by_role("link", name="seen").click()
                page.node("a").wait_for()
                self.seen(page, f"workbench-{scheme}-{width}")
                page.tab.keyboard.press("g")
                page.tab.keyboard.press("Enter")
                self.seen(page, f"details-{scheme}-{width}")
                page.tab.keyboard.press("Escape")
                page.tab.keyboard.press("/")
                page.tab.keyboard.type("wor")
                self.seen(page, f"palette-{scheme}-{width}")
                page.tab.keyboard.press("Escape")
                page.tab.keyboard.press("Escape")
                page.tab.keyboard.press("?")
                self.seen(page, f"keys-{scheme}-{width}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orchestrator", required=True)
    parser.add_argument("--files", action="store_true", help="the editor's files as they are now, not as they are in the program")
    parser.add_argument("--screenshots", default="", help="a directory for them")
    parser.add_argument("--slack", type=float, default=1, help="by which factor frames may take longer than their budget")
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    if OPTIONS.screenshots:
        os.makedirs(OPTIONS.screenshots, exist_ok=True)
    started = time.monotonic()
    program = unittest.main(argv=[sys.argv[0], *rest], exit=False, verbosity=2)
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(not program.result.wasSuccessful())
