"""What the editor doesn't lose, whatever happens: servers and tokens that go away, hands that slip, browsers that remember nothing."""

import os
import re
import signal
import tempfile

from playwright.sync_api import expect

from browser import Server, write_plugin
from editor_case import OPTIONS, EditorCase
from serving import workflow


class KeepingTests(EditorCase):
    def saved(self, page, name):
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text(f"Saved {name}.")

    def undo_label(self, page):
        return page.tab.evaluate("document.querySelector('workflow-canvas').editor.history.undoLabel")

    # Versions of others

    def test_a_new_workflow_that_somebody_else_has_saved_first_is_not_saved_over(self):
        page = self.page().open().create("taken-meanwhile")
        page.drop("Wait", 100, 100)
        self.store("taken-meanwhile", {"theirs": {"type": "tester/fail"}})
        page.tab.reload()
        expect(page.node("wait")).to_have_count(1)
        page.tab.keyboard.press("Control+s")
        expect(page.tab.locator(".notice")).to_contain_text("has saved another version meanwhile")
        self.assertEqual(set(self.stored("taken-meanwhile")["spec"]["nodes"]), {"theirs"})

    def test_a_save_whose_answer_was_lost_is_no_conflict(self):
        self.store("lost-answer", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=lost-answer")
        page.drop("Fail", 300, 300)

        def lose(route):
            if route.request.method != "PUT":
                return route.fallback()
            route.fetch()
            route.abort()

        page.tab.route("**/api/v1/workflows/lost-answer", lose)
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_contain_text("the server can't be reached")
        page.tab.unroute("**/api/v1/workflows/lost-answer")
        self.saved(page, "lost-answer")
        expect(page.tab.locator(".notice")).to_be_hidden()
        page.drop("Wait", 300, 500)
        self.saved(page, "lost-answer")

    # Tokens and servers that go away

    def test_a_run_is_there_again_after_its_token_was_refused_in_the_middle(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            write_plugin(directory)
            with Server(OPTIONS.orchestrator, f"{directory}/state") as server:
                token = server.ok("POST", "/api/v1/tokens", {"name": "short", "scope": "author"})["secret"]
                port, admin = server.port, server.token
                page = self.page(server).open(token=token).create("refused")
                page.drop("Wait", 60, 80)
                page.node("wait").click()
                page.tab.get_by_label("Seconds", exact=True).fill("2")
                page.tab.keyboard.press("Control+Enter")
                expect(page.node("wait")).to_have_attribute("data-state", "running")
                server.ok("DELETE", "/api/v1/tokens/short")
                server.stop(signal.SIGKILL)
            with Server(OPTIONS.orchestrator, f"{directory}/state", "--listen", f"127.0.0.1:{port}", token=admin) as server:
                field = page.tab.get_by_label("Token")
                expect(page.tab.get_by_text("This token isn't taken.")).to_be_visible()
                field.fill(admin)
                field.press("Enter")
                expect(page.node("wait")).to_have_attribute("data-state", "succeeded", timeout=40000)
                expect(page.status()).to_have_text("The run has succeeded.")

    def test_a_run_that_is_gone_when_the_server_is_back_is_told_and_nothing_waits_for_it(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            write_plugin(directory)
            with Server(OPTIONS.orchestrator, f"{directory}/state") as server:
                port, token = server.port, server.token
                page = self.page(server).open().create("gone")
                page.drop("Wait", 60, 80)
                self.saved(page, "gone")
                page.node("wait").click()
                page.tab.get_by_label("Seconds", exact=True).fill("30")
                page.tab.keyboard.press("Control+Enter")
                expect(page.node("wait")).to_have_attribute("data-state", "running")
                server.stop(signal.SIGKILL)
            expect(page.status()).to_contain_text("The connection is lost")
            with Server(OPTIONS.orchestrator, f"{directory}/state", "--listen", f"127.0.0.1:{port}", token=token):
                page.tab.route("**/events?*", lambda route: route.fulfill(status=404, body="{}", content_type="application/problem+json"))
                expect(page.status()).to_have_text("This run isn't there any more.")
                expect(page.node("wait")).not_to_have_attribute("data-state", re.compile("."))
                expect(page.tab.get_by_role("button", name="Run", exact=True)).to_be_visible()

    def test_where_the_browser_remembers_nothing_a_refused_token_takes_nothing_away_unasked(self):
        self.store("forbidden", {"a": {"type": "tester/wait"}})
        page = self.page()
        page.tab.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }")
        page.open("#workflow=forbidden")
        page.drop("Fail", 300, 300)
        expect(page.status()).to_contain_text("This browser can't keep what isn't saved")
        page.tab.route("**/api/v1/workflows/forbidden", lambda route: route.fulfill(status=401, body="{}", content_type="application/problem+json"))
        page.tab.remove_listener("dialog", page.accept)
        asked = []
        page.tab.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("This token isn't taken.")
        expect(page.node("fail")).to_have_count(1)
        self.assertEqual(asked, ["There are changes that aren't saved. Leave them?"])

    def test_nothing_stays_in_the_tab_of_who_has_signed_out(self):
        self.store("private", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=private")
        page.tab.keyboard.press("y")
        area = page.tab.locator("#workflow-text")
        expect(area).to_have_value(re.compile("tester/wait"))
        area.fill(area.input_value() + "    secret: {type: tester/wait}\n")
        expect(page.node("secret")).to_have_count(1)
        area.fill(area.input_value() + "    other: {type: tester/wait}\n")
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("h")
        page.tab.get_by_role("button", name="Sign out").click()
        page.tab.get_by_label("Token").wait_for()
        page.tab.wait_for_load_state("networkidle")
        self.assertEqual(page.tab.evaluate("Object.keys(sessionStorage).filter((key) => sessionStorage[key])"), [])

    # Text that isn't on the canvas

    def test_text_that_was_kept_does_not_undo_what_was_done_on_the_canvas_since(self):
        self.store("kept-text", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=kept-text")
        page.tab.keyboard.press("y")
        area, state = page.tab.locator("#workflow-text"), page.tab.locator(".text-state")
        expect(area).to_have_value(re.compile("tester/wait"))
        page.tab.route("**/convert", lambda route: route.abort())
        text = area.input_value() + "    b: {type: tester/wait}\n"
        area.fill(text)
        expect(page.tab.locator(".text-problems")).to_contain_text("can't be reached")
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("y")
        page.drop("Fail", 300, 400)
        page.tab.unroute("**/convert")
        for _ in range(2):
            page.tab.keyboard.press("y")
            expect(area).to_have_value(text)
            expect(state).to_contain_text("Not on the canvas, which has changed since")
            page.node("a").click()
            expect(page.node("fail")).to_have_count(1)
            page.tab.reload()
            page.node("fail").wait_for()
        page.tab.keyboard.press("y")
        # Written on it counts, as one step.
        expect(area).to_have_value(text)
        area.fill(text + "    c: {type: tester/wait}\n")
        expect(page.node("c")).to_have_count(1)
        expect(page.node("fail")).to_have_count(0)
        page.tab.get_by_role("button", name="Undo").click()
        expect(page.node("fail")).to_have_count(1)

    def test_text_and_canvas_come_in_step_once_the_server_answers_again(self):
        self.store("answers-again", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=answers-again")
        page.tab.keyboard.press("y")
        area, state = page.tab.locator("#workflow-text"), page.tab.locator(".text-state")
        expect(area).to_have_value(re.compile("tester/wait"))
        for is_text in [True, False]:
            page.tab.route("**/convert", lambda route: route.abort())
            if is_text:
                area.fill(area.input_value() + "    b: {type: tester/wait}\n")
            else:
                page.node("a").click()
                page.tab.keyboard.press("Delete")
            expect(state).to_have_class(re.compile("is-bad"))
            page.tab.unroute("**/convert")
            expect(state).to_have_text("In step with the canvas")
        expect(page.node("b")).to_have_count(1)
        expect(area).not_to_have_value(re.compile("    a:"))

    def test_what_was_just_written_as_text_is_what_is_saved_and_run(self):
        self.store("written", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=written")
        page.tab.keyboard.press("y")
        area = page.tab.locator("#workflow-text")
        expect(area).to_have_value(re.compile("tester/wait"))
        text = area.input_value() + "    b: {type: tester/wait}\n"
        area.fill(text)
        area.press("Control+s")
        expect(page.status()).to_have_text("Saved written.")
        self.assertEqual(set(self.stored("written")["spec"]["nodes"]), {"a", "b"})
        area.fill(text + "    c: {type: tester/wait}\n")
        area.press("Control+Enter")
        expect(page.node("c")).to_have_attribute("data-state", "succeeded")
        # What can't be read is neither left out unsaid nor lost.
        area.fill(text + "    d: {type: tester/wait\n")
        area.press("Control+s")
        expect(page.status()).to_have_text("What is written as text isn't on the canvas yet: see there why.")
        self.assertEqual(set(self.stored("written")["spec"]["nodes"]), {"a", "b"})

    def test_the_log_of_a_run_that_is_gone_says_so_and_is_not_asked_for_any_more(self):
        self.store("gone-log", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=gone-log")
        page.node("a").wait_for()
        page.tab.keyboard.press("Control+Enter")
        expect(page.status()).to_have_text("The run has succeeded.")
        run = self.server.ok("GET", "/api/v1/runs?workflow=gone-log")["runs"][0]["run"]
        self.server.ok("DELETE", f"/api/v1/runs/{run}")
        page.node("a").click()
        asked = []
        page.tab.on("request", lambda request: asked.append(request.url) if "/logs?" in request.url else None)
        page.tab.get_by_role("button", name="Show the log").click()
        expect(page.tab.locator(".run-log")).to_contain_text("there is no run")
        page.tab.wait_for_timeout(2500)
        self.assertEqual(len(asked), 1)

    # What is seen

    def test_what_is_seen_of_the_canvas_stays_seen_when_something_opens_beside_it(self):
        document = workflow({name: {"type": "tester/wait"} for name in "abcd"}, name="seen-beside")
        document["layout"] = {name: {"x": 300 * (index % 2), "y": 360 * (index // 2)} for index, name in enumerate("abcd")}
        self.server.ok("PUT", "/api/v1/workflows/seen-beside", document, headers={"If-None-Match": "*"})
        page = self.page(viewport={"width": 1280, "height": 800}).open("#workflow=seen-beside")
        page.node("d").wait_for()

        def view():
            page.tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            return page.tab.evaluate("document.querySelector('workflow-canvas').view")

        def seen(name):
            page.tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            canvas = page.tab.locator("workflow-canvas").bounding_box()
            for one in "abcd":
                box = page.node(one).bounding_box()
                for side, length in [("x", "width"), ("y", "height")]:
                    self.assertGreaterEqual(box[side], canvas[side], (name, one))
                    self.assertLessEqual(box[side] + box[length], canvas[side] + canvas[length], (name, one))
            self.picture(page, f"seen-beside-{name}")

        whole = view()
        for key, opened in [("r", ".drawer"), ("y", ".text-view")]:
            page.tab.keyboard.press("g")
            page.tab.keyboard.press(key)
            page.tab.locator(opened).wait_for()
            seen(opened[1:])
            page.tab.keyboard.press("Escape")
            page.tab.keyboard.press(key)
            expect(page.tab.locator(opened)).to_have_count(0)
            self.assertEqual(view(), whole)
        # Near, the middle stays the middle.
        page.tab.keyboard.press("g")
        for _ in range(3):
            page.tab.keyboard.press("+")
        view()
        middle = """() => {
          const { view, size } = document.querySelector('workflow-canvas')
          return [(size.width / 2 - view.x) / view.zoom, (size.height / 2 - view.y) / view.zoom].map(Math.round)
        }"""
        before = page.tab.evaluate(middle)
        page.tab.set_viewport_size({"width": 1100, "height": 600})
        view()
        self.assertEqual(page.tab.evaluate(middle), before)

    # Hands

    def test_a_run_is_cancelled_by_a_key_which_is_listed(self):
        self.store("cancelled", {"a": {"type": "tester/wait", "with": {"seconds": 30}}})
        page = self.page().open("#workflow=cancelled")
        page.node("a").wait_for()
        page.tab.keyboard.press("Control+Enter")
        expect(page.node("a")).to_have_attribute("data-state", "running")
        page.tab.keyboard.press("?")
        expect(page.tab.get_by_role("dialog", name="Keys")).to_contain_text("Cancel the run")
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("Shift+R")
        expect(page.status()).to_have_text("The run was cancelled.")

    def test_several_nodes_are_selected_by_fingers_alone(self):
        self.store("fingers", {name: {"type": "tester/wait"} for name in "abc"})
        page = self.page(has_touch=True, viewport={"width": 600, "height": 800}).open("#workflow=fingers")
        session = page.context.new_cdp_session(page.tab)
        page.node("a").locator(".node-title").tap()
        expect(page.node("a")).to_have_class("node is-selected")
        x, y = page.centre(page.node("b").locator(".node-title"))
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        page.tab.get_by_role("menuitem", name="Add to the selection").wait_for()
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.tab.get_by_role("menuitem", name="Add to the selection").tap()
        for name in "ab":
            expect(page.node(name)).to_have_class("node is-selected")

    def test_a_movement_that_ended_where_it_began_takes_back_nothing_else_when_it_is_cancelled(self):
        self.store("slip", {"a": {"type": "tester/wait"}})
        page = self.page(has_touch=True).open("#workflow=slip")
        page.tab.get_by_role("button", name="Arrange the nodes").tap()
        page.drop("Fail", 500, 400)
        expect(page.node("fail")).to_have_count(1)
        before = self.undo_label(page)
        x, y = page.centre(page.node("fail").locator(".node-title"))
        session = page.context.new_cdp_session(page.tab)
        for points in [[(x, y)], [(x + 3, y + 3)], [(x + 3, y + 3), (x + 60, y + 90)], []]:
            session.send("Input.dispatchTouchEvent", {
                "type": "touchEnd" if not points else "touchMove" if len(points) == 1 and points[0] != (x, y) else "touchStart",
                "touchPoints": [{"x": across, "y": down, "id": index} for index, (across, down) in enumerate(points)]})
        expect(page.node("fail")).to_have_count(1)
        self.assertEqual(self.undo_label(page), before)

    def test_a_file_that_misses_the_canvas_does_not_take_the_editor_away(self):
        self.store("missed", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=missed")
        page.node("a").wait_for()
        prevented = page.tab.evaluate("""() => {
          const data = new DataTransfer()
          data.items.add(new File(['x'], 'x.yaml'))
          return ['dragover', 'drop'].map((kind) => !document.querySelector('node-palette').dispatchEvent(
            new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true })))
        }""")
        self.assertEqual(prevented, [True, True])
