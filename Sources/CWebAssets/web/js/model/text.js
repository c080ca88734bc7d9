/** Texts that somebody else wrote, made such that they can be shown. They are never used as markup, whatever they hold. */

/** Controls, and what turns the direction of the text around it: Unicode's C0, C1, marks, embeddings, overrides and isolates. */
// deno-lint-ignore no-control-regex
const unseen = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;

/**
 * @param {unknown} text
 * @param {number} most characters
 * @returns {string} one line; with an ellipsis where it was longer, empty where it is no text
 */
export function lineOf(text, most) {
  if (typeof text !== "string") return "";
  return cut(text.slice(0, 4 * most).replace(unseen, " ").replace(/\s+/g, " ").trim(), most);
}

/**
 * @param {unknown} text
 * @param {number} most characters
 * @returns {string} with its line ends and tabs
 */
export function linesOf(text, most) {
  if (typeof text !== "string") return "";
  const short = text.slice(0, most + 1).replace(/\r\n?/g, "\n");
  return cut(short.replace(unseen, (found) => /^[\n\t]+$/.test(found) ? found : " "), most);
}

/**
 * @param {string} text
 * @param {number} most
 */
function cut(text, most) {
  if (text.length <= most) return text;
  // Between a surrogate and its other half there is no character.
  const end = /[\ud800-\udbff]/.test(text.charAt(most - 2)) ? most - 2 : most - 1;
  return text.slice(0, end) + "…";
}

/**
 * @param {number} milliseconds
 * @returns {string} at most three figures and a unit
 */
export function durationText(milliseconds) {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) return "";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Of what goes on: no more figures than somebody could read.
 * @param {number} milliseconds
 * @returns {string}
 */
export function secondsText(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : durationText(1000 * seconds);
}
