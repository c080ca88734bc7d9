import assert from "node:assert/strict";
import { fromPlain } from "../../Sources/CWebAssets/web/js/model/json.js";
import {
  arrayText,
  bytesText,
  cellText,
  chartOf,
  mediaTypeOf,
  readArtifacts,
  sortedRows,
  tableOf,
  viewsOf,
} from "../../Sources/CWebAssets/web/js/model/values.js";

/** @param {unknown} value */
const kinds = (value) => viewsOf(fromPlain(value)).map(({ kind }) => kind);
/** @param {unknown} value */
const table = (value) => tableOf(fromPlain(value)) ?? assert.fail("it is no table");
/** @param {string} text */
const latin = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));

Deno.test("a value is shown as what it is, the best first", () => {
  assert.deepEqual(kinds("text"), ["text"]);
  assert.deepEqual(kinds("<svg xmlns='x'/>"), ["picture", "text"]);
  assert.deepEqual(kinds("<p><svg/></p>"), ["text"]);
  assert.deepEqual(kinds(5), ["tree"]);
  assert.deepEqual(kinds([]), ["tree"]);
  assert.deepEqual(kinds([{ a: "x" }, { b: 1 }]), ["chart", "table", "tree"]);
  assert.deepEqual(kinds([{ a: "x" }]), ["table", "tree"]);
  assert.deepEqual(kinds([[1, 2], [3, 4]]), ["chart", "table", "tree"]);
  assert.deepEqual(kinds([[1, 2], [3]]), ["tree"]);
  assert.deepEqual(kinds([1, 2.5]), ["chart", "table", "tree"]);
  assert.deepEqual(kinds([1, "x"]), ["tree"]);
  assert.deepEqual(kinds({ title: "T", text: "", svg: "<svg viewBox=''></svg>" }), ["picture", "tree"]);
  assert.deepEqual(kinds({ title: "T", svg: "<script>" }), ["tree"]);
  assert.deepEqual(kinds({ table: { columns: [{ title: "A" }], rows: [["1"], []] } }), ["table", "tree"]);
  assert.deepEqual(kinds({ figures: [{ label: "a", value: "1" }] }), ["table", "tree"]);
});

Deno.test("a table has the columns that its rows have, and what a row lacks is nothing", () => {
  const { columns, rows, label, numbers } = table([{ n: "a", v: 1 }, { v: 2, w: true }, { n: null, v: null }]);
  assert.deepEqual(columns, ["n", "v", "w"]);
  assert.deepEqual(rows, [["a", 1, null], [null, 2, true], [null, null, null]]);
  assert.deepEqual([label, numbers], [0, [1]]);
  const wide = table([Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`c${index}`, index]))]);
  assert.equal(wide.columns.length, 60);
  assert.deepEqual(table([{ ["__proto__x"]: 1, constructor: 2 }]).columns, ["__proto__x", "constructor"]);
});

Deno.test("rows are sorted as numbers, then as texts, and what is missing is last either way", () => {
  const one = table([{ v: 10 }, { v: "b2" }, { v: null }, { v: 9.5 }, { v: "b10" }]);
  assert.deepEqual(sortedRows(one, 0, false).flat(), [9.5, 10, "b2", "b10", null]);
  assert.deepEqual(sortedRows(one, 0, true).flat(), ["b10", "b2", 10, 9.5, null]);
  assert.equal(one.rows[0]?.[0], 10, "the value itself keeps its order");
});

Deno.test("few rows are bars from zero on, many a line that keeps its highest and lowest", () => {
  const few = chartOf(table([{ n: "a", v: -5 }, { n: "b", v: 10 }, { n: "c", v: null }]), 1);
  assert.deepEqual([few.kind, few.least, few.most], ["bars", -5, 10]);
  assert.deepEqual(few.points.map(({ label, value }) => [label, value]), [["a", -5], ["b", 10]]);
  const values = Array.from({ length: 100_000 }, (_, index) => index === 77_777 ? 1e6 : 100 + (index % 7));
  const many = chartOf(table(values), 0);
  assert.deepEqual([many.kind, many.least, many.most, many.total], ["line", 100, 1e6, 100_000]);
  assert.ok(many.points.length <= 1000 && many.points.some(({ value }) => value === 1e6));
  assert.ok(many.points.every(({ place }, index) => index === 0 || place > (many.points[index - 1]?.place ?? -1)));
});

Deno.test("what bytes are is said by how they begin, not by a name", () => {
  assert.equal(mediaTypeOf(latin("\x89PNG\r\n\x1a\n…"), false), "image/png");
  assert.equal(mediaTypeOf(latin("\xff\xd8\xff\xe0"), false), "image/jpeg");
  assert.equal(mediaTypeOf(latin("GIF89a"), true), "image/gif");
  assert.equal(mediaTypeOf(latin("RIFF\x00\x00\x00\x00WEBPVP8 "), false), "image/webp");
  assert.equal(mediaTypeOf(latin('<?xml version="1.0"?>\n<!-- x -->\n<svg>'), true), "image/svg+xml");
  assert.equal(mediaTypeOf(latin("<html><svg>"), true), "text/plain");
  assert.equal(mediaTypeOf(latin("a\x00b"), true), "application/octet-stream");
  assert.equal(mediaTypeOf(latin("\xfe"), false), "application/octet-stream");
  assert.equal(mediaTypeOf(new Uint8Array(), true), "text/plain");
  const header = "\x93NUMPY\x02\x00v\x00\x00\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }";
  assert.equal(arrayText(latin(header)), "<f8 (3, 4)");
  assert.equal(arrayText(latin("x")), "");
});

Deno.test("a list of values of any shape is taken, and texts are one line", () => {
  for (const value of [null, 1, [], {}, { artifacts: {} }, { artifacts: [1, null, {}, { node: "a" }] }]) {
    assert.deepEqual(readArtifacts(fromPlain(value)), []);
  }
  const read = readArtifacts(fromPlain({ artifacts: [{ node: "a", port: "p", bytes: "x", name: "n\u202e\n" }] }));
  assert.deepEqual(read, [{ node: "a", port: "p", index: 0, codec: "", name: "n", bytes: 0, digest: "" }]);
  assert.equal(cellText(fromPlain({ a: 1 })), "{1}");
  assert.equal(cellText("a\nb"), "a b");
});

Deno.test("sizes have three figures and a unit", () => {
  assert.deepEqual([0, 999, 1000, 65_536, 999_999, 1_234_567, 5e12].map(bytesText), [
    "0 B",
    "999 B",
    "1.00 kB",
    "65.5 kB",
    "1.00 MB",
    "1.23 MB",
    "5.00 TB",
  ]);
});
