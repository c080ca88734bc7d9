/** What is told where somebody else has saved meanwhile: what differs, and which version it shall be. */

import { differenceOf } from "../model/difference.js";
import { button, element } from "./dom.js";
import { pageStrings } from "./strings/page_strings.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./editor.js").Conflict} Conflict */

const words = pageStrings.conflict;

/**
 * @param {Editor} editor
 * @param {Conflict} conflict
 * @param {() => void} save
 * @returns {HTMLElement[]}
 */
export function conflictNotice(editor, conflict, save) {
  /** @param {string | null} tag of the version that what comes follows */
  const decide = (tag) => {
    editor.tag = tag;
    editor.conflict = undefined;
    editor.changed();
  };
  return [
    element("p", { children: [element("strong", { text: strings.save.conflict(conflict.author) })] }),
    element("ul", { children: factsOf(editor, conflict).map((text) => element("li", { text })) }),
    element("div", {
      class: "inspector-actions",
      children: [
        button(words.theirs, async () => {
          decide(conflict.tag);
          editor.keepStored(conflict.document, conflict.source);
          // A step like any other: what there was can be come back to.
          await editor.replace(words.theirs, conflict.document);
          editor.history = editor.history.markSaved(editor.document);
        }),
        button(words.mine, () => {
          decide(conflict.tag);
          save();
        }),
        button(words.later, () => decide(editor.tag)),
      ],
    }),
  ];
}

/**
 * @param {Editor} editor
 * @param {Conflict} conflict
 * @returns {string[]}
 */
function factsOf(editor, conflict) {
  const { added, removed, changed, moved, hasOther } = differenceOf(conflict.document, editor.document);
  /** @param {string[]} names */
  const listed = (names) => names.slice(0, 8).join(", ") + (names.length > 8 ? ", …" : "");
  const facts = [
    added.length > 0 ? words.difference.added(listed(added)) : "",
    removed.length > 0 ? words.difference.removed(listed(removed)) : "",
    changed.length > 0 ? words.difference.changed(listed(changed)) : "",
    moved.length > 0 ? words.difference.moved(listed(moved)) : "",
    hasOther ? words.difference.other : "",
  ].filter(Boolean);
  return facts.length > 0 ? facts : [words.same];
}
