/** Workflows as files: opened in the place of what is on the canvas, in one step, and downloaded. */

import { ServerProblem } from "../api/client.js";
import { convert, importFlow, sourceOf } from "../api/convert.js";
import { checkedDocument, writeDocument } from "../model/document.js";
import { isArray, isObject, Problem, readJSON, writeJSON } from "../model/json.js";
import { isYAML } from "../model/sources.js";
import { lineOf } from "../model/text.js";
import { button, element } from "./dom.js";
import { messageOf } from "./messages.js";
import { pageStrings } from "./strings/page_strings.js";
import { addStyles } from "./styles.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../api/client.js").Diagnostic} Diagnostic */
/** @typedef {"yaml" | "json" | "flow"} Form */

const words = pageStrings.exchange;

/** Bytes: what the server takes. */
const most = 4 << 20;
const endings = { yaml: "yaml", json: "json", flow: "flow.json" };
const mediaTypes = { yaml: "application/yaml", json: "application/json", flow: "application/json" };

/**
 * A file in the place of what is on the canvas.
 * @param {Editor} editor
 * @param {File} file a workflow as YAML or JSON, or React Flow's JSON
 * @returns {Promise<Diagnostic[]>} what is wrong with it, or didn't come along
 * @throws {Problem} it is none of these
 */
export async function openFile(editor, file) {
  const name = lineOf(file.name, 80) || words.file;
  if (file.size > most) throw new Problem(words.tooLarge(name));
  const text = await file.text();
  const flow = flowOf(text);
  const found = flow
    ? await importFlow(editor.client, flow).then(({ document, warnings }) => ({ document, told: warnings }))
    : await convert(editor.client, { text }).then(({ document, diagnostics }) => ({ document, told: diagnostics }));
  const document = checkedDocument(found.document);
  if (!flow) editor.sources.set(document, text);
  // What is new is stored as it is written.
  if (!flow && editor.tag === null && isYAML(text)) editor.storedSource = text;
  const isNew = await editor.replace(words.opened(name), document);
  editor.select([]);
  editor.say(isNew ? `${words.opened(name)}.` : words.same(name));
  return found.told;
}

/**
 * @param {string} text
 * @returns {import("../model/json.js").JSONObject | undefined} React Flow's, where it is that
 */
function flowOf(text) {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value = readJSON(text);
    return isObject(value) && isArray(value.get("nodes")) && !value.has("kind") ? value : undefined;
  } catch {
    // Flow style of YAML, or broken: the server says where.
    return undefined;
  }
}

/**
 * @param {Editor} editor
 * @param {Form} form
 * @returns {Promise<Diagnostic[]>} what can't travel
 */
export async function download(editor, form) {
  const { text, told } = await textOf(editor, form);
  const address = URL.createObjectURL(new Blob([text], { type: mediaTypes[form] }));
  const name = `${editor.name}.${endings[form]}`;
  element("a", { attributes: { href: address, download: name } }).click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  editor.say(words.downloaded(name));
  return told;
}

/**
 * @param {Editor} editor
 * @param {Form} form
 * @returns {Promise<{text: string, told: Diagnostic[]}>}
 */
async function textOf(editor, form) {
  if (form === "json") return { text: writeDocument(editor.document), told: [] };
  if (form === "yaml") return { text: await sourceOf(editor, editor.document), told: [] };
  const { flow, diagnostics } = await convert(editor.client, editor.document, true);
  if (flow === null) throw new Problem(diagnostics[0]?.what || words.noFlow);
  return { text: `${writeJSON(flow, 2)}\n`, told: diagnostics };
}

/**
 * Does something with a file, and tells what came of it in a dialog where that is more than that it is done.
 * @param {HTMLElement} place where a dialog is put
 * @param {() => Promise<Diagnostic[]>} act
 */
export async function tellAfter(place, act) {
  /** @type {{what: string, why?: string, hint?: string}[]} */
  let told;
  let title = words.lost;
  try {
    told = await act();
  } catch (error) {
    const diagnostics = error instanceof ServerProblem ? error.diagnostics : [];
    told = diagnostics.length > 0 ? diagnostics.map(withLine) : [{ what: messageOf(error) }];
    title = words.failed;
  }
  if (told.length === 0) return;
  await addStyles("pages");
  const dialog = dialogOf(title, [
    element("ul", {
      class: "problems",
      children: told.slice(0, 50).map(({ what, why, hint }) =>
        element("li", {
          children: [
            element("strong", { text: what }),
            why ? element("span", { text: why }) : undefined,
            hint ? element("span", { class: "quiet", text: hint }) : undefined,
          ],
        })
      ),
    }),
  ]);
  place.append(dialog);
  dialog.showModal();
}

/** @param {Diagnostic} diagnostic */
function withLine({ line, what, why, hint }) {
  return { what: line > 0 ? pageStrings.text.line(line, what) : what, why, hint };
}

/**
 * @param {Editor} editor
 * @param {HTMLElement} place
 */
export async function exchangeDialog(editor, place) {
  await addStyles("pages");
  const file = element("input", {
    attributes: {
      id: "exchange-file",
      type: "file",
      accept: ".yaml,.yml,.json,application/json,application/yaml",
      "aria-describedby": "exchange-hint",
    },
    on: {
      change: () => {
        const [chosen] = file.files ?? [];
        if (!chosen) return;
        dialog.close();
        tellAfter(place, () => openFile(editor, chosen));
      },
    },
  });
  /** @type {Form[]} */
  const forms = ["yaml", "json", "flow"];
  const dialog = dialogOf(words.title, [
    element("h3", { text: words.open }),
    element("div", {
      class: "field",
      children: [
        element("label", { text: words.file, attributes: { for: "exchange-file" } }),
        file,
        element("p", { class: "field-description", text: words.hint, attributes: { id: "exchange-hint" } }),
      ],
    }),
    element("h3", { text: words.download }),
    element("div", {
      class: "page-actions",
      children: forms.map((form) =>
        button(words.forms[form], () => {
          dialog.close();
          tellAfter(place, () => download(editor, form));
        })
      ),
    }),
  ]);
  return dialog;
}

/**
 * @param {string} title
 * @param {HTMLElement[]} content
 * @returns {HTMLDialogElement}
 */
function dialogOf(title, content) {
  /** @type {HTMLDialogElement} */
  const dialog = element("dialog", {
    class: "question",
    attributes: { "aria-labelledby": "exchange-title" },
    children: [
      element("h2", { text: title, attributes: { id: "exchange-title", tabindex: -1, autofocus: true } }),
      ...content,
      element("div", { class: "question-answers", children: [button(words.close, () => dialog.close())] }),
    ],
  });
  dialog.addEventListener("close", () => dialog.remove());
  return dialog;
}
