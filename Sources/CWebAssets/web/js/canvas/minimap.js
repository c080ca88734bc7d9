/** All of it in a corner, and which part is seen: drawn when something has changed, at most some times a second. */

import { shownDrawings } from "../model/shown_drawings.js";
import { bounds } from "../model/viewport.js";
import { element, iconButton, setAttribute } from "../ui/dom.js";
import { session } from "../ui/session.js";
import { strings } from "../ui/strings/strings.js";

/** @typedef {import("./canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {import("../model/document.js").Place} Place */

/** Of the window, and of the canvas where there is little. */
const extent = { width: 184, height: 124 };
/** Milliseconds between two drawings: a hand that moves a hundred nodes needs its frames for itself. */
const pause = 250;
const words = strings.minimap;
/** Pixels of a canvas beneath which it is in the way. */
const leastHeight = 420;

export class Minimap {
  /**
   * @param {WorkflowCanvas} canvas
   * @param {Editor} editor
   */
  constructor(canvas, editor) {
    this.canvas = canvas;
    this.editor = editor;
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.ratio = ratio;
    this.picture = element("canvas", { attributes: { width: extent.width * ratio, height: extent.height * ratio } });
    this.seen = element("div", { class: "minimap-seen" });
    this.map = element("div", {
      class: "minimap-map",
      attributes: { "aria-hidden": "true" },
      children: [this.picture, this.seen],
    });
    this.toggleButton = iconButton("map", words.hide, () => this.toggle());
    this.element = element("div", { class: "minimap", children: [this.map, this.toggleButton] });
    /** Points of the canvas are multiplied by `zoom`, then moved. */
    this.view = { x: 0, y: 0, zoom: 1 };
    /** @type {unknown[]} */
    this.drawnOf = [];
    /** Where the part that is seen is drawn, and how large. */
    this.place = "";
    this.extentText = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.seenTimer = undefined;
    this.darkness = matchMedia("(prefers-color-scheme: dark)");
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    // Where there is little room it is asked for.
    this.isHidden = (session.preference("minimap") ?? (canvas.size.width < 500 ? "hidden" : "")) === "hidden";
    this.showToggle();
    this.watch();
    canvas.append(this.element);
    this.show();
  }

  toggle() {
    this.isHidden = !this.isHidden && !this.isInTheWay;
    session.keepPreference("minimap", this.isHidden ? "hidden" : "shown");
    this.showToggle();
    this.editor.say(this.isHidden ? words.hidden : words.shown);
    this.drawnOf = [];
    this.show();
  }

  /** It would cover much of a canvas as low as that, and nobody has asked for it. */
  get isInTheWay() {
    return this.canvas.size.height < leastHeight && session.preference("minimap") !== "shown";
  }

  showToggle() {
    this.map.hidden = this.isHidden;
    const label = this.isHidden ? words.show : words.hide;
    setAttribute(this.toggleButton, "aria-label", label);
    this.toggleButton.title = label;
  }

  watch() {
    /** @param {PointerEvent} event */
    const go = (event) => {
      const { left, top } = this.map.getBoundingClientRect();
      const { x, y, zoom } = this.view;
      const middle = { x: (event.clientX - left - x) / zoom, y: (event.clientY - top - y) / zoom };
      const { size, view } = this.canvas;
      this.canvas.setView({
        zoom: view.zoom,
        x: size.width / 2 - middle.x * view.zoom,
        y: size.height / 2 - middle.y * view.zoom,
      });
    };
    // What is done here isn't done on the canvas behind it.
    for (const kind of /** @type {const} */ (["pointerdown", "pointermove", "pointerup", "dblclick", "contextmenu"])) {
      this.element.addEventListener(kind, (event) => event.stopPropagation());
    }
    this.map.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.map.setPointerCapture(event.pointerId);
      go(event);
    });
    this.map.addEventListener("pointermove", (event) => {
      if (this.map.hasPointerCapture(event.pointerId)) go(event);
    });
  }

  show() {
    const { canvas } = this;
    this.element.hidden = canvas.rectangles.size === 0 || this.isInTheWay;
    if (this.isHidden || this.element.hidden) return;
    const now = this.parts();
    if (this.timer === undefined && now.some((part, index) => part !== this.drawnOf[index])) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.draw();
        this.resizeSeen();
      }, this.drawnOf.length === 0 ? 0 : pause);
    }
    this.showSeen();
  }

  /** @returns {unknown[]} what it is drawn of */
  parts() {
    const { canvas, editor, darkness } = this;
    return [
      canvas.rectangles,
      shownDrawings(editor.document),
      editor.run,
      editor.problems,
      editor.selection,
      darkness.matches,
    ];
  }

  showSeen() {
    const { view, size } = this.canvas;
    const scale = this.view.zoom / view.zoom;
    const extentText = `${(size.width * scale).toFixed(1)} ${(size.height * scale).toFixed(1)}`;
    if (extentText !== this.extentText) {
      // Another size is laid out anew: while somebody zooms, only now and then.
      this.seenTimer ??= setTimeout(() => {
        this.seenTimer = undefined;
        this.resizeSeen();
      }, pause);
      return;
    }
    const [x, y] = [this.view.x - view.x * scale, this.view.y - view.y * scale];
    const place = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    if (place === this.place) return;
    this.place = place;
    this.seen.style.transform = place;
  }

  resizeSeen() {
    const { view, size } = this.canvas;
    const scale = this.view.zoom / view.zoom;
    this.extentText = `${(size.width * scale).toFixed(1)} ${(size.height * scale).toFixed(1)}`;
    this.seen.style.width = `${Math.max(4, size.width * scale)}px`;
    this.seen.style.height = `${Math.max(4, size.height * scale)}px`;
    this.showSeen();
  }

  draw() {
    const { canvas, editor } = this;
    const drawings = shownDrawings(editor.document);
    this.drawnOf = this.parts();
    const area = bounds([...canvas.rectangles.values(), ...drawings]);
    const context = this.picture.getContext("2d");
    if (!area || !context) return;
    const margin = 12;
    const zoom = Math.min(
      0.12,
      (extent.width - 2 * margin) / Math.max(1, area.width),
      (extent.height - 2 * margin) / Math.max(1, area.height),
    );
    this.view = {
      zoom,
      x: (extent.width - area.width * zoom) / 2 - area.x * zoom,
      y: (extent.height - area.height * zoom) / 2 - area.y * zoom,
    };
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, extent.width, extent.height);
    const style = getComputedStyle(this.element);
    /** @param {string} name */
    const color = (name) => style.getPropertyValue(`--${name}`);
    const { x, y } = this.view;
    for (const drawing of drawings) {
      context.strokeStyle = drawing.color ?? color("control");
      context.strokeRect(x + drawing.x * zoom, y + drawing.y * zoom, drawing.width * zoom, drawing.height * zoom);
    }
    const colors = {
      plain: color("control"),
      succeeded: color("good"),
      failed: color("bad"),
      running: color("accent"),
    };
    const problems = new Set(editor.problems.map(({ node }) => node));
    const states = editor.nodeStates;
    for (const [name, rectangle] of canvas.rectangles) {
      const state = states.get(name)?.state;
      context.fillStyle = editor.selection.has(name)
        ? colors.running
        : problems.has(name)
        ? colors.failed
        : state === "succeeded" || state === "failed" || state === "running"
        ? colors[state]
        : colors.plain;
      context.fillRect(
        x + rectangle.x * zoom,
        y + rectangle.y * zoom,
        Math.max(1.5, rectangle.width * zoom),
        Math.max(1.5, rectangle.height * zoom),
      );
    }
  }
}
