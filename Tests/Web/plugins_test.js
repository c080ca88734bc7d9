import assert from "node:assert/strict";
import { fromPlain } from "../../Sources/CWebAssets/web/js/model/json.js";
import {
  canLeak,
  consentNeeded,
  isSharp,
  nameAndScope,
  readPlugin,
  readPluginList,
} from "../../Sources/CWebAssets/web/js/model/plugins.js";

Deno.test("what reaches beyond the workspace is marked, the rest isn't", () => {
  const sharp = [
    "system.exec",
    "system.exec:git",
    "network.http",
    "network.socket",
    "filesystem.write:/srv",
    "gpu.access",
    "memory.unlimited",
  ];
  const plain = [
    "filesystem.read",
    "filesystem.write",
    "network.http:example.org",
    "network.socket:db:5432",
    "new.thing",
  ];
  assert.deepEqual([...sharp, ...plain].filter(isSharp), sharp);
  assert.deepEqual(nameAndScope("network.socket:db:5432"), ["network.socket", "db:5432"]);
  assert.ok(canLeak(["filesystem.read", "network.http:a"]));
  assert.ok(!canLeak(["filesystem.read", "filesystem.write"]) && !canLeak(["network.http"]));
});

Deno.test("a refusal for want of consent names what is asked for", () => {
  const text =
    "shop 1.1.0 asks for more than 1.0.0 did: network.http:a,b, system.exec: nobody has allowed it, so 1.0.0 stays";
  assert.deepEqual(consentNeeded(text), {
    plugin: "shop",
    version: "1.1.0",
    permissions: ["network.http:a,b", "system.exec"],
  });
  for (const other of ["", "the package is not a package", "Shop 1 asks for more than 1 did: x"]) {
    assert.equal(consentNeeded(other), undefined);
  }
});

Deno.test("answers about plugins are read whatever is in them", () => {
  for (
    const odd of [null, 1, "x", [], {}, {
      plugins: 5,
      broken: [1],
      installed: [1],
      manifest: [],
      grants: "x",
      stopped: 3,
    }]
  ) {
    const value = fromPlain(odd);
    assert.deepEqual(readPluginList(value).plugins, []);
    assert.deepEqual(readPlugin(value).asked, []);
    assert.equal(readPlugin(value).stopped, undefined);
  }
  const plugin = readPlugin(fromPlain({
    name: "shop\u202e",
    manifest: { version: "1.0.0", configuration: { url: {} } },
    installed: [{ version: "1.0.0", standing: "odd", signers: ["a", 5] }],
    stopped: { crashes: 3, remaining_ms: -5 },
    grants: {
      asked: [{
        permission: "system.exec",
        meaning: "x".repeat(9000),
        forbidden_by: { permission: "system.exec", file: "f", line: 3 },
      }],
    },
  }));
  assert.equal(plugin.name, "shop");
  assert.ok(plugin.hasSettings);
  assert.deepEqual(plugin.installed[0].standing, "other");
  assert.deepEqual(plugin.installed[0].signers, ["a"]);
  assert.deepEqual(plugin.stopped, { crashes: 3, remaining: 0 });
  assert.equal(plugin.asked[0].forbiddenBy, "system.exec (f:3)");
  assert.ok(plugin.asked[0].meaning.length <= 2000);
});
