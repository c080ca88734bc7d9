import assert from "node:assert/strict";
import { denialsOf } from "../../Sources/CWebAssets/web/js/model/denials.js";

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
/** @param {unknown} data */
const page = (data) => `<html><script type="application/json" id="data">\n${JSON.stringify(data)}\n</script></html>`;
const whole = {
  types: [{ name: "q/other" }, { name: "p/thing" }],
  nodes: { name: ["a", "b[0]", "b[1]"], type: [0, 1, 1] },
  details: {
    0: { account: { denials: [denial], denials_further_count: 9 } },
    2: { account: { denials: [denial, null], denials_further_count: 3 } },
    7: { account: { denials: [denial] } },
  },
};

Deno.test("what was refused to a node is found, with the plugin that it was refused to", () => {
  const found = denialsOf(page(whole), (node) => node.startsWith("b"));
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
  assert.deepEqual(denialsOf(page(whole), () => false), { denials: [], further: 0 });
  // What isn't shown as it is can't be granted by a click.
  for (const permission of ["filesystem.read:/a\u202e/b", `filesystem.read:/${"x".repeat(300)}`]) {
    const details = { 0: { account: { denials: [{ ...denial, permission }] } } };
    const [odd] = denialsOf(page({ ...whole, details }), () => true)?.denials ?? [];
    assert.notEqual(odd?.shown, permission);
  }
});

Deno.test("of a page that isn't all there nothing is told, and of other data nothing either", () => {
  assert.equal(denialsOf(page(whole).slice(0, 300), () => true), undefined);
  assert.equal(denialsOf("", () => true), undefined);
  // Details of some nodes were left out: nothing is known of those.
  const short = page({ ...whole, details_left_out: 1 });
  assert.equal(denialsOf(short, (node) => node === "b[0]"), undefined);
  assert.equal(denialsOf(short, (node) => node === "a")?.denials.length, 1);
  for (
    const data of [null, [], { details: { 0: 1 } }, {
      nodes: { name: ["a"] },
      details: { 0: { account: { denials: 1 } } },
    }]
  ) {
    assert.deepEqual(denialsOf(page(data), () => true), { denials: [], further: 0 });
  }
});
