import assert from "node:assert/strict";
import { denialsOf } from "../../Sources/CWebAssets/web/js/model/denials.js";
import { fromPlain } from "../../Sources/CWebAssets/web/js/model/json.js";

const denial = {
  attempt: "execution",
  what: "tried to start the program '/bin/sh\u202e'",
  why: "it isn't granted system.exec",
  occurrence: "once",
  risk: "a shell",
  advice: null,
  permission: "system.exec:sh",
  requested: true,
  grant: ["orchestrator plugin grant p system.exec:sh", "--grant p=system.exec:sh", 5],
};
const whole = {
  nodes: [
    { node: "b[0]", plugin: { name: "p" }, denials: [], denials_further_count: 0 },
    { node: "b[1]", plugin: { name: "p" }, denials: [denial, null], denials_further_count: 3 },
    { node: "b[2]", denials: null },
  ],
};
/** @param {unknown} data */
const read = (data) => denialsOf(fromPlain(data));

Deno.test("what was refused to a node is found, with the plugin that it was refused to", () => {
  const found = read(whole);
  assert.equal(found?.further, 3);
  assert.deepEqual(found?.denials[0], {
    what: "tried to start the program '/bin/sh '",
    why: "it isn't granted system.exec",
    occurrence: "once",
    risk: "a shell",
    advice: "",
    permission: "system.exec:sh",
    shown: "system.exec:sh",
    isRequested: true,
    commands: ["orchestrator plugin grant p system.exec:sh", "--grant p=system.exec:sh"],
    plugin: "p",
    node: "b[1]",
  });
  assert.deepEqual([found?.denials.length, found?.denials[1]?.permission], [2, undefined]);
});

Deno.test("of what is no such answer nothing is told, and of many some are", () => {
  for (const data of [null, [], {}, { nodes: 1 }, { nodes: [1, null, { denials: 1 }] }]) {
    assert.deepEqual(read(data), { denials: [], further: 0 });
  }
  const many = read({ nodes: [{ node: "a", denials: Array(100).fill(denial), denials_further_count: 5 }] });
  assert.deepEqual([many?.denials.length, many?.further], [64, 41]);
  // Of a run with too many nodes some are left out: nothing is known of those.
  assert.equal(read({ nodes: [], nodes_left_out_count: 1 }), undefined);
  assert.deepEqual(read({ nodes: [{ node: "a" }], nodes_left_out_count: 1 }), { denials: [], further: 0 });
});

Deno.test("what isn't shown as it is can't be granted by a click", () => {
  for (const permission of ["filesystem.read:/a\u202e/b", `filesystem.read:/${"x".repeat(300)}`]) {
    const [odd] = read({ nodes: [{ node: "a", denials: [{ ...denial, permission }] }] })?.denials ?? [];
    assert.notEqual(odd?.shown, permission);
  }
});
