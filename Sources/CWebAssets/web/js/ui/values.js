/** What a node returned: each value with what it is, a look at it, and a way to keep it. */

import { jsonOf, listArtifacts, readValue, valueBytes } from "../api/runs.js";
import { documentNode } from "../model/run.js";
import { arrayText, bytesText, mediaTypeOf, mostBytes, viewsOf } from "../model/values.js";
import { button, element } from "./dom.js";
import { messageOf } from "./messages.js";
import { runStrings } from "./strings/run_strings.js";
import { strings } from "./strings/strings.js";
import { picture, textElement, viewElement } from "./value_views.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/values.js").Artifact} Artifact */
/** @typedef {import("../model/values.js").ValueView} ValueView */

const words = runStrings;
/** Values that are listed at one time, and how large one may be that is shown without being asked for. */
const mostListed = 20;
const mostUnasked = 512 << 10;
/** What a download holds in memory at most, where the browser can't write to a file. */
const mostInMemory = 256 << 20;

/** By run: asked anew once something more has happened in it. @type {{run: string, last: number, list: Promise<Artifact[]>} | undefined} */
let known;

/**
 * @param {Editor} editor
 * @returns {Promise<Artifact[]>}
 */
function artifactsOf({ client, runId = "", run }) {
  if (known?.run !== runId || known.last !== run.last) {
    const list = listArtifacts(client, runId);
    known = { run: runId, last: run.last, list };
    list.catch(() => known = undefined);
  }
  return known.list;
}

/**
 * @param {Editor} editor
 * @param {string} name of a node of the document
 * @returns {Promise<HTMLElement[]>}
 */
export async function nodeValues(editor, name) {
  const run = editor.runId ?? "";
  const found = (await artifactsOf(editor)).filter(({ node }) => documentNode(node) === name);
  if (found.length === 0) return [element("p", { class: "quiet", text: words.noValues })];
  const list = element("div", { class: "values" });
  let shown = 0;
  const more = button(words.more, () => add());
  const add = () => {
    list.append(
      ...found.slice(shown, shown + mostListed).map((artifact) => new ValueCard(editor, run, artifact).element),
    );
    shown += mostListed;
    more.hidden = shown >= found.length;
  };
  add();
  return [list, more];
}

class ValueCard {
  /**
   * @param {Editor} editor
   * @param {string} run
   * @param {Artifact} artifact
   */
  constructor(editor, run, artifact) {
    this.editor = editor;
    this.run = run;
    this.artifact = artifact;
    const { node, port, index, codec, name, bytes, digest } = artifact;
    const isAlone = node === documentNode(node);
    this.title = `${isAlone ? "" : `${node} `}${port}${index > 0 ? ` ${index + 1}` : ""}`;
    /** @type {ValueView[]} */
    this.views = [];
    this.facts = element("span", {
      class: "quiet",
      text: [name, codec, bytesText(bytes)].filter(Boolean).join(" · "),
      title: digest,
    });
    this.shown = element("div", { class: "value-shown" });
    this.choices = element("div", {
      class: "value-choices",
      attributes: { role: "group", "aria-label": words.looks(this.title) },
    });
    this.element = element("section", {
      class: "value",
      attributes: { "aria-label": words.value(this.title), "data-value": `${node}.${port}.${index}` },
      children: [
        element("div", {
          class: "value-head",
          children: [element("bdi", { class: "value-title", text: this.title }), this.facts],
        }),
        this.choices,
        this.shown,
        element("div", {
          class: "inspector-actions",
          children: [
            button(words.larger, () => this.enlarge(), {
              attributes: { "aria-label": `${words.larger}: ${this.title}` },
            }),
            button(words.download, () => this.download(), {
              attributes: { "aria-label": `${words.download}: ${this.title}` },
            }),
          ],
        }),
        element("p", { class: "value-digest quiet", text: digest }),
      ],
    });
    if (bytes <= mostUnasked) this.load();
    else this.shown.append(button(words.show(`(${bytesText(bytes)})`), () => this.load()));
  }

  /** Reads it as far as it is shown. */
  async load() {
    this.shown.replaceChildren(element("p", { class: "quiet", text: words.loading, attributes: { role: "status" } }));
    try {
      /** @type {(width: number) => HTMLElement} */
      const show = this.artifact.codec === "json" ? await this.json() : await this.file();
      this.show = show;
      this.shown.replaceChildren(show(this.width));
    } catch (error) {
      this.shown.replaceChildren(element("p", { class: "run-error", text: messageOf(error) }));
    }
  }

  get width() {
    return Math.max(200, this.shown.clientWidth || 290);
  }

  /** @param {number} most */
  bytes(most) {
    return valueBytes(this.editor.client, this.run, this.artifact, most);
  }

  async json() {
    if (this.artifact.bytes > mostBytes.json) return await this.beginning();
    this.views = viewsOf(jsonOf(await this.bytes(mostBytes.json)));
    this.chosen = 0;
    if (this.views.length > 1) {
      this.choices.replaceChildren(...this.views.map((view, index) => this.choice(view, index)));
    }
    return (/** @type {number} */ width) =>
      viewElement(this.views[this.chosen ?? 0] ?? this.views[0], this.title, width);
  }

  /**
   * @param {ValueView} view
   * @param {number} index
   */
  choice({ kind }, index) {
    const made = button(words.kinds[kind], () => {
      this.chosen = index;
      for (const [other, one] of [...this.choices.children].entries()) {
        one.setAttribute("aria-pressed", String(other === index));
      }
      if (this.show) this.shown.replaceChildren(this.show(this.width));
    }, { attributes: { "aria-pressed": index === 0 } });
    made.setAttribute("aria-pressed", String(index === 0));
    return made;
  }

  async file() {
    const head = await this.bytes(mostBytes.text);
    const type = mediaTypeOf(head, isText(head));
    const { bytes } = this.artifact;
    if (type.startsWith("image/") && bytes <= mostBytes.picture) {
      const all = bytes > head.length ? await this.bytes(mostBytes.picture) : head;
      return () => picture(new Blob([all], { type }), this.title);
    }
    if (type === "text/plain") return this.text(head);
    const array = arrayText(head);
    return () => element("p", { class: "quiet", text: array ? words.array(array) : words.noLook });
  }

  async beginning() {
    return this.text(await this.bytes(mostBytes.text));
  }

  /** @param {Uint8Array} head */
  text(head) {
    const text = new TextDecoder().decode(head);
    const isCut = head.length < this.artifact.bytes;
    return () =>
      element("div", {
        children: [
          isCut
            ? element("p", {
              class: "quiet",
              text: words.beginning(bytesText(head.length), bytesText(this.artifact.bytes)),
            })
            : undefined,
          textElement(text, this.title),
        ],
      });
  }

  enlarge() {
    const content = element("div", { class: "value-large" });
    /** @type {HTMLDialogElement} */
    const dialog = element("dialog", {
      class: "large",
      attributes: { "aria-labelledby": "value-large-title" },
      children: [
        element("div", {
          class: "card-head",
          children: [
            element("h2", {
              attributes: { id: "value-large-title", tabindex: -1, autofocus: true },
              children: [element("bdi", { text: this.title })],
            }),
            button(strings.close, () => dialog.close()),
          ],
        }),
        this.facts.cloneNode(true),
        content,
      ],
      on: { close: () => dialog.remove() },
    });
    this.element.closest(".workbench")?.append(dialog);
    dialog.showModal();
    const put = () => content.replaceChildren(this.show?.(Math.max(240, content.clientWidth - 16)) ?? "");
    if (this.show) put();
    else this.load().then(put);
  }

  async download() {
    const { artifact, editor } = this;
    const name = artifact.name ||
      `${artifact.node}-${artifact.port}${artifact.codec === "json" ? ".json" : ""}`.replace(/[^\w.-]+/g, "-");
    try {
      if (artifact.bytes <= mostInMemory) keep(await (await readValue(editor.client, this.run, artifact)).blob(), name);
      else await stream(() => readValue(editor.client, this.run, artifact), name);
      editor.say(words.downloaded(name));
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) editor.say(messageOf(error), "error");
    }
  }
}

/** @param {Uint8Array} head */
function isText(head) {
  try {
    // Cut within a character, it is text all the same.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {Blob} content
 * @param {string} name
 */
export function keep(content, name) {
  const address = URL.createObjectURL(content);
  element("a", { attributes: { href: address, download: name } }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * Into a file that somebody chooses, without holding it in memory.
 * @param {() => Promise<Response>} read
 * @param {string} name
 */
async function stream(read, name) {
  /** @type {{showSaveFilePicker?: (options: {suggestedName: string}) => Promise<{createWritable: () => Promise<WritableStream>}>}} */
  const chooser = /** @type {any} */ (globalThis);
  if (!chooser.showSaveFilePicker) throw new Error(words.tooLarge);
  const file = await chooser.showSaveFilePicker({ suggestedName: name });
  const [response, target] = [await read(), await file.createWritable()];
  await response.body?.pipeTo(target);
}
