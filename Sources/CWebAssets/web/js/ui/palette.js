/** The node types, by category or by what somebody searches for: to drag onto the canvas, or to add with Enter. */

import { fittingPort } from "../model/ports.js";
import { searchTypes } from "../model/search.js";
import { drawing, element } from "./dom.js";
import { endText } from "./editor.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../canvas/canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("../model/catalog.js").NodeType} NodeType */
/** @typedef {{end: import("./editor.js").PortEnd, place: import("../model/document.js").Place}} Wish */

export class NodePalette extends HTMLElement {
  constructor() {
    super();
    /** @type {Editor | undefined} */
    this.editor = undefined;
    /** @type {WorkflowCanvas | undefined} */
    this.canvas = undefined;
    /** A line that waits for a node to end at, and where that is to be. @type {Wish | undefined} */
    this.wish = undefined;
    this.search = element("input", {
      attributes: {
        type: "search",
        placeholder: strings.palette.search,
        "aria-label": strings.palette.search,
        autocomplete: "off",
        spellcheck: "false",
        "aria-describedby": "palette-count",
      },
      on: { input: () => this.draw(), keydown: (event) => this.onSearchKey(event) },
    });
    this.list = element("div", { class: "palette-list", on: { keydown: (event) => this.onListKey(event) } });
    this.count = element("p", { class: "palette-count", attributes: { id: "palette-count", role: "status" } });
  }

  connectedCallback() {
    this.setAttribute("aria-label", strings.palette.label);
    this.setAttribute("role", "region");
    this.replaceChildren(this.search, this.list, this.count);
    this.draw();
  }

  draw() {
    const { editor } = this;
    if (!editor) return;
    const query = this.search.value;
    const { catalog } = editor;
    const types = this.offered();
    if (query.trim() === "" && !this.wish) {
      this.list.replaceChildren(...catalog.categories.map(([name, listed]) => this.category(name, listed)));
    } else {
      const found = searchTypes(types, query);
      this.list.replaceChildren(element("ul", { children: found.map((type) => this.item(type)) }));
      if (found.length === 0) this.list.replaceChildren(element("p", { text: strings.palette.none }));
    }
    const shown = this.items().length;
    const refused = catalog.refusedCount > 0 ? ` ${strings.palette.refused(catalog.refusedCount)}` : "";
    const { end } = this.wish ?? {};
    const count = end ? strings.palette.fitting(shown, endText(end)) : strings.palette.found(shown) + refused;
    this.count.textContent = catalog.types.length === 0 ? strings.palette.empty : count;
  }

  /** @returns {ReadonlyArray<NodeType>} all, or those that fit a line */
  offered() {
    const { editor, wish } = this;
    if (!editor) return [];
    if (!wish) return editor.catalog.types;
    return editor.catalog.types.filter((type) =>
      fittingPort(editor.document, editor.catalog, wish.end, type) !== undefined
    );
  }

  /**
   * Asks for a node that a line can end at.
   * @param {Wish} wish
   */
  ask(wish) {
    this.wish = wish;
    this.search.value = "";
    this.draw();
    this.list.scrollTop = 0;
    this.focusSearch();
  }

  endWish() {
    if (!this.wish) return;
    this.wish = undefined;
    this.draw();
  }

  /**
   * @param {string} name
   * @param {NodeType[]} types
   */
  category(name, types) {
    return element("details", {
      attributes: { open: true },
      children: [
        element("summary", { children: [element("bdi", { text: name })] }),
        element("ul", { children: types.map((type) => this.item(type)) }),
      ],
    });
  }

  /** @param {NodeType} type */
  item(type) {
    const mark = type.icon
      ? element("span", { class: "palette-icon", text: type.icon, attributes: { "aria-hidden": "true" } })
      : drawing("svg", { viewBox: "0 0 12 12", class: "palette-icon", "aria-hidden": "true" }, [
        drawing("circle", { cx: 6, cy: 6, r: 5, fill: type.color ?? "currentColor" }),
      ]);
    const made = element("button", {
      class: "palette-item",
      title: `${type.type} ${type.version}\n${type.description}`,
      attributes: { type: "button", "data-type": type.type },
      children: [
        mark,
        element("span", {
          class: "palette-names",
          children: [
            element("bdi", { class: "palette-title", text: type.title }),
            element("bdi", { class: "palette-description", text: type.description || type.type }),
          ],
        }),
      ],
      on: {
        // By the keyboard; a pointer's click ends as a gesture does.
        click: (event) => event.detail === 0 && this.add(type),
        pointerdown: (event) => this.drag(event, made, type),
      },
    });
    return element("li", { children: [made] });
  }

  /** @returns {HTMLElement[]} */
  items() {
    return [...this.list.querySelectorAll("button")];
  }

  /**
   * @param {NodeType} type
   * @param {import("../model/document.js").Place} [place]
   */
  add(type, place) {
    if (!this.editor || !this.canvas) return;
    const { wish } = this;
    const name = this.editor.addNode(type.type, place ?? wish?.place ?? this.canvas.freePlace(), wish?.end);
    this.endWish();
    if (name !== undefined) this.canvas.focusNode(name);
  }

  focusSearch() {
    this.search.focus();
    this.search.select();
  }

  /** @param {KeyboardEvent} event */
  onSearchKey(event) {
    if (event.key === "ArrowDown") this.items()[0]?.focus();
    else if (event.key === "Enter") {
      const [first] = searchTypes(this.offered(), this.search.value);
      if (first && (this.wish || this.search.value.trim() !== "")) this.add(first);
    } else if (event.key === "Escape" && this.search.value !== "") {
      this.search.value = "";
      this.draw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event */
  onListKey(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const items = this.items();
    const index = items.findIndex((item) => item === document.activeElement);
    const next = index + (event.key === "ArrowDown" ? 1 : -1);
    if (next < 0) this.search.focus();
    else items[next]?.focus();
    event.preventDefault();
  }

  /**
   * @param {PointerEvent} event
   * @param {HTMLElement} item
   * @param {NodeType} type
   */
  drag(event, item, type) {
    if (event.button !== 0) return;
    const start = { x: event.clientX, y: event.clientY };
    const source = new AbortController();
    const { signal } = source;
    const ghost = element("div", {
      class: "ghost",
      text: type.title,
      attributes: { hidden: true, "aria-hidden": "true" },
    });
    document.body.append(ghost);
    const isTouch = event.pointerType === "touch";
    if (!isTouch) item.setPointerCapture(event.pointerId);
    const end = () => {
      source.abort();
      ghost.remove();
    };
    item.addEventListener("pointermove", (moved) => {
      if (Math.hypot(moved.clientX - start.x, moved.clientY - start.y) < 4 || isTouch) return;
      ghost.hidden = false;
      ghost.style.transform = `translate(${moved.clientX + 8}px, ${moved.clientY + 8}px)`;
    }, { signal });
    item.addEventListener("pointerup", (ended) => {
      const wasDragged = !ghost.hidden;
      end();
      if (!wasDragged) this.add(type);
      else this.drop(ended, type);
    }, { signal });
    for (const kind of ["pointercancel", "lostpointercapture"]) item.addEventListener(kind, end, { signal });
  }

  /**
   * @param {PointerEvent} event
   * @param {NodeType} type
   */
  drop(event, type) {
    const { canvas } = this;
    if (!canvas) return;
    const point = canvas.pointOf(event);
    const { width, height } = canvas.size;
    if (point.x < 0 || point.y < 0 || point.x > width || point.y > height) return;
    const { x, y, zoom } = canvas.view;
    this.add(type, { x: (point.x - x) / zoom - 20, y: (point.y - y) / zoom - 20 });
  }
}

customElements.define("node-palette", NodePalette);
