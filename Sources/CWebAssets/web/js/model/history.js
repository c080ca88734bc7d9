/**
 * What was done, and can be undone: without end, for documents share what they have in common.
 *
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./commands.js").Command} Command
 *
 * A step, and those before it. `document` is what there was before it.
 * @typedef {{label: string, gesture?: string, document: WorkflowDocument, next: Step}} StepEntry
 * @typedef {StepEntry | null} Step
 */

import { withoutStrayPoints } from "./points.js";

/** Never changed: each change gives another one. */
export class History {
  /**
   * @param {WorkflowDocument} document
   * @param {WorkflowDocument | null} saved what the server has; null: nothing
   * @param {Step} past the latest first
   * @param {Step} future the next first; `document` is what there is after it
   */
  constructor(document, saved = document, past = null, future = null) {
    this.document = document;
    this.saved = saved;
    this.past = past;
    this.future = future;
    Object.freeze(this);
  }

  /** There is something that the server hasn't. */
  get isDirty() {
    return this.document !== this.saved;
  }

  /** @returns {string | undefined} what undo would undo */
  get undoLabel() {
    return this.past?.label;
  }

  /** @returns {string | undefined} */
  get redoLabel() {
    return this.future?.label;
  }

  /**
   * @param {Command} command
   * @returns {History} this one where nothing changes
   */
  perform(command) {
    // What was drawn of a line goes with the line, whatever has taken it away.
    const changed = withoutStrayPoints(command.change(this.document));
    if (changed === this.document) return this;
    const gesture = command.gesture;
    // What was saved can be come back to, also within a gesture.
    const goesOn = gesture !== undefined && this.past?.gesture === gesture && this.document !== this.saved;
    if (goesOn) {
      // Back where the hand began: as if it had never moved.
      if (this.past && changed === this.past.document) return new History(changed, this.saved, this.past.next, null);
      return new History(changed, this.saved, this.past, null);
    }
    /** @type {StepEntry} */
    const step = { label: command.label, document: this.document, next: this.past };
    if (gesture !== undefined) step.gesture = gesture;
    return new History(changed, this.saved, step, null);
  }

  /** @returns {History} this one where there is nothing */
  undo() {
    if (!this.past) return this;
    const { label, document, next } = this.past;
    return new History(document, this.saved, next, { label, document: this.document, next: this.future });
  }

  /** @returns {History} this one where there is nothing */
  redo() {
    if (!this.future) return this;
    const { label, document, next } = this.future;
    return new History(document, this.saved, { label, document: this.document, next: this.past }, next);
  }

  /**
   * The server has taken `document`, which may be older than what there is now.
   * @param {WorkflowDocument} document
   */
  markSaved(document) {
    return new History(this.document, document, this.past, this.future);
  }

  /** The hand was lifted: what comes is another step, whatever it is called. */
  endGesture() {
    if (this.past?.gesture === undefined) return this;
    const { label, document, next } = this.past;
    return new History(this.document, this.saved, { label, document, next }, this.future);
  }
}
