/** Begins: with a token, or without one where the server asks for none. */

import { Client, ServerProblem } from "./api/client.js";
import { readCatalog } from "./model/catalog.js";
import { checkedDocument, newDocument } from "./model/document.js";
import { History } from "./model/history.js";
import { isWorkflowName } from "./model/names.js";
import { element } from "./ui/dom.js";
import { Editor } from "./ui/editor.js";
import { messageOf, signInScreen, workflowsScreen } from "./ui/screens.js";
import { session } from "./ui/session.js";
import { strings } from "./ui/strings.js";
import { Workbench } from "./ui/workbench.js";

/** @type {Workbench | undefined} */
let workbench;

/** @param {HTMLElement} screen */
function show(screen) {
  workbench?.stop();
  workbench = undefined;
  document.body.replaceChildren(screen);
  document.title = strings.product;
  const first = screen.querySelector("[autofocus]");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {string} message */
function showSignIn(message) {
  session.keepToken("");
  show(signInScreen(message, async (token) => {
    const client = new Client(token);
    await client.ask("GET", "/api/v1/me");
    session.keepToken(token);
    await showChosen(client);
  }));
}

/** @param {Client} client */
async function showWorkflows(client) {
  history.replaceState(null, "", "/");
  const workflows = await client.workflows();
  show(workflowsScreen(workflows, {
    open: (name) => attempt(() => open(client, name)),
    create: (name) => attempt(() => openNew(client, name)),
    signOut: client.token
      ? () => {
        session.forget();
        showSignIn("");
      }
      : undefined,
  }));
}

/** @param {Client} client */
async function showChosen(client) {
  const name = decodeURIComponent(location.hash.replace(/^#workflow=/, ""));
  if (!isWorkflowName(name)) return await showWorkflows(client);
  try {
    await open(client, name);
  } catch (error) {
    if (!(error instanceof ServerProblem) || error.status !== 404) throw error;
    if (session.draft(name)) await openNew(client, name);
    else await showWorkflows(client);
  }
}

/** @param {Client} client */
async function catalogOf(client) {
  return readCatalog((await client.ask("GET", "/api/plugins/nodes")).value);
}

/**
 * @param {Client} client
 * @param {string} name
 */
async function open(client, name) {
  const [catalog, stored] = await Promise.all([catalogOf(client), client.workflow(name)]);
  const saved = checkedDocument(stored.document);
  const draft = session.draft(name);
  const document = draft ? new History(draft.document, saved) : new History(saved);
  const editor = new Editor(client, catalog, name, document, draft?.tag ?? stored.tag);
  if (draft) editor.say(strings.save.draft);
  await editor.prepare();
  work(client, editor);
}

/**
 * @param {Client} client
 * @param {string} name
 */
async function openNew(client, name) {
  const catalog = await catalogOf(client);
  const draft = session.draft(name);
  // A workflow is called by what a node may be called, too.
  const inside = name.replace(/[^A-Za-z0-9_-]/g, "_");
  const document = draft?.document ?? newDocument(inside);
  const editor = new Editor(client, catalog, name, new History(document, null), null);
  await editor.prepare();
  work(client, editor);
}

/**
 * @param {Client} client
 * @param {Editor} editor
 */
function work(client, editor) {
  const made = new Workbench(editor, {
    leave: () => attempt(() => showWorkflows(client)),
    signedOut: showSignIn,
  });
  show(made.element);
  workbench = made;
  history.replaceState(null, "", `#workflow=${encodeURIComponent(editor.name)}`);
  made.start();
}

/** @param {() => Promise<void>} act */
async function attempt(act) {
  try {
    await act();
  } catch (error) {
    if (error instanceof ServerProblem && error.status === 401) showSignIn(session.token ? strings.signIn.refused : "");
    else {
      show(element("main", {
        class: "screen",
        children: [
          element("div", {
            class: "card",
            children: [element("p", { text: messageOf(error), attributes: { role: "alert" } })],
          }),
        ],
      }));
    }
  }
}

await attempt(() => showChosen(new Client(session.token)));
