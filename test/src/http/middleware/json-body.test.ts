/** Reading bodies: errors in the API's words, and turns for other requests. */
import { expect, test } from "vitest";
import { parseCreateRequestInSlices } from "../../../../src/http/validation/create-request.ts";
import { ProviderCatalog } from "../../../../src/providers/catalog.ts";
import { checkFieldsInSlices } from "../../../../src/http/validation/check-fields.ts";
import { createRequestSchema } from "../../../../src/protocol/create-request.ts";
import { countRoundsDuring } from "../../../support/event-loop-rounds.ts";
import { DEFAULT_MAX_VALUES, MAX_DEPTH, MAX_FIELDS, parseJson } from "../../../../src/http/middleware/json-body.ts";

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
    `[${"1,".repeat(DEFAULT_MAX_VALUES)}1]`,
    `The request body has too many values. At most ${DEFAULT_MAX_VALUES} are accepted, names of fields among them.`,
  ],
])("a body is rejected: %s", (_, status, body, message) => {
  expect(() => parseJson(Buffer.from(body))).toThrow(expect.objectContaining({ status, message }));
});

const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
const messages = (count: number): string =>
  JSON.stringify({
    model: "simulator/default",
    input: Array.from({ length: count }, () => ({ role: "user", content: [{ type: "input_text", text: "a" }] })),
  });

test("other requests get their turns during a large check", async () => {
  const { value, rounds } = await countRoundsDuring(
    parseCreateRequestInSlices(parseJson(Buffer.from(messages(40_000))), catalog),
  );
  expect(value.input).toHaveLength(40_000);
  expect(rounds).toBeGreaterThan(0);
});

test("a small request is checked at once", async () => {
  const { rounds } = await countRoundsDuring(parseCreateRequestInSlices(parseJson(Buffer.from(messages(10))), catalog));
  expect(rounds).toBe(0);
});

test("a check pauses after each time slice, on any machine", async () => {
  const body = JSON.parse(messages(1_000)) as unknown;
  const { value, rounds } = await countRoundsDuring(checkFieldsInSlices(createRequestSchema, body, 1, 0));
  expect(value.issues).toBeUndefined();
  expect(rounds).toBeGreaterThan(3);
});
