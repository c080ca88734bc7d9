/** The plugins: all of them, or one in detail beside the others. */

import { allows, ServerProblem } from "../api/client.js";
import { pluginDetail as askForPlugin, pluginList } from "../api/plugins.js";
import { isSharp } from "../model/plugins.js";
import { addressOf } from "../model/routes.js";
import { button, element, setAttribute } from "./dom.js";
import { messageOf } from "./messages.js";
import { pageStrings } from "./strings/page_strings.js";
import { findingList, pluginDetail } from "./plugin_detail.js";
import { installDialog, installWithConsent } from "./plugin_install.js";

/** @typedef {import("../model/plugins.js").ListedPlugin} ListedPlugin */
/** @typedef {import("../model/plugins.js").BrokenPlugin} BrokenPlugin */
/** @typedef {Awaited<ReturnType<typeof pluginList>>} PluginList */

const words = pageStrings.plugins;

/**
 * @param {import("./pages.js").Around} around
 * @param {string | undefined} name the one in detail
 * @returns {Promise<import("./pages.js").Screen>}
 */
export async function pluginsPage({ client }, name) {
  const { scope } = await client.me();
  const status = element("p", { class: "page-status", attributes: { role: "status" } });
  const problem = element("p", { class: "page-problem", attributes: { role: "alert", hidden: true } });
  const content = element("div", { class: name === undefined ? "plugins" : "plugins has-detail" });
  /** @type {import("./plugin_detail.js").Doing} */
  const doing = {
    client,
    isAdmin: allows(scope, "admin"),
    act: async (act) => {
      problem.hidden = true;
      status.textContent = "";
      try {
        const said = await act();
        await draw();
        status.textContent = said;
      } catch (error) {
        problem.textContent = messageOf(error);
        problem.hidden = false;
        problem.scrollIntoView({ block: "nearest" });
      }
    },
    install: (install) =>
      doing.act(async () => {
        const done = await installWithConsent(install);
        return done ? installedText(done) : "";
      }),
  };

  async function draw() {
    const list = await pluginList(client);
    // What was focused may be gone; the reader of the page stays where it was.
    const focused = document.activeElement?.getAttribute("aria-label");
    if (name === undefined) content.replaceChildren(overview(list, doing, showInstall));
    else content.replaceChildren(pluginLinks(list, name), await detail(name));
    const again = [...content.querySelectorAll("button")].find((one) => focused && one.ariaLabel === focused);
    if (again) again.focus();
    else if (focused) content.querySelector("h1")?.focus({ preventScroll: true });
  }

  /** @param {string} wanted */
  async function detail(wanted) {
    try {
      const plugin = await askForPlugin(client, wanted);
      const { settingsSection } = await import("./plugin_settings.js");
      const settings = plugin.hasSettings ? await settingsSection(wanted, doing) : undefined;
      return pluginDetail(plugin, doing, settings);
    } catch (error) {
      if (!(error instanceof ServerProblem) || error.status !== 404) throw error;
      return element("article", {
        children: [
          element("h1", { text: wanted, attributes: { tabindex: -1 } }),
          element("p", { text: words.notThere }),
        ],
      });
    }
  }

  function showInstall() {
    const dialog = installDialog(client, (done) => doing.act(() => Promise.resolve(installedText(done))));
    document.body.append(dialog);
    dialog.showModal();
  }

  await draw();
  const title = name === undefined ? words.title : name;
  return { element: element("div", { children: [status, problem, content] }), title };
}

/** @param {import("./plugin_detail.js").Installed} done */
function installedText({ installed, warnings }) {
  const list = installed.map(({ name, version }) => `${name} ${version}`).join(", ");
  return [pageStrings.install.done(list), ...warnings.map(({ what }) => pageStrings.install.warning(what))].join(" ");
}

/**
 * @param {PluginList} list
 * @param {import("./plugin_detail.js").Doing} doing
 * @param {() => void} install
 */
function overview({ plugins, broken, findings }, doing, install) {
  return element("div", {
    class: "overview-page",
    children: [
      element("div", {
        class: "page-head",
        children: [
          element("h1", { text: words.title, attributes: { tabindex: -1 } }),
          doing.isAdmin ? button(pageStrings.install.open, install, { class: "primary" }) : undefined,
        ],
      }),
      findings.length > 0 ? findingList(findings) : undefined,
      plugins.length === 0
        ? element("p", { class: "quiet", text: words.none })
        : element("ul", { class: "plugin-cards", children: plugins.map(card) }),
      ...(broken.length > 0 ? brokenSection(broken) : []),
    ],
  });
}

/** @param {ListedPlugin} plugin */
function card({ name, version, description, nodeTypes, permissions }) {
  return element("li", {
    class: "plugin-card",
    children: [
      element("div", {
        class: "plugin-card-head",
        children: [
          element("a", {
            attributes: { href: addressOf({ screen: "plugins", name }) },
            children: [element("bdi", { text: name })],
          }),
          element("span", { class: "quiet", text: version }),
        ],
      }),
      element("p", { class: "plugin-card-text", text: description }),
      element("p", {
        class: "plugin-card-foot",
        children: [
          element("span", { text: words.nodeTypes(nodeTypes.length) }),
          ...(permissions.length === 0 ? [element("span", { text: words.asksNothing })] : permissions.map(tag)),
        ],
      }),
    ],
  });
}

/** @param {string} permission */
function tag(permission) {
  return element("span", {
    class: isSharp(permission) ? "tag tag-warm" : "tag",
    title: isSharp(permission) ? words.sharp : "",
    children: [element("bdi", { text: permission })],
  });
}

/** @param {BrokenPlugin[]} broken */
function brokenSection(broken) {
  return [
    element("h2", { text: words.broken }),
    element("p", { class: "quiet", text: words.brokenExplanation }),
    element("ul", {
      class: "broken",
      children: broken.map(({ directory, findings }) =>
        element("li", {
          children: [
            element("p", { children: [element("code", { children: [element("bdi", { text: directory })] })] }),
            findingList(findings),
          ],
        })
      ),
    }),
  ];
}

/**
 * @param {PluginList} list
 * @param {string} current
 */
function pluginLinks({ plugins }, current) {
  return element("nav", {
    class: "plugin-links",
    attributes: { "aria-label": words.list },
    children: [
      element("a", { class: "plugin-all", text: words.all, attributes: { href: addressOf({ screen: "plugins" }) } }),
      element("ul", {
        children: plugins.map(({ name, version }) => {
          const link = element("a", {
            attributes: { href: addressOf({ screen: "plugins", name }) },
            children: [element("bdi", { text: name }), element("span", { class: "quiet", text: version })],
          });
          setAttribute(link, "aria-current", name === current ? "page" : undefined);
          return element("li", { children: [link] });
        }),
      }),
    ],
  });
}
