"""Groups and comments that are copied, cut, pasted and duplicated."""

import json

from playwright.sync_api import expect

from editor_case import HOSTILE, EditorCase
from serving import workflow

DRAWN = {
    "groups": {"1": {"x": 0, "y": 0, "width": 320, "height": 280, "title": "Slow ones", "color": "#8a63c4"}},
    "comments": {"note": {"x": 40, "y": 190, "width": 96, "height": 64, "text": "Why"}, "far": {"x": 700, "y": 0, "width": 160, "height": 64, "text": "Far"}},
}


class CopyTests(EditorCase):
    def drawn(self, name):
        """A workflow with a group around `a` and a comment, and more beside it."""
        document = workflow({"a": {"type": "tester/wait"}, "b": {"type": "tester/wait", "in": {"input": "a.output"}}}, name=name)
        document["layout"] = {"a": {"x": 40, "y": 40}, "b": {"x": 400, "y": 40}, "$editor": DRAWN}
        self.server.ok("PUT", f"/api/v1/workflows/{name}", document, headers={"If-None-Match": "*"})
        page = self.page(permissions=["clipboard-read", "clipboard-write"]).open(f"#workflow={name}")
        page.tab.locator(".group").wait_for()
        return page

    def counts(self, page, nodes, groups, comments):
        for selector, count in [(".node", nodes), (".group", groups), (".comment", comments)]:
            expect(page.tab.locator(selector)).to_have_count(count)

    def test_a_group_is_copied_and_cut_with_all_in_it_each_in_one_step(self):
        page = self.drawn("copied-group")
        tab, keys = page.tab, page.tab.keyboard
        tab.locator(".group-title").click()
        keys.press("Control+c")
        expect(page.status()).to_have_text("1 node, 1 group, 1 comment copied.")
        fragment = json.loads(tab.evaluate("navigator.clipboard.readText()"))
        self.assertEqual(set(fragment["spec"]["nodes"]), {"a"})
        self.assertEqual(fragment["layout"]["$editor"]["groups"]["1"], DRAWN["groups"]["1"])
        keys.press("Control+v")
        self.counts(page, 3, 2, 3)
        # It is what is selected and at hand now: it moves with what came with it.
        pasted = tab.locator('[data-drawing="groups 2"]')
        expect(pasted).to_be_focused()
        keys.press("Alt+ArrowRight")
        keys.press("Control+s")
        expect(page.status()).to_have_text("Saved copied-group.")
        layout = self.stored("copied-group")["layout"]
        made = layout["$editor"]["groups"]["2"]
        self.assertEqual([layout["a_2"][axis] - made[axis] for axis in "xy"], [40, 40])
        self.assertEqual([layout["$editor"]["comments"]["1"][axis] - made[axis] for axis in "xy"], [40, 190])
        self.assertEqual(layout["$editor"]["groups"]["1"], DRAWN["groups"]["1"])
        self.picture(page, "copied-group")
        keys.press("Control+z")
        keys.press("Control+z")
        self.counts(page, 2, 1, 2)
        tab.locator(".group-title").click()
        keys.press("Control+x")
        self.counts(page, 1, 0, 1)
        keys.press("Control+z")
        self.counts(page, 2, 1, 2)

    def test_groups_and_comments_are_duplicated_by_key_menu_and_details(self):
        page = self.drawn("duplicated")
        tab, keys = page.tab, page.tab.keyboard
        tab.locator('[data-drawing="comments far"]').click()
        keys.press("d")
        self.counts(page, 2, 1, 3)
        expect(tab.locator('[data-drawing="comments 1"]')).to_be_focused()
        tab.locator(".group-title").click(button="right")
        tab.get_by_role("menuitem", name="Duplicate").click()
        self.counts(page, 3, 2, 4)
        tab.get_by_role("region", name="Details").get_by_role("button", name="Duplicate").click()
        self.counts(page, 4, 3, 5)
        for _ in range(3):
            keys.press("Control+z")
        self.counts(page, 2, 1, 2)

    def test_drawings_of_a_strange_clipboard_are_cut_to_what_can_be_shown(self):
        self.store("strange-copies", {"a": {"type": "tester/wait"}})
        page = self.page(permissions=["clipboard-read", "clipboard-write"]).open("#workflow=strange-copies")
        tab = page.tab
        area = {"x": 0, "y": 0, "width": 200, "height": 100}
        drawn = {"groups": {"__proto__": {**area, "title": HOSTILE, "color": "url(x)"}, "odd": 1, "none": {"x": "0"}},
                 "comments": {"long": {**area, "text": "x" * 9000}}}
        text = json.dumps({"apiVersion": "orchestrator/v1", "kind": "WorkflowFragment", "layout": {"$editor": drawn}})
        tab.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        page.node("a").click()
        tab.keyboard.press("Control+v")
        self.counts(page, 1, 1, 1)
        self.assertEqual(tab.locator("img, b").count(), 0)
        self.assertEqual(len(tab.locator(".comment-text").text_content()), 4000)
        tab.evaluate("(text) => navigator.clipboard.writeText(text)", text.replace('"width": 200', '"width": null'))
        tab.keyboard.press("Control+v")
        expect(page.status()).to_contain_text("there is nothing in what was copied")
        self.counts(page, 1, 1, 1)
