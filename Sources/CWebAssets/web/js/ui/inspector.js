/** What is selected, in detail. What that is made of is loaded once there is something to show. */

import { objectAt } from "../model/objects.js";
import { element } from "./dom.js";
import { messageOf } from "./messages.js";
import { strings } from "./strings/strings.js";
import { addStyles } from "./styles.js";

/** @typedef {import("./editor.js").Editor} Editor */

const words = strings.inspector;

export class NodeInspector extends HTMLElement {
  constructor() {
    super();
    /** @type {Editor | undefined} */
    this.editor = undefined;
    /** @type {import("./details.js").Details | undefined} once they are loaded */
    this.details = undefined;
    /** What was selected when loading them began: nothing is tried twice for the same. @type {string | undefined} */
    this.loadedFor = undefined;
    /** @type {string | undefined} what is to be focused when they are there; empty: the first field */
    this.wanted = undefined;
    /** Shown until then. */
    this.heading = "";
  }

  connectedCallback() {
    this.setAttribute("aria-label", words.label);
    this.setAttribute("role", "region");
    this.setAttribute("tabindex", "0");
  }

  update() {
    const { editor } = this;
    if (!editor) return;
    if (this.details) return this.details.update();
    const { selection, selectedDrawing, problems, runId } = editor;
    const [name = ""] = selection;
    const isEmpty = selection.size === 0 && selectedDrawing === undefined;
    const hasMore = problems.length > 0 || runId !== undefined ||
      objectAt(editor.document, ["spec", "inputs"]).size > 0;
    if (!isEmpty || hasMore) this.load();
    const heading = isEmpty ? words.none : selection.size > 1 ? words.several(selection.size) : name;
    if (heading === this.heading) return;
    this.heading = heading;
    this.begin(heading, isEmpty ? element("p", { class: "quiet", text: words.noneHint }) : undefined);
  }

  async load() {
    const { editor } = this;
    const what = editor ? [...editor.selection, editor.selectedDrawing].join(" ") : "";
    if (!editor || this.details || this.loadedFor === what) return;
    this.loadedFor = what;
    try {
      const [{ Details }] = await Promise.all([import("./details.js"), addStyles("parts")]);
      this.details ??= new Details(editor, this);
      this.update();
      if (this.wanted !== undefined) this.focusField(this.wanted);
    } catch (error) {
      editor.say(messageOf(error), "error");
    }
  }

  /** @param {string} [id] of a field; otherwise the first parameter, or the first field where there is none */
  focusField(id = "") {
    this.wanted = this.details ? undefined : id;
    const [first] = this.details?.fields.values() ?? [];
    const input = id
      ? this.querySelector(`#${CSS.escape(id)}`)
      : first?.input ?? this.querySelector(".field input, .field select, .field textarea") ?? this;
    if (!(input instanceof HTMLElement) || (!this.details && input === this)) return;
    input.focus();
    if (id && input instanceof HTMLInputElement) input.select();
  }

  /**
   * @param {string} text
   * @param {...(Node | undefined)} rest
   * @returns {HTMLHeadingElement}
   */
  begin(text, ...rest) {
    const heading = element("h2", { children: [element("bdi", { text })] });
    this.replaceChildren(heading, ...rest.filter((part) => part !== undefined));
    return heading;
  }
}

customElements.define("node-inspector", NodeInspector);
