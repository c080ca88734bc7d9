/** What goes to a workflow and out of it by the system: its clipboard, and files that are dropped. */

import { isField } from "./dom.js";
import { messageOf } from "./messages.js";

/** @typedef {import("./workbench.js").Workbench} Workbench */

/**
 * @param {Workbench} bench
 * @param {AbortSignal} signal ends it
 */
export function watchTransfers(bench, signal) {
  for (const kind of /** @type {const} */ (["copy", "cut", "paste"])) {
    document.addEventListener(kind, (event) => onClipboard(bench, kind, event), { signal });
  }
  for (const kind of /** @type {const} */ (["dragover", "drop"])) {
    // Beside the canvas, too: the browser would show the file in the place of the editor.
    bench.element.addEventListener(kind, (event) => onDrag(bench, event), { signal });
  }
}

/**
 * @param {Workbench} bench
 * @param {"copy" | "cut" | "paste"} kind
 * @param {ClipboardEvent} event
 */
function onClipboard(bench, kind, event) {
  const { editor, canvas } = bench;
  if (document.querySelector("dialog[open]")) return;
  if (isField(event.target) || !event.clipboardData || !String(getSelection() ?? "").match(/^\s*$/)) return;
  event.preventDefault();
  if (kind === "paste") {
    bench.changing = pasteText(canvas, editor, event.clipboardData.getData("text/plain"));
    return;
  }
  const text = editor.copy(canvas.drawings?.content());
  if (text === "") return;
  event.clipboardData.setData("text/plain", text);
  if (kind !== "cut") return;
  if (editor.selectedDrawing === undefined) editor.removeSelected();
  else canvas.drawings?.removeContent();
}

/**
 * @param {import("../canvas/canvas.js").WorkflowCanvas} canvas
 * @param {import("./editor.js").Editor} editor
 * @param {string} text
 */
async function pasteText(canvas, editor, text) {
  try {
    const { paste } = await import("./placing.js");
    paste(canvas, editor, text, canvas.freePlace());
  } catch (error) {
    editor.say(messageOf(error), "error");
  }
}

/**
 * @param {Workbench} bench
 * @param {DragEvent} event of files that are dragged over the editor, or dropped onto it
 */
async function onDrag({ editor, element }, event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (event.type !== "drop" || !file) return;
  const { openFile, tellAfter } = await import("./exchange.js");
  await tellAfter(element, () => openFile(editor, file));
}
