/** What flows into a node, and what could: with a button and a list for each input, for those who draw no lines. */

import { connect, disconnect } from "../model/commands.js";
import { nodesOf, portReference, sourcesOf } from "../model/document.js";
import { element, iconButton, isPicked, setAttribute } from "./dom.js";
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
 * A field with the outputs that fit: a part of a name finds them, by the keyboard as by a finger.
 * @param {Editor} editor
 * @param {string} name
 * @param {ShapePort} port
 * @param {string} id
 */
function offers(editor, name, port, id) {
  const list = element("datalist", { attributes: { id: `${id}-list` } });
  /** @type {Set<string>} */
  const fitting = new Set();
  // What fits is found when somebody asks for it.
  function fill() {
    if (fitting.size > 0) return;
    const to = /** @type {const} */ ({ node: name, port: port.name, side: "inputs" });
    for (const shape of editor.shapes.values()) {
      for (const output of shape.outputs) {
        if (fitting.size >= mostOffers) break;
        if (editor.refusal({ node: shape.name, port: output.name, side: "outputs" }, to)) continue;
        fitting.add(`${shape.name}.${output.name}`);
      }
    }
    list.append(...[...fitting].map((value) => element("option", { attributes: { value } })));
  }
  const problem = element("p", { class: "field-problem", attributes: { id: `${id}-problem`, hidden: true } });
  function choose() {
    const text = input.value.trim();
    const from = portReference(text);
    if (text === "") return;
    const refusal = from && nodesOf(editor.document).has(from.node)
      ? editor.refusal({ ...from, side: "outputs" }, { node: name, port: port.name, side: "inputs" })
      : { reason: words.noSuchOutput };
    // An output that its node doesn't say may be one all the same, where nobody knows the node's type.
    if (from && !refusal) return void editor.perform(connect(from, { node: name, port: port.name }, port.multiple));
    problem.textContent = strings.canvas.refused(refusal?.reason ?? "");
    problem.hidden = false;
    setAttribute(input, "aria-invalid", "true");
  }
  const input = element("input", {
    attributes: {
      id,
      type: "text",
      list: `${id}-list`,
      placeholder: words.connectHint,
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": words.connect(port.title),
      "aria-describedby": `${id}-problem`,
    },
    on: {
      focus: fill,
      change: choose,
      input: (event) => {
        problem.hidden = true;
        setAttribute(input, "aria-invalid", undefined);
        if (isPicked(event)) choose();
      },
    },
  });
  return [input, list, problem];
}
