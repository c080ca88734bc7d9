/** Points that lines pass through: made, moved and removed, by mouse and by keys. */

import { edgeKey, edgesOf } from "../model/document.js";
import { lineKey, pointsOf, setPoints } from "../model/points.js";
import { portPlace } from "../model/shapes.js";
import { grid, snapped } from "../ui/editor.js";
import { partStrings } from "../ui/strings/part_strings.js";

/** @typedef {import("./canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("./gestures.js").Gesture} Gesture */
/** @typedef {import("./keyboard.js").Direction} Direction */
/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {import("../model/document.js").Edge} Edge */
/** @typedef {import("../model/document.js").Place} Place */

const words = partStrings.lines;

export class Points {
  /**
   * @param {WorkflowCanvas} canvas
   * @param {Editor} editor
   */
  constructor(canvas, editor) {
    this.canvas = canvas;
    this.editor = editor;
    /** Which of the selected line's the keys move. */
    this.current = 0;
  }

  /**
   * @param {string} key as `edgeKey` gives it
   * @returns {Edge | undefined}
   */
  edge(key) {
    return edgesOf(this.editor.document).find((edge) => edgeKey(edge) === key);
  }

  /** @param {Edge} edge */
  of(edge) {
    return pointsOf(this.editor.document).get(lineKey(edge)) ?? [];
  }

  /**
   * @param {Edge} edge
   * @returns {Place[]} where it begins, its points, where it ends
   */
  way(edge) {
    const { shapes } = this.editor;
    const [start, end] = [shapes.get(edge.from.node), shapes.get(edge.to.node)];
    const [from, to] = [this.canvas.rectangles.get(edge.from.node), this.canvas.rectangles.get(edge.to.node)];
    if (!start || !end || !from || !to) return [];
    const isValue = edge.kind === "value";
    const first = portPlace(start, "outputs", isValue ? edge.from.port : undefined);
    const last = portPlace(end, "inputs", isValue ? edge.to.port : undefined);
    return [{ x: from.x + first.x, y: from.y + first.y }, ...this.of(edge), { x: to.x + last.x, y: to.y + last.y }];
  }

  /**
   * @param {string} key
   * @param {Place} [place] of the canvas; otherwise in the middle of its longest part
   */
  add(key, place) {
    const edge = this.edge(key);
    const way = edge ? this.way(edge) : [];
    if (!edge || way.length < 2) return;
    let [index, best] = [0, Infinity];
    for (let part = 0; part + 1 < way.length; part++) {
      const [start, end] = [way[part] ?? { x: 0, y: 0 }, way[part + 1] ?? { x: 0, y: 0 }];
      const length = distance(start, end);
      // Where the way by the place is the least longer.
      const cost = place ? distance(start, place) + distance(place, end) - length : -length;
      if (cost < best) [index, best] = [part, cost];
    }
    const [start, end] = [way[index] ?? { x: 0, y: 0 }, way[index + 1] ?? { x: 0, y: 0 }];
    const point = snapped(place ?? { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 });
    this.editor.perform(setPoints(lineKey(edge), this.of(edge).toSpliced(index, 0, point)));
    this.editor.select([], [key]);
    this.current = index;
    this.editor.say(words.added(this.of(edge).length));
  }

  /**
   * @param {string} key
   * @param {number} [index] otherwise the one that the keys move
   */
  remove(key, index = this.current) {
    const edge = this.edge(key);
    if (!edge || !this.of(edge)[index]) return this.editor.say(words.none);
    this.editor.perform(setPoints(lineKey(edge), this.of(edge).toSpliced(index, 1)));
    this.current = Math.max(0, index - 1);
    this.editor.say(words.removed);
  }

  /**
   * @param {string} key
   * @param {number} index
   * @param {Place} start of the canvas' element
   * @returns {Gesture | undefined}
   */
  drag(key, index, start) {
    const edge = this.edge(key);
    const before = edge && this.of(edge);
    const own = before?.[index];
    if (!edge || !before || !own) return undefined;
    const { editor, canvas } = this;
    editor.select([], [key]);
    this.current = index;
    const gesture = editor.newGesture();
    return {
      move: (point, event) => {
        const { zoom } = canvas.view;
        const wish = { x: own.x + (point.x - start.x) / zoom, y: own.y + (point.y - start.y) / zoom };
        editor.perform(setPoints(lineKey(edge), before.with(index, event.altKey ? wish : snapped(wish)), gesture));
      },
      end: (_, isCancelled) => {
        if (isCancelled) editor.cancelGesture(gesture);
        editor.endGesture();
      },
    };
  }

  /**
   * @param {string} key
   * @param {Direction} direction
   * @param {boolean} isFar
   */
  move(key, direction, isFar) {
    const edge = this.edge(key);
    const before = edge ? this.of(edge) : [];
    const own = before[this.current] ?? before[0];
    if (!edge || !own) return this.editor.say(words.none);
    const step = isFar ? 8 * grid : grid;
    const x = own.x + (direction === "left" ? -step : direction === "right" ? step : 0);
    const y = own.y + (direction === "up" ? -step : direction === "down" ? step : 0);
    this.editor.perform(setPoints(lineKey(edge), before.with(before.indexOf(own), { x, y }), `point ${key}`));
  }

  /** @param {boolean} isAdded of the selected line */
  change(isAdded) {
    const [key] = this.editor.selectedEdges;
    if (key === undefined) this.editor.say(words.select);
    else if (isAdded) this.add(key);
    else this.remove(key);
  }

  /**
   * From line to line of a node.
   * @param {string} name
   */
  nextLine(name) {
    const { editor } = this;
    const edges = edgesOf(editor.document).filter(({ from, to }) => from.node === name || to.node === name);
    const keys = edges.map(edgeKey);
    const [selected] = editor.selectedEdges;
    const edge = edges[(keys.indexOf(selected ?? "") + 1) % Math.max(1, edges.length)];
    if (!edge) return editor.say(words.noLines);
    this.current = 0;
    editor.select([], [edgeKey(edge)]);
    editor.say(words.selected(lineKey(edge).replace(">", " → ")));
  }
}

/**
 * @param {Place} left
 * @param {Place} right
 */
function distance(left, right) {
  return Math.hypot(left.x - right.x, left.y - right.y);
}
