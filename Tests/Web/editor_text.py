"""The editor's workflows as text and as files."""

import json
import re

from playwright.sync_api import expect

from editor_case import HOSTILE, EditorCase


class TextTests(EditorCase):
    # As text

    def test_the_text_and_the_canvas_are_in_step_both_ways(self):
        self.store("text", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=text")
        tab, keys = page.tab, page.tab.keyboard
        tab.keyboard.press("y")
        area, state = tab.get_by_label("The workflow as text").locator("textarea"), tab.locator(".text-state")
        expect(area).to_be_focused()
        expect(area).to_have_value(re.compile("a: {type: tester/wait}"))
        # Written: one step for a pause, with its comment.
        text = area.input_value() + "    # the second one\n    b: {type: tester/wait, in: {input: a.output}}\n"
        area.fill(text)
        expect(page.node("b")).to_have_count(1)
        expect(state).to_have_text("In step with the canvas")
        self.picture(page, "text")
        tab.get_by_role("button", name="Undo").click()
        expect(page.node("b")).to_have_count(0)
        expect(area).not_to_have_value(re.compile("second"))
        tab.get_by_role("button", name="Redo").click()
        expect(area).to_have_value(text)
        # Drawn.
        tab.keyboard.press("Escape")
        keys.press("/")
        keys.type("fail")
        keys.press("Enter")
        expect(page.node("fail")).to_have_count(1)
        expect(area).to_have_value(re.compile("fail: ?(\\n|{)"))
        # Broken: it is told where, and the canvas stays as it was.
        broken = area.input_value().replace("spec:", "spec: [")
        area.fill(broken)
        expect(state).to_contain_text("The canvas stays as it was")
        expect(tab.locator(".text-problems")).to_contain_text("Line ")
        expect(tab.locator(".text-mark")).not_to_have_count(0)
        expect(page.tab.locator(".node")).to_have_count(3)
        self.picture(page, "text-broken")
        tab.locator(".text-problems button").first.click()
        expect(area).to_be_focused()
        # What can't be read yet is there after a reload, and neither side is lost.
        tab.reload()
        expect(page.node("fail")).to_have_count(1)
        tab.keyboard.press("y")
        expect(area).to_have_value(broken)
        expect(state).to_contain_text("The canvas stays as it was")
        page.node("fail").click()
        keys.press("Delete")
        expect(page.tab.locator(".node")).to_have_count(2)
        expect(area).to_have_value(broken)
        tab.get_by_role("button", name="Take the canvas' text").click()
        expect(state).to_have_text("In step with the canvas")
        expect(area).not_to_have_value(re.compile("fail"))

    def test_the_text_is_written_by_keyboard(self):
        self.store("keys", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=keys")
        tab, keys = page.tab, page.tab.keyboard
        tab.keyboard.press("y")
        area = tab.get_by_label("The workflow as text").locator("textarea")
        expect(area).to_be_focused()
        keys.press("Control+End")
        keys.type("    b:")
        keys.press("Enter")
        keys.type("type: tester/wait")
        keys.press("Enter")
        keys.press("Shift+Tab")
        keys.type("c: {type: tester/fail}")
        expect(page.node("c")).to_have_count(1)
        self.assertIn("    b:\n      type: tester/wait\n    c: {type: tester/fail}", area.input_value())
        keys.press("Escape")
        expect(page.node("a")).to_be_focused()
        keys.press("Control+s")
        expect(page.status()).to_have_text("Saved keys.")
        self.assertEqual(self.stored("keys")["spec"]["nodes"]["c"], {"type": "tester/fail"})
        keys.press("y")
        expect(area).to_have_count(0)
        # Where it lies over the canvas, it makes way for it.
        tab.set_viewport_size({"width": 320, "height": 600})
        keys.press("y")
        expect(area).to_be_focused()
        keys.press("Escape")
        expect(area).to_have_count(0)
        expect(page.node("a")).to_be_focused()

    def test_what_was_yaml_stays_yaml_with_its_comments_where_it_is_changed_as_text(self):
        source = """# Why there is this workflow.
apiVersion: orchestrator/v1
kind: Workflow
metadata: {name: written}
spec:
  nodes:
    a: {type: tester/wait, with: {seconds: 1.0}}   # a while
"""
        headers = {"If-None-Match": "*", "Content-Type": "application/yaml"}
        self.server.ok("PUT", "/api/v1/workflows/written", source, headers=headers)
        page = self.page().open("#workflow=written")
        expect(page.status()).to_contain_text("This workflow has comments.")
        page.tab.keyboard.press("y")
        area = page.tab.get_by_label("The workflow as text").locator("textarea")
        expect(area).to_have_value(source)
        # Also where it is a comment alone.
        area.fill(source.replace("a while", "not long"))
        expect(page.tab.locator(".save-state")).to_have_text("Changed")
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved written.")
        self.assertEqual(self.source("written"), source.replace("a while", "not long"))
        page.node("a").click()
        page.tab.get_by_label("Seconds", exact=True).fill("2")
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_contain_text("Its comments aren't in this version")
        self.assertIn("with: {seconds: 2}", self.source("written"))
        self.assertNotIn("#", self.source("written"))

    def source(self, name):
        return self.server.ok("GET", f"/api/v1/workflows/{name}")["source"]

    # Files

    def test_a_workflow_travels_as_yaml_json_and_react_flow_and_back(self):
        nodes = {"a": {"type": "tester/wait", "with": {"seconds": 0.5}}, "b": {"type": "tester/wait", "in": {"input": "a.output"}, "if": "always()"}}
        self.store("travel", nodes)
        page = self.page().open("#workflow=travel")
        tab = page.tab
        files = {}
        for form, name in [("YAML", "travel.yaml"), ("JSON", "travel.json"), ("React Flow", "travel.flow.json")]:
            tab.keyboard.press("Control+o")
            with tab.expect_download() as found:
                tab.get_by_role("dialog").get_by_role("button", name=form, exact=True).click()
            self.assertEqual(found.value.suggested_filename, name)
            files[form] = f"{self.directory.name}/{name}"
            found.value.save_as(files[form])
            expect(page.status()).to_have_text(f"Downloaded {name}.")
        with open(files["YAML"], encoding="utf-8") as file:
            self.assertIn("a.output", file.read())
        before = self.stored("travel")
        with open(files["JSON"], encoding="utf-8") as file:
            self.assertEqual(json.load(file), before)
        page.node("a").click()
        tab.keyboard.press("Control+a")
        tab.keyboard.press("Delete")
        expect(page.tab.locator(".node")).to_have_count(0)
        for form, path in files.items():
            tab.get_by_role("button", name="Import and export").click()
            self.picture(page, "exchange")
            tab.get_by_label("File", exact=True).set_input_files(path)
            expect(page.tab.locator(".node")).to_have_count(2)
            tab.keyboard.press("Control+s")
            expect(page.status()).to_contain_text("travel")
            self.assertEqual(self.stored("travel")["spec"], before["spec"])
            # One step; and back there is nothing.
            tab.get_by_role("button", name="Undo").click()
            expect(page.tab.locator(".node")).to_have_count(0)

    def test_what_is_dropped_onto_the_canvas_is_opened_or_it_says_why_not(self):
        self.store("dropped", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=dropped")
        tab = page.tab

        def drop(name, text):
            tab.evaluate("""([name, text]) => {
              const canvas = document.querySelector('workflow-canvas'), data = new DataTransfer()
              data.items.add(new File([text], name))
              for (const kind of ['dragover', 'drop']) {
                canvas.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }))
              }
            }""", [name, text])

        drop("flow.json", json.dumps({"nodes": [
            {"id": "x", "position": {"x": 0, "y": 0}, "data": {"nodeType": "tester/wait"}},
            {"id": "note", "type": "note", "position": {"x": 9, "y": 9}, "data": {"label": HOSTILE}}], "edges": []}))
        expect(page.node("x")).to_have_count(1)
        # What didn't become a node is told.
        dialog = tab.get_by_role("dialog", name="What to know about it")
        expect(dialog).to_contain_text("note")
        tab.keyboard.press("Escape")
        drop("broken.yaml", "kind: Workflow\nspec: [\n")
        expect(tab.get_by_role("dialog", name="This can't be done")).to_contain_text("Line ")
        tab.keyboard.press("Escape")
        drop(HOSTILE, "\x00\x01")
        expect(tab.get_by_role("dialog", name="This can't be done")).to_be_visible()
        tab.keyboard.press("Escape")
        expect(page.node("x")).to_have_count(1)
        self.assertEqual(tab.locator("img").count(), 0)
