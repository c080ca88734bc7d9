import assert from "node:assert/strict";
import * as drawings from "../../Sources/CWebAssets/web/js/model/drawings.js";
import * as shown from "../../Sources/CWebAssets/web/js/model/shown_drawings.js";
import { placeOf } from "../../Sources/CWebAssets/web/js/model/document.js";
import { History } from "../../Sources/CWebAssets/web/js/model/history.js";
import { fromPlain, writeJSON } from "../../Sources/CWebAssets/web/js/model/json.js";
import { valueAt } from "../../Sources/CWebAssets/web/js/model/objects.js";
import { workflow } from "./support.js";

const area = { x: 0, y: 0, width: 400, height: 300 };
const document = workflow(
  { a: { run: "x" }, b: { run: "y" } },
  {},
  {
    a: { x: 40, y: 60 },
    b: { x: 600, y: 60 },
    $editor: {
      groups: {
        g: { ...area, title: "G", later: 1 },
        "id with spaces": { ...area, x: 20, y: 30, width: 100, height: 80 },
      },
      comments: {
        c: { x: 300, y: 200, width: 96, height: 64, text: "in it" },
        d: { x: 390, y: 0, width: 96, height: 64 },
      },
    },
  },
);
const rectangles = new Map([["a", { x: 40, y: 60, width: 220, height: 80 }], ["b", {
  x: 600,
  y: 60,
  width: 220,
  height: 80,
}]]);

Deno.test("what lies in a group moves with it, in one step", () => {
  const group = shown.drawingAt(document, "groups g");
  assert.ok(group);
  const content = drawings.contentOf(document, group, rectangles);
  assert.deepEqual([...content.nodes.keys()], ["a"]);
  assert.deepEqual([...content.drawings.keys()].sort(), ["comments c", "groups g", "groups id with spaces"]);
  const history = new History(document)
    .perform(drawings.moveContent(content, { x: 8, y: 0 }, "hand"))
    .perform(drawings.moveContent(content, { x: 16, y: 8 }, "hand"));
  assert.deepEqual(placeOf(history.document, "a"), { x: 56, y: 68 });
  assert.deepEqual(placeOf(history.document, "b"), { x: 600, y: 60 });
  assert.equal(shown.drawingAt(history.document, "groups id with spaces")?.x, 36);
  assert.equal(valueAt(history.document, ["layout", "$editor", "groups", "g", "later"]), 1);
  assert.equal(history.undo().document, document);
});

Deno.test("a group is made around nodes, with room for its title", () => {
  const made = drawings.groupAround(document, rectangles.values(), "Both");
  const after = made?.command.change(document) ?? document;
  const group = shown.drawingAt(after, made?.key ?? "");
  assert.ok(group && group.y <= 20 && group.height >= 80 + 60);
  assert.deepEqual([...drawings.contentOf(after, group, rectangles).nodes.keys()], ["a", "b"]);
  assert.equal(drawings.groupAround(document, [], "x"), undefined);
  assert.equal(shown.drawingAt(drawings.removeDrawing(made?.key ?? "").change(after), made?.key ?? ""), undefined);
});

Deno.test("what somebody else wrote is bounded: places, extents, texts and colours", () => {
  const odd = workflow({ a: { run: "x" } }, {}, {
    $editor: {
      groups: {
        far: { ...area, x: 1e9 },
        huge: { x: 0, y: 0, width: 1e12, height: -5, title: "x".repeat(10_000) + "\u202e", color: "url(x)" },
        none: "no drawing",
      },
      comments: { c: { ...area, text: "a\nb" + "\u202e" } },
    },
  });
  const found = shown.shownDrawings(odd);
  assert.deepEqual(found.map(({ key }) => key), ["groups huge", "comments c"]);
  const [huge, comment] = found;
  assert.ok(huge.width <= 1e5 && huge.height >= 40 && huge.title.length <= 120 && huge.color === undefined);
  assert.ok(comment.text.startsWith("a\nb") && !comment.text.includes("\u202e"));
  assert.equal(shown.shownDrawings(odd), found);
});

Deno.test("a change leaves what else a drawing has, and nothing changes where it is gone", () => {
  const colored = drawings.changeDrawing("groups g", [["color", "#123456"], ["title", "New"]]).change(document);
  assert.equal(
    writeJSON(valueAt(colored, ["layout", "$editor", "groups", "g"]) ?? null),
    writeJSON(fromPlain({ ...area, title: "New", later: 1, color: "#123456" })),
  );
  assert.equal(drawings.changeDrawing("groups gone", [["title", "x"]]).change(document), document);
});
