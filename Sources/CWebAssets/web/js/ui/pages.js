/** The screens that aren't a workflow, each loaded when somebody goes there. */

import { framed } from "./frame.js";

/** @typedef {import("../model/routes.js").Route} Route */
/** @typedef {import("../api/client.js").Client} Client */
/** @typedef {{client: Client, signOut: () => void, create: (name: string) => void, message?: string}} Around */
/** @typedef {{element: HTMLElement, title: string, stop?: () => void}} Screen */

/**
 * @param {Exclude<Route, {screen: "workflow"}>} route
 * @param {Around} around
 * @returns {Promise<Screen>}
 */
export async function pageOf(route, around) {
  const made = await contentOf(route, around);
  return { ...made, element: await framed(route.screen, around, made.element) };
}

/**
 * @param {Exclude<Route, {screen: "workflow"}>} route
 * @param {Around} around
 * @returns {Promise<Screen>}
 */
async function contentOf(route, around) {
  if (route.screen === "plugins") return await (await import("./plugins.js")).pluginsPage(around, route.name);
  if (route.screen === "hosts") return await (await import("./hosts.js")).hostsPage(around);
  return await (await import("./workflows.js")).workflowsPage(around);
}
