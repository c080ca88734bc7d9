/** Where nodes are drawn that nobody has placed: what lays them out is loaded where there are such, or somebody asks for it. */

import { edgesOf, nodesOf, placeOf } from "../model/document.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/document.js").Place} Place */

export class Places {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    /** @type {typeof import("../model/layout.js").layeredLayout | undefined} */
    this.layered = undefined;
    /** @type {object | undefined} the nodes that `unplaced` was made of */
    this.unplacedOf = undefined;
    /** @type {Map<string, Place>} */
    this.unplaced = new Map();
  }

  async load() {
    if (this.layered) return;
    this.layered = (await import("../model/layout.js")).layeredLayout;
    this.unplacedOf = undefined;
    this.editor.changed();
  }

  /** Everything that has to be known before a document is shown. */
  async prepare(document = this.editor.document) {
    if ([...nodesOf(document).keys()].some((name) => !placeOf(document, name))) await this.load();
  }

  /**
   * @param {Iterable<string>} names
   * @param {Place} corner
   */
  layoutOf(names, corner) {
    const { shapes, document } = this.editor;
    const boxes = [...names].flatMap((name) => shapes.get(name) ?? []);
    if (!this.layered) {
      this.load();
      return new Map(boxes.map(({ name }, index) => [name, { x: corner.x + 280 * index, y: corner.y }]));
    }
    const lines = edgesOf(document).map((edge) => ({ from: edge.from.node, to: edge.to.node }));
    return this.layered(boxes, lines, corner);
  }

  /**
   * @param {string} name
   * @returns {Place} beneath those that somebody has placed
   */
  of(name) {
    const { document, shapes } = this.editor;
    const nodes = nodesOf(document);
    if (this.unplacedOf !== nodes) {
      this.unplacedOf = nodes;
      const unplaced = [...nodes.keys()].filter((other) => !placeOf(document, other));
      const bottoms = [...nodes.keys()].flatMap((other) => {
        const known = placeOf(document, other);
        return known ? [known.y + (shapes.get(other)?.height ?? 0) + 60] : [];
      });
      this.unplaced = this.layoutOf(unplaced, { x: 0, y: Math.max(0, ...bottoms) });
    }
    return this.unplaced.get(name) ?? { x: 0, y: 0 };
  }
}
