import assert from "node:assert/strict";
import {
  fieldText,
  matches,
  needsSwitch,
  parameterProblem,
  readExpression,
  readField,
  stepOf,
} from "../../Sources/CWebAssets/web/js/model/parameters.js";
import { editorKind } from "../../Sources/CWebAssets/web/js/model/parameter_kinds.js";
import { fromPlain, readJSON } from "../../Sources/CWebAssets/web/js/model/json.js";
import { catalogOf, paletteEntry } from "./support.js";

/**
 * @param {string} type
 * @param {unknown} defaultValue
 * @param {Record<string, unknown>} [constraints]
 * @param {string} [component]
 */
function parameter(type, defaultValue, constraints, component = "input") {
  const specification = {
    name: "p",
    type,
    display_name: "P",
    description: "",
    default: defaultValue,
    constraints: constraints ?? null,
    ui_component: component,
  };
  return catalogOf(paletteEntry("a/b", { parameters: [specification] })).types[0].parameters[0];
}

Deno.test("a parameter is edited as its plugin wishes, where that can show its values", () => {
  assert.equal(editorKind(parameter("boolean", false, undefined, "checkbox")), "checkbox");
  assert.equal(editorKind(parameter("string", "", undefined, "checkbox")), "text");
  assert.equal(editorKind(parameter("string", "a", { enum: ["a", "b"] }, "select")), "select");
  assert.equal(editorKind(parameter("string", "a", undefined, "select")), "text");
  assert.equal(editorKind(parameter("number", 1, { min: 0, max: 2 }, "slider")), "slider");
  assert.equal(editorKind(parameter("number", 1, { min: 0 }, "slider")), "number");
  assert.equal(editorKind(parameter("string", "a\nb")), "lines");
  assert.equal(editorKind(parameter("mapping", {})), "json");
  assert.equal(editorKind(parameter("string", "", { secret: true })), "secret");
});

Deno.test("0, false and the empty text are shown and read as what they are", () => {
  assert.deepEqual(readField(parameter("number", 5), "0"), { value: 0 });
  assert.deepEqual(readField(parameter("boolean", true), "false"), { value: false });
  assert.deepEqual(readField(parameter("string", "x"), ""), { value: "" });
  assert.equal(fieldText(parameter("number", 5), 0), "0");
  assert.equal(fieldText(parameter("string", "x"), ""), "");
  assert.deepEqual(readField(parameter("number", null), ""), { value: null });
  assert.deepEqual(readField(parameter("string", null), ""), { value: null });
  assert.ok(readField(parameter("number", 5), "").problem);
});

Deno.test("numbers stay numbers of their type, as exact as they were written", () => {
  assert.deepEqual(readField(parameter("integer", 0), " 007 "), { value: 7 });
  assert.deepEqual(readField(parameter("number", 0), "-.5"), { value: -0.5 });
  assert.deepEqual(readField(parameter("number", 0), "${{ inputs.x }}"), { value: "${{ inputs.x }}" });
  for (const text of ["1,5", "x", "1e999", "0x10", "--1", "Infinity"]) {
    assert.equal(readField(parameter("number", 0), text).problem, "must be a number", text);
  }
  const large = readField(parameter("integer", 0), "18446744073709551615");
  assert.equal(fieldText(parameter("integer", 0), large.value ?? null), "18446744073709551615");
  assert.equal(parameterProblem(parameter("integer", 0), large.value ?? null), undefined);
});

Deno.test("what the engine would refuse is refused with its words", () => {
  /** @type {[ReturnType<typeof parameter>, unknown, string | undefined][]} */
  const cases = [
    [parameter("integer", 0), 1.5, "must be a whole number"],
    [parameter("number", 0), "1", "must be a number"],
    [parameter("number", 0), null, "must be a number"],
    [parameter("number", null), null, undefined],
    [parameter("string", ""), false, "must be text"],
    [parameter("boolean", true), 0, "must be true or false"],
    [parameter("list", []), {}, "must be a list"],
    [parameter("mapping", {}), [], "must be a mapping"],
    [parameter("any", 1), null, undefined],
    [parameter("number", 1, { min: 0, max: 2 }), -1, "must be at least 0"],
    [parameter("number", 1, { min: 0, max: 2 }), 2.5, "must be at most 2"],
    [parameter("number", 1, { min: 0, max: 2 }), 0, undefined],
    [parameter("any", 1, { enum: [1, "a", false] }), 2, 'must be one of 1, "a", false'],
    [parameter("any", 1, { enum: [1, "a", false] }), false, undefined],
    [parameter("string", "a", { pattern: "^a+$" }), "b", "must match ^a+$"],
    [parameter("integer", 1, { max: 5 }), "${{ inputs.n }}", undefined],
    [parameter("list", []), ["${{ inputs.n }}", 1], undefined],
  ];
  for (const [one, value, expected] of cases) {
    assert.equal(parameterProblem(one, fromPlain(value)), expected, JSON.stringify([one.type, value]));
  }
  assert.equal(parameterProblem(parameter("integer", 1), readJSON("1.0")), "must be a whole number");
  assert.equal(parameterProblem(parameter("any", 1, { enum: [1] }), readJSON("1.0")), undefined);
});

Deno.test("a pattern that could take exponential time is never tried here", () => {
  for (const pattern of ["(a+)+$", "(a|a)*$", "a*a*a*a*b", "(?=a)", "\\1", "[", "a++", "x".repeat(300)]) {
    assert.equal(matches(pattern, "a".repeat(60)), undefined, pattern);
  }
  const start = performance.now();
  assert.equal(matches("a*a*b", "a".repeat(200)), false);
  assert.equal(matches("a", "a".repeat(201)), undefined);
  assert.ok(performance.now() - start < 200);
  assert.equal(matches("^[a-z_]+[0-9]*$", "ab1"), true);
  assert.equal(matches("^[a-z_]+[0-9]*$", "1"), false);
});

Deno.test("lists and mappings are written as JSON, and an expression as itself", () => {
  assert.deepEqual(readField(parameter("list", []), "[1, 2]"), { value: [1, 2] });
  assert.match(readField(parameter("mapping", {}), "{").problem ?? "", /must be JSON/);
  assert.deepEqual(readField(parameter("any", 1), " ${{ inputs.x }}"), { value: " ${{ inputs.x }}" });
  assert.equal(fieldText(parameter("list", []), [1]), "[\n  1\n]");
  assert.equal(fieldText(parameter("any", 1), "a"), '"a"');
});

Deno.test("a slider has steps", () => {
  assert.equal(stepOf(parameter("integer", 0, { min: 0, max: 5 }, "slider")), 1);
  assert.equal(stepOf(parameter("number", 0, { min: 0, max: 1 }, "slider")), 0.01);
  assert.equal(stepOf(parameter("number", 0, { min: 0, max: 1, step: 0.25 }, "slider")), 0.25);
  assert.equal(stepOf(parameter("number", 0)), "any");
});

Deno.test("where there are many choices one is searched for, and what is none is refused", () => {
  const many = parameter("any", 1, { enum: [...Array(20).keys(), "x"] }, "select");
  assert.equal(editorKind(many), "search");
  assert.equal(fieldText(many, 7), "7");
  assert.deepEqual(readField(many, "7"), { value: 7 });
  assert.deepEqual(readField(many, "x"), { value: "x" });
  assert.match(readField(many, "70").problem ?? "", /^must be one of 0, 1/);
});

Deno.test("an expression has its place in every field, and an end", () => {
  assert.ok(needsSwitch(parameter("boolean", true)) && !needsSwitch(parameter("string", "")));
  assert.deepEqual(readExpression("${{ inputs.level }}"), { value: "${{ inputs.level }}" });
  for (const text of ["", "5", "${{", "${{ }}", "${{ inputs.a }} ${{ inputs.b"]) {
    assert.ok(readExpression(text).problem);
  }
  assert.equal(parameterProblem(parameter("string", ""), "$${{ is no expression"), undefined);
  assert.ok(parameterProblem(parameter("string", ""), "${{ inputs.a"));
});
