/**
 * What part of a canvas is seen: points of it are multiplied by `zoom`, then moved by `x` and `y`.
 *
 * @typedef {{x: number, y: number, zoom: number}} View
 * @typedef {{x: number, y: number, width: number, height: number}} Rectangle
 * @typedef {import("./document.js").Place} Place
 */

export const zoomLimits = { least: 0.02, most: 2 };

/**
 * @param {View} view
 * @param {Place} point of the screen
 * @returns {Place} of the canvas
 */
export function toCanvas(view, point) {
  return { x: (point.x - view.x) / view.zoom, y: (point.y - view.y) / view.zoom };
}

/**
 * @param {View} view
 * @param {number} factor
 * @param {Place} point of the screen, which stays where it is
 * @returns {View}
 */
export function zoomed(view, factor, point) {
  const zoom = Math.min(zoomLimits.most, Math.max(zoomLimits.least, view.zoom * factor));
  const scale = zoom / view.zoom;
  return { zoom, x: point.x - (point.x - view.x) * scale, y: point.y - (point.y - view.y) * scale };
}

/**
 * @param {Iterable<Rectangle>} rectangles
 * @returns {Rectangle | undefined} around all of them
 */
export function bounds(rectangles) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y, width, height } of rectangles) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + width);
    bottom = Math.max(bottom, y + height);
  }
  return left === Infinity ? undefined : { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * @param {Rectangle | undefined} content
 * @param {{width: number, height: number}} screen
 * @param {number} [margin] of the screen
 * @returns {View} all of the content in the middle, never larger than it is, but on a very large screen
 */
export function fitted(content, screen, margin = 48) {
  if (!content || screen.width <= 0 || screen.height <= 0) return { x: margin, y: margin, zoom: 1 };
  const wide = Math.max(40, screen.width - 2 * margin) / Math.max(1, content.width);
  const high = Math.max(40, screen.height - 2 * margin) / Math.max(1, content.height);
  const zoom = Math.min(screen.width > 2400 ? 1.5 : 1, Math.max(zoomLimits.least, Math.min(wide, high)));
  return {
    zoom,
    x: (screen.width - content.width * zoom) / 2 - content.x * zoom,
    y: (screen.height - content.height * zoom) / 2 - content.y * zoom,
  };
}

/**
 * What is seen when the screen has another size: all, where that was seen before, otherwise what was in the middle.
 * @param {View} view
 * @param {{width: number, height: number}} before
 * @param {{width: number, height: number}} after
 * @param {Rectangle | undefined} content
 * @returns {View}
 */
export function resized(view, before, after, content) {
  const moved = {
    zoom: view.zoom,
    x: view.x + (after.width - before.width) / 2,
    y: view.y + (after.height - before.height) / 2,
  };
  if (!content) return moved;
  const all = fitted(content, before);
  const wasFitted = Math.hypot(all.x - view.x, all.y - view.y) < 1 && all.zoom === view.zoom;
  const isLost = isSeen(content, view, before) && !isSeen(content, moved, after);
  return wasFitted || isLost ? fitted(content, after) : moved;
}

/**
 * @param {Rectangle} area
 * @param {View} view
 * @param {{width: number, height: number}} screen
 */
function isSeen({ x, y, width, height }, view, screen) {
  const [left, top] = [x * view.zoom + view.x, y * view.zoom + view.y];
  return left >= 0 && top >= 0 && left + width * view.zoom <= screen.width && top + height * view.zoom <= screen.height;
}

/** What a node about takes that nobody has drawn yet, with the gap around it. */
const usual = { width: 264, height: 192 };

/**
 * @param {ReadonlyArray<Rectangle>} taken
 * @param {Place} middle
 * @returns {Place} of the corner of a node: as near to the middle as there is room; beneath everything where there is none near
 */
export function placeBeside(taken, middle) {
  const { width, height } = usual;
  const steps = [0, 1, -1, 2, -2, 3, -3];
  const places = steps.flatMap((right) => steps.map((down) => ({ x: right * width, y: down * height })));
  // What lies beside comes before what lies above: workflows go from left to right.
  places.sort((left, right) => Math.hypot(left.x, 2 * left.y) - Math.hypot(right.x, 2 * right.y));
  for (const { x, y } of places) {
    const area = { x: middle.x + x - width / 2, y: middle.y + y - height / 2, width, height };
    if (!taken.some((other) => overlaps(area, other))) return { x: area.x + 22, y: area.y + 32 };
  }
  const all = bounds(taken) ?? { ...middle, width: 0, height: 0 };
  return { x: middle.x - width / 2, y: all.y + all.height + 32 };
}

/**
 * @param {Rectangle} left
 * @param {Rectangle} right
 */
export function overlaps(left, right) {
  return left.x <= right.x + right.width && right.x <= left.x + left.width &&
    left.y <= right.y + right.height && right.y <= left.y + left.height;
}

/**
 * The next one in a direction: near, and rather straight ahead than aside.
 * @param {ReadonlyMap<string, Rectangle>} rectangles
 * @param {string} from
 * @param {"left" | "right" | "up" | "down"} direction
 * @returns {string | undefined}
 */
export function nextIn(rectangles, from, direction) {
  const start = rectangles.get(from);
  if (!start) return undefined;
  const [startX, startY] = [start.x + start.width / 2, start.y + start.height / 2];
  /** @type {{name: string, distance: number} | undefined} */
  let best;
  for (const [name, { x, y, width, height }] of rectangles) {
    if (name === from) continue;
    const [aside, ahead] = [x + width / 2 - startX, y + height / 2 - startY];
    const isAcross = direction === "left" || direction === "right";
    const forward = isAcross ? (direction === "right" ? aside : -aside) : direction === "down" ? ahead : -ahead;
    const sideways = Math.abs(isAcross ? ahead : aside);
    if (forward <= 1 || sideways > 2 * forward + 40) continue;
    const distance = forward + 2 * sideways;
    if (!best || distance < best.distance) best = { name, distance };
  }
  return best?.name;
}

/**
 * @param {View} view
 * @param {Rectangle} rectangle
 * @param {{width: number, height: number}} size of the window
 * @returns {View} in which it is seen, moved no more than that takes; its corner where it is larger
 */
export function revealed(view, rectangle, size) {
  const { zoom } = view;
  const edge = 24;
  /**
   * @param {number} start of it in the window
   * @param {number} extent
   * @param {number} room
   */
  const move = (start, extent, room) => {
    const before = Math.min(0, room - edge - start - extent);
    return before + Math.max(0, edge - start - before);
  };
  const x = view.x + move(rectangle.x * zoom + view.x, rectangle.width * zoom, size.width);
  const y = view.y + move(rectangle.y * zoom + view.y, rectangle.height * zoom, size.height);
  return x === view.x && y === view.y ? view : { x, y, zoom };
}

/**
 * @param {ReadonlyArray<Rectangle>} rectangles
 * @param {Rectangle} area
 * @param {number} gap between it and what was in the way
 * @returns {Place} its corner, moved to the right as far as it takes until it covers none of them
 */
export function freeOf(rectangles, area, gap) {
  for (let { x } = area;;) {
    const found = rectangles.filter((rectangle) => overlaps(rectangle, { ...area, x }));
    if (found.length === 0) return { x, y: area.y };
    x = Math.max(...found.map((rectangle) => rectangle.x + rectangle.width)) + gap;
  }
}
