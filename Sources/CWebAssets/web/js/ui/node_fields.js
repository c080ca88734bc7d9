/** Fields of what is no parameter: a node's name, its texts, and what a run is given. */

import { renameNode, renamingProblem, setMember } from "../model/node_commands.js";
import { nodesOf } from "../model/document.js";
import { settingParameter } from "../model/settings.js";
import { lineOf, linesOf } from "../model/text.js";
import { element, setAttribute } from "./dom.js";
import { Field } from "./fields.js";
import { partStrings } from "./strings/part_strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/json.js").JSONObject} JSONObject */

const words = partStrings.inspector;

/**
 * @param {Editor} editor
 * @param {string} name
 */
export function nameField(editor, name) {
  const problem = element("p", { class: "field-problem", attributes: { hidden: true, id: "name-problem" } });
  const input = element("input", {
    attributes: {
      type: "text",
      id: "node-name",
      value: name,
      autocomplete: "off",
      "aria-describedby": "name-problem",
    },
    on: {
      input: () => {
        const found = renamingProblem(editor.document, name, input.value);
        problem.hidden = !found;
        problem.textContent = found ? `${found.message}${found.hint ? `: ${found.hint}` : ""}` : "";
        setAttribute(input, "aria-invalid", found ? "true" : undefined);
      },
      change: () => {
        if (renamingProblem(editor.document, name, input.value)) input.value = name;
        else if (editor.perform(renameNode(name, input.value))) editor.select([input.value]);
      },
    },
  });
  return element("div", {
    class: "field",
    children: [element("label", { text: words.name, attributes: { for: "node-name" } }), input, problem],
  });
}

/**
 * A member of the node that is a text.
 * @param {Editor} editor
 * @param {string} name
 * @param {string} member
 * @param {string} title
 * @param {boolean} isLong
 */
export function textField(editor, name, member, title, isLong) {
  const value = nodesOf(editor.document).get(name)?.get(member);
  const gesture = `type ${name} ${member}`;
  const id = `member-${member}`;
  const input = element(isLong ? "textarea" : "input", {
    attributes: { id, autocomplete: "off", spellcheck: "false", ...(isLong ? { rows: 4 } : { type: "text" }) },
    on: {
      input: () => editor.perform(setMember(name, member, input.value === "" ? undefined : input.value, gesture)),
      change: () => editor.endGesture(),
    },
  });
  input.value = typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);
  return element("div", {
    class: "field",
    children: [element("label", { text: title, attributes: { for: id } }), input],
  });
}

/**
 * @param {Editor} editor
 * @param {string} name
 * @param {JSONObject} input
 */
export function runInput(editor, name, input) {
  const type = input.get("type");
  const types = /** @type {const} */ (["string", "number", "integer", "boolean", "list", "mapping"]);
  const parameter = settingParameter(
    name,
    types.find((known) => known === type) ?? "any",
    lineOf(name, 64),
    linesOf(input.get("description"), 2000),
    { defaultValue: input.get("default") ?? null },
  );
  const show = () => field.show(editor.runInputs.get(name) ?? parameter.defaultValue, editor.runInputs.has(name));
  const field = new Field(parameter, editor.runInputs.get(name) ?? parameter.defaultValue, {
    change: (value) => {
      editor.runInputs.set(name, value);
      show();
    },
    settle: () => undefined,
    reset: () => {
      editor.runInputs.delete(name);
      show();
    },
  }, `run-${name}`);
  show();
  return field.element;
}
