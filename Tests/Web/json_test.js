import assert from "node:assert/strict";
import {
  ExactNumber,
  fromPlain,
  isEqual,
  numberOf,
  Problem,
  readJSON,
  writeJSON,
} from "../../Sources/CWebAssets/web/js/model/json.js";

Deno.test("JSON is written as it was read: order, spelling of numbers, names of members", () => {
  for (
    const text of [
      "null",
      '{"b":1,"a":2,"10":3,"2":4}',
      '{"__proto__":{"polluted":1},"constructor":2}',
      "[1,1.0,1e3,-0,9007199254740993,0.1,1e400]",
      '"\\u0000\\"\\\\é😀"',
      "[[],{},[[[]]]]",
      '{"":""}',
    ]
  ) assert.equal(writeJSON(readJSON(text)), text);
  assert.equal(/** @type {Record<string, unknown>} */ ({}).polluted, undefined);
});

Deno.test("JSON that isn't JSON is refused, with the line", () => {
  for (
    const text of [
      "",
      "{",
      "[1,]",
      '{"a":1,}',
      "{a:1}",
      "01",
      "1.",
      ".5",
      "+1",
      "NaN",
      "'a'",
      '"\n"',
      '"\\x"',
      '"a',
      "[1]]",
      "tru",
      '{"a":1,"a":2}',
      "\u00a01",
    ]
  ) assert.throws(() => readJSON(text), Problem, text);
  try {
    readJSON('{\n"a":\n?}');
  } catch (error) {
    assert.equal(/** @type {Problem} */ (error).hint, "look at line 3");
  }
});

Deno.test("JSON of any size is bounded", () => {
  const limits = { characters: 100, depth: 4, values: 10 };
  assert.throws(() => readJSON(" ".repeat(101), limits), /too long/);
  assert.throws(() => readJSON("[[[[[]]]]]", limits), /levels/);
  assert.throws(() => readJSON("[1,1,1,1,1,1,1,1,1,1]", limits), /values/);
  assert.throws(() => readJSON("[".repeat(100_000)), /levels/);
});

Deno.test("values are equal when they are written alike", () => {
  assert.ok(isEqual(readJSON('{"a":[1,{"b":1.0}]}'), readJSON('{ "a": [1, {"b": 1.0}] }')));
  assert.ok(!isEqual(readJSON("1"), readJSON("1.0")));
  assert.ok(!isEqual(readJSON('{"a":1,"b":2}'), readJSON('{"b":2,"a":1}')));
  assert.ok(isEqual(readJSON('{"a":1,"b":2}'), readJSON('{"b":2,"a":1}'), false));
  assert.ok(!isEqual(readJSON('{"a":null}'), readJSON('{"b":null}'), false));
  assert.ok(!isEqual(undefined, null));
});

Deno.test("indented JSON is JSON", () => {
  const value = fromPlain({ a: [1, { b: [] }], c: {} });
  assert.ok(isEqual(readJSON(writeJSON(value, 2)), value));
  assert.equal(writeJSON(value, 2), '{\n  "a": [\n    1,\n    {\n      "b": []\n    }\n  ],\n  "c": {}\n}');
});

Deno.test("a number that JavaScript has no place for keeps its text", () => {
  const number = numberOf("18446744073709551615");
  assert.ok(number instanceof ExactNumber && number.isInteger);
  assert.equal(numberOf("5"), 5);
  assert.ok(!(/** @type {ExactNumber} */ (numberOf("5.0")).isInteger));
});
