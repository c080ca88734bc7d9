"""Nodes and the canvas: what is built, set and drawn there."""

import json
import os

from playwright.sync_api import expect

from editor_case import EditorCase
from serving import workflow

EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "examples", "license-report.yaml")


class CanvasTests(EditorCase):
    maxDiff = None

    # The example from an empty canvas

    def example(self, name):
        """The example's nodes, without what is as their types say; and grants, for it reads and writes files."""
        with open(EXAMPLE, encoding="utf-8") as file:
            text = file.read()
        self.server.ok("PUT", f"/api/v1/workflows/{name}", text, headers={"If-None-Match": "*", "Content-Type": "application/yaml"})
        self.server.ok("POST", "/api/v1/plugins/files/grants",
                       {"permissions": ["filesystem.read:/usr/share/common-licenses", "filesystem.write"]})
        document = self.stored(name)
        inputs = {f"${{{{ inputs.{key} }}}}": value["default"] for key, value in document["spec"]["inputs"].items()}
        nodes = document["spec"]["nodes"]
        for node in nodes.values():
            node["with"] = {key: inputs.get(value, value) if isinstance(value, str) else value for key, value in node.get("with", {}).items()}
        return self.plain(nodes)

    def parameters(self, type_name):
        types = self.server.ok("GET", "/api/plugins/nodes")["nodes"]
        found = next(entry for entry in types if entry["nodeType"] == type_name)
        return {parameter["name"]: parameter for parameter in found["specification"]["parameters"]}

    def plain(self, nodes):
        for node in nodes.values():
            known = self.parameters(node["type"])
            node["with"] = {key: value for key, value in node.get("with", {}).items() if known[key]["default"] != value}
            node["in"] = {port: sources[0] if isinstance(sources, list) and len(sources) == 1 else sources
                          for port, sources in node.get("in", {}).items()}
        return nodes

    def lines(self, nodes):
        return [(source.split("."), (name, port)) for name, node in nodes.items()
                for port, sources in node["in"].items() for source in (sources if isinstance(sources, list) else [sources])]

    def runs(self, page, name, nodes):
        """What was built is saved, and is the example; and it runs to its end."""
        expect(page.status()).to_have_text(f"Saved {name}.")
        self.assertEqual(self.plain(self.stored(name)["spec"]["nodes"]), nodes)
        page.tab.keyboard.press("Control+Enter")
        expect(page.status()).to_have_text("The run has succeeded.", timeout=60000)
        expect(page.tab.locator('.node[data-state="succeeded"]')).to_have_count(len(nodes))

    def test_the_example_is_built_by_mouse_from_an_empty_canvas_and_runs(self):
        nodes = self.example("example-for-mouse")
        page = self.page(viewport={"width": 1600, "height": 1000}).open().create("example-by-mouse")
        tab = page.tab
        canvas = tab.locator("workflow-canvas").bounding_box()
        tab.mouse.move(canvas["x"], canvas["y"])
        tab.mouse.wheel(0, 200)
        for index, (name, node) in enumerate(nodes.items()):
            place = canvas["x"] + 40 + 195 * (index % 5), canvas["y"] + 40 + 260 * (index // 5)
            item = tab.locator(f'.palette-item[data-type="{node["type"]}"]')
            item.scroll_into_view_if_needed()
            page.drag(page.centre(item), place, steps=3)
            field = tab.get_by_label("Name", exact=True)
            field.click(click_count=3)
            tab.keyboard.type(name)
            tab.keyboard.press("Enter")
            known = self.parameters(node["type"])
            for key, value in node["with"].items():
                self.write(page, tab.locator(f"#parameter-{key}"), known[key], value)
            page.node(name).wait_for()
        for (source, output), (name, port) in self.lines(nodes):
            page.wire(source, output, name, port)
            expect(page.status()).to_have_text(f"Connected {source}.{output} to {name}.{port}.")
        self.picture(page, "example-by-mouse")
        tab.get_by_role("button", name="Save", exact=True).click()
        self.runs(page, "example-by-mouse", nodes)

    def write(self, page, field, parameter, value):
        """Into a parameter's field, which the mouse goes to."""
        rules = parameter["constraints"] or {}
        if "enum" in rules:
            return field.select_option(label=value)
        if parameter["ui_component"] == "slider":
            field.scroll_into_view_if_needed()
            box = field.bounding_box()
            start, end = ((box["x"] + 8 + (number - rules["min"]) / (rules["max"] - rules["min"]) * (box["width"] - 16), box["y"] + box["height"] / 2)
                          for number in (parameter["default"], value))
            return page.drag(start, end)
        field.click()
        return field.fill(value if isinstance(value, str) else json.dumps(value))

    def test_the_example_is_built_by_keyboard_alone_and_runs(self):
        nodes = self.example("example-for-keyboard")
        page = self.page().open()
        keys = page.tab.keyboard
        page.tab.get_by_label("Name").focus()
        keys.type("example-by-keyboard")
        keys.press("Enter")
        page.tab.locator("workflow-canvas").wait_for()
        titles = {entry["nodeType"]: entry["displayName"] for entry in self.server.ok("GET", "/api/plugins/nodes")["nodes"]}
        for name, node in nodes.items():
            keys.press("/")
            keys.type(titles[node["type"]])
            keys.press("Enter")
            expect(page.tab.locator(".node:focus")).to_have_count(1)
            keys.press("F2")
            expect(page.tab.get_by_label("Name", exact=True)).to_be_focused()
            keys.type(name)
            keys.press("Enter")
            expect(page.node(name)).to_have_count(1)
            known = self.parameters(node["type"])
            for key, value in node["with"].items():
                self.tab_to(page, f"parameter-{key}")
                rules = known[key]["constraints"] or {}
                if "enum" in rules:
                    keys.type(value)
                elif known[key]["ui_component"] == "slider":
                    keys.press("Home")
                    for _ in range(value - rules["min"]):
                        keys.press("ArrowRight")
                else:
                    keys.press("Control+a")
                    keys.insert_text(value if isinstance(value, str) else json.dumps(value))
            keys.press("Escape")
            expect(page.node(name)).to_be_focused()
        lines = self.lines(nodes)
        for number, ((source, output), (name, port)) in enumerate(lines):
            self.go_to(page, source if number % 2 else name)
            if number % 2:
                # From port to port.
                keys.press("c")
                self.press_until(page, "ArrowDown", f'.node[data-node="{source}"] .outputs[data-port="{output}"]')
                keys.press("Enter")
                self.press_until(page, "ArrowDown", f'.node[data-node="{name}"] .inputs[data-port="{port}"]')
            else:
                # By name, in the details.
                keys.press("Enter")
                index = page.node(name).locator(".port.inputs").evaluate_all("(all, port) => all.findIndex((one) => one.dataset.port === port)", port)
                self.tab_to(page, f"connect-{index}")
                keys.type(f"{source}.{output}")
            keys.press("Enter")
            expect(page.status()).to_contain_text(f"{source}.{output} to {name}.{port}.")
            keys.press("Escape")
        keys.press("l")
        keys.press("Control+s")
        self.runs(page, "example-by-keyboard", nodes)
        self.picture(page, "example-by-keyboard")

    def press_until(self, page, key, selector, most=60):
        for _ in range(most):
            if page.tab.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
            page.tab.keyboard.press(key)
        self.fail(f"{key} never led to {selector}")

    def tab_to(self, page, field):
        self.press_until(page, "Tab", f"#{field}")

    def go_to(self, page, name):
        """By the arrows, as somebody goes who sees where the nodes are."""
        page.tab.keyboard.press("g")
        for _ in range(20):
            places = page.tab.evaluate("""(name) => {
              const { rectangles, focusName } = document.querySelector('workflow-canvas')
              return [rectangles.get(focusName), rectangles.get(name), focusName]
            }""", name)
            if places[2] == name:
                return
            across, down = (places[1][axis] - places[0][axis] for axis in "xy")
            direction = ("Right" if across > 0 else "Left") if abs(across) >= abs(down) else ("Down" if down > 0 else "Up")
            page.tab.keyboard.press(f"Arrow{direction}")
        self.fail(f"the arrows never led to {name}")

    # Settings

    def test_what_a_node_says_beside_its_parameters_has_fields_of_its_own(self):
        self.store("settings", {"a": {"type": "tester/wait"}, "b": {"type": "tester/wait", "in": {"input": "a.output"}, "resources": {"cpu": 1}}})
        page = self.page().open("#workflow=settings")
        tab = page.tab
        page.node("b").click()
        tab.get_by_label("Timeout", exact=True).fill("90")
        expect(tab.get_by_text("Timeout must be a whole number and one of ms, s, m, h, d")).to_be_visible()
        tab.get_by_label("Timeout", exact=True).fill("90s")
        tab.get_by_label("Cache", exact=True).select_option(label="never")
        tab.get_by_label("Memory", exact=True).fill("1Gi")
        tab.get_by_label("GPUs", exact=True).fill("1.5")
        expect(tab.get_by_text("GPUs must be a whole number")).to_be_visible()
        tab.get_by_text("Trying again").click()
        tab.get_by_label("Trying again").select_option("entries")
        tab.get_by_label("Retries", exact=True).fill("3")
        tab.get_by_role("button", name="Another case").click()
        tab.get_by_role("group", name="Case 2").get_by_label("its code failed").check()
        tab.get_by_text("Several times").click()
        tab.get_by_label("For each item of", exact=True).select_option(label="input")
        tab.get_by_label("Matrix", exact=True).fill('{"x": 1}')
        expect(tab.get_by_text("Matrix can't be had beside")).to_be_visible()
        self.picture(page, "settings")
        page.node("a").click()
        tab.get_by_text("Order", exact=True).click()
        tab.get_by_label("Wait for another node", exact=True).fill("b")
        tab.keyboard.press("Enter")
        expect(tab.get_by_text("a cycle")).to_be_visible()
        tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved settings.")
        self.assertEqual(self.stored("settings")["spec"]["nodes"]["b"], {
            "type": "tester/wait", "in": {"input": "a.output"}, "resources": {"cpu": 1, "memory": "1Gi"}, "timeout": "90s", "cache": "never",
            "retry": [{"max": 3, "on": ["crash", "timeout"]}, {"max": 1, "on": ["oom", "error"]}], "foreach": "input"})
        page.node("b").click()
        undo = tab.get_by_role("button", name="Undo")
        for _ in range(8):
            undo.click()
        expect(undo).to_be_disabled()
        expect(tab.get_by_label("Timeout", exact=True)).to_have_value("")

    def test_an_expression_stands_where_a_slider_a_box_or_a_list_was(self):
        self.store("expressions", {"t": {"type": "odd/typed"}}, inputs={"level": {"type": "number", "default": 0.25}})
        page = self.page().open("#workflow=expressions")
        tab = page.tab
        page.node("t").click()
        for title, text in [("Level", "${{ inputs.level }}"), ("Active", "${{ inputs.level > 0.5 }}"), ("Mode", "${{ 'b' }}"),
                            ("Number of them", "${{ 2 }}")]:
            switch = tab.get_by_role("button", name=f"Expression for {title}")
            switch.click()
            field = tab.get_by_label(title, exact=True)
            expect(field).to_be_focused()
            field.fill("2")
            expect(tab.get_by_text(f"{title} must be an expression")).to_be_visible()
            field.fill(text)
            expect(switch).to_have_attribute("aria-pressed", "true")
        self.picture(page, "expressions")
        tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved expressions.")
        self.assertEqual(self.stored("expressions")["spec"]["nodes"]["t"]["with"],
                         {"level": "${{ inputs.level }}", "active": "${{ inputs.level > 0.5 }}", "mode": "${{ 'b' }}", "count": "${{ 2 }}"})
        tab.get_by_role("button", name="Expression for Level").click()
        expect(tab.get_by_role("slider", name="Level")).to_have_value("0.5")
        tab.keyboard.press("Control+z")
        expect(tab.get_by_label("Level", exact=True)).to_have_value("${{ inputs.level }}")

    # The map

    def test_the_map_shows_what_is_seen_moves_it_and_can_be_hidden(self):
        nodes = {f"n{number}": {"type": "tester/wait"} for number in range(40)}
        self.store("map", nodes)
        page = self.page().open("#workflow=map")
        tab = page.tab
        box = tab.locator(".minimap-map").bounding_box()
        page.node("n0").click()
        tab.keyboard.press("+")
        tab.keyboard.press("+")
        view = "document.querySelector('workflow-canvas').view"
        seen = "document.querySelector('.minimap-seen').style.transform"
        before, place = tab.evaluate(view), tab.evaluate(seen)
        page.drag((box["x"] + 90, box["y"] + 100), (box["x"] + 90, box["y"] + 20))
        after = tab.evaluate(view)
        self.assertEqual(after["zoom"], before["zoom"])
        self.assertNotEqual(after["y"], before["y"])
        self.assertNotEqual(tab.evaluate(seen), place)
        self.picture(page, "map")
        # Nothing was done to what lies behind it.
        expect(tab.locator(".node.is-selected")).to_have_count(1)
        tab.keyboard.press("Shift+ArrowDown")
        tab.wait_for_function(f"{view}.y < {after['y']}")
        tab.keyboard.press("m")
        expect(tab.locator(".minimap-map")).to_be_hidden()
        tab.reload()
        page.node("n0").wait_for(state="attached")
        show = tab.get_by_role("button", name="Show the map")
        show.click()
        expect(tab.locator(".minimap-map")).to_be_visible()

    # Values on the node

    def test_values_are_edited_on_the_node_itself_as_in_the_details(self):
        self.store("values-on-nodes", {"t": {"type": "odd/typed"}, "w": {"type": "tester/wait"}})
        page = self.page().open("#workflow=values-on-nodes")
        tab = page.tab
        line = lambda node, value: page.node(node).locator(f'[data-value="{value}"]')  # noqa: E731
        line("t", "active").click()
        expect(line("t", "active")).to_have_accessible_name("Active: false")
        line("t", "count").click()
        field = page.node("t").get_by_role("textbox", name="Number of them")
        field.fill("9")
        expect(page.node("t").get_by_text("Number of them must be at most 5")).to_be_visible()
        self.picture(page, "value-on-node")
        field.fill("4")
        tab.keyboard.press("Enter")
        expect(line("t", "count")).to_be_focused()
        expect(tab.locator("#parameter-count")).to_have_value("4")
        line("t", "level").click()
        slider = page.node("t").get_by_role("slider", name="Level")
        expect(slider).to_be_focused()
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("ArrowRight")
        expect(line("t", "level")).to_have_accessible_name("Level: 1")
        tab.keyboard.press("Escape")
        # By the keyboard alone; a line that is dragged moves its node.
        tab.keyboard.press("ArrowDown")
        expect(line("t", "active")).to_be_focused()
        tab.keyboard.press("Space")
        expect(line("t", "active")).to_have_accessible_name("Active: true")
        tab.keyboard.press("Escape")
        expect(page.node("t")).to_be_focused()
        tab.keyboard.press("e")
        expect(line("t", "level")).to_be_focused()
        start = page.centre(line("w", "seconds"))
        page.drag(start, (start[0] + 40, start[1] + 80))
        expect(page.node("w").locator(".inline-field")).to_have_count(0)
        self.saved(page, "values-on-nodes")
        stored = self.stored("values-on-nodes")
        self.assertEqual(stored["spec"]["nodes"]["t"]["with"], {"active": True, "count": 4, "level": 1})
        self.assertEqual(set(stored["layout"]), {"w"})
        # Alone what was given.
        tab.keyboard.press("i")
        expect(page.node("w").locator("[data-value]")).to_have_count(0)
        tab.keyboard.press("Control+z")
        expect(page.node("w").locator("[data-value]")).to_have_count(2)

    # Points of lines

    def test_a_line_passes_through_points_that_are_made_moved_and_removed(self):
        self.store("points", {"a": {"type": "tester/wait"}, "b": {"type": "tester/wait", "in": {"input": "a.output"}}})
        page = self.page().open("#workflow=points")
        tab = page.tab
        ends = [page.centre(page.port("a", "output")), page.centre(page.port("b", "input", "inputs"))]
        middle = ((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2)
        tab.mouse.dblclick(*middle)
        expect(tab.locator(".line-point")).to_have_count(1)
        point = page.centre(tab.locator(".line-point"))
        page.drag(point, (point[0], point[1] + 80))
        self.saved(page, "points")
        stored = self.stored("points")["layout"]["$editor"]["lines"]["a.output>b.input"]
        self.assertEqual(len(stored), 1)
        # By the keyboard: a second one, moved; then the name of a node changes.
        page.node("a").click()
        tab.keyboard.press("w")
        expect(page.status()).to_have_text("Line a.output → b.input selected.")
        tab.keyboard.press("p")
        expect(tab.locator(".line-point")).to_have_count(2)
        tab.keyboard.press("Alt+ArrowUp")
        self.picture(page, "points")
        page.node("a").click()
        tab.keyboard.press("F2")
        expect(tab.get_by_label("Name", exact=True)).to_be_focused()
        tab.keyboard.type("renamed")
        tab.keyboard.press("Enter")
        self.saved(page, "points")
        self.assertEqual(list(self.stored("points")["layout"]["$editor"]["lines"]), ["renamed.output>b.input"])
        page.node("renamed").click()
        tab.keyboard.press("w")
        tab.keyboard.press("Shift+P")
        expect(tab.locator(".line-point")).to_have_count(1)
        tab.keyboard.press("Delete")
        self.saved(page, "points")
        self.assertNotIn("layout", self.stored("points"))
        tab.keyboard.press("Control+z")
        expect(tab.locator(".line-point")).to_have_count(1)

    # Fingers

    def test_fingers_pan_drag_pinch_and_press_for_long(self):
        self.store("touch", {"a": {"type": "tester/wait"}, "b": {"type": "tester/wait"}})
        page = self.page(has_touch=True, viewport={"width": 600, "height": 800}).open("#workflow=touch")
        tab = page.tab
        tab.get_by_role("button", name="Arrange the nodes").tap()
        session = page.context.new_cdp_session(tab)

        def touch(kind, *points):
            session.send("Input.dispatchTouchEvent", {
                "type": f"touch{kind}", "touchPoints": [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]})

        def view():
            tab.evaluate("new Promise(requestAnimationFrame)")
            return tab.evaluate("document.querySelector('workflow-canvas').view")

        canvas = tab.locator("workflow-canvas").bounding_box()
        free = (canvas["x"] + 60, canvas["y"] + 60)
        before = view()
        touch("Start", free)
        for step in range(1, 6):
            touch("Move", (free[0] + 10 * step, free[1] + 20 * step))
        touch("End")
        after = view()
        self.assertEqual((after["x"] - before["x"], after["y"] - before["y"], after["zoom"]), (50, 100, before["zoom"]))
        # What is between two fingers stays between them.
        touch("Start", free, (free[0] + 100, free[1]))
        for step in range(1, 6):
            touch("Move", (free[0] - 5 * step, free[1]), (free[0] + 100 + 5 * step, free[1]))
        touch("End")
        self.assertAlmostEqual(view()["zoom"], after["zoom"] * 1.5, places=3)
        tab.keyboard.press("f")
        view()
        start = page.centre(page.node("a").locator(".node-title"))
        touch("Start", start)
        for step in range(1, 6):
            touch("Move", (start[0] + 8 * step, start[1] - 16 * step))
        touch("End")
        expect(page.node("a")).to_have_class("node is-selected")
        # From port to port by a tap on each; what a finger drags is one step.
        page.port("a", "output").tap()
        page.port("b", "input", "inputs").tap()
        expect(page.status()).to_have_text("Connected a.output to b.input.")
        touch("Start", page.centre(page.node("b").locator(".node-title")))
        expect(tab.get_by_role("menuitem", name="Duplicate")).to_be_visible()
        touch("End")
        self.picture(page, "touch-menu")
        tab.get_by_role("menuitem", name="Duplicate").tap()
        expect(page.node("b_2")).to_have_count(1)
        self.saved(page, "touch")
        self.assertEqual(self.stored("touch")["spec"]["nodes"]["b"]["in"], {"input": "a.output"})
        for _ in range(4):
            tab.get_by_role("button", name="Undo").tap()
        expect(tab.get_by_role("button", name="Undo")).to_be_disabled()

    # For everybody

    def test_nothing_that_is_new_on_the_canvas_has_a_violation_that_axe_finds(self):
        document = workflow({
            "a": {"type": "odd/typed"},
            "b": {"type": "tester/wait", "in": {"input": "a.text"}, "needs": ["a"], "foreach": "input", "timeout": "5s",
                  "resources": {"cpu": 1}, "retry": [{"max": 1, "on": ["crash"]}, {"max": 2, "on": ["oom"]}]}}, name="canvas-seen")
        document["layout"] = {"a": {"x": 0, "y": 0}, "b": {"x": 320, "y": 40}, "$editor": {
            "groups": {"1": {"x": -40, "y": -60, "width": 300, "height": 280, "title": "Group of one", "color": "#3c9a66"}},
            "comments": {"1": {"x": 320, "y": -120, "width": 220, "height": 90, "text": "A comment"}},
            "lines": {"a.text>b.input": [[280, 200]]}}}
        self.server.ok("PUT", "/api/v1/workflows/canvas-seen", document, headers={"If-None-Match": "*"})
        for scheme in ["light", "dark"]:
            for width in [1280, 320]:
                page = self.page(color_scheme=scheme, viewport={"width": width, "height": 720}, bypass_csp=True).open("#workflow=canvas-seen")
                tab, name = page.tab, f"{scheme}-{width}"
                tab.locator(".comment").wait_for()
                tab.keyboard.press("g")
                tab.keyboard.press("e")
                tab.keyboard.press("Enter")
                expect(tab.locator(".inline-field input")).to_be_focused()
                self.seen(page, f"canvas-{name}")
                tab.keyboard.press("Escape")
                tab.keyboard.press("Shift+F10")
                tab.get_by_role("menu").wait_for()
                self.seen(page, f"menu-{name}")
                tab.keyboard.press("Escape")
                tab.locator(".group").focus()
                tab.keyboard.press("Space")
                if width < 900:
                    tab.get_by_role("button", name="Details").click()
                expect(tab.get_by_label("Colour")).to_be_visible()
                self.seen(page, f"drawing-{name}")
                tab.keyboard.press("g")
                tab.evaluate("document.querySelector('workflow-canvas').editor.select(['b'])")
                tab.get_by_label("Timeout", exact=True).scroll_into_view_if_needed()
                self.seen(page, f"settings-{name}")

    # Order

    def test_order_is_drawn_from_node_to_node_by_mouse_and_by_keyboard_and_removed(self):
        self.store("order", {name: {"type": "tester/wait"} for name in "abc"})
        page = self.page().open("#workflow=order")
        tab = page.tab
        tab.get_by_role("button", name="Arrange the nodes").click()
        page.node("a").hover()
        handle = page.node("a").get_by_role("button", name="Let another node wait for a")
        # It may end anywhere on the other.
        page.drag(page.centre(handle), page.centre(page.node("b").locator(".node-title")))
        expect(page.status()).to_have_text("b waits for a.")
        page.node("b").hover()
        page.drag(page.centre(page.node("b").locator('[data-order="outputs"]')), page.centre(page.node("a").locator(".node-kind")))
        expect(page.status()).to_contain_text("a cycle")
        page.drag(page.centre(page.node("b").locator('[data-order="outputs"]')), page.centre(page.port("c", "input", "inputs")))
        expect(page.status()).to_have_text("c waits for b.")
        self.picture(page, "order")
        tab.locator('[data-edge="a>b"] .line-reach').dispatch_event("pointerdown", {"button": 0, "bubbles": True})
        tab.keyboard.press("Delete")
        expect(page.status()).to_have_text("Disconnect.")
        page.node("a").click()
        tab.keyboard.press("o")
        expect(page.status()).to_contain_text("Connecting the order after a")
        # Among the nodes that can wait for it.
        expect(page.node("b").locator('[data-order="inputs"]')).to_be_focused()
        tab.keyboard.press("ArrowDown")
        expect(page.node("c").locator('[data-order="inputs"]')).to_be_focused()
        tab.keyboard.press("Enter")
        expect(page.status()).to_have_text("c waits for a.")
        tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved order.")
        self.assertEqual([self.stored("order")["spec"]["nodes"][name].get("needs") for name in "abc"], [None, None, ["b", "a"]])

    # Groups and comments

    def drawings(self, name):
        return self.stored(name)["layout"].get("$editor", {})

    def saved(self, page, name):
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text(f"Saved {name}.")

    def test_a_group_moves_with_all_in_it_and_comments_are_written_where_they_are(self):
        self.store("drawings", {name: {"type": "tester/wait"} for name in "abc"})
        page = self.page().open("#workflow=drawings")
        tab = page.tab
        tab.get_by_role("button", name="Arrange the nodes").click()
        page.node("a").click()
        page.node("b").click(modifiers=["Shift"])
        page.node("b").click(button="right")
        tab.get_by_role("menuitem", name="Make a group").click()
        field = tab.get_by_role("textbox", name="Title").first
        expect(field).to_be_focused()
        tab.keyboard.type("Slow ones")
        tab.keyboard.press("Enter")
        group = tab.get_by_role("group", name="Group Slow ones")
        expect(group).to_be_focused()
        tab.get_by_label("Colour").select_option(label="purple")
        self.saved(page, "drawings")
        before = self.stored("drawings")["layout"]
        start = page.centre(group.locator(".group-title"))
        page.drag(start, (start[0] + 48, start[1] + 24))
        expect(tab.locator(".save-state")).to_have_text("Changed")
        tab.mouse.dblclick(*page.centre(page.node("c").locator(".node-title")))
        expect(tab.get_by_label("Seconds", exact=True)).to_be_focused()
        canvas = tab.locator("workflow-canvas").bounding_box()
        tab.mouse.click(canvas["x"] + 40, canvas["y"] + 40, button="right")
        tab.get_by_role("menuitem", name="Add a comment").click()
        expect(tab.get_by_role("textbox", name="Text").first).to_be_focused()
        tab.keyboard.type("First line")
        tab.keyboard.press("Enter")
        tab.keyboard.type("<b>Second</b>")
        tab.keyboard.press("Escape")
        self.picture(page, "drawings")
        self.saved(page, "drawings")
        after = self.stored("drawings")["layout"]
        for name in "ab":
            self.assertEqual([after[name][axis] - before[name][axis] for axis in "xy"],
                             [after["$editor"]["groups"]["1"][axis] - before["$editor"]["groups"]["1"][axis] for axis in "xy"])
            self.assertNotEqual(after[name], before[name])
        self.assertEqual(after["c"], before["c"])
        self.assertEqual(after["$editor"]["groups"]["1"]["color"], "#8a63c4")
        self.assertEqual(after["$editor"]["comments"]["1"]["text"], "First line\n<b>Second</b>")
        # At its corner a comment is resized.
        corner = page.centre(tab.locator(".comment .drawing-corner"))
        page.drag(corner, (corner[0] + 60, corner[1] + 60))
        self.saved(page, "drawings")
        self.assertGreater(self.drawings("drawings")["comments"]["1"]["width"], 260)
        tab.keyboard.press("Control+z")
        self.saved(page, "drawings")
        self.assertEqual(self.drawings("drawings")["comments"]["1"]["width"], 224)

    def test_groups_and_comments_need_no_mouse(self):
        self.store("drawings-by-keyboard", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=drawings-by-keyboard")
        keys = page.tab.keyboard
        keys.press("g")
        keys.press("Shift+G")
        expect(page.tab.get_by_role("textbox", name="Title").first).to_be_focused()
        keys.type("One")
        keys.press("Enter")
        keys.press("Alt+Shift+ArrowRight")
        keys.press("Control+ArrowDown")
        keys.press("n")
        expect(page.tab.get_by_role("textbox", name="Text").first).to_be_focused()
        keys.type("Note")
        keys.press("Escape")
        expect(page.tab.locator(".comment")).to_be_focused()
        # From one to the other, to what can be done there, and to the keys.
        for direction in ["Left", "Right", "Up", "Down"]:
            if page.tab.evaluate("document.activeElement.matches('.comment')"):
                keys.press(f"Arrow{direction}")
        expect(page.tab.locator(".group")).to_be_focused()
        keys.press("Shift+F10")
        expect(page.tab.get_by_role("menuitem", name="Write")).to_be_focused()
        keys.press("Escape")
        expect(page.tab.locator(".group")).to_be_focused()
        keys.press("Enter")
        keys.type("Two")
        keys.press("Enter")
        self.saved(page, "drawings-by-keyboard")
        layout = self.stored("drawings-by-keyboard")["layout"]
        self.assertEqual(layout["$editor"]["groups"]["1"]["title"], "Two")
        self.assertEqual(layout["$editor"]["comments"]["1"]["text"], "Note")
        self.assertEqual(layout["a"]["x"], layout["$editor"]["groups"]["1"]["x"] + 24)
        keys.press("Delete")
        expect(page.tab.locator(".group")).to_have_count(0)
        keys.press("Control+z")
        expect(page.tab.locator(".group")).to_have_count(1)
