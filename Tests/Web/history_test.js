import assert from "node:assert/strict";
import * as commands from "../../Sources/CWebAssets/web/js/model/commands.js";
import * as nodeCommands from "../../Sources/CWebAssets/web/js/model/node_commands.js";
import * as drawings from "../../Sources/CWebAssets/web/js/model/drawings.js";
import {
  edgesOf,
  newDocument,
  nodesOf,
  readDocument,
  writeDocument,
} from "../../Sources/CWebAssets/web/js/model/document.js";
import { fromPlain, isEqual } from "../../Sources/CWebAssets/web/js/model/json.js";
import { History } from "../../Sources/CWebAssets/web/js/model/history.js";
import { paste, placeFragment, readFragment } from "../../Sources/CWebAssets/web/js/model/clipboard.js";
import { fragmentText } from "../../Sources/CWebAssets/web/js/model/copying.js";
import { shownDrawings } from "../../Sources/CWebAssets/web/js/model/shown_drawings.js";
import { lineKey, pointsOf, setPoints } from "../../Sources/CWebAssets/web/js/model/points.js";
import { randomNumbers, workflow } from "./support.js";

/** @typedef {import("../../Sources/CWebAssets/web/js/model/document.js").WorkflowDocument} WorkflowDocument */
/** @typedef {import("../../Sources/CWebAssets/web/js/model/commands.js").Command} Command */
/** @typedef {Map<string, import("../../Sources/CWebAssets/web/js/model/json.js").JSONValue>} ObjectMap */

/**
 * @param {WorkflowDocument} document
 * @param {() => number} random
 * @returns {Command}
 */
function randomCommand(document, random) {
  const names = [...nodesOf(document).keys()];
  /** @param {number} most */
  const below = (most) => Math.floor(random() * most);
  /**
   * @template Item
   * @param {ReadonlyArray<Item>} list
   */
  const pick = (list) => list[below(list.length)];
  const name = pick(names) ?? "nobody";
  const other = pick(names) ?? "nobody";
  const place = { x: below(1000), y: below(1000) };
  const node = /** @type {ObjectMap} */ (fromPlain({ type: "a/b", with: { p: below(3) } }));
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
      return commands.addNode(`n${below(40)}`, node, place);
    case 3:
      return commands.removeNodes(names.filter(() => random() < 0.2));
    case 4:
      return commands.moveNodes(
        new Map(names.filter(() => random() < 0.5).map((moved) => [moved, place])),
        pick(["g", undefined]),
      );
    case 5:
    case 6:
      return commands.connect(
        { node: name, port: `o${below(2)}` },
        { node: other, port: `i${below(2)}` },
        random() < 0.5,
      );
    case 7:
      return commands.disconnect(edgesOf(document).filter(() => random() < 0.3));
    case 8:
      return nodeCommands.setParameter(
        name,
        `p${below(3)}`,
        pick([0, false, "", "x", undefined, null]),
        pick(["slide", undefined]),
      );
    case 9:
      return nodeCommands.renameNode(name, `r${below(40)}`);
    case 10:
      return nodeCommands.setMember(name, "if", pick([`needs.${other}.state == 'failed'`, undefined]));
    case 11:
      return commands.addOrder(name, other);
    case 12: {
      if (names.length === 0) return commands.removeNodes([]);
      const fragment = placeFragment(
        document,
        readFragment(fragmentText(document, [name, other], shownDrawings(document))),
        place,
      );
      return paste(fragment);
    }
    case 13: {
      const edge = pick(edgesOf(document));
      return setPoints(edge ? lineKey(edge) : "a.o0>b.i0", random() < 0.3 ? [] : [place, place]);
    }
    case 14:
      return nodeCommands.showFields(random() < 0.5);
    default: {
      const kind = pick(/** @type {const} */ (["groups", "comments"]));
      const drawing = /** @type {ObjectMap} */ (fromPlain({ ...place, width: 1, height: 1, title: "t" }));
      return drawings.setDrawing(kind, String(below(3)), random() < 0.3 ? undefined : drawing);
    }
  }
}

Deno.test("50 random commands undone give the document that there was, and redone the one that there was after them", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomNumbers(seed);
    const first = seed % 2 === 0
      ? newDocument("random")
      : workflow({ a: { type: "a/b" }, b: { run: "x", needs: ["a"] } });
    const before = writeDocument(first);
    let history = new History(first);
    const texts = [before];
    for (let count = 0; count < 50; count++) {
      const next = history.perform(randomCommand(history.document, random));
      if (next.past !== history.past) texts.push("");
      history = next;
      texts[texts.length - 1] = writeDocument(history.document);
    }
    const after = writeDocument(history.document);
    assert.ok(isEqual(readDocument(after), history.document), `seed ${seed}`);
    const steps = [];
    while (history.past) {
      steps.push(history.past.label);
      history = history.undo();
    }
    assert.equal(writeDocument(history.document), before, `seed ${seed}: ${steps.reverse().join("; ")}`);
    assert.equal(history.document, first);
    assert.ok(!history.isDirty);
    assert.deepEqual(
      [...pointsOf(readDocument(after)).keys()].filter((key) =>
        !edgesOf(readDocument(after)).some((edge) => lineKey(edge) === key)
      ),
      [],
    );
    while (history.future) history = history.redo();
    assert.equal(writeDocument(history.document), after, `seed ${seed}`);
  }
});

Deno.test("every edge of a document that commands made leads from a node to a node", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = randomNumbers(seed);
    let document = newDocument("random");
    for (let count = 0; count < 80; count++) document = randomCommand(document, random).change(document);
    for (const node of nodesOf(document).values()) {
      for (const source of JSON.stringify([...node]).matchAll(/"([nr][0-9_]+)\.o[01]"/g)) {
        assert.ok(nodesOf(document).has(source[1]), `seed ${seed}: ${source[0]}`);
      }
    }
  }
});

/** @param {number} x */
const slide = (x) => nodeCommands.setParameter("a", "p", x, "slide a.p");
const one = workflow({ a: { type: "a/b" } });

Deno.test("what one movement of a hand did is one step", () => {
  let history = new History(one).perform(slide(1)).perform(slide(2)).perform(slide(3));
  assert.equal(history.undo().document, one);
  history = history.endGesture().perform(slide(4));
  assert.ok(isEqual(history.undo().document, new History(one).perform(slide(3)).document));
});

Deno.test("a movement that ends where it began was none", () => {
  const parameter = nodeCommands.setParameter("a", "p", 1).change(one);
  const history = new History(parameter).perform(slide(2)).perform({ ...slide(1), change: () => parameter });
  assert.equal(history.past, null);
  assert.ok(!history.isDirty);
});

Deno.test("what was saved can be come back to, also in the middle of a movement", () => {
  let history = new History(one).perform(slide(1));
  assert.ok(history.isDirty);
  history = history.markSaved(history.document);
  assert.ok(!history.isDirty);
  history = history.perform(slide(2));
  assert.ok(history.isDirty && !history.undo().isDirty && history.undo().undo().isDirty);
});

Deno.test("a change after an undo leaves nothing to redo; a command that changes nothing leaves everything", () => {
  const history = new History(one).perform(slide(1)).undo();
  assert.equal(history.redoLabel, "Set p of a");
  assert.equal(history.perform(commands.removeNodes(["nobody"])), history);
  assert.equal(history.perform(commands.removeNodes(["a"])).future, null);
});

Deno.test("undo goes back as far as there is anything, fast", () => {
  let history = new History(one);
  for (let count = 0; count < 20_000; count++) history = history.perform(nodeCommands.setParameter("a", "p", count));
  for (let count = 0; count < 20_000; count++) history = history.undo();
  assert.equal(history.document, one);
  assert.equal(history.undo(), history);
});
