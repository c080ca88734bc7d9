/** What is wrong with a workflow or went wrong in its run: one after the other, each where it belongs. */

import { nodesOf } from "../model/document.js";
import { failureText } from "../model/run.js";
import { runStrings } from "./strings/run_strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../canvas/canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("./inspector.js").NodeInspector} NodeInspector */
/** @typedef {{node: string, port: string, parameter: string, text: string}} Trouble */

/**
 * @param {Editor} editor
 * @returns {Trouble[]} problems as they were told, then nodes that failed in the document's order
 */
export function troublesOf(editor) {
  const nodes = nodesOf(editor.document);
  const problems = editor.problems.filter(({ node }) => nodes.has(node)).map(({ node, port, parameter, what }) => ({
    node,
    port,
    parameter,
    text: what,
  }));
  const failed = [...nodes.keys()].flatMap((node) => {
    const state = editor.nodeStates.get(node);
    if (state?.state !== "failed") return [];
    return [{ node, port: "", parameter: "", text: failureText(state.error) }];
  });
  return [...problems, ...failed];
}

/** What was gone to last, and in which list. @type {{of: string, index: number}} */
let last = { of: "", index: -1 };

/**
 * @param {Editor} editor
 * @param {WorkflowCanvas} canvas
 * @param {NodeInspector} inspector
 * @param {1 | -1} step
 */
export function goToTrouble(editor, canvas, inspector, step) {
  const troubles = troublesOf(editor);
  if (troubles.length === 0) return editor.say(runStrings.noTrouble);
  const of = `${editor.name} ${editor.runId} ${
    troubles.map(({ node, port, parameter }) => `${node}.${port}.${parameter}`).join()
  }`;
  const before = last.of === of ? last.index : step > 0 ? -1 : 0;
  const index = (before + step + troubles.length) % troubles.length;
  last = { of, index };
  const { node, port, parameter, text } = troubles[index];
  editor.select([node]);
  canvas.focusNode(node);
  inspector.update();
  const field = inspector.details?.fields.get(parameter)?.input;
  if (field) field.focus();
  else if (port) focusPort(canvas, node, port);
  editor.say(runStrings.trouble(index + 1, troubles.length, text), "error");
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {string} node
 * @param {string} port
 */
function focusPort(canvas, node, port) {
  const ports = canvas.views.get(node)?.ports;
  (ports?.get(`inputs ${port}`) ?? ports?.get(`outputs ${port}`))?.focus({ preventScroll: true });
}
