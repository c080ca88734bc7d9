/** When the nodes of a run waited and ran, as bars. Only those are drawn that are seen: there may be 10,000. */

import { durationText } from "../model/text.js";
import { ticksOf, timelineOf } from "../model/timeline.js";
import { element, setAttribute } from "./dom.js";
import { runStrings } from "./strings/run_strings.js";
import { strings } from "./strings/strings.js";
import { tableElement } from "./value_views.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/timeline.js").TimelineRow} TimelineRow */

const words = runStrings.gantt;
const rowHeight = 24;
/** Rows that are drawn beyond what is seen. */
const margin = 8;
/** Milliseconds between two looks at a run that goes on. */
const pause = 250;

export class Gantt {
  /**
   * @param {Editor} editor
   * @param {(name: string) => void} showNode
   */
  constructor(editor, showNode) {
    this.editor = editor;
    this.showNode = showNode;
    /** @type {TimelineRow[]} */
    this.rows = [];
    this.length = 0;
    this.active = 0;
    this.drawnAt = 0;
    /** @type {unknown} */
    this.drawnOf = undefined;
    this.axis = element("div", { class: "gantt-axis", attributes: { "aria-hidden": "true" } });
    this.space = element("div", { class: "gantt-space" });
    this.scroller = element("div", {
      class: "gantt-rows",
      attributes: { role: "listbox", tabindex: 0, "aria-label": words.label },
      on: {
        scroll: () => this.draw(),
        keydown: (event) => this.onKey(event),
        click: (event) => this.onClick(event),
      },
      children: [this.space],
    });
    this.none = element("p", { class: "quiet", text: words.none });
    this.chart = element("div", { class: "gantt", children: [this.axis, this.scroller] });
    this.table = element("details", {
      class: "gantt-table",
      children: [element("summary", { text: words.table })],
      on: { toggle: () => this.showTable() },
    });
    this.element = element("div", { class: "gantt-and-table", children: [this.none, this.chart, this.table] });
    new ResizeObserver(() => this.draw()).observe(this.scroller);
  }

  update() {
    const { run, runDocument, document } = this.editor;
    const now = this.editor.client.now();
    const isOpen = run.began !== undefined && run.outcome === undefined;
    if (run === this.drawnOf && !isOpen) return;
    // Of a run that goes on: not at each of thousands of events.
    clearTimeout(this.timer);
    if (isOpen) this.timer = setTimeout(() => this.element.offsetParent !== null && this.update(), pause);
    if (isOpen && now - this.drawnAt < pause && this.drawnOf !== undefined) return;
    [this.drawnOf, this.drawnAt] = [run, now];
    const { rows, length } = timelineOf(run, runDocument ?? document, now);
    [this.rows, this.length] = [rows, length];
    this.active = Math.min(this.active, Math.max(0, rows.length - 1));
    this.none.hidden = rows.length > 0;
    this.chart.hidden = this.table.hidden = rows.length === 0;
    this.space.style.height = `${rows.length * rowHeight}px`;
    this.axis.replaceChildren(
      element("span", { class: "gantt-name" }),
      element("div", {
        class: "gantt-ticks",
        children: ticksOf(length, 6).map((time) =>
          placed(element("span", { text: time === 0 ? "0" : durationText(time) }), time / Math.max(1, length))
        ),
      }),
    );
    this.draw();
    if (this.table.open && !isOpen) this.showTable();
  }

  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - margin);
    const last = Math.min(this.rows.length, Math.ceil((scrollTop + clientHeight) / rowHeight) + margin);
    const shown = this.rows.slice(first, last).map((row, index) => this.row(row, first + index));
    this.space.replaceChildren(...shown);
    const isSeen = this.active >= first && this.active < last;
    setAttribute(
      this.scroller,
      "aria-activedescendant",
      isSeen && this.rows.length > 0 ? `gantt-${this.active}` : undefined,
    );
  }

  /**
   * @param {TimelineRow} row
   * @param {number} index
   */
  row({ name, state, cached, ready, start, end, attempts }, index) {
    const whole = Math.max(1, this.length);
    /**
     * @param {number} from
     * @param {number} to
     * @param {string} kind
     */
    const bar = (from, to, kind) => {
      const made = placed(element("span", { class: `gantt-bar ${kind}` }), from / whole);
      made.style.width = `${(100 * Math.max(0, to - from)) / whole}%`;
      return made;
    };
    const last = attempts.length - 1;
    const bars = [
      ...(start > ready ? [bar(ready, start, "is-waiting")] : []),
      ...attempts.map((attempt, place) => bar(attempt.start, attempt.end, place < last ? "is-tried" : `is-${state}`)),
      ...(attempts.length === 0 && state === "succeeded" ? [bar(end, end, "is-cached")] : []),
    ];
    const text = rowText({ name, state, cached, ready, start, end, attempts });
    const made = element("div", {
      class: "gantt-row",
      title: text,
      attributes: {
        role: "option",
        id: `gantt-${index}`,
        "aria-label": text,
        "aria-selected": index === this.active,
        "aria-setsize": this.rows.length,
        "aria-posinset": index + 1,
        "data-index": index,
      },
      children: [
        element("bdi", { class: "gantt-name", text: name }),
        element("span", { class: "gantt-bars", children: bars }),
      ],
    });
    made.setAttribute("aria-selected", String(index === this.active));
    made.style.top = `${index * rowHeight}px`;
    return made;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / rowHeight) - 1);
    /** @type {Record<string, number>} */
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -this.rows.length,
      End: this.rows.length,
    };
    const step = steps[event.key];
    if (event.key === "Enter") this.showNode(this.rows[this.active]?.name ?? "");
    else if (step === undefined) return;
    else this.go(this.active + step);
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} index */
  go(index) {
    this.active = Math.max(0, Math.min(this.rows.length - 1, index));
    const { scrollTop, clientHeight } = this.scroller;
    const top = this.active * rowHeight;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) this.scroller.scrollTop = top + rowHeight - clientHeight;
    this.draw();
  }

  /** @param {MouseEvent} event */
  onClick(event) {
    const row = event.target instanceof Element ? event.target.closest("[data-index]") : null;
    if (!(row instanceof HTMLElement)) return;
    this.go(Number(row.dataset.index));
    this.showNode(this.rows[this.active]?.name ?? "");
  }

  /** The same for those who don't see bars. */
  showTable() {
    if (!this.table.open) return;
    const rows = this.rows.map(({ name, state, cached, ready, start, end, attempts }) => [
      name,
      cached ? strings.run.cached : strings.run.state[state] ?? state,
      ready,
      start - ready,
      end - start,
      attempts.length,
    ]);
    const [, ...before] = this.table.children;
    for (const old of before) old.remove();
    this.table.append(tableElement({ columns: words.columns, rows, label: 0, numbers: [2, 3, 4, 5] }, words.label));
  }
}

/**
 * @template {HTMLElement} Made
 * @param {Made} made
 * @param {number} part of 0 to 1
 */
function placed(made, part) {
  made.style.insetInlineStart = `${100 * Math.min(1, part)}%`;
  return made;
}

/** @param {TimelineRow} row */
function rowText({ name, state, cached, ready, start, end, attempts }) {
  return [
    name,
    cached ? strings.run.cached : strings.run.state[state] ?? state,
    start - ready >= 1 ? words.waited(durationText(start - ready)) : "",
    attempts.length > 0 ? words.ran(durationText(end - start), durationText(start)) : "",
    attempts.length > 1 ? words.attempts(attempts.length) : "",
  ].filter(Boolean).join(", ");
}
