/** What a mouse, a pen or fingers do on the canvas. */

import { moveNodes } from "../model/commands.js";
import { overlaps, toCanvas, zoomed } from "../model/viewport.js";
import { isField } from "../ui/dom.js";
import { snapped } from "../ui/editor.js";
import { strings } from "../ui/strings/strings.js";

/** @typedef {import("./canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {import("../ui/editor.js").PortEnd} PortEnd */
/** @typedef {import("../model/document.js").Place} Place */

/**
 * What has begun: `move` is told of every movement, `end` of its end, unless somebody has cancelled it.
 * @typedef {{move: (point: Place, event: PointerEvent) => void, end: (event: PointerEvent, isCancelled: boolean) => void}} Gesture
 */

/** Pixels within which a hand that meant to click may tremble. */
const tremble = 4;
/** Milliseconds after which a finger that stays has pressed for long. */
const longPress = 500;

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {{open: (point: Place) => void, menu: (point: Place) => void}} around `open`: what lies at a point was clicked twice
 */
export function watchPointers(canvas, editor, { open, menu }) {
  const signalSource = new AbortController();
  const { signal } = signalSource;
  /** @type {Map<number, Place>} fingers */
  const pointers = new Map();
  /** @type {Gesture | undefined} */
  let gesture;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let press;
  let pressed = { x: 0, y: 0 };

  canvas.addEventListener("pointerdown", (event) => {
    // Where somebody writes on the canvas.
    if (isField(event.target) || isInlineField(event.target)) return;
    const point = canvas.pointOf(event);
    pointers.set(event.pointerId, point);
    clearTimeout(press);
    if (pointers.size === 2) {
      gesture?.end(event, true);
      gesture = pinch(canvas, pointers);
      canvas.setPointerCapture(event.pointerId);
      return;
    }
    if (gesture || pointers.size > 2) return;
    gesture = beginning(canvas, editor, point, event);
    if (gesture) canvas.setPointerCapture(event.pointerId);
    if (event.pointerType !== "touch") return;
    // A finger that stays asks for what another button does.
    pressed = point;
    press = setTimeout(() => {
      gesture?.end(event, true);
      gesture = undefined;
      menu(point);
    }, longPress);
  }, { signal });

  canvas.addEventListener("pointermove", (event) => {
    const point = canvas.pointOf(event);
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, point);
    if (isFar(pressed, point)) clearTimeout(press);
    if (gesture) gesture.move(point, event);
    else if (editor.pending && event.pointerType !== "touch") followPending(canvas, editor, point, event.target);
  }, { signal });

  for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(kind, (event) => {
      clearTimeout(press);
      pointers.delete(event.pointerId);
      gesture?.end(event, kind === "pointercancel");
      gesture = undefined;
    }, { signal });
  }

  canvas.addEventListener("dblclick", (event) => {
    if (
      isField(event.target) || isInlineField(event.target) || canvas.valueAt(canvas.elementAt(canvas.pointOf(event)))
    ) return;
    open(canvas.pointOf(event));
  }, { signal });

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (event.shiftKey) {
      const { x, y, zoom } = canvas.view;
      canvas.setView({ x: x - (event.deltaX + event.deltaY) * scale, y, zoom });
      return;
    }
    const factor = Math.exp(-Math.max(-60, Math.min(60, event.deltaY * scale)) * (event.ctrlKey ? 0.01 : 0.003));
    canvas.setView(zoomed(canvas.view, factor, canvas.pointOf(event)));
  }, { signal, passive: false });

  return () => signalSource.abort();
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {Place} point
 * @param {PointerEvent} event
 * @returns {Gesture | undefined}
 */
function beginning(canvas, editor, point, event) {
  if (event.button === 1) return panning(canvas, point);
  if (event.button !== 0) return undefined;
  const port = canvas.portAt(event.target);
  if (port) return wiring(canvas, editor, port, point);
  const name = canvas.nodeAt(event.target) ?? canvas.placeholderAt(point);
  const isAdding = event.shiftKey || event.ctrlKey || event.metaKey;
  if (name !== undefined) return dragging(canvas, editor, name, point, isAdding, canvas.valueAt(event.target));
  const drawing = canvas.drawingAt(event.target);
  if (drawing) return canvas.drawings?.drag(drawing.key, drawing.isCorner, point);
  const key = canvas.edgeAt(event.target);
  if (key) {
    editor.setPending(undefined);
    const index = event.target instanceof Element ? event.target.getAttribute("data-point") : null;
    if (index !== null) return canvas.points?.drag(key, Number(index), point);
    editor.select([], isAdding ? [...editor.selectedEdges, key] : [key]);
    canvas.focus({ preventScroll: true });
    return undefined;
  }
  return isAdding ? selecting(canvas, editor, point) : panning(canvas, point, () => {
    editor.setPending(undefined);
    editor.select([]);
  });
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Place} start
 * @param {() => void} [click] where nothing moved
 * @returns {Gesture}
 */
function panning(canvas, start, click = () => undefined) {
  const view = canvas.view;
  let hasMoved = false;
  return {
    move: (point) => {
      hasMoved ||= isFar(start, point);
      if (!hasMoved) return;
      canvas.classList.add("is-panning");
      canvas.setView({ ...view, x: view.x + point.x - start.x, y: view.y + point.y - start.y });
    },
    end: (_, isCancelled) => {
      canvas.classList.remove("is-panning");
      if (!hasMoved && !isCancelled) click();
    },
  };
}

/**
 * Two fingers: what is between them stays between them.
 * @param {WorkflowCanvas} canvas
 * @param {Map<number, Place>} pointers
 * @returns {Gesture}
 */
function pinch(canvas, pointers) {
  const measure = () => {
    const [first, second] = [...pointers.values()];
    if (!first || !second) return undefined;
    return {
      x: (first.x + second.x) / 2,
      y: (first.y + second.y) / 2,
      distance: Math.max(1, Math.hypot(first.x - second.x, first.y - second.y)),
    };
  };
  let before = measure();
  return {
    move: () => {
      const now = measure();
      if (now && before) {
        const view = zoomed(canvas.view, now.distance / before.distance, before);
        canvas.setView({ ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y });
      }
      before = now;
    },
    end: () => undefined,
  };
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {string} name
 * @param {Place} start
 * @param {boolean} isAdding
 * @param {string | undefined} value the parameter whose line was taken hold of: a click edits it
 * @returns {Gesture}
 */
function dragging(canvas, editor, name, start, isAdding, value) {
  const before = editor.selection;
  const wasSelected = before.has(name);
  if (!wasSelected) editor.select(isAdding ? [...editor.selection, name] : [name]);
  canvas.focusNode(name, false);
  const places = new Map([...editor.selection].map((moved) => [moved, editor.placeOf(moved)]));
  const own = places.get(name) ?? editor.placeOf(name);
  const gesture = editor.newGesture();
  let hasMoved = false;
  return {
    move: (point, event) => {
      hasMoved ||= isFar(start, point);
      if (!hasMoved) return;
      const { zoom } = canvas.view;
      const wish = { x: own.x + (point.x - start.x) / zoom, y: own.y + (point.y - start.y) / zoom };
      const place = event.altKey ? wish : snapped(wish);
      const [right, down] = [place.x - own.x, place.y - own.y];
      const moved = [...places].map(([one, { x, y }]) => /** @type {const} */ ([one, { x: x + right, y: y + down }]));
      editor.perform(moveNodes(new Map(moved), gesture));
    },
    end: (_, isCancelled) => {
      if (isCancelled) {
        editor.cancelGesture(gesture);
        // A finger that stays asks what can be done, also with what was selected before.
        if (!wasSelected) editor.select(before);
      }
      editor.endGesture();
      if (hasMoved || isCancelled) return;
      if (value !== undefined && !isAdding) {
        editor.select([name]);
        canvas.editValue(name, value);
      }
      if (!wasSelected) return;
      // A click on one of several chooses it alone.
      editor.select(isAdding ? [...editor.selection].filter((other) => other !== name) : [name]);
    },
  };
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {Place} start
 * @returns {Gesture}
 */
function selecting(canvas, editor, start) {
  const before = editor.selection;
  const { box } = canvas;
  return {
    move: (point) => {
      const [left, top] = [Math.min(start.x, point.x), Math.min(start.y, point.y)];
      const [width, height] = [Math.abs(start.x - point.x), Math.abs(start.y - point.y)];
      box.hidden = false;
      Object.assign(box.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
      const { zoom } = canvas.view;
      const area = { ...toCanvas(canvas.view, { x: left, y: top }), width: width / zoom, height: height / zoom };
      const inside = [...canvas.rectangles].filter(([, rectangle]) => overlaps(rectangle, area)).map(([name]) => name);
      editor.select([...before, ...inside]);
    },
    end: (_, isCancelled) => {
      box.hidden = true;
      if (isCancelled) editor.select(before);
      else if (editor.selection.size > 0) editor.say(strings.canvas.selected(editor.selection.size));
    },
  };
}

/**
 * A line that is drawn: by dragging it from port to port, or by a click on each of them.
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {PortEnd} port
 * @param {Place} start
 * @returns {Gesture}
 */
function wiring(canvas, editor, port, start) {
  const before = editor.pending;
  let hasMoved = false;
  if (!before) editor.setPending(port);
  return {
    move: (point) => {
      hasMoved ||= isFar(start, point);
      if (hasMoved) followPending(canvas, editor, point, canvas.elementAt(point));
    },
    end: (event, isCancelled) => {
      if (isCancelled) return editor.setPending(undefined);
      const end = portUnder(canvas, before ?? port, canvas.elementAt(canvas.pointOf(event)));
      if (before && !hasMoved) {
        if (isSame(before, port)) editor.setPending(undefined);
        else editor.connect(before, port);
      } else if (hasMoved) {
        const from = before ?? port;
        const point = canvas.pointOf(event);
        const target = canvas.elementAt(point);
        if (end && !isSame(from, end)) editor.connect(from, end);
        else if (!end && target instanceof Node && canvas.contains(target) && canvas.nodeAt(target) === undefined) {
          // Onto nothing: a node is looked for that fits.
          canvas.askForNode(from, point);
        } else {
          editor.setPending(undefined);
          editor.say(strings.canvas.ended);
        }
      }
    },
  };
}

/**
 * A line of order may end anywhere on a node.
 * @param {WorkflowCanvas} canvas
 * @param {PortEnd} from
 * @param {EventTarget | null} target
 * @returns {PortEnd | undefined}
 */
function portUnder(canvas, from, target) {
  const node = from.port === "" ? canvas.nodeAt(target) : undefined;
  if (node === undefined) return canvas.portAt(target);
  return node === from.node ? from : { node, port: "", side: from.side === "outputs" ? "inputs" : "outputs" };
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {Place} point
 * @param {EventTarget | null} target
 */
function followPending(canvas, editor, point, target) {
  canvas.draftEnd = point;
  canvas.schedule();
  const end = editor.pending && portUnder(canvas, editor.pending, target);
  if (end && editor.pending && !isSame(end, editor.pending)) {
    const refusal = editor.refusal(editor.pending, end);
    if (refusal) editor.say(strings.canvas.refused(refusal.reason), "error");
  }
}

/**
 * @param {PortEnd} left
 * @param {PortEnd} right
 */
function isSame(left, right) {
  return left.node === right.node && left.port === right.port && left.side === right.side;
}

/** @param {EventTarget | null} target */
function isInlineField(target) {
  return target instanceof Element && target.closest(".inline-field") !== null;
}

/**
 * @param {Place} start
 * @param {Place} point
 */
function isFar(start, point) {
  return Math.hypot(point.x - start.x, point.y - start.y) > tremble;
}
