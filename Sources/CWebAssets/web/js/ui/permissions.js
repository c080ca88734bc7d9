/** What a plugin asks for, what that would let it do, by whom it has it; granting and taking back. */

import { grant, revoke } from "../api/plugins.js";
import { canLeak, isSharp, nameAndScope } from "../model/plugins.js";
import { ask, momentText } from "./dialogs.js";
import { button, element } from "./dom.js";
import { pageStrings } from "./strings/page_strings.js";

/** @typedef {import("../model/plugins.js").Plugin} Plugin */
/** @typedef {import("../model/plugins.js").Asked} Asked */
/** @typedef {import("../model/plugins.js").Grant} Grant */
/** @typedef {import("./plugin_detail.js").Doing} Doing */

const words = pageStrings.permissions;

/**
 * @param {Plugin} plugin
 * @param {Doing} doing
 * @returns {HTMLElement}
 */
export function permissionsSection(plugin, doing) {
  const effective = plugin.asked.filter(({ granted }) => granted.length > 0).map(({ permission }) => permission);
  const commands = plugin.asked.filter(({ granted, forbiddenBy }) => granted.length === 0 && !forbiddenBy)
    .map(({ permission }) => `orchestrator plugin grant ${plugin.name} ${permission}`);
  return element("section", {
    class: "page-section",
    children: [
      element("h2", { text: words.title }),
      plugin.asked.length === 0
        ? element("p", { class: "quiet", text: words.none })
        : element("ul", { class: "permissions", children: plugin.asked.map((asked) => row(plugin, asked, doing)) }),
      canLeak(effective) ? element("p", { class: "page-note", text: words.leak }) : undefined,
      plugin.earlier.length > 0
        ? element("p", { class: "page-note", text: words.earlier(plugin.earlier.join(", ")) })
        : undefined,
      !doing.isAdmin && commands.length > 0 ? adminNote(commands) : undefined,
    ],
  });
}

/**
 * Who may do what this token doesn't allow, and how.
 * @param {string[]} commands
 */
export function adminNote(commands) {
  return element("div", {
    class: "page-note",
    children: [
      element("p", { text: pageStrings.plugins.takesAdmin }),
      element("pre", {
        text: commands.join("\n"),
        attributes: { tabindex: 0, role: "region", "aria-label": pageStrings.plugins.commands },
      }),
    ],
  });
}

/**
 * @param {Plugin} plugin
 * @param {Asked} asked
 * @param {Doing} doing
 */
function row(plugin, asked, doing) {
  const { permission, meaning, risk, granted, forbiddenBy } = asked;
  // Where all of it is granted, there is nothing left to grant.
  const isWhole = granted.some((one) => one.permission === permission);
  const lines = granted.map((one) => grantedLine(plugin, asked, one, doing));
  return element("li", {
    class: isSharp(permission) ? "permission is-sharp" : "permission",
    children: [
      element("div", {
        class: "permission-head",
        children: [
          element("code", { children: [element("bdi", { text: permission })] }),
          isSharp(permission) ? element("span", { class: "tag tag-warm", text: pageStrings.plugins.sharp }) : undefined,
          granted.length > 0 ? element("span", { class: "tag tag-good", text: words.granted }) : undefined,
          doing.isAdmin && !isWhole && !forbiddenBy
            ? button(words.grantShort, () => askToGrant(plugin, asked, doing), {
              attributes: { "aria-label": words.grant(permission) },
            })
            : undefined,
        ],
      }),
      element("p", { text: words.it(meaning) }),
      element("p", { class: "quiet", text: words.risk(risk) }),
      ...lines,
      forbiddenBy ? element("p", { class: "quiet", text: words.forbidden(forbiddenBy) }) : undefined,
      granted.length === 0 && !forbiddenBy ? element("p", { class: "quiet", text: words.notGranted }) : undefined,
    ],
  });
}

/**
 * @param {Plugin} plugin
 * @param {Asked} asked
 * @param {Grant} given
 * @param {Doing} doing
 */
function grantedLine(plugin, asked, given, doing) {
  const { permission, time } = given;
  const part = permission === asked.permission ? "" : `${words.partly(permission)} `;
  return element("p", {
    class: "permission-grant",
    children: [
      element("span", { text: part + wayText(given) }),
      doing.isAdmin && time !== ""
        ? button(words.revokeShort, () =>
          doing.act(async () => {
            await revoke(doing.client, plugin.name, permission);
            return words.revoked(permission, plugin.name);
          }), { attributes: { "aria-label": words.revoke(permission) } })
        : undefined,
    ],
  });
}

/** @param {Grant} given */
function wayText({ by, file, line, time, user }) {
  if (by === "default_permissions") return words.ways.default_permissions();
  if (by === "policy") return words.ways.policy(`${file}:${line}`);
  if (by === "option") return words.ways.option();
  const moment = Date.parse(time);
  return words.ways.stored(Number.isNaN(moment) ? time : momentText(moment), user === undefined ? "" : String(user));
}

/**
 * @param {Plugin} plugin
 * @param {Asked} asked
 * @param {Doing} doing
 */
async function askToGrant(plugin, { permission, meaning, risk }, doing) {
  const [name, scope] = nameAndScope(permission);
  const hint = scope === "" ? words.narrowHint[name] : undefined;
  const input = element("input", {
    attributes: {
      id: "grant-scope",
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": "grant-scope-hint",
    },
  });
  const answer = await ask({
    title: words.question(permission, plugin.name),
    content: [
      element("p", { text: words.it(meaning) }),
      element("p", { text: words.risk(risk) }),
      isSharp(permission) ? element("p", { class: "page-warning", text: words.sharp }) : undefined,
      hint === undefined ? undefined : element("div", {
        class: "field",
        children: [
          element("label", { text: words.narrow, attributes: { for: "grant-scope" } }),
          input,
          element("p", { class: "field-description", text: hint, attributes: { id: "grant-scope-hint" } }),
        ],
      }),
      element("p", { class: "quiet", text: words.files(`${plugin.name} ${plugin.version}`) }),
    ],
    answers: [{ answer: "grant", label: words.yes }],
    cancel: words.no,
  });
  if (answer === undefined) return;
  const wanted = input.value.trim() === "" ? permission : `${name}:${input.value.trim()}`;
  await doing.act(async () => {
    await grant(doing.client, plugin.name, [wanted]);
    return words.granting(wanted, plugin.name);
  });
}
