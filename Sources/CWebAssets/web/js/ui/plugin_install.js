/** Installing a plugin: from a file, or by its name; and asking where a version asks for more than the one that counts. */

import { installNamed, installPackage } from "../api/plugins.js";
import { consentNeeded, isSharp, nameAndScope } from "../model/plugins.js";
import { isPluginName } from "../model/names.js";
import { ask } from "./dialogs.js";
import { button, element } from "./dom.js";
import { messageOf } from "./messages.js";
import { pageStrings } from "./strings/page_strings.js";

/** @typedef {import("../api/client.js").Client} Client */
/** @typedef {import("../api/plugins.js").Consent & {plugin?: string}} Consent */
/** @typedef {import("./plugin_detail.js").Installed} Installed */

const words = pageStrings.install;

/**
 * Installs; where a version asks for more, somebody decides, and it is tried once more.
 * @param {(consent: Consent) => Promise<Installed>} install
 * @returns {Promise<Installed | undefined>} undefined: it was left
 */
export async function installWithConsent(install) {
  try {
    return await install({});
  } catch (error) {
    const needed = error instanceof Error ? consentNeeded(error.message) : undefined;
    if (!needed) throw error;
    const answer = await askForConsent(needed);
    if (answer === undefined) return undefined;
    if (answer === "without") return await install({ withoutConsent: true });
    return await install({ grants: needed.permissions, plugin: needed.plugin });
  }
}

/** @param {{plugin: string, version: string, permissions: string[]}} needed */
function askForConsent({ plugin, version, permissions }) {
  return ask({
    title: words.consentTitle(plugin, version),
    content: [
      element("p", { text: words.consent }),
      element("ul", {
        class: "permissions",
        children: permissions.map((permission) =>
          element("li", {
            class: "permission",
            children: [
              element("div", {
                class: "permission-head",
                children: [
                  element("code", { children: [element("bdi", { text: permission })] }),
                  isSharp(permission)
                    ? element("span", { class: "tag tag-warm", text: pageStrings.plugins.sharp })
                    : undefined,
                ],
              }),
              element("p", {
                text: pageStrings.permissions.it(words.about[nameAndScope(permission)[0]] ?? permission),
              }),
            ],
          })
        ),
      }),
    ],
    answers: [
      { answer: /** @type {const} */ ("without"), label: words.consentWithout },
      { answer: /** @type {const} */ ("allow"), label: words.consentYes },
    ],
    cancel: words.consentNo,
  });
}

/**
 * @param {Client} client
 * @param {(installed: Installed) => void} done
 * @returns {HTMLDialogElement}
 */
export function installDialog(client, done) {
  const problem = element("p", { class: "page-problem", attributes: { role: "alert", hidden: true } });
  const file = element("input", {
    attributes: {
      id: "install-file",
      type: "file",
      accept: ".zip,application/zip",
      "aria-describedby": "install-file-hint",
    },
  });
  const name = element("input", {
    attributes: { id: "install-name", type: "text", autocomplete: "off", spellcheck: "false" },
  });
  const range = element("input", {
    attributes: {
      id: "install-range",
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": "install-range-hint",
    },
  });
  /** @param {string} text */
  const tell = (text) => {
    problem.textContent = text;
    problem.hidden = text === "";
  };
  /** @type {HTMLButtonElement[]} */
  const acts = [words.actFile, words.actNamed].map((text) =>
    element("button", { text, class: "primary", attributes: { type: "submit" } })
  );
  /** @param {(consent: Consent) => Promise<Installed>} install */
  const begin = async (install) => {
    tell("");
    acts.forEach((act) => act.disabled = true);
    status.textContent = words.working;
    try {
      const installed = await installWithConsent(install);
      if (installed) {
        dialog.close();
        done(installed);
      }
    } catch (error) {
      tell(messageOf(error));
    }
    status.textContent = "";
    acts.forEach((act) => act.disabled = false);
  };
  const status = element("p", { class: "quiet", attributes: { role: "status" } });
  /** @type {HTMLDialogElement} */
  const dialog = element("dialog", {
    class: "question",
    attributes: { "aria-labelledby": "install-title" },
    children: [
      element("h2", { text: words.title, attributes: { id: "install-title", tabindex: -1, autofocus: true } }),
      form(words.file, acts[0], [field(words.fileField, file, words.fileHint)], () => {
        const [chosen] = file.files ?? [];
        if (chosen) begin((consent) => installPackage(client, chosen, consent));
        else tell(words.missingFile);
      }),
      form(words.named, acts[1], [field(words.name, name), field(words.range, range, words.rangeHint)], () => {
        const wanted = name.value.trim();
        if (isPluginName(wanted)) begin((consent) => installNamed(client, wanted, range.value.trim(), consent));
        else tell(words.badName);
      }),
      problem,
      status,
      button(words.cancel, () => dialog.close()),
    ],
  });
  dialog.addEventListener("close", () => dialog.remove());
  return dialog;
}

/**
 * @param {string} title
 * @param {HTMLElement} act
 * @param {HTMLElement[]} fields
 * @param {() => void} submit
 */
function form(title, act, fields, submit) {
  return element("form", {
    class: "install-way",
    attributes: { novalidate: true },
    on: {
      submit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        submit();
      },
    },
    children: [element("h3", { text: title }), ...fields, act],
  });
}

/**
 * @param {string} label
 * @param {HTMLInputElement} input
 * @param {string} [hint]
 */
function field(label, input, hint) {
  return element("div", {
    class: "field",
    children: [
      element("label", { text: label, attributes: { for: input.id } }),
      input,
      hint
        ? element("p", { class: "field-description", text: hint, attributes: { id: `${input.id}-hint` } })
        : undefined,
    ],
  });
}
