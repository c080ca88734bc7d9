import assert from "node:assert/strict";
import {
  accepts,
  connectionProblem,
  cycleProblem,
  fittingPort,
  missingInputs,
  orderProblem,
  portTypeText,
  readPortType,
} from "../../Sources/CWebAssets/web/js/model/ports.js";
import { nodesOf } from "../../Sources/CWebAssets/web/js/model/document.js";
import { catalogOf, paletteEntry, port, workflow } from "./support.js";

/** @param {string} text */
function type(text) {
  const read = readPortType(text);
  assert.ok(read, text);
  return read;
}

/**
 * @param {string} input
 * @param {string} output
 */
const fits = (input, output) => accepts(type(input), type(output));

// The vectors of PortTypeTests, which the program itself is held to.

const plain = [
  "any",
  "string",
  "number",
  "integer",
  "boolean",
  "mapping",
  "bytes",
  "file",
  "ndarray",
  "table",
  "image",
  "Mesh",
  "geo/raster",
];
const types = [...plain, ...plain.map((word) => `list<${word}>`), "list<list<integer>>", "list<list<number>>"];

Deno.test("a type is a word, or a list of a type", () => {
  for (const text of types) assert.equal(portTypeText(type(text)), text === "list<any>" ? "list" : text);
  assert.equal(portTypeText(type("list")), "list");
  assert.equal(portTypeText(type("string[]")), "string[]");
  for (
    const text of [
      "",
      " ",
      "list<",
      "list<>",
      "list>",
      "list<string",
      "list<string>>",
      "list<a b>",
      "<string>",
      "a<b>",
      "it's",
      '"x"',
      "é",
      "a\n",
      "x".repeat(65),
      "list<".repeat(9) + "a" + ">".repeat(9),
    ]
  ) assert.equal(readPortType(text), undefined, text);
  assert.ok(readPortType("list<".repeat(8) + "a" + ">".repeat(8)));
});

Deno.test("a type takes what is less", () => {
  assert.ok(fits("number", "integer") && !fits("integer", "number"));
  assert.ok(fits("list<number>", "list<integer>") && !fits("list<integer>", "list<number>"));
  assert.ok(!fits("string", "bytes") && !fits("list<string>", "string"));
  assert.ok(fits("Mesh", "Mesh") && !fits("Mesh", "mesh"));
  assert.ok(fits("any", "table") && fits("table", "any") && fits("list<table>", "list"));
});

Deno.test("types are ordered: each takes itself, and what one takes of another, that one's takers take too", () => {
  const known = types.filter((text) => !text.includes("any") && text !== "list");
  for (const text of types) assert.ok(fits(text, text));
  for (const first of known) {
    for (const second of known) {
      if (first !== second && fits(first, second)) assert.ok(!fits(second, first));
      for (const third of known) if (fits(first, second) && fits(second, third)) assert.ok(fits(first, third));
    }
  }
});

const catalog = catalogOf(
  paletteEntry("t/source", {
    outputs: [
      port("text", "string"),
      port("count", "integer"),
      port("texts", "list<string>"),
      port("many", "integer", { multiple: true }),
      port("pictures", "image", { multiple: true }),
    ],
  }),
  paletteEntry("t/sink", {
    inputs: [
      port("text", "string"),
      port("number", "number"),
      port("texts", "list<string>"),
      port("numbers", "list<number>"),
      port("all", "string", { multiple: true }),
      port("picture", "image"),
      port("optional", "string", { required: false }),
      port("defaulted", "string", { default: "x" }),
    ],
    outputs: [port("text", "string")],
  }),
);

/**
 * @param {string} output
 * @param {string} input
 * @param {Record<string, unknown>} [source]
 * @param {Record<string, unknown>} [sink]
 */
function refusal(output, input, source = {}, sink = {}) {
  const document = workflow({ a: { type: "t/source", ...source }, b: { type: "t/sink", ...sink } });
  return connectionProblem(document, catalog, { node: "a", port: output }, { node: "b", port: input })?.reason;
}

Deno.test("what fits can be connected, and what doesn't is refused with both types", () => {
  assert.equal(refusal("text", "text"), undefined);
  assert.equal(refusal("count", "number"), undefined);
  assert.equal(refusal("count", "text"), "text takes string, and count gives integer");
  assert.equal(refusal("text", "texts"), "texts takes list<string>, and text gives string");
  assert.equal(refusal("unknown", "text"), undefined, "what isn't known here is the server's to say");
});

Deno.test("several values come as a list, where there are lists of them", () => {
  assert.equal(refusal("many", "numbers"), undefined);
  assert.equal(refusal("many", "number"), "number takes number, and many gives list<integer>");
  assert.match(refusal("pictures", "picture") ?? "", /takes one value, and pictures has several/);
  assert.equal(refusal("text", "texts", { foreach: "x" }), undefined);
  assert.match(refusal("text", "text", { foreach: "x" }) ?? "", /gives list<string>/);
});

Deno.test("an input that runs for each item takes a list of its type", () => {
  assert.equal(refusal("texts", "text", {}, { foreach: "text" }), undefined);
  assert.match(refusal("count", "text", {}, { foreach: "text" }) ?? "", /runs for each item of a list/);
  assert.match(refusal("texts", "number", {}, { foreach: "number" }) ?? "", /gives items of type string/);
});

Deno.test("the outputs of a matrix go where several values are taken", () => {
  const matrix = { matrix: { a: [1, 2] } };
  assert.match(refusal("text", "text", matrix) ?? "", /always many/);
  assert.equal(refusal("text", "all", matrix), undefined);
});

Deno.test("cycles, and the same edge twice, are refused", () => {
  const document = workflow({
    a: { type: "t/sink" },
    b: { type: "t/sink", in: { text: "a.text" } },
    c: { type: "t/sink", needs: ["b"] },
  });
  const text = (/** @type {string} */ from, /** @type {string} */ to) =>
    connectionProblem(document, catalog, { node: from, port: "text" }, { node: to, port: "text" })?.reason ?? "";
  assert.match(text("c", "a"), /cycle/);
  assert.match(text("b", "a"), /cycle/);
  assert.match(text("a", "a"), /itself/);
  assert.match(text("a", "b"), /already/);
  assert.equal(text("a", "c"), "");
  assert.ok(cycleProblem(document, "c", "a") && !cycleProblem(document, "a", "c"));
});

Deno.test("for a line that ends nowhere there are the nodes that it could end at", () => {
  const document = workflow({ a: { type: "t/source" }, b: { type: "t/sink" } });
  const [source, sink] = catalog.types;
  /** @param {Parameters<typeof fittingPort>[2]} end */
  const fitting = (end, type = sink) => fittingPort(document, catalog, end, type)?.name;
  assert.equal(fitting({ node: "a", port: "count", side: "outputs" }), "number");
  assert.equal(fitting({ node: "a", port: "pictures", side: "outputs" }), undefined);
  assert.equal(fitting({ node: "b", port: "numbers", side: "inputs" }, source), "many");
  assert.equal(fitting({ node: "gone", port: "x", side: "outputs" }), undefined);
});

Deno.test("an input is missing where it is required, has no default and nothing comes", () => {
  const document = workflow({ b: { type: "t/sink", in: { text: "a.text", all: [] } } });
  const missing = missingInputs(catalog, /** @type {Map<string, any>} */ (nodesOf(document).get("b")));
  assert.deepEqual(missing.map(({ name }) => name), ["number", "texts", "numbers", "all", "picture"]);
});

Deno.test("a node waits for another once, for none that isn't there, and not in a circle", () => {
  const document = workflow({ a: { type: "t/source" }, b: { type: "t/sink", needs: "a" }, c: { run: "x" } });
  /** @param {string} from @param {string} to */
  const text = (from, to) => orderProblem(document, from, to)?.reason ?? "";
  assert.equal(text("b", "c"), "");
  assert.match(text("a", "b"), /already/);
  assert.match(text("b", "a"), /cycle/);
  assert.match(text("a", "a"), /itself/);
  assert.match(text("gone", "a"), /no such node/);
  assert.equal(fittingPort(document, catalog, { node: "a", port: "", side: "outputs" }, catalog.types[0])?.name, "");
});
