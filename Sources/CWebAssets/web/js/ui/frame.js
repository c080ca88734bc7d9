/** What stands around the screens: where one can go, whose token it is, and signing out. */

import { addressOf } from "../model/routes.js";
import { button, element, setAttribute } from "./dom.js";
import { messageOf } from "./messages.js";
import { pageStrings } from "./strings/page_strings.js";
import { strings } from "./strings/strings.js";
import { addStyles } from "./styles.js";

/** @typedef {import("../api/client.js").Client} Client */

const words = pageStrings.frame;
const places = /** @type {const} */ (["workflows", "plugins", "hosts"]);
/** @typedef {typeof places[number]} Page */

/**
 * @param {Page | undefined} current
 * @param {() => void} [chosen]
 */
function navigation(current, chosen = () => undefined) {
  const links = places.map((screen) => {
    const link = element("a", {
      text: words[screen],
      attributes: { href: addressOf({ screen }) },
      on: { click: chosen },
    });
    setAttribute(link, "aria-current", screen === current ? "page" : undefined);
    return element("li", { children: [link] });
  });
  return element("nav", {
    class: "site-links",
    attributes: { "aria-label": words.pages },
    children: [element("ul", { children: links })],
  });
}

/**
 * @param {Client} client
 * @param {() => void} signOut
 */
async function holder(client, signOut) {
  const { name, scope } = await client.me();
  return element("div", {
    class: "site-holder",
    children: client.token === "" ? [element("span", { class: "quiet", text: words.open })] : [
      element("span", {
        class: "quiet",
        title: `${words.who(name, scope)}: ${words.may[scope]}`,
        children: [element("bdi", { text: name }), ` · ${scope}`],
      }),
      button(words.signOut, signOut),
    ],
  });
}

/**
 * A screen with the bar above it.
 * @param {Page} current
 * @param {{client: Client, signOut: () => void}} around
 * @param {HTMLElement} content
 * @returns {Promise<HTMLElement>}
 */
export async function framed(current, { client, signOut }, content) {
  const [who] = await Promise.all([holder(client, signOut), addStyles("pages")]);
  return element("div", {
    class: "site",
    children: [
      element("header", {
        class: "site-bar",
        children: [element("strong", { class: "site-name", text: strings.product }), navigation(current), who],
      }),
      element("main", { class: "page", children: [content] }),
    ],
  });
}

/**
 * The same where a workflow fills the screen.
 * @param {Client} client
 * @param {() => void} signOut
 * @returns {Promise<HTMLDialogElement>}
 */
export async function menuDialog(client, signOut) {
  /** @type {HTMLDialogElement} */
  const dialog = element("dialog", { class: "menu", attributes: { "aria-label": strings.bar.menu } });
  const who = await Promise.all([holder(client, signOut), addStyles("pages")]).then(([made]) => made).catch((error) =>
    element("p", { class: "field-problem", text: messageOf(error) })
  );
  dialog.append(
    element("strong", { class: "site-name", text: strings.product }),
    navigation(undefined, () => dialog.close()),
    who,
    button(words.close, () => dialog.close()),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  return dialog;
}
