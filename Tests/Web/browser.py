"""A browser at a server that runs, for tests of the editor."""

import contextlib
import os
import sys

from playwright.sync_api import sync_playwright

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "Server"))
from serving import Server, write_plugin  # noqa: E402 (the path comes first)

CHROMIUM = "/usr/bin/chromium"
WEB = os.path.join(os.path.dirname(__file__), "..", "..", "Sources", "CWebAssets", "web")


@contextlib.contextmanager
def chromium():
    with sync_playwright() as playwright:
        # Its own sandbox needs what a container may not give; it sees pages of this checkout alone.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


class Page:
    """The editor in a tab of its own. What goes wrong in it is kept: a script that fails, or that the policy stops."""

    def __init__(self, browser, server, from_files=False, **options):
        options.setdefault("viewport", {"width": 1280, "height": 800})
        self.server = server
        self.context = browser.new_context(**options)
        self.tab = self.context.new_page()
        self.errors = []
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.accept = lambda dialog: dialog.accept()
        self.tab.on("dialog", self.accept)
        if from_files:
            self.serve_files()

    def serve_files(self):
        """The files as they lie here in the place of those in the program: to work on them without a build."""
        kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}

        def fulfil(route):
            path = route.request.url.split(f":{self.server.port}", 1)[1].split("?")[0].split("#")[0]
            name = "index.html" if path == "/" else path.removeprefix("/assets/")
            answer = route.fetch() if path == "/" else None
            headers = {"content-security-policy": answer.headers["content-security-policy"]} if answer else {}
            with open(os.path.join(WEB, name), encoding="utf-8") as file:
                route.fulfill(body=file.read(), content_type=kinds[name.rsplit(".", 1)[1]], headers=headers)

        self.tab.route(lambda url: url.endswith(f":{self.server.port}/") or "/assets/" in url, fulfil)

    def open(self, fragment="", token=None):
        self.tab.goto(f"http://127.0.0.1:{self.server.port}/{fragment}")
        field = self.tab.get_by_label("Token")
        field.fill(token or self.server.token)
        field.press("Enter")
        field.wait_for(state="detached")
        return self

    def create(self, name):
        self.tab.get_by_label("Name").fill(name)
        self.tab.get_by_role("button", name="New workflow").click()
        self.tab.locator("workflow-canvas").wait_for()
        return self

    def status(self):
        return self.tab.locator(".status")

    def node(self, name):
        return self.tab.locator(f'.node[data-node="{name}"]')

    def port(self, node, port, side="outputs"):
        return self.node(node).locator(f'.port[data-port="{port}"][data-side="{side}"] .port-dot')

    def drag(self, start, end, steps=8):
        """By the mouse, from one point to another."""
        mouse = self.tab.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=steps)
        mouse.move(*end, steps=steps)
        mouse.up()

    def centre(self, locator):
        box = locator.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drop(self, title, x, y):
        """A node type from the palette onto the canvas, `x` and `y` from its corner."""
        canvas = self.tab.locator("workflow-canvas").bounding_box()
        item = self.tab.locator(".palette-item", has_text=title).first
        item.scroll_into_view_if_needed()
        self.drag(self.centre(item), (canvas["x"] + x, canvas["y"] + y))

    def wire(self, output, port, node, other):
        self.drag(self.centre(self.port(output, port)), self.centre(self.port(node, other, "inputs")))

    def close(self):
        self.context.close()
        # A browser says so of each answer that is no success, which a test may want.
        errors = [error for error in self.errors if "Failed to load resource" not in error]
        assert not errors, errors
