import assert from "node:assert/strict";
import { bytesText, readHosts, readQueue, readRuns, workflowOf } from "../../Sources/CWebAssets/web/js/model/hosts.js";
import { fromPlain } from "../../Sources/CWebAssets/web/js/model/json.js";

Deno.test("answers about hosts are read whatever is in them", () => {
  for (const odd of [null, "x", [], { hosts: 1, runs: {} }, { hosts: [1, null], runs: ["x"] }]) {
    assert.deepEqual(readHosts(fromPlain(odd)), []);
    assert.deepEqual(readQueue(fromPlain(odd)), { waiting: [], furtherCount: 0 });
    assert.deepEqual(readRuns(fromPlain(odd)), []);
  }
  // What nodes run there, older servers don't say.
  const [host] = readHosts(
    fromPlain({ hosts: [{ name: "a", cpu_milli: 2000, cpu_milli_free: -500, devices: [{ id: "gpu0" }] }] }),
  );
  assert.equal(host.freeMilli, -500);
  assert.deepEqual([host.running, host.runningCount], [[], 0]);
  assert.deepEqual(host.devices, [{ id: "gpu0", bytes: 0, freeMilli: 0 }]);
  const queue = readQueue(
    fromPlain({ runs: [{ run: "r", waiting: [{ node: "n", reason: "waits" }], further_count: 7 }] }),
  );
  assert.deepEqual(queue, { waiting: [{ run: "r", node: "n", reason: "waits", since: 0 }], furtherCount: 7 });
});

Deno.test("a run leads to the stored workflow that it is of", () => {
  const [run] = readRuns(fromPlain({ runs: [{ run: "r", workflow: "a_b", file: "workflow.yaml" }] }));
  assert.equal(workflowOf(run, ["workflow", "a.b"]), "a.b");
  assert.equal(workflowOf({ ...run, file: "c.yaml" }, ["a_b", "c"]), "c");
  assert.equal(workflowOf(run, ["workflow", "x"]), undefined);
});

Deno.test("amounts of memory have three figures", () => {
  assert.deepEqual([0, 999, 1024, 536870912, 25275924480, -1024].map(bytesText), [
    "0 B",
    "999 B",
    "1 KiB",
    "512 MiB",
    "23.5 GiB",
    "−1 KiB",
  ]);
});
