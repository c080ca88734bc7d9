/**
 * One plugin: what it is, what it asks for, its versions and its settings.
 *
 * What is done to it: `act` does something, says what came of it and shows the plugin anew, or says why it can't be done.
 * @typedef {{client: import("../api/client.js").Client, isAdmin: boolean, act: (doing: () => Promise<string>) => Promise<void>, install: (doing: (consent: import("../api/plugins.js").Consent & {plugin?: string}) => Promise<Installed>) => Promise<void>}} Doing
 * @typedef {{installed: {name: string, version: string}[], warnings: import("../model/plugins.js").Finding[]}} Installed
 */

import { installNamed, remove, rollBack } from "../api/plugins.js";
import { durationText } from "../model/text.js";
import { ask, momentText } from "./dialogs.js";
import { button, element } from "./dom.js";
import { pageTable } from "./page_table.js";
import { pageStrings } from "./strings/page_strings.js";
import { adminNote, permissionsSection } from "./permissions.js";

/** @typedef {import("../model/plugins.js").Plugin} Plugin */
/** @typedef {import("../model/plugins.js").Version} Version */
/** @typedef {import("../model/plugins.js").Finding} Finding */

const words = pageStrings.versions;

/**
 * @param {Plugin} plugin
 * @param {Doing} doing
 * @param {HTMLElement | undefined} settings
 * @returns {HTMLElement}
 */
export function pluginDetail(plugin, doing, settings) {
  const about = [plugin.version, plugin.author ? pageStrings.plugins.by(plugin.author) : "", plugin.license];
  return element("article", {
    class: "plugin",
    children: [
      element("header", {
        class: "plugin-head",
        children: [
          element("h1", { attributes: { tabindex: -1 }, children: [element("bdi", { text: plugin.name })] }),
          element("p", { class: "quiet", children: [element("bdi", { text: about.filter(Boolean).join(" · ") })] }),
        ],
      }),
      plugin.description ? element("p", { class: "plugin-description", text: plugin.description }) : undefined,
      plugin.stopped
        ? element("p", {
          class: "page-problem",
          text: pageStrings.plugins.stopped(plugin.stopped.crashes, durationText(plugin.stopped.remaining)),
        })
        : undefined,
      plugin.findings.length > 0 ? findingList(plugin.findings) : undefined,
      permissionsSection(plugin, doing),
      settings,
      versionsSection(plugin, doing),
      factsSection(plugin),
    ],
  });
}

/** @param {Finding[]} findings */
export function findingList(findings) {
  return element("ul", {
    class: "problems",
    children: findings.map(({ what, why, hint }) =>
      element("li", {
        children: [
          element("strong", { text: what }),
          why ? element("span", { text: why }) : undefined,
          hint ? element("span", { class: "quiet", text: hint }) : undefined,
        ],
      })
    ),
  });
}

/** @param {Plugin} plugin */
function factsSection(plugin) {
  const names = pageStrings.plugins.facts;
  /** @type {[string, string][]} */
  const facts = [
    [names.nodeTypes, plugin.nodeTypes.map((type) => `${plugin.name}/${type}`).join(", ")],
    [names.needs, plugin.dependencies.join(", ")],
    [names.profile, plugin.profile],
    [names.directory, plugin.directory],
    [names.digest, plugin.digest],
  ];
  return element("section", {
    class: "page-section",
    children: [
      element("h2", { text: names.title }),
      element("dl", {
        class: "facts",
        children: facts.filter(([, text]) => text !== "").map(([name, text]) =>
          element("div", {
            children: [
              element("dt", { text: name }),
              element("dd", { children: [element("bdi", { text })] }),
            ],
          })
        ),
      }),
    ],
  });
}

/**
 * @param {Plugin} plugin
 * @param {Doing} doing
 */
function versionsSection(plugin, doing) {
  const { name, installed } = plugin;
  const commands = [`orchestrator plugin install ${name}`, `orchestrator plugin rollback ${name}`];
  return element("section", {
    class: "page-section",
    children: [
      element("h2", { text: words.title }),
      installed.length === 0 ? element("p", { class: "quiet", text: words.none }) : versionTable(plugin, doing),
      doing.isAdmin && installed.length > 0
        ? element("div", {
          class: "page-actions",
          children: [
            button(words.upgrade, () => doing.install((consent) => installNamed(doing.client, name, "", consent))),
            button(words.removeAll, () => askToRemove(plugin, doing), { class: "danger" }),
          ],
        })
        : undefined,
      !doing.isAdmin && installed.length > 0 ? adminNote(commands) : undefined,
    ],
  });
}

/**
 * @param {Plugin} plugin
 * @param {Doing} doing
 */
function versionTable(plugin, doing) {
  const heads = [words.version, words.standing, words.installed, words.signers];
  if (doing.isAdmin) heads.push(words.actions);
  return pageTable(words.title, heads, plugin.installed.map((version) => versionRow(plugin, version, doing)));
}

/**
 * @param {Plugin} plugin
 * @param {Version} version
 * @param {Doing} doing
 */
function versionRow({ name }, { version, standing, installed, signers }, doing) {
  const isCurrent = standing === "current";
  const actions = [
    button(words.rollBack, () =>
      doing.act(async () => {
        await rollBack(doing.client, name, version);
        return words.counts(name, version);
      }), { attributes: { "aria-label": words.rollBackTo(version) } }),
    button(words.remove, () =>
      doing.act(async () => {
        await remove(doing.client, name, version);
        return words.removed(`${name} ${version}`);
      }), { class: "danger", attributes: { "aria-label": words.removeOf(version) } }),
  ];
  return element("tr", {
    children: [
      element("th", { attributes: { scope: "row" }, children: [element("bdi", { text: version })] }),
      element("td", {
        children: [element("span", { class: isCurrent ? "tag tag-good" : "quiet", text: words[standing] })],
      }),
      element("td", { text: momentText(installed) }),
      element("td", {
        children: [
          signers.length > 0
            ? element("bdi", { text: signers.join(", ") })
            : element("span", { class: "quiet", text: words.unsigned }),
        ],
      }),
      doing.isAdmin ? element("td", { class: "page-actions", children: isCurrent ? [] : actions }) : undefined,
    ],
  });
}

/**
 * @param {Plugin} plugin
 * @param {Doing} doing
 */
async function askToRemove({ name }, doing) {
  const answer = await ask({
    title: words.removeQuestion(name),
    content: [element("p", { text: words.removeExplanation })],
    answers: [{ answer: "remove", label: words.removeYes, class: "danger" }],
    cancel: words.keep,
  });
  if (answer === undefined) return;
  await doing.act(async () => {
    await remove(doing.client, name);
    return words.removed(name);
  });
}
