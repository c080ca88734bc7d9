"""The screens around a workflow: where they lie, what they take to load, plugins, hosts, and a workflow as text."""

import time

from playwright.sync_api import expect

from editor_case import OPTIONS, EditorCase


class PageTests(EditorCase):
    # What is loaded first

    def test_the_first_load_of_a_workflow_is_small_and_answers_soon(self):
        self.store("first", {"a": {"type": "tester/wait"}, "b": {"type": "tester/wait", "in": {"input": "a.output"}}})
        page, sizes = self.page(), {}

        def count(answer):
            path = answer.url.split(f":{self.server.port}", 1)[1].split("#")[0]
            if not path.startswith("/api/"):
                sizes[path] = len(answer.body())

        # With what somebody signs in by; nothing of it is compressed.
        answers = []
        page.tab.on("response", lambda answer: answers.append(answer))
        page.open("#workflow=first")
        page.node("b").wait_for()
        page.tab.wait_for_load_state("networkidle")
        for answer in answers:
            count(answer)
        total = sum(sizes.values())
        print(f"first load: {total:,} bytes in {len(sizes)} files", flush=True)
        self.assertLess(total, 300_000, sizes)
        started = time.monotonic()
        page.tab.reload()
        page.node("a").click()
        expect(page.tab.get_by_label("Seconds", exact=True)).to_be_visible()
        spent = time.monotonic() - started
        print(f"time until the canvas answers: {1000 * spent:.0f} ms", flush=True)
        self.assertLess(spent, 2 * OPTIONS.slack)

    # Where everything is

    def test_screens_have_addresses_and_the_way_back_leads_back(self):
        self.store("here", {"a": {"type": "tester/wait"}})
        page = self.page().open()
        tab = page.tab
        links = tab.get_by_role("navigation", name="Pages")
        expect(links.get_by_role("link", name="Workflows")).to_have_attribute("aria-current", "page")
        expect(tab.locator(".site-holder")).to_contain_text("first · admin")
        tab.get_by_role("link", name="here").click()
        page.node("a").wait_for()
        self.assertTrue(tab.url.endswith("#workflow=here"))
        # What isn't saved is kept, wherever one goes.
        page.drop("Wait", 300, 300)
        expect(page.node("wait")).to_have_count(1)
        tab.get_by_role("button", name="Menu").click()
        menu = tab.get_by_role("dialog", name="Menu")
        expect(menu).to_contain_text("first · admin")
        self.picture(page, "menu")
        menu.get_by_role("link", name="Workflows").click()
        expect(tab.get_by_role("heading", name="Workflows")).to_be_focused()
        expect(tab.get_by_role("link", name="here")).to_contain_text("not saved")
        tab.go_back()
        expect(page.node("wait")).to_have_count(1)
        tab.keyboard.press("m")
        expect(menu).to_be_visible()
        tab.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        tab.go_back()
        expect(tab.get_by_role("heading", name="Workflows")).to_be_visible()
        tab.goto(f"http://127.0.0.1:{self.server.port}/#workflow=never-made")
        expect(tab.get_by_role("alert").first).to_have_text("There is no workflow never-made.")
        # Signing out asks about what would be lost; the test's browser says yes.
        tab.get_by_role("button", name="Sign out").click()
        tab.get_by_label("Token").wait_for()
        self.assertEqual(tab.evaluate("Object.values(sessionStorage).join('')"), "")
