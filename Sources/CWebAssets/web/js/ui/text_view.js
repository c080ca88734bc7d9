/**
 * The workflow as YAML beside the canvas: in step with it both ways. The server reads and writes the text; what it can't read stays here,
 * with the reason at its line, and the canvas as it was.
 */

import { convert, sourceOf } from "../api/convert.js";
import { ServerProblem } from "../api/client.js";
import { checkedDocument, writeDocument } from "../model/document.js";
import { isEqual } from "../model/json.js";
import { indented, lineCount, lineRange, newLine, outdented } from "../model/lines.js";
import { button, element, iconButton, setAttribute } from "./dom.js";
import { messageOf } from "./messages.js";
import { pageStrings } from "./strings/page_strings.js";
import { addStyles } from "./styles.js";
import { session } from "./session.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/document.js").WorkflowDocument} WorkflowDocument */
/** @typedef {{line: number, text: string}} Problem */

const words = pageStrings.text;

/** Milliseconds without a letter after which what was written counts. */
const pause = 600;
/** Milliseconds without a change of the canvas after which the text is made anew: a movement has many. */
const calm = 200;
/** Milliseconds before a server that didn't answer is asked again. */
const retryPause = 4000;
/** Pixels, as in pages.css. */
const lineHeight = 20;
const most = { problems: 50, lines: 20_000 };

export class TextView {
  /**
   * @param {Editor} editor
   * @param {{leave: () => void, close: () => void}} around
   */
  static async make(editor, around) {
    const [source] = await Promise.all([sourceOf(editor, editor.document), addStyles("pages")]);
    return new TextView(editor, around, editor.document, source);
  }

  /**
   * @param {Editor} editor
   * @param {{leave: () => void, close: () => void}} around
   * @param {WorkflowDocument} document
   * @param {string} source
   */
  constructor(editor, { leave, close }, document, source) {
    this.editor = editor;
    this.leave = leave;
    /** What the text, as it was last in step, means. */
    this.shownOf = document;
    /** What is written isn't on the canvas yet. */
    this.isDirty = false;
    /** It will be read after a pause. */
    this.isWriting = false;
    /** Of a text that was kept: what the canvas was when it was begun. @type {string | undefined} */
    this.base = undefined;
    /** Counts what was asked of the server: an answer to what isn't wanted any more is left out. */
    this.asked = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.ending = () => {};
    this.area = element("textarea", {
      attributes: {
        id: "workflow-text",
        spellcheck: "false",
        autocomplete: "off",
        autocapitalize: "off",
        wrap: "off",
        "aria-label": words.label,
        "aria-describedby": "workflow-text-explanation",
      },
      on: {
        input: () => this.onInput(),
        scroll: () => this.numbers.style.transform = `translateY(${-this.area.scrollTop}px)`,
        keydown: (event) => this.onKey(event),
        blur: () => this.isAhead && this.element.isConnected && this.read(),
      },
    });
    this.numberText = element("div");
    this.marks = element("div");
    this.numbers = element("div", { class: "text-numbers", children: [this.numberText, this.marks] });
    this.state = element("span", { class: "quiet text-state", attributes: { role: "status" } });
    this.take = button(words.take, () => this.takeCanvas(), { attributes: { hidden: true } });
    this.problems = element("ul", { class: "text-problems" });
    this.lines = 0;
    /** @type {Problem[]} */
    this.shown = [];
    this.element = element("section", {
      class: "text-view",
      attributes: { "aria-label": words.label },
      children: [
        element("header", {
          class: "text-head",
          children: [
            element("h2", { text: words.title }),
            this.state,
            this.take,
            iconButton("close", words.close, close),
          ],
        }),
        element("div", {
          class: "text-body",
          children: [
            element("div", { class: "text-gutter", attributes: { "aria-hidden": "true" }, children: [this.numbers] }),
            this.area,
          ],
        }),
        this.problems,
        element("p", {
          class: "quiet text-explanation",
          text: words.explanation,
          attributes: { id: "workflow-text-explanation" },
        }),
      ],
    });
    this.setText(source);
    this.say(words.inStep);
  }

  start() {
    this.ending = this.editor.watch(() => this.onCanvas());
    this.area.focus();
    this.area.setSelectionRange(0, 0);
    const kept = session.text(this.editor.name);
    if (kept === undefined) this.onCanvas();
    else {
      this.isDirty = true;
      this.base = kept.base;
      this.setText(kept.text);
      if (kept.base === fingerprint(this.shownOf)) return this.read();
      // What was done on the canvas since isn't undone unasked.
      this.take.hidden = false;
      this.say(words.kept, true);
    }
  }

  /** @returns {Promise<boolean>} whether what is on the canvas counts: what is written is there, or was left aside for it */
  async settle() {
    if (this.isAhead || this.isWriting) await this.read();
    return !this.isAhead;
  }

  /** What is written isn't on the canvas yet, and the canvas is as it was when it was begun. */
  get isAhead() {
    return this.isDirty && this.take.hidden;
  }

  /** @returns {Promise<void>} once what was written is on the canvas, or can't be */
  async stop() {
    this.ending();
    this.element.remove();
    if (this.isAhead) await this.read();
    clearTimeout(this.timer);
  }

  /** Ends it, and nothing of what was written stays. */
  forget() {
    this.ending();
    this.isDirty = false;
    this.asked++;
    clearTimeout(this.timer);
    this.element.remove();
  }

  // From the canvas

  onCanvas() {
    const { editor } = this;
    if (editor.document === this.shownOf) return;
    if (this.isDirty) {
      this.take.hidden = false;
      return;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), calm);
  }

  /** The text of what is on the canvas. */
  async write() {
    const mine = ++this.asked;
    const { document } = this.editor;
    try {
      const source = await sourceOf(this.editor, document);
      if (mine !== this.asked || this.isDirty) return;
      this.shownOf = document;
      this.setText(source);
      this.showProblems([]);
      this.say(words.inStep);
      this.onCanvas();
    } catch (error) {
      if (mine !== this.asked) return;
      this.say(messageOf(error), true);
      this.retry(error);
    }
  }

  takeCanvas() {
    this.isDirty = false;
    this.keep();
    this.take.hidden = true;
    this.area.focus();
    return this.write();
  }

  /** @param {string} text */
  setText(text) {
    const { area } = this;
    const { selectionStart, selectionEnd, scrollTop, scrollLeft } = area;
    if (area.value !== text) area.value = text;
    area.setSelectionRange(selectionStart, selectionEnd);
    area.scrollTo(scrollLeft, scrollTop);
    this.number();
  }

  number() {
    const lines = Math.min(most.lines, lineCount(this.area.value));
    if (lines === this.lines) return;
    this.lines = lines;
    this.numberText.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
  }

  // From the keyboard

  onInput() {
    this.isDirty = true;
    this.isWriting = true;
    this.asked++;
    this.number();
    this.say(words.writing);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.read(), pause);
  }

  /** What is written, onto the canvas. */
  async read() {
    clearTimeout(this.timer);
    this.isWriting = false;
    const mine = ++this.asked;
    const { editor } = this;
    const text = this.area.value;
    /** @type {Problem[]} */
    let told = [];
    this.keep();
    this.say(words.reading);
    try {
      const { document, diagnostics } = await convert(editor.client, { text });
      told = problemsOf(diagnostics);
      const read = checkedDocument(document);
      await this.editor.places.prepare(read);
      if (mine !== this.asked) return;
      this.isDirty = false;
      this.keep();
      this.take.hidden = true;
      this.perform(read, text);
      this.showProblems(told);
      this.say(told.length > 0 ? words.problems(told.length) : words.inStep, told.length > 0);
    } catch (error) {
      if (mine !== this.asked) return;
      const diagnostics = error instanceof ServerProblem ? error.diagnostics : [];
      if (diagnostics.length === 0) told.push({ line: 0, text: messageOf(error) });
      this.showProblems([...told, ...problemsOf(diagnostics)]);
      this.say(words.broken, true);
      this.retry(error);
    }
  }

  /** @param {unknown} error after which it is brought in step later, where the server didn't answer */
  retry(error) {
    if (!(error instanceof ServerProblem) || error.status !== 0 || !this.element.isConnected) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.isAhead) this.read();
      else if (!this.isDirty) this.write();
    }, retryPause);
  }

  /** What isn't on the canvas yet is remembered in this tab. */
  keep() {
    if (!this.isDirty) this.base = undefined;
    const base = this.base ?? fingerprint(this.shownOf);
    session.keepText(this.editor.name, this.isDirty ? { text: this.area.value, base } : null);
  }

  /**
   * One step for each pause. Where comments are kept, they are a change too.
   * @param {WorkflowDocument} read
   * @param {string} text
   */
  perform(read, text) {
    const { editor } = this;
    const isKept = editor.storedSource !== undefined;
    editor.sources.set(read, text);
    editor.perform({
      label: words.command,
      change: (document) =>
        isEqual(document, read) && (!isKept || editor.sources.get(document) === text) ? document : read,
    });
    this.shownOf = editor.document;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const { area } = this;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const writing = { text: area.value, start: area.selectionStart, end: area.selectionEnd };
    if (event.key === "Tab") this.edit(event.shiftKey ? outdented(writing) : indented(writing));
    else if (event.key === "Enter" && !event.shiftKey) this.edit(newLine(writing));
    else if (event.key === "Escape") this.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {import("../model/lines.js").Edit} edit */
  edit({ from, to, text, start, end }) {
    const { area } = this;
    area.setSelectionRange(from, to);
    // It is outdated, and the only way that the browser's own undo knows of.
    if (!document.execCommand("insertText", false, text)) {
      area.setRangeText(text, from, to);
      area.dispatchEvent(new Event("input"));
    }
    area.setSelectionRange(start, end);
  }

  // What is told

  /**
   * @param {string} text
   * @param {boolean} [isBad]
   */
  say(text, isBad = false) {
    if (this.state.textContent !== text) this.state.textContent = text;
    this.state.classList.toggle("is-bad", isBad);
    setAttribute(this.area, "aria-invalid", isBad ? "true" : undefined);
  }

  /** @param {Problem[]} problems */
  showProblems(problems) {
    this.shown = problems.slice(0, most.problems);
    this.problems.hidden = this.shown.length === 0;
    this.problems.replaceChildren(...this.shown.map(({ line, text }) =>
      element("li", {
        children: [line > 0 ? button(words.line(line, text), () => this.goTo(line)) : element("p", { text })],
      })
    ));
    this.marks.replaceChildren(
      ...this.shown.filter(({ line }) => line > 0).map(({ line }) => {
        const mark = element("div", { class: "text-mark" });
        mark.style.top = `${(line - 1) * lineHeight}px`;
        return mark;
      }),
    );
  }

  /** @param {number} line */
  goTo(line) {
    const { start, end } = lineRange(this.area.value, line);
    this.area.focus();
    this.area.setSelectionRange(start, end);
    this.area.scrollTop = Math.max(0, (line - 4) * lineHeight);
  }
}

/**
 * @param {WorkflowDocument} document
 * @returns {string} the same for the same, also after a reload; FNV-1a, for nobody gains by two that have the same
 */
function fingerprint(document) {
  let sum = 0x811c9dc5;
  const text = writeDocument(document);
  for (let index = 0; index < text.length; index++) sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  return `${text.length} ${sum >>> 0}`;
}

/**
 * @param {import("../api/client.js").Diagnostic[]} diagnostics
 * @returns {Problem[]}
 */
function problemsOf(diagnostics) {
  return diagnostics.map(({ line, what, why, hint }) => ({
    line,
    text: what + (why ? `: ${why}` : "") + (hint ? ` (${hint})` : ""),
  }));
}
