/** A parameter's field on its node, in the place of the line that shows it: the same one as in the details. */

import { setParameter } from "../model/node_commands.js";
import { nodesOf, parametersOf } from "../model/document.js";
import { element } from "../ui/dom.js";
import { Field, parameterActions } from "../ui/fields.js";

/** @typedef {import("./canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("../ui/editor.js").Editor} Editor */

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {string} name
 * @param {string} parameterName
 * @returns {boolean} whether it can be edited there
 */
export function editValue(canvas, editor, name, parameterName) {
  const view = canvas.views.get(name);
  const index = view?.shape.values.findIndex((value) => value.name === parameterName) ?? -1;
  const [line, shown] = [view?.values[index], view?.shape.values[index]];
  const parameter = editor.typeOf(name)?.parameters.find((known) => known.name === parameterName);
  if (!view || !line || !shown || !parameter || shown.kind === "other") return false;
  if (shown.kind === "checkbox") {
    editor.perform(setParameter(name, parameterName, !shown.isOn));
    return true;
  }
  const valueOf = () => {
    const values = parametersOf(nodesOf(editor.document).get(name) ?? new Map());
    return values.get(parameterName) ?? parameter.defaultValue;
  };
  const field = new Field(parameter, valueOf(), parameterActions(editor, name, parameter), "inline-field");
  const place = element("div", { class: "inline-field", children: [field.element] });
  place.style.top = line.element.style.top;
  const watched = editor.watch(() => {
    if (!place.isConnected) end(false);
    else field.show(valueOf(), false);
  });
  let hasEnded = false;
  /** @param {boolean} isFocused the line is focused where the field was */
  function end(isFocused) {
    if (hasEnded) return;
    hasEnded = true;
    watched();
    editor.endGesture();
    place.remove();
    view?.element.classList.remove("is-edited");
    if (isFocused) line?.element.focus({ preventScroll: true });
  }
  place.addEventListener("focusout", (event) => {
    if (!(event.relatedTarget instanceof Node && place.contains(event.relatedTarget))) end(false);
  });
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Enter") {
      event.preventDefault();
      end(true);
    }
    // Letters and arrows are the field's; what is done with Ctrl is done everywhere.
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
  });
  view.element.append(place);
  // Above the nodes that lie beneath it.
  view.element.classList.add("is-edited");
  field.input.focus({ preventScroll: true });
  if (field.input instanceof HTMLInputElement && field.kind !== "slider" && field.kind !== "search") {
    field.input.select();
  }
  if (field.input instanceof HTMLSelectElement) {
    field.input.addEventListener("change", () => end(true));
    openList(field.input);
  }
  return true;
}

/** @param {HTMLSelectElement} select */
function openList(select) {
  try {
    select.showPicker();
  } catch {
    // Some browsers don't, and none does without a hand that asked for it.
  }
}
