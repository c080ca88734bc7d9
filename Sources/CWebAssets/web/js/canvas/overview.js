/** All nodes and lines as a few paths, for zooms at which each is some pixels large: thousands of elements take a frame's time, these none. */

import { edgesOf } from "../model/document.js";
import { drawing } from "../ui/dom.js";

/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {import("../model/viewport.js").Rectangle} Rectangle */

const kinds = /** @type {const} */ (["plain", "succeeded", "running", "failed", "selected"]);

export class Overview {
  constructor() {
    this.lines = drawing("path", { class: "overview-lines" });
    this.nodes = new Map(kinds.map((kind) => [kind, drawing("path", { class: `overview-${kind}` })]));
    this.element = drawing("svg", { class: "lines overview", "aria-hidden": "true" }, [
      this.lines,
      ...this.nodes.values(),
    ]);
    this.hide();
  }

  hide() {
    this.element.style.display = "none";
  }

  /**
   * @param {Editor} editor
   * @param {ReadonlyMap<string, Rectangle>} rectangles
   * @param {boolean} isSame nothing has changed since it was shown last
   */
  show(editor, rectangles, isSame) {
    const wasShown = this.element.style.display === "";
    this.element.style.display = "";
    if (isSame && wasShown) return;
    /** @type {Map<string, string[]>} */
    const pieces = new Map(kinds.map((kind) => [kind, []]));
    const problems = new Set(editor.problems.map(({ node }) => node));
    for (const [name, { x, y, width, height }] of rectangles) {
      const state = editor.nodeStates.get(name)?.state ?? "";
      const kind = editor.selection.has(name)
        ? "selected"
        : problems.has(name)
        ? "failed"
        : pieces.has(state)
        ? state
        : "plain";
      pieces.get(kind)?.push(`M${x} ${y}h${width}v${height}h${-width}z`);
    }
    for (const [kind, path] of this.nodes) path.setAttribute("d", pieces.get(kind)?.join("") ?? "");
    const lines = edgesOf(editor.document).flatMap(({ from, to }) => {
      const [start, end] = [rectangles.get(from.node), rectangles.get(to.node)];
      if (!start || !end) return [];
      return [`M${start.x + start.width} ${start.y + start.height / 2}L${end.x} ${end.y + end.height / 2}`];
    });
    this.lines.setAttribute("d", lines.join(""));
  }
}
