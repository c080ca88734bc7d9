/** Styles of what isn't there at first. */

/** @type {Map<string, Promise<void>>} */
const added = new Map();

/**
 * @param {string} name of a file in `css`
 * @returns {Promise<void>} once they count; also where they can't be had: what they are for is there all the same
 */
export function addStyles(name) {
  const known = added.get(name);
  if (known) return known;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = `/assets/css/${name}.css`;
  /** @type {Promise<void>} */
  const made = new Promise((resolve) => {
    link.onload = link.onerror = () => resolve();
  });
  document.head.append(link);
  added.set(name, made);
  return made;
}
