/** Begins, with a token or without one where the server asks for none, and leads from screen to screen by their addresses. */

import { Client, ServerProblem } from "./api/client.js";
import { readCatalog } from "./model/catalog.js";
import { checkedDocument, newDocument } from "./model/document.js";
import { History } from "./model/history.js";
import { addressOf, readAddress } from "./model/routes.js";
import { hasComments } from "./model/sources.js";
import { element } from "./ui/dom.js";
import { Editor } from "./ui/editor.js";
import { messageOf } from "./ui/messages.js";
import { session } from "./ui/session.js";
import { strings } from "./ui/strings/strings.js";
import { Workbench } from "./ui/workbench.js";

/** @typedef {import("./model/routes.js").Route} Route */
/** @typedef {{element: HTMLElement, title: string, stop?: () => void}} Screen what is shown, until it is stopped */

let client = new Client(session.token);
/** @type {Workbench | undefined} */
let workbench;
/** @type {Screen | undefined} */
let shown;
/** Counts what somebody has asked to see: what comes too late isn't shown. */
let asked = 0;
/** The workflow that is to be made, where there is none of its name. */
let wished = "";

/** @param {Screen} screen */
function show(screen) {
  shown?.stop?.();
  shown = screen;
  workbench = undefined;
  document.body.replaceChildren(screen.element);
  document.title = screen.title ? `${screen.title} – ${strings.product}` : strings.product;
  const first = screen.element.querySelector("[autofocus]");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {string} message */
async function showSignIn(message) {
  const mine = ++asked;
  session.keepToken("");
  const { signInScreen } = await import("./ui/sign_in.js");
  if (mine !== asked) return;
  const signIn = async (/** @type {string} */ token) => {
    const found = new Client(token);
    await found.me();
    session.keepToken(token);
    client = found;
    await go();
  };
  show({ element: signInScreen(message, signIn), title: strings.signIn.title });
}

function signOut() {
  const drafts = session.draftNames();
  if (drafts.length > 0 && !confirm(strings.workflows.leaveQuestion)) return;
  if (workbench) workbench.stop(false);
  else shown?.stop?.();
  shown = undefined;
  workbench = undefined;
  session.forget();
  attempt(() => showSignIn(""));
}

/** Shows what the address says. */
async function go() {
  const route = readAddress(location.hash);
  if (workbench) {
    const { editor } = workbench;
    if (route.screen === "workflow" && route.name === editor.name && route.run === undefined) return;
    if (!workbench.keepDraft() && !confirm(strings.workflows.leaveQuestion)) {
      history.pushState(null, "", addressOf({ screen: "workflow", name: editor.name }));
      return;
    }
  }
  const mine = ++asked;
  if (route.screen === "workflow") return await showWorkflow(route.name, route.run, mine);
  await showPage(route, mine);
}

/**
 * @param {Exclude<Route, {screen: "workflow"}>} route
 * @param {number} mine
 * @param {string} [message]
 */
async function showPage(route, mine, message) {
  const isFirst = shown === undefined;
  const { pageOf } = await import("./ui/pages.js");
  const page = await pageOf(route, { client, signOut, create, message });
  if (mine !== asked) return page.stop?.();
  show(page);
  // Who listens is told where the link has led.
  const heading = page.element.querySelector("h1");
  if (!isFirst) heading?.focus({ preventScroll: true });
}

/** @param {string} name of a workflow that there isn't */
function create(name) {
  wished = name;
  location.hash = addressOf({ screen: "workflow", name });
}

/**
 * @param {string} name
 * @param {string | undefined} run that is to be shown on it
 * @param {number} mine
 */
async function showWorkflow(name, run, mine) {
  if (run !== undefined) session.keepRun(name, run);
  const draft = session.draft(name);
  let editor;
  try {
    editor = await storedEditor(name, draft);
  } catch (error) {
    if (!(error instanceof ServerProblem) || error.status !== 404) throw error;
    if (!draft && wished !== name) {
      history.replaceState(null, "", addressOf({ screen: "workflows" }));
      return await showPage({ screen: "workflows" }, mine, strings.workflows.none(name));
    }
    // A workflow is called by what a node may be called, too.
    const document = draft?.document ?? newDocument(name.replace(/[^A-Za-z0-9_-]/g, "_"));
    editor = new Editor(client, await catalog(), name, new History(document, null), null);
  }
  await editor.places.prepare();
  if (mine !== asked) return;
  wished = "";
  work(editor);
}

async function catalog() {
  return readCatalog((await client.ask("GET", "/api/plugins/nodes")).value);
}

/**
 * @param {string} name
 * @param {ReturnType<typeof session.draft>} draft
 */
async function storedEditor(name, draft) {
  const [types, stored] = await Promise.all([catalog(), client.workflow(name)]);
  const saved = checkedDocument(stored.document);
  const document = draft ? new History(draft.document, saved) : new History(saved);
  const editor = new Editor(client, types, name, document, draft ? draft.tag : stored.tag);
  editor.keepStored(saved, stored.source);
  if (draft) editor.say(strings.save.draft);
  else if (editor.storedSource !== undefined && hasComments(stored.source)) editor.say(strings.save.comments);
  return editor;
}

/** @param {Editor} editor */
function work(editor) {
  const made = new Workbench(editor, { signOut, signedOut: (message) => attempt(() => showSignIn(message)) });
  show({ element: made.element, title: editor.name, stop: () => made.stop() });
  workbench = made;
  history.replaceState(null, "", addressOf({ screen: "workflow", name: editor.name }));
  made.start();
}

/** @param {() => Promise<void>} act */
async function attempt(act) {
  const mine = asked;
  try {
    await act();
  } catch (error) {
    if (error instanceof ServerProblem && error.status === 401) {
      return await showSignIn(session.token ? strings.signIn.refused : "");
    }
    if (mine < asked - 1) return;
    const card = element("div", {
      class: "card",
      children: [
        element("p", { text: messageOf(error), attributes: { role: "alert" } }),
        element("a", { text: strings.workflows.back, attributes: { href: addressOf({ screen: "workflows" }) } }),
      ],
    });
    show({ element: element("main", { class: "screen", children: [card] }), title: "" });
  }
}

addEventListener("hashchange", () => attempt(go));
// Such as a part that couldn't be loaded: it is told where somebody looks.
addEventListener("unhandledrejection", ({ reason }) => workbench?.fail(reason));
await attempt(go);
