/** Groups and comments on the canvas, behind the nodes: shown, written in place, moved and resized. Loaded where there are any. */

import { changeDrawing, contentOf, groupAround, moveContent, newComment, removeContent } from "../model/drawings.js";
import { drawingAt, least, shownDrawings } from "../model/shown_drawings.js";
import { nextIn } from "../model/viewport.js";
import { element, setAttribute } from "../ui/dom.js";
import { grid, snapped } from "../ui/editor.js";
import { partStrings } from "../ui/strings/part_strings.js";

/** @typedef {import("./canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("./gestures.js").Gesture} Gesture */
/** @typedef {import("./keyboard.js").Direction} Direction */
/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {import("../model/shown_drawings.js").Drawing} Drawing */
/** @typedef {import("../model/document.js").Place} Place */
/** @typedef {{element: HTMLElement, words: HTMLElement, drawing: Drawing | undefined}} View */

const words = partStrings.drawings;

export class Drawings {
  /**
   * @param {WorkflowCanvas} canvas
   * @param {Editor} editor
   */
  constructor(canvas, editor) {
    this.canvas = canvas;
    this.editor = editor;
    this.element = element("div", { class: "drawings" });
    /** @type {Map<string, View>} */
    this.views = new Map();
    /** The one that Tab leads to. */
    this.focusKey = "";
    /** @type {unknown[]} */
    this.shownOf = [];
  }

  show() {
    const drawings = shownDrawings(this.editor.document);
    const now = [drawings, this.editor.selectedDrawing, this.focusKey];
    if (now.every((part, index) => part === this.shownOf[index])) return;
    this.shownOf = now;
    const keys = new Set(drawings.map(({ key }) => key));
    if (!keys.has(this.focusKey)) this.focusKey = drawings[0]?.key ?? "";
    for (const drawing of drawings) {
      const view = this.views.get(drawing.key) ?? this.make(drawing);
      this.showOne(view, drawing);
    }
    for (const [key, view] of this.views) {
      if (keys.has(key)) continue;
      const hadFocus = view.element.contains(document.activeElement);
      view.element.remove();
      this.views.delete(key);
      if (hadFocus) this.canvas.focus({ preventScroll: true });
    }
  }

  /**
   * @param {Drawing} drawing
   * @returns {View}
   */
  make({ key, kind }) {
    const isGroup = kind === "groups";
    const text = element(isGroup ? "bdi" : "div", { class: isGroup ? "group-title" : "comment-text" });
    const made = element("div", {
      class: isGroup ? "group" : "comment",
      attributes: { role: isGroup ? "group" : "note", tabindex: -1, "data-drawing": key },
      children: [
        isGroup ? element("div", { class: "group-head", children: [text] }) : text,
        element("div", { class: "drawing-corner", attributes: { "aria-hidden": "true" } }),
      ],
      on: {
        focusin: () => {
          this.focusKey = key;
          this.editor.changed();
        },
      },
    });
    const view = { element: made, words: text, drawing: undefined };
    this.views.set(key, view);
    // Groups lie behind comments.
    if (isGroup) this.element.prepend(made);
    else this.element.append(made);
    return view;
  }

  /**
   * @param {View} view
   * @param {Drawing} drawing
   */
  showOne(view, drawing) {
    const { element: shown, words: text } = view;
    const isSelected = this.editor.selectedDrawing === drawing.key;
    shown.classList.toggle("is-selected", isSelected);
    setAttribute(shown, "tabindex", drawing.key === this.focusKey ? 0 : -1);
    if (view.drawing !== drawing) {
      view.drawing = drawing;
      shown.style.transform = `translate(${drawing.x}px, ${drawing.y}px)`;
      shown.style.width = `${drawing.width}px`;
      shown.style.height = `${drawing.height}px`;
      // Around the text, and thin behind it: never a ground that it can't be read on.
      shown.style.setProperty("--drawing", drawing.color ?? "var(--control)");
      const said = drawing.kind === "groups" ? drawing.title || words.untitled : drawing.text;
      if (text.textContent !== said) text.textContent = said;
    }
    const label = drawing.kind === "groups" ? words.group(drawing.title || words.untitled) : words.comment;
    setAttribute(shown, "aria-label", isSelected ? words.selected(label) : label);
  }

  /** Around the selected nodes; then its title is written. */
  addGroup() {
    const { editor, canvas } = this;
    const areas = [...editor.selection].flatMap((name) => canvas.rectangles.get(name) ?? []);
    this.add(groupAround(editor.document, areas, words.untitled));
  }

  /** @param {Place} place of its corner */
  addNote(place) {
    this.add(newComment(this.editor.document, snapped(place)));
  }

  /** @param {ReturnType<typeof groupAround>} made */
  add(made) {
    const { editor } = this;
    if (!made) return editor.say(words.nothingToGroup, "error");
    editor.perform(made.command);
    editor.selectDrawing(made.key);
    this.focus(made.key);
    this.edit(made.key);
  }

  /** @param {string} key */
  focus(key) {
    this.focusKey = key;
    this.show();
    const view = this.views.get(key);
    if (view?.drawing) this.canvas.reveal(view.drawing);
    this.canvas.update();
    view?.element.focus({ preventScroll: true });
  }

  /** @returns {ReturnType<typeof contentOf> | undefined} what is selected here, with all that lies in it */
  content() {
    const drawing = drawingAt(this.editor.document, this.editor.selectedDrawing ?? "");
    return drawing && contentOf(this.editor.document, drawing, this.canvas.rectangles);
  }

  /** Once it is copied. */
  removeContent() {
    const content = this.content();
    if (content) this.editor.perform(removeContent(content));
  }

  // In place

  /**
   * A field in the place of the text, for as long as somebody writes.
   * @param {string} key
   */
  edit(key) {
    const [view, drawing] = [this.views.get(key), drawingAt(this.editor.document, key)];
    if (!view || !drawing || view.element.querySelector("input, textarea")) return;
    const isGroup = drawing.kind === "groups";
    const member = isGroup ? "title" : "text";
    const gesture = this.editor.newGesture();
    const field = element(isGroup ? "input" : "textarea", {
      class: "drawing-field",
      attributes: {
        "aria-label": isGroup ? words.title : words.text,
        autocomplete: "off",
        maxlength: isGroup ? 120 : 4000,
      },
      on: {
        input: () => this.editor.perform(changeDrawing(key, [[member, field.value]], gesture)),
        blur: () => end(false),
        keydown: (event) => {
          event.stopPropagation();
          // Enter is a line of a comment's text.
          if (event.key !== "Escape" && !(event.key === "Enter" && (isGroup || event.ctrlKey || event.metaKey))) return;
          event.preventDefault();
          end(true);
        },
      },
    });
    let hasEnded = false;
    /** @param {boolean} isFocused */
    const end = (isFocused) => {
      if (hasEnded) return;
      hasEnded = true;
      this.editor.endGesture();
      field.replaceWith(view.words);
      if (isFocused) view.element.focus({ preventScroll: true });
    };
    field.value = drawing[member];
    view.words.replaceWith(field);
    field.focus({ preventScroll: true });
    field.select();
  }

  // By mouse or finger

  /**
   * @param {string} key
   * @param {boolean} isCorner it is taken at its corner: it is resized
   * @param {Place} start
   * @returns {Gesture | undefined}
   */
  drag(key, isCorner, start) {
    const { editor, canvas } = this;
    const drawing = drawingAt(editor.document, key);
    if (!drawing) return undefined;
    editor.selectDrawing(key);
    this.focus(key);
    const content = contentOf(editor.document, drawing, canvas.rectangles);
    const gesture = editor.newGesture();
    let hasMoved = false;
    return {
      move: (point, event) => {
        hasMoved ||= Math.hypot(point.x - start.x, point.y - start.y) > 4;
        if (!hasMoved) return;
        const { zoom } = canvas.view;
        const by = { x: (point.x - start.x) / zoom, y: (point.y - start.y) / zoom };
        if (isCorner) this.resize(drawing, by, gesture, !event.altKey);
        else {
          const wish = { x: drawing.x + by.x, y: drawing.y + by.y };
          const place = event.altKey ? wish : snapped(wish);
          editor.perform(moveContent(content, { x: place.x - drawing.x, y: place.y - drawing.y }, gesture));
        }
      },
      end: (_, isCancelled) => {
        if (isCancelled) editor.cancelGesture(gesture);
        editor.endGesture();
      },
    };
  }

  /**
   * @param {Drawing} drawing
   * @param {Place} by
   * @param {string} gesture
   * @param {boolean} isSnapped
   */
  resize(drawing, by, gesture, isSnapped) {
    const corner = { x: drawing.x + drawing.width + by.x, y: drawing.y + drawing.height + by.y };
    const { x, y } = isSnapped ? snapped(corner) : corner;
    const width = Math.round(Math.max(least.width, x - drawing.x));
    const height = Math.round(Math.max(least.height, y - drawing.y));
    this.editor.perform(changeDrawing(drawing.key, [["width", width], ["height", height]], gesture));
  }

  // By the keyboard

  /**
   * @param {string} key
   * @param {string | undefined} action
   * @param {Direction | undefined} direction
   * @param {boolean} isFar
   * @returns {boolean} whether it was for a drawing
   */
  act(key, action, direction, isFar) {
    const { editor } = this;
    const drawing = drawingAt(editor.document, key);
    if (!drawing) return false;
    const step = isFar ? 8 * grid : grid;
    const by = direction && {
      x: direction === "left" ? -step : direction === "right" ? step : 0,
      y: direction === "up" ? -step : direction === "down" ? step : 0,
    };
    if (action === "go" && direction) {
      const areas = new Map(shownDrawings(editor.document).map((one) => [one.key, one]));
      const next = nextIn(areas, key, direction);
      if (next) this.focus(next);
    } else if (action === "move" && by) {
      const content = contentOf(editor.document, drawing, this.canvas.rectangles);
      editor.perform(moveContent(content, by, `keys ${key}`));
    } else if (action === "resize" && by) this.resize(drawing, by, `size ${key}`, false);
    else if (action === "details" || action === "rename") this.edit(key);
    else if (action === "duplicate") {
      editor.selectDrawing(key);
      import("../ui/placing.js").then(({ duplicate }) => duplicate(this.canvas, editor));
    } else if (action === "toggle") editor.selectDrawing(editor.selectedDrawing === key ? undefined : key);
    else if (action === "remove") {
      editor.selectDrawing(key);
      editor.removeSelected();
    } else return false;
    return true;
  }
}
