"""The screens around a workflow: where they lie, what they take to load, plugins and hosts."""

import os
import subprocess
import tempfile
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from browser import Server, write_plugin
from editor_case import HOSTILE, OPTIONS, EditorCase
from serving import PLUGIN


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

    def test_a_part_that_can_not_be_loaded_is_told_and_loses_nothing(self):
        self.store("parts", {"a": {"type": "tester/wait"}})
        page = self.page().open("#workflow=parts")
        page.drop("Fail", 300, 300)
        page.tab.route("**/assets/js/ui/saving.js", lambda route: route.abort())
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_contain_text("A part of the editor can't be loaded.")
        expect(page.node("fail")).to_have_count(1)
        expect(page.tab.locator(".save-state")).to_have_text("Changed")
        page.tab.unroute("**/assets/js/ui/saving.js")
        page.tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("Saved parts.")

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
        tab.keyboard.press("h")
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

    # Plugins

    def package(self, version, permissions):
        """A package of a plugin `shop`."""
        with open(os.devnull, "wb") as nowhere:
            manifest = PLUGIN["plugin.yaml"].replace("name: tester", "name: shop").replace("1.0.0", version)
            directory = f"{self.directory.name}/to-pack/shop-{version}"
            write_plugin(os.path.dirname(directory), os.path.basename(directory),
                         {**PLUGIN, "plugin.yaml": manifest.replace("[filesystem.write]", permissions)})
            subprocess.run([OPTIONS.orchestrator, "plugin", "pack", directory, "--out", f"{directory}.zip"], check=True, stdout=nowhere)
        return f"{directory}.zip"

    def test_a_plugin_is_granted_what_it_asks_for_with_consent_and_loses_it_again(self):
        page = self.page().open("#plugins")
        tab = page.tab
        expect(tab.locator(".plugin-card", has=tab.get_by_role("link", name="files"))).to_contain_text("filesystem.write")
        tab.get_by_role("link", name="command").click()
        tab.get_by_role("heading", name="command").wait_for()
        self.assertTrue(tab.url.endswith("#plugins=command"))
        permission = tab.locator(".permission", has_text="system.exec")
        expect(permission).to_contain_text("It could start every program that is in its sandbox")
        expect(permission).to_contain_text("look twice")
        self.picture(page, "plugin")
        # Who doesn't say yes has granted nothing.
        permission.get_by_role("button", name="Grant system.exec").click()
        question = tab.get_by_role("dialog", name="Grant system.exec to command?")
        expect(question).to_contain_text("an attacker who gets into it finds a shell")
        self.picture(page, "grant")
        tab.keyboard.press("Escape")
        expect(question).to_have_count(0)
        expect(permission).to_contain_text("Not granted")
        permission.get_by_role("button", name="Grant system.exec").click()
        question.get_by_label("Only a part of it").fill("git,ffmpeg")
        question.get_by_role("button", name="Grant", exact=True).click()
        expect(tab.get_by_role("status")).to_have_text("command has system.exec:git,ffmpeg now.")
        self.assertIn("system.exec:git,ffmpeg", self.grants("command")[0]["permission"])
        permission.get_by_role("button", name="Take back").click()
        expect(permission).to_contain_text("Not granted")
        self.assertEqual(self.grants("command"), [])
        # A scope that can't be one is refused, and said.
        permission.get_by_role("button", name="Grant system.exec").click()
        question.get_by_label("Only a part of it").fill("/bin/../x y")
        question.get_by_role("button", name="Grant", exact=True).click()
        expect(tab.get_by_role("alert")).not_to_be_empty()
        self.assertEqual(self.grants("command"), [])

    def grants(self, plugin):
        asked = self.server.ok("GET", f"/api/v1/plugins/{plugin}/grants")["asked"]
        return [grant for one in asked if one["permission"] == "system.exec" for grant in one["granted"]]

    def test_a_package_is_installed_upgraded_with_consent_rolled_back_and_removed(self):
        first, second = self.package("1.0.0", "[filesystem.read]"), self.package("1.1.0", '[filesystem.read, "network.http:example.org"]')
        page = self.page().open("#plugins")
        tab = page.tab

        def upload(path):
            tab.get_by_role("link", name="Plugins", exact=True).click()
            tab.get_by_role("button", name="Install …").click()
            tab.get_by_label("Package (.zip)").set_input_files(path)
            tab.get_by_role("button", name="Install this file").click()

        upload(first)
        expect(tab.get_by_role("status").first).to_have_text("Installed shop 1.0.0.")
        upload(second)
        consent = tab.get_by_role("dialog", name="shop 1.1.0 asks for more than the version that counts")
        expect(consent).to_contain_text("network.http:example.org")
        self.picture(page, "consent")
        consent.get_by_role("button", name="Don't install").click()
        tab.get_by_role("dialog").get_by_role("button", name="Install this file").click()
        consent.get_by_role("button", name="Allow this and install").click()
        expect(tab.get_by_role("status").first).to_have_text("Installed shop 1.1.0.")
        tab.get_by_role("link", name="shop").click()
        expect(tab.locator("tbody tr").first).to_contain_text("1.1.0")
        expect(tab.locator(".permission", has_text="network.http")).to_contain_text("granted")
        self.picture(page, "installed")
        tab.get_by_role("button", name="Let 1.0.0 count").click()
        expect(tab.get_by_role("status")).to_have_text("shop 1.0.0 counts now.")
        tab.get_by_role("button", name="Remove 1.1.0").click()
        expect(tab.locator("tbody tr")).to_have_count(1)
        # There is no registry here: it is said, and what to do.
        tab.get_by_role("button", name="Upgrade from the registry").click()
        expect(tab.get_by_role("alert")).to_contain_text("no registry of plugins is configured")
        tab.get_by_role("button", name="Remove the plugin").click()
        tab.get_by_role("button", name="Remove it").click()
        expect(tab.get_by_role("status")).to_have_text("shop is removed.")
        self.assertNotIn("shop", [plugin["name"] for plugin in self.server.ok("GET", "/api/v1/plugins")["plugins"]])
        tab.get_by_role("link", name="All plugins").click()
        tab.get_by_role("button", name="Install …").click()
        path = f"{self.directory.name}/no-package.zip"
        with open(path, "wb") as file:
            file.write(b"none")
        tab.get_by_label("Package (.zip)").set_input_files(path)
        tab.get_by_role("button", name="Install this file").click()
        expect(tab.get_by_role("dialog").get_by_role("alert")).to_contain_text("the package is not a package")

    def test_a_plugin_is_installed_by_its_name_and_upgraded_from_the_registry(self):
        # The registry of this server is that of another one.
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            with open(f"{directory}/token", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(self.server.token)
            with open(f"{directory}/system.yaml", "w", encoding="utf-8") as file:
                file.write(f"plugins: {{registry: {{enable: true, url: 'http://127.0.0.1:{self.server.port}/api/registry', "
                           f"token_file: {directory}/token}}}}\n")
            self.publish("1.2.0", "[]")
            with Server(OPTIONS.orchestrator, f"{directory}/state", "--config", f"{directory}/system.yaml") as server:
                page = self.page(server).open("#plugins")
                tab = page.tab
                tab.get_by_role("button", name="Install …").click()
                tab.get_by_label("Plugin", exact=True).fill("Shop!")
                tab.get_by_role("button", name="Install by name").click()
                expect(tab.get_by_role("dialog").get_by_role("alert")).to_contain_text("Use a lower-case letter")
                tab.get_by_label("Plugin", exact=True).fill("shop")
                tab.get_by_role("button", name="Install by name").click()
                # That nobody vouches for it is said.
                expect(tab.get_by_role("status").first).to_contain_text("Installed shop 1.2.0. ")
                expect(tab.get_by_role("status").first).to_contain_text("Warning: no key that is trusted for shop has signed")
                tab.get_by_role("link", name="shop").click()
                self.publish("1.3.0", "[system.exec]")
                tab.get_by_role("button", name="Upgrade from the registry").click()
                tab.get_by_role("button", name="Install without it").click()
                expect(tab.locator("tbody tr").first).to_contain_text("1.3.0")
                expect(tab.locator(".permission")).to_contain_text("Not granted")

    def publish(self, version, permissions):
        with open(self.package(version, permissions), "rb") as file:
            self.server.ok("PUT", f"/api/registry/plugins/shop/{version}/package", file.read(), headers={"Content-Type": "application/zip"})

    def test_what_a_token_may_not_do_is_not_offered_and_it_says_who_may(self):
        token = self.server.ok("POST", "/api/v1/tokens", {"name": "looker", "scope": "viewer"})["secret"]
        page = self.page().open("#plugins=command", token=token)
        tab = page.tab
        expect(tab.locator(".site-holder")).to_contain_text("looker · viewer")
        expect(tab.locator(".page-note").last).to_contain_text("orchestrator plugin grant command system.exec")
        self.assertEqual(tab.locator("main").get_by_role("button").count(), 0)
        tab.get_by_role("link", name="All plugins").click()
        tab.get_by_role("heading", name="Plugins").wait_for()
        self.assertEqual(tab.locator("main").get_by_role("button").count(), 0)
        self.store("only-seen", {"a": {"type": "tester/wait"}})
        tab.get_by_role("link", name="Workflows").click()
        expect(tab.get_by_role("button", name="New workflow")).to_have_count(0)
        tab.get_by_role("link", name="only-seen").click()
        run = tab.get_by_role("button", name="Run", exact=True)
        expect(run).to_be_disabled()
        expect(run).to_have_attribute("title", "This takes a token with the scope runner.")
        page.drop("Fail", 300, 300)
        expect(tab.get_by_role("button", name="Save", exact=True)).to_be_disabled()
        tab.keyboard.press("Control+s")
        expect(page.status()).to_have_text("This takes a token with the scope author.")

    def test_plugins_that_are_broken_hostile_or_crash_say_so(self):
        manifest = PLUGIN["plugin.yaml"].replace("name: tester", "name: crashing").replace("[wait, fail, inherited]", "[crash]")
        write_plugin(self.directory.name, "crashing", {
            "plugin.yaml": manifest.replace("Waits and answers", f"'{HOSTILE.replace(chr(39), '')}'"), "plugin.py": CRASHING})
        write_plugin(self.directory.name, "unreadable", {"plugin.yaml": "name: [\n"})
        self.server.ok("POST", "/api/v1/reload")
        for _ in range(3):
            document = {"apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": {"name": "c"},
                        "spec": {"nodes": {"c": {"type": "crashing/crash", "cache": "never"}}}}
            self.server.ended(self.server.ok("POST", "/api/v1/runs", {"document": document})["run"])
        page = self.page().open("#plugins")
        expect(page.tab.locator(".broken")).to_contain_text("unreadable")
        self.picture(page, "plugins")
        page.tab.get_by_role("link", name="crashing").click()
        expect(page.tab.locator(".plugin")).to_contain_text("crashed 3 times in a row")
        expect(page.tab.locator(".plugin")).to_contain_text("onerror")
        self.assertEqual(page.tab.locator("img, b").count(), 0)
        self.assertNotIn("\u202e", page.tab.locator("body").inner_text())

    def test_settings_are_a_form_of_the_manifest_and_secrets_are_none_of_it(self):
        write_plugin(self.directory.name, "told", {**PLUGIN, "plugin.yaml": PLUGIN["plugin.yaml"].replace("name: tester", "name: told") + SETTINGS})
        self.server.ok("POST", "/api/v1/reload")
        page = self.page().open("#plugins=told")
        tab = page.tab
        expect(tab.get_by_label("count", exact=True)).to_have_value("3")
        expect(tab.locator(".settings")).to_contain_text("plugins.configuration.told")
        self.assertEqual(tab.get_by_label("token", exact=True).count(), 0)
        save = tab.get_by_role("button", name="Save the settings")
        expect(save).to_be_disabled()
        tab.get_by_label("url", exact=True).fill("http://here")
        tab.get_by_label("count", exact=True).fill("0")
        tab.get_by_label("deep", exact=True).uncheck()
        save.click()
        expect(tab.locator(".page-status")).to_have_text("The settings of told are saved.")
        self.picture(page, "settings")
        settings = self.server.ok("GET", "/api/v1/plugins/told/settings")
        self.assertEqual(settings["settings"], {"url": "http://here", "count": 0, "deep": False})
        # Taken back, and what can't be a value is told at once.
        tab.get_by_role("button", name="Reset count").click()
        tab.get_by_label("url", exact=True).fill("http://there")
        save.click()
        expect(tab.locator(".page-status")).to_have_text("The settings of told are saved.")
        expect(tab.get_by_label("count", exact=True)).to_have_value("3")
        settings = self.server.ok("GET", "/api/v1/plugins/told/settings")
        self.assertEqual(settings["settings"], {"url": "http://there", "count": 3, "deep": False})
        self.assertEqual(set(settings["configured"]), {"url", "deep"})
        tab.get_by_label("count", exact=True).fill("many")
        expect(tab.get_by_text("count must be a whole number")).to_be_visible()

    # Hosts

    def test_hosts_show_what_is_held_and_what_waits_and_lead_to_the_run(self):
        nodes = {f"n{number}": {"type": "tester/wait", "with": {"seconds": 2}, "cache": "never"} for number in range(6)}
        self.store("busy", nodes)
        page = self.page().open("#hosts")
        tab = page.tab
        expect(tab.get_by_role("meter", name="Memory")).to_have_attribute("aria-valuenow", "0")
        expect(tab.locator(".hosts")).to_contain_text("Nothing runs here.")
        run = self.server.ok("POST", "/api/v1/runs", {"workflow": "busy"})["run"]
        # Without a reload, while somebody looks.
        host = tab.locator(".host")
        expect(host.locator("tbody tr")).to_have_count(4)
        expect(host.get_by_role("meter", name="Memory")).not_to_have_attribute("aria-valuenow", "0")
        expect(tab.get_by_role("region", name="Queue")).to_contain_text("waits for 1 of '--jobs'")
        self.picture(page, "hosts")
        tab.get_by_role("region", name="Runs").get_by_role("link", name="busy").click()
        expect(page.node("n5")).to_have_attribute("data-state", "succeeded")
        self.assertTrue(tab.url.endswith("#workflow=busy"))
        self.assertEqual(tab.evaluate("sessionStorage.getItem('orchestrator.run.busy')"), run)
        # Nobody looks any more, here and behind another tab: nothing is asked.
        asked = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.go_back()
        tab.get_by_role("heading", name="Hosts").wait_for()
        tab.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
        tab.wait_for_timeout(300)
        count = len(asked)
        tab.wait_for_timeout(2300)
        self.assertEqual(len(asked), count)
        with tab.expect_request("**/hosts"):
            tab.evaluate("Object.defineProperty(document, 'hidden', { value: false }), document.dispatchEvent(new Event('visibilitychange'))")

    def test_hosts_with_gpus_of_which_more_is_held_than_there_is_and_odd_names_are_shown(self):
        host = {"name": HOSTILE, "cpu_milli": 64000, "cpu_milli_free": -1500, "memory_bytes": 256 << 30, "memory_bytes_free": 100 << 30,
                "devices": [{"id": "GPU-0", "memory_bytes": 80 << 30, "milli_free": 250}, {"id": HOSTILE * 9, "memory_bytes": 0, "milli_free": 0}],
                "running": [{"run": "gone", "node": HOSTILE, "cpu_milli": 1500, "memory_bytes": 1 << 30, "devices": ["GPU-0"]}], "running_count": 9}
        page = self.page(color_scheme="dark")
        page.tab.route("**/api/v1/hosts", lambda route: route.fulfill(json={"hosts": [host, {"name": "second"}]}))
        page.open("#hosts")
        tab = page.tab
        expect(tab.get_by_role("meter", name="Processors").first).to_have_attribute("aria-valuetext", "65.5 of 64 held")
        expect(tab.get_by_role("meter", name="Processors").first).to_have_attribute("aria-valuenow", "100")
        expect(tab.get_by_role("meter", name="GPU-0")).to_have_attribute("aria-valuetext", "75 % held, 80 GiB")
        expect(tab.locator(".host").first).to_contain_text("1.5 processors, 1 GiB, GPU-0")
        expect(tab.locator(".host").first).to_contain_text("and 8 more")
        self.picture(page, "hosts-gpus")
        self.assertEqual(tab.locator("img, b").count(), 0)
        self.assertLessEqual(tab.evaluate("document.documentElement.scrollWidth - innerWidth"), 0)

    # For everybody

    def test_on_4k_nothing_is_lost_and_a_hand_hits_what_it_points_at(self):
        self.store("large", {"a": {"type": "tester/wait"}})
        for scale in [1, 2]:
            size = {"width": 3840 // scale, "height": 2160 // scale}
            page = self.page(viewport=size, device_scale_factor=scale).open("#workflow=large")
            page.node("a").wait_for()
            page.drop("Fail", 400, 300)
            canvas, node = (page.tab.locator(selector).bounding_box() for selector in ["workflow-canvas", '.node[data-node="fail"]'])
            self.assertAlmostEqual(node["x"] - canvas["x"], 400, delta=40)
            self.assertAlmostEqual(node["y"] - canvas["y"], 300, delta=40)
            page.wire("a", "output", "fail", "input")
            expect(page.status()).to_have_text("Connected a.output to fail.input.")
            for address in ["#workflow=large", "#plugins", "#plugins=files", "#hosts", "#workflows"]:
                page.tab.goto(f"http://127.0.0.1:{self.server.port}/{address}")
                page.tab.locator("main, .panes").first.wait_for()
                self.assertLessEqual(page.tab.evaluate("document.documentElement.scrollWidth - innerWidth"), 0, address)

    def test_axe_finds_no_violation_on_these_screens(self):
        self.store("looked-at", {"a": {"type": "tester/wait"}, "b": {"type": "tester/wait", "in": {"input": "a.output"}}})
        for scheme in ["light", "dark"]:
            # axe itself is a script that the policy wouldn't let in.
            page = self.page(color_scheme=scheme, bypass_csp=True).open()
            tab, name = page.tab, scheme
            tab.get_by_role("link", name="Plugins").click()
            tab.get_by_role("heading", name="Plugins").wait_for()
            self.seen(page, f"plugins-{name}")
            tab.get_by_role("button", name="Install …").click()
            self.seen(page, f"install-{name}")
            tab.keyboard.press("Escape")
            tab.get_by_role("link", name="command").click()
            tab.get_by_role("heading", name="command").wait_for()
            self.seen(page, f"plugin-{name}")
            tab.get_by_role("button", name="Grant system.exec").click()
            self.seen(page, f"grant-{name}")
            tab.keyboard.press("Escape")
            tab.get_by_role("link", name="Hosts").click()
            tab.get_by_role("heading", name="Hosts").wait_for()
            self.seen(page, f"hosts-{name}")
            tab.get_by_role("link", name="Workflows").click()
            tab.get_by_role("link", name="looked-at").click()
            page.node("b").wait_for()
            tab.keyboard.press("y")
            area = tab.get_by_label("The workflow as text").locator("textarea")
            area.fill(area.input_value() + "  odd: 1\n")
            expect(tab.locator(".text-problems")).to_contain_text("unknown key")
            self.seen(page, f"text-{name}")
            tab.keyboard.press("Escape")
            tab.keyboard.press("Control+o")
            tab.get_by_role("dialog").wait_for()
            self.seen(page, f"exchange-{name}")
            tab.keyboard.press("Escape")
            tab.keyboard.press("h")
            tab.get_by_role("dialog").wait_for()
            self.seen(page, f"menu-{name}")

    def seen(self, page, name):
        for width in [320, 1280]:
            page.tab.set_viewport_size({"width": width, "height": 720})
            self.picture(page, f"{name}-{width}")
            found = Axe().run(page.tab)
            self.assertEqual(found.violations_count, 0, f"{name}-{width}: {found.generate_report()}")
            overflow = page.tab.evaluate("document.documentElement.scrollWidth - innerWidth")
            self.assertLessEqual(overflow, 0, f"{name} is wider than {width} pixels")


SETTINGS = """configuration:
  url: {type: string, description: Where it asks, required: true}
  count: {type: integer, description: How many, default: 3}
  deep: {type: boolean, default: true}
  token: {type: string, secret: true}
"""

CRASHING = '''import os

from pipeline import DeclaredNode, DeclaredPlugin, NodeSpecification, PortSpecification


class Crash(DeclaredNode):
    specification = NodeSpecification("crash", "Crash", "Tests", "Ends its worker", outputs=[PortSpecification("output", "any", "O", "-")])

    def execute(self, inputs, context):
        os._exit(1)


class Crashing(DeclaredPlugin):
    nodes = (Crash,)
'''
