/** Workflows as YAML: whether a text is that, and what of it the canvas can't keep. */

/**
 * @param {string} source of a stored workflow
 * @returns {boolean} false: it is JSON
 */
export function isYAML(source) {
  return source !== "" && !/^\s*\{/.test(source);
}

/**
 * @param {string} source
 * @returns {string[]} what may be comments; in a text of several lines they may be part of it
 */
function commentsOf(source) {
  return source.split("\n").flatMap((line) => /(?:^|\s)(#.*\S)/.exec(line)?.[1] ?? []);
}

/** @param {string} source */
export function hasComments(source) {
  return commentsOf(source).length > 0;
}

/**
 * @param {string} before
 * @param {string} after
 * @returns {boolean} whether there are fewer than there were
 */
export function losesComments(before, after) {
  return commentsOf(after).length < commentsOf(before).length;
}
