import assert from "node:assert/strict";
import { fromPlain } from "../../Sources/CWebAssets/web/js/model/json.js";
import {
  endOfLog,
  entriesBetween,
  LogWindow,
  matchesSearch,
  plainText,
  readLogPage,
} from "../../Sources/CWebAssets/web/js/model/log.js";
import { randomNumbers } from "./support.js";

/**
 * A log as the server reads it: lines of JSON, from any place on, 4 MiB at most.
 * @param {number} seed
 */
function logOf(seed) {
  const random = randomNumbers(seed);
  let text = "";
  const piece = 200_000;
  return {
    /** @type {string[]} all lines of the node that is asked for */
    lines: [],
    requests: 0,
    /** @param {number} count */
    grow(count) {
      for (; count > 0; count--) {
        const isOwn = random() < 0.7;
        const line = `${this.lines.length} ${"x".repeat(Math.floor(300 * random() ** 4))}`;
        if (isOwn) this.lines.push(line);
        text += JSON.stringify({ node: isOwn ? "a" : "b", event: "output", stream: "stdout", line }) + "\n";
      }
    },
    /**
     * @param {number} after
     * @param {number} limit
     */
    read(after, limit) {
      this.requests++;
      const bytes = text.slice(after, after + piece);
      const whole = bytes.slice(0, bytes.lastIndexOf("\n") + 1);
      const entries = [];
      let [next, hasMore] = [after, bytes.length === piece];
      for (const line of whole.split("\n").slice(0, -1)) {
        if (entries.length >= limit) {
          hasMore = true;
          break;
        }
        next += line.length + 1;
        try {
          const entry = JSON.parse(line);
          if (entry.node === "a") entries.push(entry);
        } catch {
          // It began within the line.
        }
      }
      return Promise.resolve(readLogPage(fromPlain({ entries, next, has_more: hasMore })));
    },
  };
}

/** @param {LogWindow} held */
const texts = (held) => held.pages.flatMap(({ entries }) => entries.map(({ text }) => text));

Deno.test("the end of a log is found with few questions, however long it is", async () => {
  for (const count of [0, 1, 150, 250, 20_000]) {
    const log = logOf(count + 1);
    log.grow(count);
    const read = log.read.bind(log);
    const end = await endOfLog(read);
    assert.ok(log.requests < 30, `${log.requests} questions`);
    assert.equal((await read(end, 200)).next, end);
  }
});

Deno.test("going back page by page, nothing is left out and nothing comes twice", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const log = logOf(seed);
    log.grow(3000);
    const read = log.read.bind(log);
    let held = await LogWindow.latest(read);
    const seen = [texts(held)];
    assert.equal(texts(held).at(-1), log.lines.at(-1));
    while (held.start > 0) {
      const older = await held.withOlder(read);
      seen.unshift(older.pages[0]?.entries.map(({ text }) => text) ?? []);
      held = older;
    }
    assert.deepEqual(seen.flat(), log.lines, `seed ${seed}`);
  }
});

Deno.test("what is said meanwhile comes behind it, once, and what is held is bounded", async () => {
  const log = logOf(5);
  const read = log.read.bind(log);
  let held = await LogWindow.latest(read);
  assert.deepEqual(texts(held), []);
  const random = randomNumbers(9);
  let seen = 0;
  for (let round = 0; round < 600; round++) {
    log.grow(Math.floor(40 * random()));
    let hasMore = true;
    while (hasMore) ({ window: held, hasMore } = await held.withNewer(read));
    const shown = texts(held);
    assert.deepEqual(shown, log.lines.slice(-shown.length || log.lines.length));
    seen = Math.max(seen, shown.length);
  }
  assert.ok(seen < log.lines.length && seen <= 24 * 200);
  assert.equal((await held.withNewer(read)).window, held);
});

Deno.test("between two places there are the entries between them", async () => {
  const log = logOf(3);
  log.grow(900);
  const read = log.read.bind(log);
  const middle = (await read(0, 777)).next;
  log.requests = 0;
  assert.deepEqual((await entriesBetween(read, 0, middle)).map(({ text }) => text), log.lines.slice(0, 777));
  assert.ok(log.requests < 25, `${log.requests} questions`);
});

Deno.test("colours and what else terminals obey is taken out, as it is or written out", () => {
  assert.equal(plainText("\u001b[31mred\u001b[0m \u001b]0;title\u0007x"), "red x");
  assert.equal(plainText("\\u{1b}[1;31mred\\u{1b}[0m [31m stays"), "red [31m stays");
  assert.equal(plainText("plain"), "plain");
  const [entry] = readLogPage(
    fromPlain({ entries: [{ event: "log", level: "warning", message: "\u001b[31ma\u202eb\\u{1b}[0m", node: "n" }] }),
  ).entries;
  assert.deepEqual(entry, { time: 0, node: "n", level: "warning", text: "a b" });
  assert.ok(entry && matchesSearch(entry, "warn") && matchesSearch(entry, "") && !matchesSearch(entry, "z"));
  for (const value of [null, 5, {}, { entries: 5 }, { entries: [null, 1, { line: 5 }] }]) readLogPage(fromPlain(value));
});
