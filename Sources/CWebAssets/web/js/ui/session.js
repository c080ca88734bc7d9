/**
 * What a tab remembers until it is closed: the token, changes that aren't saved, and which run it watches. Nothing of it is in an address.
 * What somebody likes is remembered for longer.
 */

import { readDocument, writeDocument } from "../model/document.js";

/** @typedef {import("../model/document.js").WorkflowDocument} WorkflowDocument */

const tokenKey = "orchestrator.token";
const draftKey = "orchestrator.draft.";

/**
 * @param {string} key
 * @returns {string | null}
 */
function read(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string | null} value null: it goes
 * @returns {boolean} false: it is full, or forbidden, and nothing is remembered
 */
function write(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

export const session = {
  get token() {
    return read(tokenKey) ?? "";
  },

  /** @param {string} token */
  keepToken(token) {
    write(tokenKey, token);
  },

  /** Nothing stays that the next one at this tab could see. */
  forget() {
    try {
      sessionStorage.clear();
    } catch {
      // There is nothing then.
    }
  },

  /**
   * @param {string} name of the workflow
   * @param {WorkflowDocument | null} document null: everything is saved
   * @param {string | null} tag of the version that it follows
   * @returns {boolean} whether it is kept
   */
  keepDraft(name, document, tag) {
    return write(draftKey + name, document && JSON.stringify({ tag, text: writeDocument(document) }));
  },

  /**
   * @param {string} name
   * @returns {{document: WorkflowDocument, tag: string | null} | undefined}
   */
  draft(name) {
    try {
      const { tag, text } = JSON.parse(read(draftKey + name) ?? "null") ?? {};
      if (typeof text !== "string") return undefined;
      return { document: readDocument(text), tag: typeof tag === "string" ? tag : null };
    } catch {
      return undefined;
    }
  },

  /** @returns {string[]} the workflows with changes that aren't saved */
  draftNames() {
    try {
      return Object.keys(sessionStorage).filter((key) => key.startsWith(draftKey)).map((key) =>
        key.slice(draftKey.length)
      );
    } catch {
      return [];
    }
  },

  /**
   * @param {string} name of the workflow
   * @param {{text: string, base: string} | null} kept what isn't on its canvas yet, and what that was then; null: there is none
   */
  keepText(name, kept) {
    write(`orchestrator.text.${name}`, kept && JSON.stringify(kept));
  },

  /**
   * @param {string} name
   * @returns {{text: string, base: string} | undefined}
   */
  text(name) {
    try {
      const { text, base } = JSON.parse(read(`orchestrator.text.${name}`) ?? "null") ?? {};
      return typeof text === "string" ? { text, base: String(base) } : undefined;
    } catch {
      return undefined;
    }
  },

  /**
   * @param {string} name
   * @param {string | null} run
   */
  keepRun(name, run) {
    write(`orchestrator.run.${name}`, run);
  },

  /**
   * @param {string} name
   * @returns {string | null} of this browser; null: nobody has chosen
   */
  preference(name) {
    try {
      return localStorage.getItem(`orchestrator.${name}`);
    } catch {
      return null;
    }
  },

  /**
   * @param {string} name
   * @param {string} value
   */
  keepPreference(name, value) {
    try {
      localStorage.setItem(`orchestrator.${name}`, value);
    } catch {
      // Then it is asked for again.
    }
  },

  /** @param {string} name */
  run(name) {
    return read(`orchestrator.run.${name}`) ?? undefined;
  },
};
