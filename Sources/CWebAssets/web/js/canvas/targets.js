/** What an event, or a point, of the canvas is about. */

/** @typedef {import("../ui/editor.js").PortEnd} PortEnd */
/** @typedef {import("../model/document.js").Place} Place */

export class Targets extends HTMLElement {
  /**
   * @param {{clientX: number, clientY: number}} event
   * @returns {Place} of this element
   */
  pointOf(event) {
    const { left, top } = this.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  /**
   * @param {EventTarget | null} target
   * @returns {string | undefined} the node that it belongs to
   */
  nodeAt(target) {
    const found = target instanceof Element ? target.closest(".node") : null;
    return found instanceof HTMLElement ? found.dataset.node : undefined;
  }

  /**
   * @param {EventTarget | null} target
   * @returns {string | undefined} the parameter whose line on a node it belongs to
   */
  valueAt(target) {
    const found = target instanceof Element ? target.closest("[data-value]") : null;
    return found?.getAttribute("data-value") ?? undefined;
  }

  /**
   * @param {EventTarget | null} target
   * @returns {{key: string, isCorner: boolean} | undefined} the group or comment that it belongs to
   */
  drawingAt(target) {
    const found = target instanceof Element ? target.closest("[data-drawing]") : null;
    const key = found?.getAttribute("data-drawing");
    return key && target instanceof Element ? { key, isCorner: target.matches(".drawing-corner") } : undefined;
  }

  /**
   * @param {EventTarget | null} target
   * @returns {string | undefined} the key of the line that it belongs to
   */
  edgeAt(target) {
    return target instanceof Element
      ? target.closest("[data-edge]")?.getAttribute("data-edge") ?? undefined
      : undefined;
  }

  /**
   * @param {Place} point of this element
   * @returns {Element | null} what lies there: events of a pointer that was captured don't say it
   */
  elementAt(point) {
    const { left, top } = this.getBoundingClientRect();
    return document.elementFromPoint(point.x + left, point.y + top);
  }

  /**
   * @param {EventTarget | null} target
   * @returns {PortEnd | undefined}
   */
  portAt(target) {
    const found = target instanceof Element ? target.closest(".port, .order-handle") : null;
    const node = this.nodeAt(found);
    if (!(found instanceof HTMLElement) || node === undefined) return undefined;
    const { port, side, order } = found.dataset;
    return { node, port: port ?? "", side: (side ?? order) === "inputs" ? "inputs" : "outputs" };
  }
}
