/** What flows into a node, and what could: with a button and a list for each input, for those who draw no lines. */

import { connect, disconnect } from "../model/commands.js";
import { nodesOf, portReference, sourcesOf } from "../model/document.js";
import { chip, chooser, firstOf } from "./chooser.js";
import { element } from "./dom.js";
import { partStrings } from "./strings/part_strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/json.js").JSONObject} JSONObject */
/** @typedef {import("../model/shapes.js").ShapePort} ShapePort */

/** Fitting outputs that are offered for one input. */
const mostOffers = 300;
const words = partStrings.inspector;

/**
 * @param {Editor} editor
 * @param {string} name
 * @param {JSONObject} node
 * @returns {HTMLElement[]} none where the node has no inputs
 */
export function connectionRows(editor, name, node) {
  const shape = editor.shapes.get(name);
  if (!shape || shape.inputs.length === 0) return [];
  const sources = new Map(sourcesOf(node));
  const rows = shape.inputs.map((port, index) =>
    element("div", {
      class: "input-row",
      children: [
        element("span", {
          class: "input-title",
          children: [
            element("bdi", { text: port.title }),
            element("span", { class: "quiet", text: ` ${port.type}${port.required ? " *" : ""}` }),
          ],
        }),
        ...(sources.get(port.name) ?? []).map((text, place) => source(editor, name, port, text, place)),
        ...offers(editor, name, port, `connect-${index}`),
      ],
    })
  );
  return [element("h3", { text: words.inputs }), ...rows];
}

/**
 * @param {Editor} editor
 * @param {string} name
 * @param {ShapePort} port
 * @param {string} text as `in` has it: also of a node that isn't there, or of an input of the workflow
 * @param {number} index
 */
function source(editor, name, port, text, index) {
  return chip(text, words.disconnect(text, port.title), () => {
    const from = portReference(text);
    if (from) editor.perform(disconnect([{ kind: "value", from, to: { node: name, port: port.name }, index }]));
  });
}

/**
 * @param {Editor} editor
 * @param {string} name
 * @param {ShapePort} port
 * @param {string} id
 */
function offers(editor, name, port, id) {
  const to = /** @type {const} */ ({ node: name, port: port.name, side: "inputs" });
  return chooser(id, words.connect(port.title), words.connectHint, {
    list: () =>
      firstOf(
        mostOffers,
        [...editor.shapes.values()].flatMap((shape) =>
          shape.outputs.map((output) => ({ node: shape.name, port: output.name }))
        ),
        (from) => !editor.refusal({ ...from, side: "outputs" }, to),
      ).map((from) => `${from.node}.${from.port}`),
    choose: (text) => {
      const from = portReference(text);
      if (!from || !nodesOf(editor.document).has(from.node)) return words.noSuchOutput;
      const refusal = editor.refusal({ ...from, side: "outputs" }, to);
      if (!refusal) editor.perform(connect(from, { node: name, port: port.name }, port.multiple));
      return refusal?.reason;
    },
  });
}
