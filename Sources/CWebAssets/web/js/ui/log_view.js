/** What nodes said: the end of it as it grows, and what was before page by page. */

import { ServerProblem } from "../api/client.js";
import { readLog } from "../api/runs.js";
import { endOfLog, entriesBetween, entryLine, LogWindow, matchesSearch } from "../model/log.js";
import { documentNode } from "../model/run.js";
import { button, element } from "./dom.js";
import { messageOf } from "./messages.js";
import { runStrings } from "./strings/run_strings.js";
import { keep } from "./values.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/log.js").LogEntry} LogEntry */
/** @typedef {import("../model/log.js").LogPage} LogPage */

const words = runStrings.log;
/** Milliseconds between two looks while the run goes on. */
const pause = 1000;
/** Looks after the run's end: the last of it may be written a moment later. */
const lastLooks = 5;
/** Pages that are read at one look. */
const mostAtOnce = 20;

export class LogView {
  /**
   * @param {Editor} editor
   * @param {string} node of the document; empty: all of them
   */
  constructor(editor, node) {
    this.editor = editor;
    this.node = node;
    this.ending = new AbortController();
    /** @type {string | undefined} */
    this.run = undefined;
    /** @type {LogWindow | undefined} */
    this.window = undefined;
    /** @type {import("../model/log.js").ReadLog | undefined} */
    this.reading = undefined;
    this.isTail = true;
    this.wanted = "";
    /** @type {Map<LogPage, HTMLElement>} */
    this.pages = new Map();
    this.lines = element("div", {
      class: "log-lines",
      attributes: { role: "log", "aria-live": "off", tabindex: 0, "aria-label": words.label(node) },
    });
    this.note = element("span", { class: "quiet", attributes: { role: "status" } });
    this.search = element("input", {
      attributes: { type: "search", placeholder: words.search, "aria-label": words.search, autocomplete: "off" },
      on: {
        input: () => {
          this.wanted = this.search.value.toLowerCase();
          this.filter();
        },
      },
    });
    this.older = button(words.older, () => this.loadOlder(), { attributes: { hidden: true } });
    this.newest = button(words.newest, () => this.goToEnd(), { attributes: { hidden: true } });
    this.element = element("div", {
      class: "log-view",
      children: [
        element("div", {
          class: "log-head",
          children: [
            this.search,
            this.older,
            this.newest,
            button(words.copy, () => this.copy()),
            button(words.download, () => this.download()),
          ],
        }),
        this.lines,
        this.note,
      ],
    });
  }

  /** Begins with the run that is shown, where that is another one. */
  update() {
    const { runId } = this.editor;
    if (runId === this.run) return;
    this.run = runId;
    this.stop();
    this.window = undefined;
    this.pages = new Map();
    this.lines.replaceChildren();
    this.note.textContent = "";
    this.ending = new AbortController();
    if (runId !== undefined) this.follow(runId, this.ending.signal);
  }

  stop() {
    this.ending.abort();
  }

  /** Of a node with instances the log is asked for all nodes, and shown for its own. */
  get asked() {
    const names = [...this.editor.run.nodes.keys()].filter((name) => documentNode(name) === this.node);
    return names.every((name) => name === this.node) ? this.node : "";
  }

  /**
   * @param {string} run
   * @param {AbortSignal} signal
   */
  async follow(run, signal) {
    let looks = 0;
    let hasFailed = false;
    // What is asked for stays the same, for places are of what is asked for.
    const asked = this.asked;
    this.reading = (after, limit) => readLog(this.editor.client, run, { node: asked, after, limit });
    while (!signal.aborted) {
      const hasEnded = this.editor.run.outcome !== undefined;
      try {
        if (this.element.offsetParent === null && (this.window || hasFailed)) return this.forget(signal);
        await this.look(signal);
        if (hasEnded && ++looks > lastLooks) return;
      } catch (error) {
        if (!signal.aborted) this.note.textContent = messageOf(error);
        hasFailed = true;
        // It won't say anything else.
        if (error instanceof ServerProblem && [401, 403, 404].includes(error.status)) return;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /**
   * Nobody looks any more: whoever does again begins anew.
   * @param {AbortSignal} signal
   */
  forget(signal) {
    if (!signal.aborted) this.run = undefined;
  }

  /** @param {AbortSignal} signal */
  async look(signal) {
    const { reading } = this;
    if (!reading) return;
    const before = this.window;
    let held = before ?? await LogWindow.latest(reading);
    if (this.isTail) {
      for (let count = 0; count < mostAtOnce; count++) {
        const { window, hasMore } = await held.withNewer(reading);
        held = window;
        if (!hasMore) break;
      }
    }
    // Where somebody has gone elsewhere in it meanwhile, it is read another time.
    if (!signal.aborted && this.window === before) this.show(held);
  }

  /** @param {LogWindow} held */
  show(held) {
    if (held === this.window) return;
    const isAtEnd = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 16;
    const fromEnd = this.lines.scrollHeight - this.lines.scrollTop;
    const isOlder = this.window !== undefined && held.start < this.window.start;
    this.window = held;
    const before = this.pages;
    this.pages = new Map(held.pages.map((page) => [page, before.get(page) ?? this.page(page)]));
    for (const [page, made] of before) if (!this.pages.has(page)) made.remove();
    let last = /** @type {HTMLElement | null} */ (null);
    for (const made of this.pages.values()) {
      if (made.previousElementSibling !== last || made.parentElement !== this.lines) {
        if (last) last.after(made);
        else this.lines.prepend(made);
      }
      last = made;
    }
    this.older.hidden = held.start === 0;
    this.newest.hidden = this.isTail;
    this.tell();
    if (isOlder) this.lines.scrollTop = this.lines.scrollHeight - fromEnd;
    else if (isAtEnd) this.lines.scrollTop = this.lines.scrollHeight;
  }

  /** @param {LogPage} page */
  page({ entries }) {
    return element("div", {
      class: "log-page",
      children: entries.map((entry) => {
        const { node, level, text } = entry;
        const made = element("div", {
          class: `log-line is-${level}`,
          children: [
            this.node === node ? undefined : element("bdi", { class: "log-node", text: node }),
            level === "stdout" || level === "" ? undefined : element("span", { class: "log-level", text: level }),
            element("bdi", { text }),
          ],
        });
        made.hidden = !this.isWanted(entry);
        return made;
      }),
    });
  }

  /** @param {LogEntry} entry */
  isWanted(entry) {
    return (this.node === "" || documentNode(entry.node) === this.node) && matchesSearch(entry, this.wanted);
  }

  filter() {
    for (const [{ entries }, made] of this.pages) {
      entries.forEach((entry, index) => {
        const line = made.children[index];
        if (line instanceof HTMLElement) line.hidden = !this.isWanted(entry);
      });
    }
    this.tell();
  }

  get shown() {
    return (this.window?.pages ?? []).flatMap(({ entries }) => entries.filter((entry) => this.isWanted(entry)));
  }

  tell() {
    const count = this.shown.length;
    this.note.textContent = count === 0 ? (this.wanted ? words.notFound : words.nothing) : words.lines(count);
  }

  async loadOlder() {
    const { window, reading } = this;
    if (!window || !reading) return;
    this.older.disabled = true;
    try {
      const older = await window.withOlder(reading);
      // Where the end is left for it, nothing is followed any more.
      this.isTail = this.isTail && older.end === window.end;
      // What has come meanwhile is read another time.
      if (this.window?.start === window.start) this.show(older);
    } catch (error) {
      this.note.textContent = messageOf(error);
    }
    this.older.disabled = false;
    if (this.older.hidden) this.lines.focus();
  }

  /** Back to where it grows. */
  goToEnd() {
    this.isTail = true;
    this.run = undefined;
    this.update();
    this.lines.focus();
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(
        this.shown.map((entry) => entryLine(entry, entry.node !== this.node)).join("\n"),
      );
      this.note.textContent = words.copied;
    } catch (error) {
      this.note.textContent = messageOf(error);
    }
  }

  /** All of it, also what isn't shown. */
  async download() {
    const { reading, run } = this;
    if (!reading) return;
    this.note.textContent = runStrings.loading;
    try {
      const entries = await entriesBetween(reading, 0, await endOfLog(reading));
      const own = entries.filter((entry) => this.node === "" || documentNode(entry.node) === this.node);
      const text = own.map((entry) => `${entryLine(entry, entry.node !== this.node)}\n`).join("");
      keep(new Blob([text], { type: "text/plain" }), `${run}${this.node ? `-${this.node}` : ""}.log`);
      this.tell();
    } catch (error) {
      this.note.textContent = messageOf(error);
    }
  }
}
