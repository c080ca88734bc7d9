"""Pictures of the editor, for the documentation: of a server that runs, light and dark, `NAME.png` and `NAME~dark.png`, as DocC takes them."""

import argparse
import os
import tempfile

from browser import Page, Server, chromium

EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "examples", "license-report.yaml")
MOST_BYTES = 200_000


def pictures(page, save):
    """Calls `save` with a name, and how much of the height is to be seen."""
    tab = page.tab
    page.open("#workflow=license-report")
    page.node("write").wait_for()
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.locator('.node[data-state="succeeded"]').nth(11).wait_for(timeout=120_000)
    page.node("lengths").locator(".node-title").click()
    save("editor")
    tab.keyboard.press("y")
    tab.locator(".text-view").wait_for()
    tab.locator(".text-view textarea").evaluate("area => area.blur()")
    save("editor-text")
    tab.goto(f"http://127.0.0.1:{page.server.port}/#plugins=files")
    tab.get_by_role("heading", name="files", exact=True).wait_for()
    # Not where this machine has it.
    save("editor-plugin", 640)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orchestrator", required=True)
    parser.add_argument("--files", action="store_true", help="the editor's files as they are now, not as they are in the program")
    parser.add_argument("--output", required=True, help="a directory")
    options = parser.parse_args()
    os.makedirs(options.output, exist_ok=True)
    with open(EXAMPLE, encoding="utf-8") as file:
        example = file.read()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory, \
            Server(options.orchestrator, f"{directory}/state", "--jobs", "4") as server, chromium() as browser:
        server.ok("PUT", "/api/v1/workflows/license-report", example, headers={"If-None-Match": "*", "Content-Type": "application/yaml"})
        server.ok("POST", "/api/v1/plugins/files/grants", {"permissions": ["filesystem.read:/usr/share/common-licenses", "filesystem.write"]})
        for scheme in ["light", "dark"]:
            page = Page(browser, server, from_files=options.files, color_scheme=scheme, viewport={"width": 1600, "height": 860})

            def save(name, height=860, page=page, scheme=scheme):
                # Once nothing is asked any more, and what came of it is drawn.
                page.tab.wait_for_load_state("networkidle")
                page.tab.wait_for_timeout(500)
                path = f"{options.output}/{name}{'~dark' if scheme == 'dark' else ''}.png"
                page.tab.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1600, "height": height})
                size = os.path.getsize(path)
                print(f"{path}: {size:,} bytes")
                assert size <= MOST_BYTES, f"{path} is larger than {MOST_BYTES:,} bytes"

            pictures(page, save)
            page.close()


if __name__ == "__main__":
    main()
