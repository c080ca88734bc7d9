/**
 * Changes of a text that somebody writes: pure, by places in it.
 *
 * @typedef {{text: string, start: number, end: number}} Writing a text, and what of it is selected
 * @typedef {{from: number, to: number, text: string, start: number, end: number}} Edit what is put in the place of `from` to `to`; then
 * `start` to `end` is selected
 */

const step = "  ";

/**
 * The lines that are selected, by a step to the right; where nothing is selected, a step at the cursor.
 * @param {Writing} writing
 * @returns {Edit}
 */
export function indented({ text, start, end }) {
  if (start === end) return { from: start, to: end, text: step, start: start + step.length, end: start + step.length };
  const from = lineStart(text, start);
  const lines = text.slice(from, end).split("\n");
  const last = lines.length - 1;
  // A selection that ends before a line doesn't mean that line.
  const changed = lines.map((line, index) =>
    (index === last && index > 0 && line === "") || line === "" ? line : step + line
  );
  const joined = changed.join("\n");
  return { from, to: end, text: joined, start: from, end: from + joined.length };
}

/**
 * The lines that are selected, or that of the cursor, by a step to the left.
 * @param {Writing} writing
 * @returns {Edit}
 */
export function outdented({ text, start, end }) {
  const from = lineStart(text, start);
  const lines = text.slice(from, end).split("\n").map((line, index) => {
    // What lies behind the cursor of the first line belongs to its indentation too.
    const rest = index === 0 ? text.slice(from, from + step.length) : line.slice(0, step.length);
    const count = /^ */.exec(rest)?.[0].length ?? 0;
    return { line, count: Math.min(count, index === 0 ? Math.max(0, end - from) : line.length) };
  });
  const joined = lines.map(({ line, count }) => line.slice(count)).join("\n");
  const first = Math.max(from, start - lines[0].count);
  return start === end
    ? { from, to: end, text: joined, start: first, end: first }
    : { from, to: end, text: joined, start: from, end: from + joined.length };
}

/**
 * A line that begins where the one before does; a step further behind a colon or a dash.
 * @param {Writing} writing
 * @returns {Edit}
 */
export function newLine({ text, start, end }) {
  const before = text.slice(lineStart(text, start), start);
  const indent = /^ */.exec(before)?.[0] ?? "";
  const inserted = `\n${indent}${/:\s*$/.test(before) ? step : ""}`;
  return { from: start, to: end, text: inserted, start: start + inserted.length, end: start + inserted.length };
}

/**
 * @param {string} text
 * @param {number} line from 1
 * @returns {{start: number, end: number}} of what stands in it; the end of the text where it has no such line
 */
export function lineRange(text, line) {
  let start = 0;
  for (let number = 1; number < line; number++) {
    const next = text.indexOf("\n", start);
    if (next < 0) return { start: text.length, end: text.length };
    start = next + 1;
  }
  const end = text.indexOf("\n", start);
  return { start, end: end < 0 ? text.length : end };
}

/** @param {string} text */
export function lineCount(text) {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

/**
 * @param {string} text
 * @param {number} place
 */
function lineStart(text, place) {
  return text.lastIndexOf("\n", place - 1) + 1;
}
