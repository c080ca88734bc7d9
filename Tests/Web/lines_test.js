import assert from "node:assert/strict";
import { indented, lineCount, lineRange, newLine, outdented } from "../../Sources/CWebAssets/web/js/model/lines.js";
import { hasComments, isYAML, losesComments } from "../../Sources/CWebAssets/web/js/model/sources.js";

/**
 * @param {string} marked a text whose selection stands between two bars, or whose cursor is one
 * @param {(writing: import("../../Sources/CWebAssets/web/js/model/lines.js").Writing) => import("../../Sources/CWebAssets/web/js/model/lines.js").Edit} act
 */
function after(marked, act) {
  const [start, end] = [marked.indexOf("|"), marked.lastIndexOf("|")];
  const text = marked.replaceAll("|", "");
  const edit = act({ text, start, end: Math.max(start, end - 1) });
  const changed = text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  const inner = edit.start === edit.end ? "|" : `|${changed.slice(edit.start, edit.end)}|`;
  return changed.slice(0, edit.start) + inner + changed.slice(edit.end);
}

Deno.test("Tab and Shift+Tab move lines by a step", () => {
  assert.equal(after("a|b", indented), "a  |b");
  assert.equal(after("x\na|\n\nb|\nc", indented), "x\n|  a\n\n  b|\nc");
  assert.equal(after("|a\n|b", indented), "|  a\n|b");
  assert.equal(after("  a|", outdented), "a|");
  assert.equal(after("x\n |  a", outdented), "x\n|  a");
  assert.equal(after("|  a\n    b\nc|", outdented), "|a\n  b\nc|");
});

Deno.test("a line begins where the one before does, and further behind a colon", () => {
  assert.equal(after("  a|", newLine), "  a\n  |");
  assert.equal(after("  a:|b", newLine), "  a:\n    |b");
  assert.equal(after("|", newLine), "\n|");
});

Deno.test("lines have numbers", () => {
  assert.equal(lineCount(""), 1);
  assert.equal(lineCount("a\nb\n"), 3);
  assert.deepEqual(lineRange("a\nbc\n", 2), { start: 2, end: 4 });
  assert.deepEqual(lineRange("a", 9), { start: 1, end: 1 });
});

Deno.test("comments that a text loses are noticed, and no others", () => {
  const text = "# what\nspec: {} # why\nrun: 'a#b'\n";
  assert.ok(hasComments(text) && !hasComments("run: 'a#b'\n"));
  assert.ok(losesComments(text, "spec: {} # why\n") && !losesComments(text, text.replace("what", "other")));
  assert.ok(isYAML(text) && !isYAML(' {"a": 1}') && !isYAML(""));
});
