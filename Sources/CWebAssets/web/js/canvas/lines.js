/** The lines between nodes: SVG paths, those that are seen. */

import { edgeKey, edgesOf } from "../model/document.js";
import { lineKey, pointsOf } from "../model/points.js";
import { linePath, portPlace } from "../model/shapes.js";
import { drawing } from "../ui/dom.js";

/** @typedef {import("../model/document.js").Edge} Edge */
/** @typedef {import("../model/document.js").Place} Place */
/** @typedef {import("../model/shapes.js").Shape} Shape */

/** `text`, `kind`: what its paths and its class say. @typedef {{group: SVGGElement, paths: SVGPathElement[], points: SVGCircleElement[], text: string, kind: string}} Line */

/** What has become of what flows: it is there, or will never be. @type {Record<string, string>} */
const flows = { succeeded: " is-done", failed: " is-cut", cancelled: " is-cut", skipped: " is-cut" };

export class Lines {
  constructor() {
    this.element = drawing("svg", { class: "lines", "aria-hidden": "true" });
    /** A line that is being drawn. */
    this.draft = drawing("path", { class: "line-draft" });
    this.element.append(this.draft);
    /** @type {Map<string, Line>} */
    this.lines = new Map();
  }

  /**
   * @param {Iterable<Edge>} edges those that are seen
   * @param {boolean} isSame nothing has changed but what is seen
   * @param {{shapes: ReadonlyMap<string, Shape>, placeOf: (name: string) => Place,
   *   pointsOf: (edge: Edge) => ReadonlyArray<Place> | undefined, isSelected: (key: string) => boolean,
   *   stateOf: (name: string) => string | undefined}} context
   */
  show(edges, isSame, { shapes, placeOf, pointsOf, isSelected, stateOf }) {
    /** @type {Set<string>} */
    const seen = new Set();
    for (const edge of edges) {
      const [start, end] = [shapes.get(edge.from.node), shapes.get(edge.to.node)];
      if (!start || !end) continue;
      const key = edgeKey(edge);
      seen.add(key);
      if (isSame && this.lines.has(key)) continue;
      const isValue = edge.kind === "value";
      const from = added(placeOf(start.name), portPlace(start, "outputs", isValue ? edge.from.port : undefined));
      const to = added(placeOf(end.name), portPlace(end, "inputs", isValue ? edge.to.port : undefined));
      const line = this.lines.get(key) ?? this.make(key);
      const points = pointsOf(edge) ?? [];
      const text = linePath(from, to, points);
      if (text !== line.text) {
        line.text = text;
        showPoints(line, points);
        for (const path of line.paths) path.setAttribute("d", text);
      }
      const kind = `${isValue ? "value-line" : "order-line"}${isSelected(key) ? " is-selected" : ""}${
        flows[stateOf(start.name) ?? ""] ?? ""
      }${stateOf(end.name) === "running" ? " is-active" : ""}`;
      if (kind !== line.kind) {
        line.kind = kind;
        line.group.setAttribute("class", kind);
      }
    }
    for (const [key, line] of this.lines) {
      if (seen.has(key)) continue;
      line.group.remove();
      this.lines.delete(key);
    }
  }

  /**
   * @param {string} key
   * @returns {Line}
   */
  make(key) {
    // The first is wide and not seen: a line of two pixels is hard to point at.
    const paths = [drawing("path", { class: "line-reach" }), drawing("path", { class: "line" })];
    const group = drawing("g", { "data-edge": key }, paths);
    /** @type {Line} */
    const line = { group, paths, points: [], text: "", kind: "" };
    this.lines.set(key, line);
    this.element.append(group);
    return line;
  }

  /**
   * @param {Place} from
   * @param {Place} to
   */
  showDraft(from, to) {
    this.draft.setAttribute("d", linePath(from, to));
  }

  hideDraft() {
    this.draft.removeAttribute("d");
  }
}

/**
 * @param {Line} line
 * @param {ReadonlyArray<Place>} points
 */
function showPoints(line, points) {
  while (line.points.length > points.length) line.points.pop()?.remove();
  points.forEach(({ x, y }, index) => {
    const circle = line.points[index] ?? drawing("circle", { class: "line-point", r: 5, "data-point": index });
    circle.setAttribute("cx", String(x));
    circle.setAttribute("cy", String(y));
    if (line.points[index]) return;
    line.points.push(circle);
    line.group.append(circle);
  });
}

/**
 * @param {Place} left
 * @param {Place} right
 */
function added(left, right) {
  return { x: left.x + right.x, y: left.y + right.y };
}

/**
 * @param {import("../model/document.js").WorkflowDocument} document
 * @param {ReadonlyMap<string, import("../model/viewport.js").Rectangle>} rectangles of the nodes
 * @param {import("../model/viewport.js").Rectangle} seen
 * @returns {Edge[]} those that may be seen
 */
export function seenEdges(document, rectangles, seen) {
  const [right, bottom] = [seen.x + seen.width, seen.y + seen.height];
  const points = pointsOf(document);
  return edgesOf(document).filter((edge) => {
    // One that goes around may be seen where both its nodes aren't.
    if (points.size > 0 && points.has(lineKey(edge))) return true;
    const [start, end] = [rectangles.get(edge.from.node), rectangles.get(edge.to.node)];
    // By the rectangle around both, without making one for each edge.
    return start && end && Math.min(start.x, end.x) <= right &&
      Math.max(start.x + start.width, end.x + end.width) >= seen.x &&
      Math.min(start.y, end.y) <= bottom && Math.max(start.y + start.height, end.y + end.height) >= seen.y;
  });
}
