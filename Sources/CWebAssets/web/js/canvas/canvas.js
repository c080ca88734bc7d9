/** The canvas: nodes and lines, as far as they are seen, and what part of it all that is. */

import { drawingsKey, drawingsOf, nodesOf } from "../model/document.js";
import { objectAt } from "../model/objects.js";
import { lineKey, pointsOf } from "../model/points.js";
import { isBuiltAlike, portPlace } from "../model/shapes.js";
import { bounds, fitted, overlaps, placeBeside, resized, revealed, toCanvas, zoomed } from "../model/viewport.js";
import { element, setAttribute } from "../ui/dom.js";
import { strings } from "../ui/strings/strings.js";
import { addStyles } from "../ui/styles.js";
import { Lines, seenEdges } from "./lines.js";
import { NodeView } from "./node_view.js";
import { Overview } from "./overview.js";
import { Targets } from "./targets.js";

/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {import("../ui/editor.js").PortEnd} PortEnd */
/** @typedef {import("../model/document.js").Place} Place */
/** @typedef {import("../model/viewport.js").View} View */
/** @typedef {import("../model/viewport.js").Rectangle} Rectangle */

/** Beneath this zoom texts can't be read, and aren't drawn. */
const farZoom = 0.4;
/** Beneath this one values of nodes can't. */
const smallZoom = 0.55;
/** Beneath this one nodes are placeholders. */
const tinyZoom = 0.2;
/** Around what is seen, of the canvas. */
const margin = 300;

export class WorkflowCanvas extends Targets {
  constructor() {
    super();
    /** @type {Editor | undefined} */
    this.editor = undefined;
    /** @type {View} */
    this.view = { x: 48, y: 48, zoom: 1 };
    /** @type {Map<string, NodeView>} those that are drawn */
    this.views = new Map();
    this.lines = new Lines();
    this.overview = new Overview();
    this.world = element("div", { class: "world", children: [this.overview.element, this.lines.element] });
    /** Groups and comments, once there are any. @type {import("./drawings.js").Drawings | undefined} */
    this.drawings = undefined;
    /** What is done with points of lines, once there are any. @type {import("./points.js").Points | undefined} */
    this.points = undefined;
    /** Once everything else is there. @type {import("./minimap.js").Minimap | undefined} */
    this.minimap = undefined;
    this.box = element("div", { class: "select-box", attributes: { hidden: true, "aria-hidden": "true" } });
    this.hint = element("p", { class: "canvas-hint", text: strings.canvas.empty });
    /** @type {ReadonlyMap<string, Rectangle>} */
    this.rectangles = new Map();
    /** The node that Tab leads to. */
    this.focusName = "";
    /** @type {Place | undefined} of the screen: where a line that is drawn ends */
    this.draftEnd = undefined;
    this.size = { width: 0, height: 0 };
    /** @type {unknown[]} */
    this.drawnOf = [];
    this.hasFitted = false;
    this.isScheduled = false;
    /** @type {unknown[]} */
    this.shownOf = [];
    /** @type {string | undefined} of the port that a line begins at, as it was shown last */
    this.pendingKey = undefined;
  }

  connectedCallback() {
    setAttribute(this, "role", "region");
    setAttribute(this, "aria-label", strings.canvas.label);
    setAttribute(this, "tabindex", 0);
    this.classList.add("canvas");
    this.replaceChildren(this.world, this.box, this.hint);
    this.observer = new ResizeObserver(() => {
      const { width, height } = this.getBoundingClientRect();
      const before = this.size;
      this.size = { width, height };
      if (!this.hasFitted && width > 0) this.fit();
      else if (this.editor && width > 0 && before.width > 0) {
        this.view = resized(this.view, before, this.size, this.content(this.editor));
      }
      // Before it is painted: nothing jumps.
      this.update();
    });
    this.observer.observe(this);
  }

  disconnectedCallback() {
    this.observer?.disconnect();
  }

  // Showing

  /** At the next frame. */
  schedule() {
    if (this.isScheduled) return;
    this.isScheduled = true;
    requestAnimationFrame(() => {
      if (this.isScheduled) this.update();
    });
  }

  update() {
    const { editor } = this;
    this.isScheduled = false;
    if (!editor) return;
    this.measure(editor);
    const { zoom, x, y } = this.view;
    this.world.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
    this.classList.toggle("is-far", zoom < farZoom);
    this.classList.toggle("is-small", zoom < smallZoom);
    this.hint.hidden = nodesOf(editor.document).size > 0;
    const corner = toCanvas(this.view, { x: 0, y: 0 });
    const seen = {
      x: corner.x - margin,
      y: corner.y - margin,
      width: this.size.width / zoom + 2 * margin,
      height: this.size.height / zoom + 2 * margin,
    };
    if (!this.rectangles.has(this.focusName)) this.focusName = this.rectangles.keys().next().value ?? "";
    // Where only another part is seen, what is there already stays as it is.
    const { document, selection, selectedEdges, problems, run, pending, changedSince } = editor;
    const now = [
      document,
      editor.shapes,
      selection,
      selectedEdges,
      problems,
      run,
      pending,
      changedSince,
      editor.now,
      this.focusName,
    ];
    const isSame = now.every((part, index) => part === this.shownOf[index]);
    this.shownOf = now;
    const isTiny = zoom < tinyZoom;
    this.classList.toggle("is-tiny", isTiny);
    if (isTiny) this.overview.show(editor, this.rectangles, isSame);
    else this.overview.hide();
    // Of placeholders only the one that the keyboard is at is an element too.
    const drawn = isTiny ? { ...seen, x: Infinity } : seen;
    this.showNodes(editor, drawn, isSame);
    this.removeUnseen(drawn);
    this.showLines(editor, drawn, isSame);
    if (this.drawings) this.drawings.show();
    else if (objectAt(document, ["layout", drawingsKey]).size > 0) this.withDrawings((drawings) => drawings.show());
    if (pending || this.pendingKey !== undefined) this.showPending(editor);
    this.minimap?.show();
  }

  /**
   * @param {Editor} editor
   * @param {Rectangle} seen
   * @param {boolean} isSame
   */
  showNodes(editor, seen, isSame) {
    const { shapes, nodeStates: states } = editor;
    const problems = Map.groupBy(editor.problems, ({ node }) => node);
    for (const [name, rectangle] of this.rectangles) {
      if (!(overlaps(rectangle, seen) || name === this.focusName)) continue;
      let view = this.views.get(name);
      if (view && isSame) continue;
      const shape = shapes.get(name);
      if (!shape) continue;
      if (!view) {
        view = new NodeView(shape);
        this.views.set(name, view);
        this.world.append(view.element);
      } else if (view.shape !== shape) this.redraw(view, shape);
      view.moveTo(rectangle);
      view.show(editor.selection.has(name), problems.get(name), states.get(name), {
        isFocus: name === this.focusName,
        isChanged: editor.changedSince.has(name),
        now: editor.now,
      });
    }
  }

  /** @param {Editor} editor */
  measure(editor) {
    const shapes = editor.shapes;
    const now = [editor.document.get("layout"), shapes, editor.places.layered];
    if (now.every((part, index) => part === this.drawnOf[index])) return;
    this.drawnOf = now;
    /** @type {Map<string, Rectangle>} */
    const rectangles = new Map();
    for (const [name, { width, height }] of shapes) {
      const { x, y } = editor.placeOf(name);
      rectangles.set(name, { x, y, width, height });
    }
    this.rectangles = rectangles;
  }

  /**
   * Their code is loaded where there are any.
   * @param {(drawings: import("./drawings.js").Drawings) => void} act
   */
  async withDrawings(act) {
    const [{ Drawings }] = await Promise.all([import("./drawings.js"), addStyles("parts")]);
    if (!this.editor) return;
    if (!this.drawings) {
      this.drawings = new Drawings(this, this.editor);
      this.world.prepend(this.drawings.element);
    }
    act(this.drawings);
  }

  /** @param {(points: import("./points.js").Points) => void} act */
  async withPoints(act) {
    const { Points } = await import("./points.js");
    if (!this.editor) return;
    this.points ??= new Points(this, this.editor);
    act(this.points);
  }

  /** @param {boolean} [isToggled] it is shown or hidden */
  async withMinimap(isToggled = false) {
    const { Minimap } = await import("./minimap.js");
    if (!this.editor || !this.isConnected) return;
    this.minimap ??= new Minimap(this, this.editor);
    if (isToggled) this.minimap.toggle();
  }

  /**
   * What was focused within it is focused again.
   * @param {NodeView} view
   * @param {import("../model/shapes.js").Shape} shape
   */
  redraw(view, shape) {
    if (isBuiltAlike(view.shape, shape)) return view.showValues(shape);
    const [key] = [...view.ports].find(([, port]) => port === document.activeElement) ?? [];
    view.draw(shape);
    if (key !== undefined) view.ports.get(key)?.focus({ preventScroll: true });
  }

  /** @param {Rectangle} seen */
  removeUnseen(seen) {
    for (const [name, view] of this.views) {
      const rectangle = this.rectangles.get(name);
      if (rectangle && (name === this.focusName || overlaps(rectangle, seen))) continue;
      const hadFocus = view.element.contains(document.activeElement);
      view.element.remove();
      this.views.delete(name);
      if (hadFocus) this.focus({ preventScroll: true });
    }
  }

  /**
   * @param {Editor} editor
   * @param {Rectangle} seen
   * @param {boolean} isSame
   */
  showLines(editor, seen, isSame) {
    const { rectangles } = this;
    const points = pointsOf(editor.document);
    if (points.size > 0 && !this.points) this.withPoints(() => undefined);
    const edges = seenEdges(editor.document, rectangles, seen);
    const states = editor.nodeStates;
    this.lines.show(edges, isSame, {
      shapes: editor.shapes,
      placeOf: (name) => rectangles.get(name) ?? { x: 0, y: 0 },
      pointsOf: (edge) => points.size > 0 ? points.get(lineKey(edge)) : undefined,
      isSelected: (key) => editor.selectedEdges.has(key),
      stateOf: (name) => states.get(name)?.state,
    });
  }

  /** @param {Editor} editor */
  showPending(editor) {
    const pending = editor.pending;
    const key = pending && `${pending.node} ${pending.side} ${pending.port}`;
    if (key !== this.pendingKey) {
      this.pendingKey = key;
      this.classList.toggle("is-connecting", pending !== undefined);
      this.classList.toggle("is-ordering", pending?.port === "");
      if (!pending) {
        for (const view of this.views.values()) view.hideFit();
        this.draftEnd = undefined;
      }
    }
    if (pending) {
      for (const [name, view] of this.views) {
        const own = name === pending.node ? `${pending.side} ${pending.port}` : undefined;
        view.showFit((side, port) => editor.refusal(pending, { node: name, port, side }), own);
      }
    }
    const from = pending && this.portPoint(pending);
    if (!pending || !from || !this.draftEnd) return this.lines.hideDraft();
    const to = toCanvas(this.view, this.draftEnd);
    if (pending.side === "outputs") this.lines.showDraft(from, to);
    else this.lines.showDraft(to, from);
  }

  /**
   * @param {PortEnd} end
   * @returns {Place | undefined} of the canvas
   */
  portPoint(end) {
    const [rectangle, shape] = [this.rectangles.get(end.node), this.editor?.shapes.get(end.node)];
    if (!rectangle || !shape) return undefined;
    const place = portPlace(shape, end.side, end.port);
    return { x: rectangle.x + place.x, y: rectangle.y + place.y };
  }

  // What is seen

  /** @param {View} view */
  setView(view) {
    this.view = view;
    this.schedule();
  }

  fit() {
    if (!this.editor || this.size.width === 0) return;
    this.hasFitted = true;
    this.setView(fitted(this.content(this.editor), this.size));
  }

  /**
   * @param {Editor} editor
   * @returns {Rectangle | undefined} around all that is drawn
   */
  content(editor) {
    this.measure(editor);
    const drawn = drawingsOf(editor.document, "groups").concat(drawingsOf(editor.document, "comments"));
    return bounds([...this.rectangles.values(), ...drawn]);
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.setView(zoomed(this.view, factor, { x: this.size.width / 2, y: this.size.height / 2 }));
  }

  /** @returns {Place} of the canvas: near the middle of what is seen, where no node is yet */
  freePlace() {
    if (this.editor) this.measure(this.editor);
    return placeBeside(
      [...this.rectangles.values()],
      toCanvas(this.view, { x: this.size.width / 2, y: this.size.height / 2 }),
    );
  }

  /**
   * Gives a node the focus.
   * @param {string} name
   * @param {boolean} [isRevealed] it is brought into view
   */
  focusNode(name, isRevealed = true) {
    if (!this.editor) return;
    this.focusName = name;
    this.measure(this.editor);
    const rectangle = this.rectangles.get(name);
    if (rectangle && isRevealed) this.reveal(rectangle);
    this.update();
    this.views.get(name)?.element.focus({ preventScroll: true });
  }

  /** Ports are drawn where they can be pointed at. */
  comeNear() {
    if (this.view.zoom >= smallZoom) return;
    this.view = zoomed(this.view, 1 / this.view.zoom, { x: this.size.width / 2, y: this.size.height / 2 });
    if (this.focusName) this.focusNode(this.focusName);
  }

  /** @param {Rectangle} rectangle */
  reveal(rectangle) {
    this.view = revealed(this.view, rectangle, this.size);
  }

  /**
   * Says that a line waits for a node: the event "wish".
   * @param {PortEnd} end where it begins
   * @param {Place} point of this element, where it ends
   */
  askForNode(end, point) {
    const { x, y } = toCanvas(this.view, point);
    // The node is to lie beside the end of the line, its first port about there.
    const place = { x: end.side === "outputs" ? x : x - 220, y: y - 60 };
    this.dispatchEvent(new CustomEvent("wish", { detail: { end, place } }));
  }

  /**
   * A parameter on its node; in the details where it has no place there. The code is loaded when somebody asks for it.
   * @param {string} name
   * @param {string} parameter
   */
  async editValue(name, parameter) {
    const [{ editValue }] = await Promise.all([import("./inline.js"), addStyles("parts")]);
    if (this.editor && !editValue(this, this.editor, name, parameter)) {
      this.dispatchEvent(new CustomEvent("details", { detail: { name, parameter } }));
    }
  }

  /** @param {Place} point of this element */
  toPlace(point) {
    return toCanvas(this.view, point);
  }

  /**
   * @param {Place} point of this element
   * @returns {string | undefined} the placeholder there
   */
  placeholderAt(point) {
    if (this.view.zoom >= tinyZoom) return undefined;
    const { x, y } = toCanvas(this.view, point);
    const area = { x, y, width: 0, height: 0 };
    return [...this.rectangles].find(([, rectangle]) => overlaps(rectangle, area))?.[0];
  }
}

customElements.define("workflow-canvas", WorkflowCanvas);
