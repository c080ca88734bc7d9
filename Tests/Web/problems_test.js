import assert from "node:assert/strict";
import { withPorts } from "../../Sources/CWebAssets/web/js/model/problems.js";
import { catalogOf, paletteEntry, port, workflow } from "./support.js";

Deno.test("an input that isn't connected has its problem, also where the server names the node alone", () => {
  const catalog = catalogOf(paletteEntry("t/x", { inputs: [port("one", "any"), port("two", "any")] }));
  const document = workflow({ a: { type: "t/x", in: { one: "b.o" } }, b: { type: "t/gone" } });
  const problem = (
    /** @type {string} */ node,
    /** @type {string} */ what,
    /** @type {Record<string, string>} */ rest = {},
  ) => ({
    node,
    port: "",
    parameter: "",
    what,
    ...rest,
  });
  const problems = [
    problem("a", "the input 'two' of the node 'a' is not connected"),
    problem("a", "the input 'one' of the node 'a' is odd"),
    problem("a", "the parameter 'two' is odd", { parameter: "two" }),
    problem("b", "the input 'two' of the node 'b' is not connected"),
    problem("", "the workflow is odd"),
  ];
  const placed = withPorts(problems, document, catalog);
  assert.deepEqual(placed.map((one) => one.port), ["two", "", "", "", ""]);
  assert.equal(placed[1], problems[1]);
});
