/**
 * What those parts of the model say that are loaded once somebody wants them; the others' words are in words.js.
 *
 * @satisfies {Record<string, Record<string, string | ((...parts: (string | number)[]) => string)>>}
 */
export const partWords = {
  drawings: {
    addGroup: "Add group",
    addComment: "Add comment",
    moveGroup: "Move group",
    moveComment: "Move comment",
  },
  settings: {
    duration: "must be a whole number and one of ms, s, m, h, d, such as 90s",
    memory: "must be a whole number and one of Ki, Mi, Gi, Ti, K, M, G, T, such as 512Mi",
    gpu: "must be a whole number up to 64, or a part of one with three decimals, such as 0.5",
    mapping: (count) => `must be a mapping of at most ${count}`,
    semaphoreNames: "must have names of lower-case letters, digits, '_', '.', ':' or '-'",
    units: "must have whole numbers from 1",
    axes: (count) => `must be a mapping of 1 to ${count} axes`,
    axisNames: "must have axes whose names are letters, digits, '_' or '-'",
    mappings: (axis) => `must have a list of mappings in ${axis}`,
    expression: (axis) => `must have a list, or one expression, in ${axis}`,
    list: (axis) => `must have a list of values in ${axis}`,
    namedRetries: "Each of several entries has to name its failures.",
    twice: (failure) => `Two entries name ${failure}.`,
  },
};
