/** What the keyboard does on the canvas: everything that a mouse does. */

import { moveNodes } from "../model/commands.js";
import { nodesOf } from "../model/document.js";
import { nextIn } from "../model/viewport.js";
import { isField } from "../ui/dom.js";
import { endText, grid } from "../ui/editor.js";
import { actionOf } from "../ui/keys.js";
import { strings } from "../ui/strings/strings.js";

/** @typedef {import("./canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {import("../ui/editor.js").PortEnd} PortEnd */

/** @typedef {"left" | "right" | "up" | "down"} Direction */
/** What is done outside of the canvas. @typedef {{showDetails: (field?: string) => void, showMenu: () => void}} Around */

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {Around} around
 */
export function watchKeys(canvas, editor, around) {
  const signalSource = new AbortController();
  const { signal } = signalSource;

  canvas.addEventListener("focusin", (event) => {
    const name = canvas.nodeAt(event.target);
    if (name === undefined) return;
    canvas.focusName = name;
    editor.changed();
  }, { signal });

  // By Enter or Space: a pointer's clicks are gestures.
  canvas.addEventListener("click", (event) => {
    if (event.detail > 0) return;
    const [port, name, value] = [
      canvas.portAt(event.target),
      canvas.nodeAt(event.target),
      canvas.valueAt(event.target),
    ];
    if (port) choosePort(canvas, editor, port);
    else if (name !== undefined && value !== undefined) canvas.editValue(name, value);
  }, { signal });

  canvas.addEventListener("keydown", (event) => {
    if (isField(event.target)) return;
    const action = actionOf(event, true);
    const port = canvas.portAt(event.target);
    const name = canvas.nodeAt(event.target);
    const drawing = canvas.drawingAt(event.target)?.key;
    const direction = directionOf(event);
    let isDone = true;
    if (drawing !== undefined && canvas.drawings?.act(drawing, action, direction, event.shiftKey)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const value = name !== undefined && canvas.valueAt(event.target) !== undefined ? name : undefined;
    if (value !== undefined && action === "go" && direction) goAmongValues(canvas, value, direction);
    else if (port && direction && !event.altKey) goAmongPorts(canvas, editor, port, direction);
    else if (action === "go" && direction) go(canvas, name, direction);
    else if (action === "pan" && direction) pan(canvas, direction);
    else if (action === "move" && direction && editor.selectedEdges.size === 1) {
      const [edge] = editor.selectedEdges;
      const isFar = event.shiftKey;
      if (edge !== undefined) canvas.withPoints((points) => points.move(edge, direction, isFar));
    } else if (action === "move" && direction) move(editor, direction, event.shiftKey);
    else if (action === "escape" && name !== undefined && (port ?? value) && !editor.pending) canvas.focusNode(name);
    else if ((port ?? value) && (action === "details" || action === "toggle")) isDone = false;
    else isDone = action !== undefined && actOn(canvas, editor, around, action, name);
    if (!isDone) return;
    event.preventDefault();
    event.stopPropagation();
  }, { signal });

  return () => signalSource.abort();
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {Around} around
 * @param {string} action
 * @param {string | undefined} name of the node that it is for
 * @returns {boolean} whether there is such a one
 */
export function actOn(canvas, editor, { showDetails, showMenu }, action, name) {
  switch (action) {
    case "duplicate":
      import("../ui/placing.js").then(({ duplicate }) => duplicate(canvas, editor));
      return true;
    case "remove":
      if (editor.isNothingSelected && name !== undefined) editor.select([name]);
      editor.removeSelected();
      return true;
    case "selectAll":
      editor.select(nodesOf(editor.document).keys());
      editor.say(strings.canvas.selected(editor.selection.size));
      return true;
    case "menu":
      showMenu();
      return true;
    case "group":
      if (editor.selection.size === 0 && name !== undefined) editor.select([name]);
      canvas.withDrawings((drawings) => drawings.addGroup());
      return true;
    case "addPoint":
    case "removePoint":
      canvas.withPoints((points) => points.change(action === "addPoint"));
      return true;
    case "note":
      canvas.withDrawings((drawings) => drawings.addNote(canvas.freePlace()));
      return true;
  }
  if (name === undefined) return false;
  switch (action) {
    case "details":
    case "rename":
      editor.select([name]);
      showDetails(action === "rename" ? "node-name" : undefined);
      return true;
    case "toggle":
      toggle(editor, name);
      return true;
    case "connect":
      goToPorts(canvas, name);
      return true;
    case "lines":
      canvas.withPoints((points) => points.nextLine(name));
      return true;
    case "fields":
      canvas.comeNear();
      canvas.views.get(name)?.values[0]?.element.focus({ preventScroll: true });
      return true;
    case "order":
      canvas.comeNear();
      choosePort(canvas, editor, { node: name, port: "", side: "outputs" });
      return true;
    default:
      return false;
  }
}

/**
 * @param {KeyboardEvent} event
 * @returns {Direction | undefined}
 */
function directionOf(event) {
  switch (event.key) {
    case "ArrowLeft":
      return "left";
    case "ArrowRight":
      return "right";
    case "ArrowUp":
      return "up";
    case "ArrowDown":
      return "down";
    default:
      return undefined;
  }
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {string | undefined} name
 * @param {Direction} direction
 */
function go(canvas, name, direction) {
  if (name === undefined) return canvas.focusName ? canvas.focusNode(canvas.focusName) : undefined;
  const next = nextIn(canvas.rectangles, name, direction);
  if (next !== undefined) canvas.focusNode(next);
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Direction} direction
 */
function pan(canvas, direction) {
  const { x, y, zoom } = canvas.view;
  const [right, down] = [canvas.size.width / 4, canvas.size.height / 4];
  canvas.setView({
    zoom,
    x: direction === "left" ? x + right : direction === "right" ? x - right : x,
    y: direction === "up" ? y + down : direction === "down" ? y - down : y,
  });
}

/**
 * @param {Editor} editor
 * @param {Direction} direction
 * @param {boolean} isFar
 */
function move(editor, direction, isFar) {
  if (editor.selection.size === 0) return editor.say(strings.canvas.nothingCopied);
  const step = isFar ? 8 * grid : grid;
  const right = direction === "left" ? -step : direction === "right" ? step : 0;
  const down = direction === "up" ? -step : direction === "down" ? step : 0;
  const places = [...editor.selection].map((name) => {
    const { x, y } = editor.placeOf(name);
    return /** @type {const} */ ([name, { x: x + right, y: y + down }]);
  });
  editor.perform(moveNodes(new Map(places), `keys ${[...editor.selection].join(" ")}`));
}

/**
 * @param {Editor} editor
 * @param {string} name
 */
function toggle(editor, name) {
  const selection = new Set(editor.selection);
  if (!selection.delete(name)) selection.add(name);
  editor.select(selection);
  editor.say(strings.canvas.selected(selection.size));
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {string} name
 */
function goToPorts(canvas, name) {
  canvas.comeNear();
  const ports = [...canvas.views.get(name)?.ports.values() ?? []];
  (ports.find((port) => port.dataset.side === "outputs") ?? ports.find((port) => port.dataset.side) ?? ports[0])?.focus(
    { preventScroll: true },
  );
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {string} name
 * @param {Direction} direction
 */
function goAmongValues(canvas, name, direction) {
  const lines = (canvas.views.get(name)?.values ?? []).map(({ element }) => element);
  const index = lines.findIndex((line) => line === document.activeElement);
  const step = direction === "up" || direction === "left" ? -1 : 1;
  lines[(index + step + lines.length) % lines.length]?.focus({ preventScroll: true });
}

/**
 * Up and down among the ports of a side, left and right to the other one; among those that fit where a line has begun.
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {PortEnd} port
 * @param {Direction} direction
 */
function goAmongPorts(canvas, editor, port, direction) {
  if (editor.pending) return goToFitting(canvas, editor, port, direction === "right" || direction === "down" ? 1 : -1);
  const ports = [...canvas.views.get(port.node)?.ports ?? []];
  const own = ports.filter(([key]) => key.startsWith(port.side));
  const other = ports.filter(([key]) => !key.startsWith(port.side));
  const index = own.findIndex(([key]) => key === `${port.side} ${port.port}`);
  const step = direction === "up" ? -1 : direction === "down" ? 1 : 0;
  const next = step === 0 ? other[Math.min(index, other.length - 1)] : own[(index + step + own.length) % own.length];
  next?.[1].focus({ preventScroll: true });
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {PortEnd} port
 * @param {1 | -1} step
 */
function goToFitting(canvas, editor, port, step) {
  const pending = editor.pending;
  if (!pending) return;
  const side = pending.side === "outputs" ? "inputs" : "outputs";
  const fitting = [...editor.shapes.values()].flatMap((shape) =>
    (pending.port === "" ? [{ name: "" }] : shape[side])
      .map(({ name }) => ({ node: shape.name, port: name, side: /** @type {PortEnd["side"]} */ (side) }))
      .filter((end) => !editor.refusal(pending, end))
  );
  if (fitting.length === 0) return editor.say(strings.canvas.connectNone(endText(pending)), "error");
  const index = fitting.findIndex((end) => end.node === port.node && end.port === port.port && port.side === side);
  const next =
    fitting[index < 0 ? (step > 0 ? 0 : fitting.length - 1) : (index + step + fitting.length) % fitting.length];
  focusPort(canvas, next);
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {PortEnd} port
 */
function focusPort(canvas, port) {
  canvas.focusNode(port.node);
  canvas.views.get(port.node)?.ports.get(`${port.side} ${port.port}`)?.focus({ preventScroll: true });
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {PortEnd} port
 */
function choosePort(canvas, editor, port) {
  const pending = editor.pending;
  if (!pending) {
    editor.setPending(port);
    goToFitting(canvas, editor, port, 1);
  } else if (pending.node === port.node && pending.port === port.port && pending.side === port.side) {
    editor.setPending(undefined);
  } else if (editor.connect(pending, port)) canvas.focusNode(port.node);
}
