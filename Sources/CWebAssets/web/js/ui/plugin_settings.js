/** What a plugin is told by the operator: a form of the keys that its manifest has. */

import { saveSettings, settings } from "../api/plugins.js";
import { ServerProblem } from "../api/client.js";
import { isEqual } from "../model/json.js";
import { settingParameter } from "../model/settings.js";
import { element } from "./dom.js";
import { Field } from "./fields.js";
import { pageStrings } from "./strings/page_strings.js";

/** @typedef {import("../model/json.js").JSONValue} JSONValue */
/** @typedef {import("../api/plugins.js").SettingKey} SettingKey */
/** @typedef {import("../api/plugins.js").Settings} Settings */
/** @typedef {import("./plugin_detail.js").Doing} Doing */

const words = pageStrings.settings;
const types = /** @type {const} */ (["string", "number", "integer", "boolean", "list", "mapping"]);

/**
 * @param {string} plugin
 * @param {Doing} doing
 * @returns {Promise<HTMLElement | undefined>} undefined: the server knows of none
 */
export async function settingsSection(plugin, doing) {
  let found;
  try {
    found = await settings(doing.client, plugin);
  } catch (error) {
    // A server that is older than this page, or a plugin that has just gone.
    if (error instanceof ServerProblem && error.status === 404) return undefined;
    throw error;
  }
  if (found.keys.length === 0) return undefined;
  /** What differs from what the server has. @type {Map<string, JSONValue>} */
  const changes = new Map();
  const save = element("button", {
    class: "primary",
    text: words.save,
    attributes: { type: "submit", disabled: true },
  });
  const mark = () => save.disabled = changes.size === 0;
  return element("section", {
    class: "page-section",
    children: [
      element("h2", { text: words.title }),
      element("form", {
        class: "settings",
        attributes: { novalidate: true },
        on: {
          submit: (/** @type {SubmitEvent} */ event) => {
            event.preventDefault();
            doing.act(async () => {
              await saveSettings(doing.client, plugin, changes);
              return words.saved(plugin);
            });
          },
        },
        children: [
          ...found.keys.map((key) =>
            key.isSecret ? secretRow(plugin, key, found) : row(key, found, changes, mark, doing.isAdmin)
          ),
          doing.isAdmin ? save : element("p", { class: "page-note", text: words.takesAdmin }),
        ],
      }),
    ],
  });
}

/**
 * @param {SettingKey} key
 * @param {Settings} found
 * @param {Map<string, JSONValue>} changes
 * @param {() => void} mark
 * @param {boolean} isAdmin
 */
function row(key, found, changes, mark, isAdmin) {
  const origin = found.origins.get(key.name);
  const stored = found.values.get(key.name) ?? key.defaultValue;
  const type = types.find((known) => known === key.type) ?? "any";
  const isGiven = () => changes.has(key.name) ? changes.get(key.name) !== null : origin === "server";
  const field = new Field(
    settingParameter(key.name, type, key.name, key.description, {
      defaultValue: key.defaultValue,
      component: type === "boolean" ? "checkbox" : "input",
    }),
    stored,
    {
      change: (value) => {
        if (isEqual(value, stored)) changes.delete(key.name);
        else changes.set(key.name, value);
        field.show(value, isGiven());
        mark();
      },
      settle: () => undefined,
      reset: () => {
        if (origin === "server") changes.set(key.name, null);
        else changes.delete(key.name);
        field.show(key.defaultValue, false);
        mark();
      },
    },
    `setting-${key.name}`,
  );
  field.show(stored, isGiven());
  const isLocked = origin === "file" || !isAdmin;
  field.input.disabled = isLocked;
  if (isLocked) field.reset.hidden = true;
  const notes = [
    key.isRequired ? words.required : "",
    origin === "file" ? words.fromFile : "",
  ].filter(Boolean);
  return element("div", {
    children: [field.element, ...notes.map((text) => element("p", { class: "field-description", text }))],
  });
}

/**
 * @param {string} plugin
 * @param {SettingKey} key
 * @param {Settings} found
 */
function secretRow(plugin, { name, description, isRequired }, { origins }) {
  const lines = [
    description,
    words.secret,
    origins.has(name) ? words.isSet : words.isMissing(plugin, name),
    isRequired ? words.required : "",
  ].filter(Boolean);
  return element("div", {
    class: "field",
    children: [
      element("p", {
        class: "field-head",
        children: [element("strong", { children: [element("bdi", { text: name })] })],
      }),
      ...lines.map((text) => element("p", { class: "field-description", text })),
    ],
  });
}
