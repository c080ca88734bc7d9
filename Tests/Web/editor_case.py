"""What the tests of the editor share: a server that runs real workers, one of them of a plugin that says odd things, and a browser."""

import argparse
import tempfile
import unittest

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from browser import Page, Server, chromium, write_plugin
from serving import workflow

OPTIONS = argparse.Namespace()

HOSTILE = '<img src=x onerror="document.title=1">\u202e"\'</script><b>'
ODD_PLUGIN = {
    "plugin.yaml": """name: odd
version: 1.0.0
author: A
description: Says odd things
entry_point: plugin.py
node_types: [odd, typed]
permissions: []
""",
    "plugin.py": f'''from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, ParameterSpecification, PortSpecification

TEXT = {HOSTILE!r}


class Odd(DeclaredNode):
    specification = NodeSpecification(
        "odd", TEXT, TEXT, TEXT * 50, icon=TEXT[:20], color="#abc",
        inputs=[PortSpecification("input", "any", TEXT, TEXT, required=False)],
        outputs=[PortSpecification("output", "any", "x" * 250, TEXT)],
        parameters=[ParameterSpecification("choice", "string", TEXT, TEXT, TEXT, {{"enum": [TEXT, "other"]}}, "select")])

    def execute(self, inputs, context):
        raise ValueError(TEXT)


class Typed(DeclaredNode):
    specification = NodeSpecification(
        "typed", "Typed", "Tests", "Has a parameter of each kind",
        inputs=[PortSpecification("number", "number", "Number", "A number"),
                PortSpecification("texts", "list<string>", "Texts", "Texts", required=False)],
        outputs=[PortSpecification("text", "string", "Text", "A text"), PortSpecification("count", "integer", "Count", "A number")],
        parameters=[
            ParameterSpecification("level", "number", "Level", "From 0 to 1", 0.5, {{"min": 0, "max": 1, "step": 0.25}}, "slider"),
            ParameterSpecification("active", "boolean", "Active", "Whether", True, None, "checkbox"),
            ParameterSpecification("count", "integer", "Number of them", "At most 5", 3, {{"min": 0, "max": 5}}),
            ParameterSpecification("mode", "string", "Mode", "Which", "a", {{"enum": ["a", "b"]}}, "select")])

    def execute(self, inputs, context):
        return {{"text": "x", "count": 1}}


class OddPlugin(DeclaredPlugin):
    nodes = (Odd, Typed)
''',
}


# A machine that does other things at the same time takes longer; what never comes fails all the same.
expect.set_options(timeout=20_000)


class EditorCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(dir="/var/tmp")
        write_plugin(cls.directory.name)
        write_plugin(cls.directory.name, "odd", ODD_PLUGIN)
        cls.server = Server(OPTIONS.orchestrator, f"{cls.directory.name}/state", "--jobs", "4")
        cls.browsing = chromium()
        cls.browser = cls.browsing.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.browsing.__exit__(None, None, None)
        cls.server.__exit__()
        cls.directory.cleanup()

    def page(self, server=None, **options):
        page = Page(self.browser, server or self.server, from_files=OPTIONS.files, **options)
        self.addCleanup(page.close)
        return page

    def picture(self, page, name):
        if OPTIONS.screenshots:
            page.tab.screenshot(path=f"{OPTIONS.screenshots}/{name}.png")

    def stored(self, name, server=None):
        return (server or self.server).ok("GET", f"/api/v1/workflows/{name}")["document"]

    def store(self, name, nodes, **spec):
        document = workflow(nodes, name=name)
        document["spec"].update(spec)
        self.server.ok("PUT", f"/api/v1/workflows/{name}", document, headers={"If-None-Match": "*"})

    def seen(self, page, name):
        page.tab.wait_for_timeout(100)
        self.picture(page, name)
        found = Axe().run(page.tab)
        self.assertEqual(found.violations_count, 0, f"{name}: {found.generate_report()}")
        overflow = page.tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        self.assertLessEqual(overflow, 0, f"{name} is wider than the screen")
