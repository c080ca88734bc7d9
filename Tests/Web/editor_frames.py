"""What a frame of the editor takes."""

from editor_case import OPTIONS, EditorCase
from serving import workflow


class FrameTests(EditorCase):
    def test_500_and_2000_nodes_move_within_their_frames(self):
        slow = {}
        for count, budget in [(500, 4), (2000, 6)]:
            columns = int(1.3 * count ** 0.5)
            nodes = {f"n{number}": {"type": "tester/wait"} for number in range(count)}
            for number in range(1, count):
                nodes[f"n{number}"]["in"] = {"input": f"n{max(0, number - 1 - number % 7)}.output"}
            document = workflow(nodes, name=f"many-{count}")
            document["layout"] = {f"n{number}": {"x": 280 * (number % columns), "y": 140 * (number // columns)} for number in range(count)}
            self.server.ok("PUT", f"/api/v1/workflows/many-{count}", document, headers={"If-None-Match": "*"})
            page = self.page().open(f"#workflow=many-{count}")
            page.tab.locator(".overview").wait_for()
            page.tab.locator(".minimap-map").wait_for()
            self.picture(page, f"many-{count}")
            for zoom in [None, 0.5]:
                for what, spent in self.frames(page, zoom).items():
                    text = f"{count} nodes, {what} at a zoom of {zoom or 'all of them'}: {spent:.1f} ms"
                    print(text, flush=True)
                    if spent > budget * OPTIONS.slack:
                        slow[text] = budget
        self.assertFalse(slow)

    def frames(self, page, zoom):
        """Milliseconds of the main thread for a frame, in its own processor time: scripts, style, layout and paint."""
        tab, mouse, steps, found = page.tab, page.tab.mouse, 60, {}
        session = page.context.new_cdp_session(tab)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.evaluate("""(zoom) => {
          const canvas = document.querySelector('workflow-canvas')
          if (zoom) canvas.zoomBy(zoom / canvas.view.zoom)
          // Only frames before which a hand moved.
          let hasMoved = false
          for (const kind of ['pointermove', 'wheel']) addEventListener(kind, () => { hasMoved = true }, true)
          window.frames = 0
          const next = () => { if (hasMoved) window.frames++; hasMoved = false; requestAnimationFrame(next) }
          requestAnimationFrame(next)
        }""", zoom)
        box = tab.locator("workflow-canvas").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

        def state():
            metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
            return metrics["TaskDuration"], tab.evaluate("window.frames")

        def pull(start, across):
            mouse.move(*start)
            mouse.down()
            for _ in range(2):
                mouse.move(start[0] + across, start[1] + across / 2, steps=steps)
                mouse.move(*start, steps=steps)
            mouse.up()

        def pan():
            tab.evaluate("document.querySelector('workflow-canvas').editor.select([])")
            mouse.move(*middle)
            mouse.down(button="middle")
            for _ in range(2):
                mouse.move(middle[0] + 200, middle[1] + 100, steps=steps)
                mouse.move(*middle, steps=steps)
            mouse.up(button="middle")

        def wheel():
            mouse.move(*middle)
            for step in range(steps):
                mouse.wheel(0, 20 if step < steps / 2 else -20)
                tab.wait_for_timeout(16)

        def drag():
            start = tab.evaluate("""() => {
              const canvas = document.querySelector('workflow-canvas')
              const { left, top, width, height } = canvas.getBoundingClientRect()
              const { x, y, zoom } = canvas.view
              const at = ({ x: right, y: down }) => [left + x + (right + 40) * zoom, top + y + (down + 20) * zoom]
              const seen = [...canvas.rectangles].filter(([, place]) => {
                const [across, down] = at(place)
                return across > left + 8 && down > top + 8 && across < left + width - 8 && down < top + height - 8
              })
              canvas.editor.select(seen.slice(0, 100).map(([name]) => name))
              return at(seen[Math.floor(Math.min(seen.length, 100) / 2)][1])
            }""")
            tab.wait_for_timeout(100)
            pull(start, 60)
            mouse.move(*start)
            mouse.down()
            mouse.move(start[0] + 40, start[1] + 40, steps=3)
            mouse.up()
            label = tab.evaluate("document.querySelector('workflow-canvas').editor.history.undoLabel")
            self.assertRegex(label or "", "^Move [0-9]+ nodes$")

        for what, act in [("", pan), ("pan", pan), ("zoom", wheel), ("drag of 100", drag)]:
            before, frames = state()
            act()
            after, seen = state()
            if what:
                found[what] = 1000 * (after - before) / max(1, seen - frames)
        return found
