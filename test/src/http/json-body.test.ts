/** Refusals of bodies, in the API's words. */
import { expect, test } from "vitest";
import { DEFAULT_VALUES, MAX_DEPTH, MAX_FIELDS, parseJson } from "../../../src/http/json-body.ts";

const object = (fields: number): string => `{${Array.from({ length: fields }, (_, i) => `"${i}":1`).join(",")}}`;

test.each([
  ["no JSON", 400, "{", "We could not parse the JSON body of your request. The API expects a JSON object."],
  [
    "too deep",
    400,
    "[".repeat(MAX_DEPTH + 1) + "]".repeat(MAX_DEPTH + 1),
    `The request body is nested too deeply. At most ${MAX_DEPTH} levels are accepted.`,
  ],
  [
    "an object that is too wide",
    413,
    object(MAX_FIELDS + 1),
    `An object in the request body has too many fields. At most ${MAX_FIELDS} are accepted.`,
  ],
  [
    "too many values",
    413,
    `[${"1,".repeat(DEFAULT_VALUES)}1]`,
    `The request body has too many values. At most ${DEFAULT_VALUES} are accepted, names of fields among them.`,
  ],
])("a body that is refused: %s", (_, status, body, message) => {
  expect(() => parseJson(Buffer.from(body))).toThrow(expect.objectContaining({ status, message }));
});
