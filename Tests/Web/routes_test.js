import assert from "node:assert/strict";
import { addressOf, readAddress } from "../../Sources/CWebAssets/web/js/model/routes.js";

Deno.test("each screen has an address that leads to it", () => {
  for (
    const route of /** @type {const} */ ([
      { screen: "workflows" },
      { screen: "plugins" },
      { screen: "plugins", name: "files" },
      { screen: "hosts" },
      { screen: "workflow", name: "a.b-c" },
      { screen: "workflow", name: "a", run: "0123-abc" },
    ])
  ) assert.deepEqual(readAddress(addressOf(route)), route);
});

Deno.test("an address that isn't ours leads to the workflows", () => {
  for (const hash of ["", "#", "#x", "#workflow=", "#workflow=../x", "#workflow=%E0%A4%A", "#=", "#&&", "#Plugins"]) {
    assert.deepEqual(readAddress(hash), { screen: "workflows" }, hash);
  }
  assert.deepEqual(readAddress("#plugins=<b>"), { screen: "plugins" });
  assert.deepEqual(readAddress("#workflow=a&run=%2F"), { screen: "workflow", name: "a" });
});
