/** What flows into a node, and what could: with a button and a list for each input, for those who draw no lines. */

import { connect, disconnect } from "../model/commands.js";
import { portReference, sourcesOf } from "../model/document.js";
import { element, iconButton } from "./dom.js";
import { strings } from "./strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/json.js").JSONObject} JSONObject */
/** @typedef {import("../model/shapes.js").ShapePort} ShapePort */

/** Fitting outputs that are offered for one input. */
const mostOffers = 300;
const words = strings.inspector;

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
        offers(editor, name, port, `connect-${index}`),
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
  return element("span", {
    class: "source",
    children: [
      element("bdi", { text }),
      iconButton("close", words.disconnect(text, port.title), () => {
        const from = portReference(text);
        if (from) editor.perform(disconnect([{ kind: "value", from, to: { node: name, port: port.name }, index }]));
      }),
    ],
  });
}

/**
 * @param {Editor} editor
 * @param {string} name
 * @param {ShapePort} port
 * @param {string} id
 */
function offers(editor, name, port, id) {
  /** @type {HTMLOptionElement[]} */
  const options = [];
  // What fits is found when somebody asks for it.
  function fill() {
    if (options.length > 0) return;
    const to = /** @type {const} */ ({ node: name, port: port.name, side: "inputs" });
    for (const shape of editor.shapes.values()) {
      for (const output of shape.outputs) {
        if (options.length >= mostOffers) break;
        if (editor.refusal({ node: shape.name, port: output.name, side: "outputs" }, to)) continue;
        const text = `${shape.name}.${output.name}`;
        options.push(element("option", { text, attributes: { value: text } }));
      }
    }
    select.append(...options);
  }
  const select = element("select", {
    attributes: { id, "aria-label": words.connect(port.title) },
    children: [element("option", { text: "+", attributes: { value: "" } })],
    on: {
      focus: fill,
      pointerdown: fill,
      change: () => {
        const from = portReference(select.value);
        if (from) editor.perform(connect(from, { node: name, port: port.name }, port.multiple));
      },
    },
  });
  return select;
}
