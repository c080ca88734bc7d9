/** Finds node types by what somebody types: the beginning of a name, words of it, or its letters in their order. */

import { compareText } from "./catalog.js";

/** @typedef {import("./catalog.js").NodeType} NodeType */

/**
 * @param {ReadonlyArray<NodeType>} types
 * @param {string} query
 * @param {number} [most]
 * @returns {NodeType[]} those that fit, the best first; all where nothing is asked for
 */
export function searchTypes(types, query, most = 200) {
  const words = wordsOf(query.slice(0, 200));
  if (words.length === 0) return types.slice(0, most);
  /** @type {{type: NodeType, score: number}[]} */
  const found = [];
  for (const type of types) {
    const score = scoreOf(type, words, words.join(" "));
    if (score > 0) found.push({ type, score });
  }
  found.sort((left, right) => right.score - left.score || compareText(left.type.title, right.type.title));
  return found.slice(0, most).map(({ type }) => type);
}

/**
 * In small letters without accents.
 * @param {string} text
 */
function wordsOf(text) {
  return text.normalize("NFKD").replace(/\p{Diacritic}/gu, "").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
}

/**
 * @param {NodeType} type
 * @param {string[]} query
 * @param {string} whole
 * @returns {number} 0: it doesn't fit
 */
function scoreOf(type, query, whole) {
  const title = wordsOf(type.title);
  const titleText = title.join(" ");
  if (titleText === whole) return 1000;
  if (titleText.startsWith(whole)) return 900 - titleText.length / 100;
  let score = 0;
  const own = [...title, ...wordsOf(type.type)];
  const around = [...wordsOf(type.category), ...wordsOf(type.description)];
  for (const word of query) {
    const place = own.findIndex((candidate) => candidate.startsWith(word));
    if (place >= 0) score += 100 - Math.min(place, 20);
    else if (own.some((candidate) => candidate.includes(word))) score += 50;
    else if (around.some((candidate) => candidate.startsWith(word))) score += 20;
    else return query.length === 1 ? fuzzyScore(word, titleText) : 0;
  }
  return 100 + score / query.length;
}

/**
 * @param {string} letters
 * @param {string} text
 * @returns {number} at most 40: more where they stand close together and at the beginnings of words; 0 where they aren't all there
 */
function fuzzyScore(letters, text) {
  if (letters.length < 2) return 0;
  let place = -1;
  let gaps = 0;
  for (const letter of letters) {
    const next = text.indexOf(letter, place + 1);
    if (next < 0) return 0;
    if (next > place + 1 && text[next - 1] !== " ") gaps += 1 + (next - place - 1) / 10;
    place = next;
  }
  // Letters that are spread over all of a name have nothing to do with it.
  const score = 40 - 10 * gaps;
  return score > 0 ? score : 0;
}
