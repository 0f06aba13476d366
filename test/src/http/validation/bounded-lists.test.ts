/** The cost of a check is bounded for every list and map of every request. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { boundLists, collectSchemas } from "../../../../src/http/validation/bounded-lists.ts";
import { checkFields, checkFieldsInSlices } from "../../../../src/http/validation/check-fields.ts";
import { toValidationError } from "../../../../src/http/validation/validation-errors.ts";
import { compactRequestSchema } from "../../../../src/protocol/compaction.ts";
import {
  createConversationSchema,
  createItemsSchema,
  updateConversationSchema,
} from "../../../../src/protocol/conversation.ts";
import { createRequestSchema } from "../../../../src/protocol/create-request.ts";
import { inputTokensRequestSchema } from "../../../../src/protocol/input-tokens.ts";
import { findWideLocations, createWide } from "../../../support/wide-bodies.ts";
import { objectsOf } from "../../../support/schema-values.ts";

const SCHEMAS = {
  create: createRequestSchema,
  compact: compactRequestSchema,
  input_tokens: inputTokensRequestSchema,
  conversation: createConversationSchema,
  "update of a conversation": updateConversationSchema,
  items: createItemsSchema,
};
const COUNT = 20_000;
/** zod gets a map in pieces of 64 members, and looks up the error again to describe it. */
const MAX_READ = 250;

/** A list or map that counts how many of its elements are read. */
function counted(value: object): { value: object; reads: () => number } {
  let reads = 0;
  const get = (target: object, key: PropertyKey): unknown => {
    if (typeof key === "string" && /^(key_)?\d+$/.test(key)) reads += 1;
    return Reflect.get(target, key) as unknown;
  };
  return { value: new Proxy(value, { get }), reads: () => reads };
}

describe.each(Object.entries(SCHEMAS))("%s", (_name, schema) => {
  const lists = findWideLocations(schema).filter(({ bad }) => bad !== undefined);

  test.each(lists)("$name: of many errors, one is looked for", ({ kind, bodyWith, bad }) => {
    const list = counted(createWide(kind, bad!.value, COUNT));
    const body = bodyWith(list.value);
    const { issues } = checkFields(schema, body, 1);
    expect(toValidationError(issues!, body).status).toBe(400);
    expect(list.reads()).toBeLessThan(MAX_READ);
  });

  test("every array and record has a bounded check, before and after use", () => {
    boundLists(schema);
    const schemas = [...collectSchemas(schema)].filter(({ _zod }) => ["array", "record"].includes(_zod.def.type));
    const parsers = () => schemas.map((each) => each._zod as unknown as { parse: unknown; run: unknown });
    const before = parsers().map(({ parse, run }) => [parse, run]);
    for (const { bodyWith, kind, good } of lists) {
      for (const value of [7, null, createWide(kind, good, 2), createWide(kind, good, 100)])
        checkFields(schema, bodyWith(value), 1);
    }
    expect(parsers().map(({ parse, run }) => [parse, run])).toEqual(before);
    expect(parsers().filter(({ parse }) => !String(parse).includes("checkOf"))).toEqual([]);
  });

  test("a check in turns gives the same result, errors and key order", async () => {
    const odd = fc.oneof(objectsOf(schema.shape), fc.constantFrom(...lists).chain(oddly));
    await fc.assert(
      fc.asyncProperty(odd, async (fields) => {
        const outcome = await checkFieldsInSlices(schema, structuredClone(fields), 1, -1);
        expect(JSON.stringify(outcome)).toBe(JSON.stringify(checkFields(schema, fields, 1)));
      }),
      { seed: 20_261_128, numRuns: 150 },
    );
  });
});

/** A hundred elements, the last of them wrong or none. */
function oddly({ kind, bodyWith, good, bad }: ReturnType<typeof findWideLocations>[number]) {
  return fc.boolean().map((isRight) => {
    const list = createWide(kind, good, 100);
    if (!isRight) Object.assign(list, { [kind === "array" ? 99 : "key_99"]: bad!.value });
    return bodyWith(list);
  });
}

test("all places that are known by name are among those tried", () => {
  const names = findWideLocations(createRequestSchema).map(({ name }) => name);
  for (const known of [".input", ".include", ".tools", ".metadata", ".context_management", ".prompt.variables"]) {
    expect(names).toContain(known);
  }
  expect(names.length).toBeGreaterThan(100);
});

test("an unknown kind of schema that may hide a list is rejected", () => {
  const schema = z.object({ a: z.map(z.string(), z.array(z.string())) });
  expect(() => boundLists(schema)).toThrow("Cannot bound the lists in a schema of type 'map'.");
});

test("without a check in its context, a schema is zod's own", () => {
  const schema = z.array(z.string());
  boundLists(schema);
  expect(schema.safeParse([1, 2, 3]).error!.issues).toHaveLength(3);
});
