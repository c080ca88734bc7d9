/** What is shown around a workflow when somebody wants it: the menu, the keys, files, and the workflow as text. */

import { exchangeDialog } from "./exchange.js";
import { menuDialog } from "./frame.js";
import { helpDialog } from "./help.js";
import { TextView } from "./text_view.js";

/** @typedef {import("./workbench.js").Workbench} Workbench */

/**
 * One at a time.
 * @param {Workbench} bench
 * @param {() => HTMLDialogElement | Promise<HTMLDialogElement>} make
 */
async function showDialog(bench, make) {
  const dialog = await make();
  if (document.querySelector("dialog[open]")) return;
  bench.element.append(dialog);
  dialog.showModal();
}

export const show = {
  /**
   * What isn't saved is kept before, for it leads away.
   * @param {Workbench} bench
   */
  pages: (bench) => {
    bench.keepDraft();
    return showDialog(bench, () => menuDialog(bench.editor.client, bench.signOut));
  },

  /** @param {Workbench} bench */
  help: (bench) => showDialog(bench, helpDialog),

  /** @param {Workbench} bench */
  exchange: (bench) => showDialog(bench, () => exchangeDialog(bench.editor, bench.element)),

  /**
   * Shows the text, or hides it.
   * @param {Workbench} bench
   */
  text: async (bench) => {
    const before = bench.textView;
    if (before) {
      bench.textView = undefined;
      bench.element.classList.remove("shows-text");
      before.stop();
      bench.goToCanvas();
      return;
    }
    const view = await TextView.make(bench.editor, {
      // Where the text lies over the canvas, it makes way.
      leave: () => matchMedia("(max-width: 900px)").matches ? bench.show("text") : bench.goToCanvas(),
      close: () => bench.show("text"),
    });
    if (bench.textView) return;
    bench.textView = view;
    bench.panes.prepend(view.element);
    bench.element.classList.add("shows-text");
    view.start();
  },
};
