/** A new version of the workflow, or what somebody else has saved meanwhile; loaded when somebody saves. */

import { ServerProblem } from "../api/client.js";
import { checkedDocument, nodesOf } from "../model/document.js";
import { isEqual } from "../model/json.js";
import { losesComments } from "../model/sources.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/document.js").WorkflowDocument} WorkflowDocument */

const words = strings.save;

/**
 * @param {Editor} editor
 * @param {WorkflowDocument} document as it was when it was asked for
 */
export async function save(editor, document) {
  if (nodesOf(document).size === 0) return editor.say(words.empty, "error");
  try {
    const before = editor.storedSource;
    const source = before === undefined ? undefined : await sourceOf(editor, document);
    editor.tag = await editor.client.save(editor.name, document, editor.tag, source);
    editor.history = editor.history.markSaved(document);
    editor.conflict = undefined;
    editor.storedSource = source;
    const isPoorer = before !== undefined && source !== undefined && losesComments(before, source);
    editor.say(words.done(editor.name) + (isPoorer ? ` ${words.commentsLost}` : ""));
  } catch (error) {
    if (!(error instanceof ServerProblem) || error.status !== 412) throw error;
    await findConflict(editor, document, error);
  }
}

/**
 * @param {Editor} editor
 * @param {WorkflowDocument} document
 */
async function sourceOf(editor, document) {
  const { sourceOf } = await import("../api/convert.js");
  return await sourceOf(editor, document);
}

/**
 * @param {Editor} editor
 * @param {WorkflowDocument} mine
 * @param {ServerProblem} refusal
 * @throws {ServerProblem} the refusal, where there is no other version
 */
async function findConflict(editor, mine, refusal) {
  try {
    const { document, source, tag, author } = await editor.client.workflow(editor.name);
    const theirs = checkedDocument(document);
    if (isEqual(theirs, mine) && (editor.storedSource === undefined || editor.sources.get(mine) === source)) {
      // It was taken before, and only the answer was lost.
      editor.tag = tag;
      editor.history = editor.history.markSaved(mine);
      editor.conflict = undefined;
      editor.keepStored(mine, source);
      return editor.say(words.done(editor.name));
    }
    editor.conflict = { document: theirs, source, tag, author };
    editor.say(words.conflict(author), "error");
  } catch (error) {
    if (error instanceof ServerProblem && error.status === 404) editor.tag = null;
    throw refusal;
  }
}
