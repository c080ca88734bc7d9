/**
 * What the editor holds while somebody works on a workflow, and what can be done to it. Whatever shows it is told when it has changed, once
 * for each frame.
 *
 * @typedef {import("../api/client.js").Client} Client
 * @typedef {import("../api/client.js").Diagnostic} Diagnostic
 * @typedef {import("../model/catalog.js").Catalog} Catalog
 * @typedef {import("../model/commands.js").Command} Command
 * @typedef {ReturnType<import("../model/drawings.js").contentOf>} Content
 * @typedef {import("../model/document.js").Edge} Edge
 * @typedef {import("../model/document.js").Place} Place
 * @typedef {import("../model/document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("../model/history.js").History} History
 * @typedef {import("../model/run.js").RunState} RunState
 *
 * An end of a line that is being drawn; of one of order where `port` is empty.
 * @typedef {{node: string, port: string, side: "inputs" | "outputs"}} PortEnd
 * @typedef {{document: WorkflowDocument, tag: string | null, author: string, source: string}} Conflict
 */

import * as commands from "../model/commands.js";
import { fragmentText } from "../model/copying.js";
import { edgeKey, edgesOf, kindOf, nodesOf, placeOf } from "../model/document.js";
import { fromPlain, isEqual } from "../model/json.js";
import { freeName } from "../model/names.js";
import { connectionProblem, fittingPort, orderProblem } from "../model/ports.js";
import { byDocumentNode, emptyRun } from "../model/run.js";
import { shapesOf } from "../model/shapes.js";
import { drawingAt } from "../model/shown_drawings.js";
import { isYAML } from "../model/sources.js";
import { Places } from "./places.js";
import { strings } from "./strings/strings.js";

export const grid = 8;

export class Editor {
  /**
   * @param {Client} client
   * @param {Catalog} catalog
   * @param {string} name that it is stored by
   * @param {History} history
   * @param {string | null} tag of the version that it follows; null: it isn't stored yet
   */
  constructor(client, catalog, name, history, tag) {
    this.client = client;
    this.catalog = catalog;
    this.name = name;
    this.history = history;
    this.tag = tag;
    /** @type {ReadonlySet<string>} */
    this.selection = new Set();
    /** @type {ReadonlySet<string>} keys of edges */
    this.selectedEdges = new Set();
    /** The key of a group or a comment. @type {string | undefined} */
    this.selectedDrawing = undefined;
    /** @type {PortEnd | undefined} */
    this.pending = undefined;
    /** @type {ReadonlyArray<Diagnostic>} */
    this.problems = [];
    /** @type {Conflict | undefined} */
    this.conflict = undefined;
    /** @type {string | undefined} */
    this.runId = undefined;
    /** @type {RunState} */
    this.run = emptyRun;
    /** @type {WorkflowDocument | undefined} what that run was begun with */
    this.runDocument = undefined;
    /** @type {unknown[]} what `changedNodes` was made of */
    this.changedOf = [];
    /** @type {ReadonlySet<string>} */
    this.changedNodes = new Set();
    /** Milliseconds since 1970, by the server's clock; renewed each second while a run goes on. */
    this.now = 0;
    this.isConnected = true;
    /** What the token allows, once that is known. @type {import("../api/client.js").Scope} */
    this.scope = "admin";
    /** @type {Map<string, import("../model/json.js").JSONValue>} by the names of the workflow's inputs */
    this.runInputs = new Map();
    /** Documents as YAML, as somebody wrote them or the server did. @type {WeakMap<WorkflowDocument, string>} */
    this.sources = new WeakMap();
    /** What is stored, where that is YAML: then it is saved so again. @type {string | undefined} */
    this.storedSource = undefined;
    this.message = "";
    this.messageKind = "info";
    /** @type {Set<() => void>} */
    this.watchers = new Set();
    this.isScheduled = false;
    this.gestures = 0;
    /** @type {RunState | undefined} that `states` were made of */
    this.statesOf = undefined;
    /** @type {ReturnType<typeof byDocumentNode>} */
    this.states = new Map();
    this.places = new Places(this);
  }

  get document() {
    return this.history.document;
  }

  get shapes() {
    return shapesOf(this.document, this.catalog);
  }

  get isRunning() {
    return this.runId !== undefined && this.run.outcome === undefined;
  }

  /** @returns {ReturnType<typeof byDocumentNode>} where each node of the document stands in the last run */
  get nodeStates() {
    if (this.statesOf !== this.run) {
      this.statesOf = this.run;
      this.states = byDocumentNode(this.run);
    }
    return this.states;
  }

  /** @returns {ReadonlySet<string>} nodes that are set otherwise than they were in the run that is shown; the same for the same */
  get changedSince() {
    const nodes = nodesOf(this.document);
    if (nodes !== this.changedOf[0] || this.runDocument !== this.changedOf[1]) {
      this.changedOf = [nodes, this.runDocument];
      const before = this.runDocument ? nodesOf(this.runDocument) : new Map();
      const names = [...nodes].flatMap(([name, node]) => {
        const other = before.get(name);
        return other && !isEqual(node, other, false) ? [name] : [];
      });
      // The canvas is drawn anew for another set.
      if (names.length > 0 || this.changedNodes.size > 0) this.changedNodes = new Set(names);
    }
    return this.changedNodes;
  }

  /**
   * @param {() => void} watcher
   * @returns {() => void} ends it
   */
  watch(watcher) {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  changed() {
    if (this.isScheduled) return;
    this.isScheduled = true;
    requestAnimationFrame(() => {
      this.isScheduled = false;
      for (const watcher of this.watchers) watcher();
    });
  }

  /** @param {import("../api/client.js").Scope} scope */
  allow(scope) {
    this.scope = scope;
    this.changed();
  }

  /**
   * @param {string} text for people who look, and for those who listen
   * @param {"info" | "error"} [kind]
   */
  say(text, kind = "info") {
    this.message = text;
    this.messageKind = kind;
    this.changed();
  }

  /**
   * @param {WorkflowDocument} document what the server has
   * @param {string} source as it was written
   */
  keepStored(document, source) {
    this.storedSource = isYAML(source) ? source : undefined;
    if (this.storedSource !== undefined) this.sources.set(document, source);
  }

  // Changes

  /** @param {Command} command */
  perform(command) {
    const before = this.history;
    this.history = before.perform(command);
    if (this.history === before) return false;
    this.keepSelection();
    if (!command.gesture) this.say(strings.canvas.done(command.label));
    this.changed();
    return true;
  }

  /** @returns {string} of a movement that begins now */
  newGesture() {
    return `gesture-${++this.gestures}`;
  }

  endGesture() {
    this.history = this.history.endGesture();
  }

  /** @param {string} gesture whose step is undone, where it has made one; what was done before stays */
  cancelGesture(gesture) {
    if (this.history.past?.gesture === gesture) this.undo();
  }

  undo() {
    const label = this.history.undoLabel;
    if (label === undefined) return;
    this.history = this.history.undo();
    this.keepSelection();
    this.say(strings.canvas.undone(label));
  }

  redo() {
    const label = this.history.redoLabel;
    if (label === undefined) return;
    this.history = this.history.redo();
    this.keepSelection();
    this.say(strings.canvas.redone(label));
  }

  /** What isn't there any more isn't selected. */
  keepSelection() {
    const nodes = nodesOf(this.document);
    if ([...this.selection].some((name) => !nodes.has(name))) {
      this.selection = new Set([...this.selection].filter((name) => nodes.has(name)));
    }
    if (this.selectedEdges.size > 0) {
      const keys = new Set(edgesOf(this.document).map(edgeKey));
      this.selectedEdges = new Set([...this.selectedEdges].filter((key) => keys.has(key)));
    }
    const drawing = this.selectedDrawing;
    if (drawing !== undefined && !drawingAt(this.document, drawing)) this.selectedDrawing = undefined;
    if (this.pending && !nodes.has(this.pending.node)) this.pending = undefined;
  }

  /**
   * @param {Iterable<string>} names
   * @param {Iterable<string>} [edges]
   */
  select(names, edges = []) {
    this.selection = new Set(names);
    this.selectedEdges = new Set(edges);
    this.selectedDrawing = undefined;
    this.changed();
  }

  /** @param {string | undefined} key */
  selectDrawing(key) {
    this.select([]);
    this.selectedDrawing = key;
  }

  get isNothingSelected() {
    return this.selection.size === 0 && this.selectedEdges.size === 0 && this.selectedDrawing === undefined;
  }

  // Nodes

  /**
   * @param {string} type
   * @param {Place} place of its corner
   * @param {PortEnd} [end] what it is connected to, in the same step
   * @returns {string | undefined} its name
   */
  addNode(type, place, end) {
    const known = this.catalog.get(type);
    if (!known) return undefined;
    const nodes = nodesOf(this.document);
    const name = freeName(type.slice(type.indexOf("/") + 1), (candidate) => nodes.has(candidate));
    const node = /** @type {import("../model/json.js").JSONObject} */ (fromPlain({ type }));
    const add = commands.addNode(name, node, snapped(place));
    const port = end && fittingPort(this.document, this.catalog, end, known);
    const line = end && port &&
      this.lineCommand(end, { node: name, port: port.name, side: end.side === "inputs" ? "outputs" : "inputs" });
    this.pending = undefined;
    if (!this.perform(line ? { ...add, change: (document) => line.change(add.change(document)) } : add)) {
      return undefined;
    }
    this.select([name]);
    return name;
  }

  /**
   * @param {PortEnd} first
   * @param {PortEnd} second
   * @returns {Command}
   */
  lineCommand(first, second) {
    const [from, to] = first.side === "outputs" ? [first, second] : [second, first];
    if (from.port === "") return commands.addOrder(from.node, to.node);
    const type = this.typeOf(to.node);
    // A node that isn't there yet has nothing that could be in the way.
    const multiple = type?.inputs.find(({ name }) => name === to.port)?.multiple ?? false;
    return commands.connect({ node: from.node, port: from.port }, { node: to.node, port: to.port }, multiple);
  }

  removeSelected() {
    const edges = edgesOf(this.document).filter((edge) => this.selectedEdges.has(edgeKey(edge)));
    const drawing = this.selectedDrawing;
    // What it takes is there since it was shown.
    if (drawing !== undefined) import("../model/drawings.js").then((made) => this.perform(made.removeDrawing(drawing)));
    else if (this.selection.size > 0) this.perform(commands.removeNodes(this.selection));
    else if (edges.length > 0) this.perform(commands.disconnect(edges));
  }

  /**
   * @param {Content} [content] of a group or a comment that is selected
   * @returns {string} what is selected, for a clipboard; empty where that is nothing
   */
  copy(content) {
    const names = content?.nodes.keys() ?? this.selection;
    const drawings = [...content?.drawings.values() ?? []];
    if (drawings.length + this.selection.size === 0) {
      this.say(strings.canvas.nothingCopied);
      return "";
    }
    const groups = drawings.filter(({ kind }) => kind === "groups").length;
    this.say(strings.canvas.copied(content?.nodes.size ?? this.selection.size, groups, drawings.length - groups));
    return fragmentText(this.document, names, drawings);
  }

  /**
   * @param {string} name
   * @returns {Place} where it is drawn
   */
  placeOf(name) {
    return placeOf(this.document, name) ?? this.places.of(name);
  }

  /**
   * Another document in the place of this one, in one step.
   * @param {string} label
   * @param {WorkflowDocument} document
   */
  async replace(label, document) {
    await this.places.prepare(document);
    return this.perform(commands.replaceDocument(label, document));
  }

  // Lines

  /**
   * @param {PortEnd} first
   * @param {PortEnd} second
   * @returns {{reason: string, hint?: string} | undefined} undefined: they can be connected
   */
  refusal(first, second) {
    if (first.side === second.side) return { reason: strings.canvas.sameSide };
    const [from, to] = first.side === "outputs" ? [first, second] : [second, first];
    if (from.port === "" && to.port === "") return orderProblem(this.document, from.node, to.node);
    if (from.port === "" || to.port === "") return { reason: strings.order.only };
    return connectionProblem(this.document, this.catalog, from, to);
  }

  /**
   * @param {PortEnd} first
   * @param {PortEnd} second
   * @returns {boolean} whether they are connected now
   */
  connect(first, second) {
    const refusal = this.refusal(first, second);
    this.pending = undefined;
    this.changed();
    if (refusal) {
      const hint = refusal.hint ? ` (${refusal.hint})` : "";
      this.say(strings.canvas.refused(refusal.reason + hint), "error");
      return false;
    }
    const [from, to] = first.side === "outputs" ? [first, second] : [second, first];
    const isDone = this.perform(this.lineCommand(first, second));
    if (isDone && from.port === "") this.say(strings.order.done(from.node, to.node));
    else if (isDone) this.say(strings.canvas.connected(endText(from), endText(to)));
    return isDone;
  }

  /** @param {PortEnd | undefined} end */
  setPending(end) {
    this.pending = end;
    if (end) this.say(strings.canvas.connectFrom(endText(end)));
    this.changed();
  }

  /**
   * @param {string} name
   * @returns {ReadonlyArray<Diagnostic>}
   */
  problemsOf(name) {
    return this.problems.filter(({ node }) => node === name);
  }

  /** @param {string} name */
  typeOf(name) {
    const node = nodesOf(this.document).get(name);
    return node ? this.catalog.get(kindOf(node).text) : undefined;
  }
}

/** @param {PortEnd} end */
export function endText(end) {
  return end.port === "" ? strings.order.of(end.node) : `${end.node}.${end.port}`;
}

/** @param {Place} place */
export function snapped(place) {
  return { x: Math.round(place.x / grid) * grid, y: Math.round(place.y / grid) * grid };
}
