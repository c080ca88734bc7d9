/** What went wrong, as a text. */

import { Problem } from "../model/json.js";
import { strings } from "./strings/strings.js";

/**
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  if (error instanceof Problem) return error.hint ? `${error.message} (${error.hint})` : error.message;
  // What browsers say of a part that is loaded when it is wanted.
  if (error instanceof TypeError && /import/.test(error.message)) return strings.noPart;
  return error instanceof Error ? error.message : String(error);
}
