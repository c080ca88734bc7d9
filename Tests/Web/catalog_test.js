import assert from "node:assert/strict";
import { readCatalog } from "../../Sources/CWebAssets/web/js/model/catalog.js";
import { fromPlain } from "../../Sources/CWebAssets/web/js/model/json.js";
import { searchTypes } from "../../Sources/CWebAssets/web/js/model/search.js";
import { durationText, lineOf, linesOf } from "../../Sources/CWebAssets/web/js/model/text.js";
import { catalogOf, paletteEntry, port } from "./support.js";

Deno.test("an entry of the palette is read as the specification writes it", () => {
  const [type] = catalogOf(
    paletteEntry("files/read", { inputs: [port("path", "file", { multiple: true, default: null })] }, {
      displayName: "Read",
      icon: "📄",
      color: "#AbC",
    }),
  ).types;
  assert.equal(type.title, "Read");
  assert.deepEqual([type.icon, type.color], ["📄", "#abc"]);
  assert.deepEqual([type.inputs[0].multiple, type.inputs[0].hasDefault], [true, true]);
});

Deno.test("what plugins wrote is cut, stripped of what turns text around, and never a colour that isn't one", () => {
  const hostile = paletteEntry("a/b", {}, {
    displayName: "\u202e" + "<img src=x onerror=alert(1)>" + "x".repeat(10_000) + "\u0000\n",
    category: "",
    color: "red;background:url(http://evil)",
    icon: "script",
    description: 1,
  });
  const [type] = catalogOf(hostile).types;
  assert.equal(type.title.length, 80);
  assert.ok(type.title.startsWith("<img"));
  assert.equal(type.category, "Other");
  assert.deepEqual([type.color, type.icon, type.description], [undefined, "", ""]);
  for (const color of ["#12", "#1234567", "#ggg", "blue", "#123\n", "", null, 5]) {
    assert.equal(catalogOf(paletteEntry("a/b", {}, { color })).types[0].color, undefined, String(color));
  }
});

Deno.test("what can't be used is left out and counted", () => {
  const catalog = catalogOf(
    paletteEntry("a/b"),
    paletteEntry("a/b"),
    paletteEntry("A/b"),
    paletteEntry("a/../b"),
    { nodeType: 5 },
    null,
    "x",
  );
  assert.deepEqual([catalog.types.length, catalog.refusedCount], [1, 6]);
  for (const answer of [null, {}, { nodes: 1 }, { nodes: {} }, []]) {
    assert.equal(readCatalog(fromPlain(answer)).types.length, 0);
  }
  const [type] = catalogOf(
    paletteEntry("a/b", { inputs: [port("x", "a<b"), port("<b>", "any"), port("x", "any"), port("x", "string"), 1] }),
  ).types;
  assert.deepEqual(type.inputs.map(({ name }) => name), ["x"]);
});

Deno.test("categories and what is in them are in the order of their names", () => {
  const catalog = catalogOf(
    paletteEntry("a/a", {}, { category: "Text", displayName: "b" }),
    paletteEntry("a/b", {}, { category: "Files" }),
    paletteEntry("a/c", {}, { category: "Text", displayName: "A" }),
  );
  assert.deepEqual(
    catalog.categories.map(([name, types]) => [name, types.map(({ title }) => title)]),
    [["Files", ["a/b"]], ["Text", ["A", "b"]]],
  );
});

const types = catalogOf(
  paletteEntry("text/count", {}, { displayName: "Count words", category: "Text", description: "How many there are" }),
  paletteEntry("text/compare", {}, { displayName: "Compare texts", category: "Text" }),
  paletteEntry("files/read_many", {}, { displayName: "Read many", category: "Files" }),
  paletteEntry("chart/bar", {}, { displayName: "Bar chart", category: "Charts" }),
  paletteEntry("img/resize", {}, { displayName: "Größe ändern", category: "Images" }),
).types;

/** @param {string} query */
const found = (query) => searchTypes(types, query).map(({ type }) => type);

Deno.test("search finds the beginning of a name first, then its words, then letters in their order", () => {
  assert.deepEqual(found("co").slice(0, 2), ["text/count", "text/compare"]);
  assert.equal(found("comp")[0], "text/compare");
  assert.deepEqual(found("count"), ["text/count"]);
  assert.deepEqual(found("words"), ["text/count"]);
  assert.deepEqual(found("many read"), ["files/read_many"]);
  assert.deepEqual(found("rdmn"), ["files/read_many"]);
  assert.deepEqual(found("rym"), []);
  assert.deepEqual(found("brch"), ["chart/bar"]);
  assert.deepEqual(found("grosse"), []);
  assert.deepEqual(found("große"), ["img/resize"]);
  assert.deepEqual(found("andern"), ["img/resize"]);
  assert.deepEqual(found("text").slice(0, 2).sort(), ["text/compare", "text/count"]);
  assert.equal(found("").length, types.length);
  assert.deepEqual(found("no such thing"), []);
});

Deno.test("search among 2,000 types takes no time that somebody who types would notice", () => {
  const many = catalogOf(
    ...Array.from(
      { length: 2000 },
      (_, index) => paletteEntry(`p/n${index}`, {}, { displayName: `Node number ${index}` }),
    ),
  );
  const start = performance.now();
  assert.equal(searchTypes(many.types, "number 1999")[0].type, "p/n1999");
  assert.ok(performance.now() - start < 300);
});

Deno.test("texts of others are one line, or lines, of a bounded length", () => {
  assert.equal(lineOf("a\u202e\n\tb\u0007", 10), "a b");
  assert.equal(linesOf("a\r\nb\u202ec\u001b", 10), "a\nb c ");
  assert.equal(lineOf("😀😀😀", 4), "😀…");
  assert.equal(lineOf({}, 10), "");
  assert.deepEqual([999, 1000, 61_000, 3_600_000, NaN].map(durationText), [
    "999 ms",
    "1.00 s",
    "1 min 1 s",
    "1 h 0 min",
    "",
  ]);
});
