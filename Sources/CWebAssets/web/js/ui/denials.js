/** What a node's sandbox refused, what that means, and what would allow it: by a click for those who may, as a command for an admin else. */

import { allows } from "../api/client.js";
import { explanation, grant } from "../api/runs.js";
import { denialsOf } from "../model/denials.js";
import { button, element } from "./dom.js";
import { messageOf } from "./messages.js";
import { runStrings } from "./strings/run_strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/denials.js").Denial} Denial */

const words = runStrings.denials;

/**
 * @param {Editor} editor
 * @param {string} name of a node of the document; its run has ended
 * @returns {Promise<HTMLElement[]>} none where nothing was refused
 */
export async function denialParts(editor, name) {
  const { client, runId = "" } = editor;
  const found = denialsOf(await explanation(client, runId, name));
  if (!found) return [element("p", { class: "quiet", text: words.unknown })];
  if (found.denials.length === 0 && found.further === 0) return [];
  const mayGrant = allows((await client.me()).scope, "admin");
  return [
    element("h3", { text: words.title }),
    ...found.denials.map((denial) => denialElement(editor, denial, mayGrant)),
    ...(found.further > 0 ? [element("p", { class: "quiet", text: words.further(found.further) })] : []),
  ];
}

/**
 * @param {Editor} editor
 * @param {Denial} denial
 * @param {boolean} mayGrant
 */
function denialElement(editor, denial, mayGrant) {
  const { what, why, occurrence, risk, advice, permission, isRequested } = denial;
  const made = element("section", {
    class: "denial",
    attributes: { "aria-label": what },
    children: [
      element("p", { children: [element("strong", { text: words.tried(what) }), ` (${occurrence})`] }),
      element("p", { text: words.because(why) }),
      risk ? element("p", { class: "quiet", text: words.risk(risk) }) : undefined,
      advice ? element("p", { class: "quiet", text: advice }) : undefined,
    ],
  });
  if (permission === undefined) made.append(element("p", { text: words.nothing }));
  else if (!isRequested) made.append(element("p", { text: words.notAsked(denial.plugin, denial.shown) }));
  else if (mayGrant && denial.shown === permission) made.append(granting(editor, denial, permission));
  else made.append(...asking(editor, denial));
  return made;
}

/**
 * @param {Editor} editor
 * @param {Denial} denial
 * @param {string} permission
 */
function granting(editor, { plugin }, permission) {
  const problem = element("p", { class: "run-error", attributes: { role: "alert" } });
  const act = button(words.grant(permission, plugin), async () => {
    act.disabled = true;
    problem.textContent = "";
    try {
      await grant(editor.client, plugin, [permission]);
      const again = button(
        words.again,
        () => again.dispatchEvent(new CustomEvent("act", { detail: "runFrom", bubbles: true })),
        {
          class: "primary",
        },
      );
      made.replaceChildren(
        element("p", { class: "run-facts is-succeeded", text: words.granted(permission, plugin) }),
        again,
      );
      again.focus();
      editor.say(words.granted(permission, plugin));
    } catch (error) {
      problem.textContent = messageOf(error);
      act.disabled = false;
    }
  });
  const made = element("div", { class: "denial-act", children: [act, problem] });
  return made;
}

/**
 * @param {Editor} editor
 * @param {Denial} denial
 */
function asking(editor, { commands: [command = ""] }) {
  return [
    element("p", { text: words.ask }),
    element("pre", { text: command, attributes: { tabindex: 0, role: "region", "aria-label": words.ask } }),
    button(words.copy, async () => {
      try {
        await navigator.clipboard.writeText(command);
        editor.say(words.copied);
      } catch (error) {
        editor.say(messageOf(error), "error");
      }
    }),
  ];
}
