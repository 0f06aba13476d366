import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { fillSchema } from "../../../../../workers/upstreams/simulator/schema-filler/fill-schema.ts";
import { UnfillableSchemaError } from "../../../../../workers/upstreams/simulator/schema-filler/schema.ts";
import { SeededRandom } from "../../../../../workers/upstreams/simulator/schema-filler/seeded-random.ts";

type Schema = Record<string, unknown>;

const SEEDS = Array.from({ length: 20 }, (_, seed) => `seed ${seed}`);

/** The values for many seeds, as a client would read them from the wire. */
function fillMany(schema: unknown): unknown[] {
  return SEEDS.map((seed) => JSON.parse(JSON.stringify(fillSchema(schema, new SeededRandom(seed)))) as unknown);
}

/** zod reads JSON schemas too, by other code than ours. */
function invalidAmong(schema: Schema, values: readonly unknown[]): unknown[] {
  const judge = z.fromJSONSchema(schema);
  return values.filter((value) => !judge.safeParse(value).success);
}

const person = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 8 },
    age: { type: "integer", minimum: 0, maximum: 150 },
    email: { type: ["string", "null"], format: "email" },
    role: { enum: ["admin", "guest"] },
  },
  required: ["name", "age", "email", "role"],
  additionalProperties: false,
};

const list = {
  $ref: "#/$defs/node",
  $defs: {
    node: {
      type: "object",
      properties: { value: { type: "number" }, next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } },
      required: ["value", "next"],
      additionalProperties: false,
    },
  },
};

/** Both alternatives are objects, and only one of them ends. */
const expression = {
  $ref: "#/$defs/expression",
  $defs: {
    expression: {
      anyOf: [
        {
          type: "object",
          properties: {
            left: { $ref: "#/$defs/expression" },
            right: { $ref: "#/$defs/expression" },
            operator: { enum: ["+", "-"] },
          },
          required: ["left", "right", "operator"],
        },
        { type: "object", properties: { value: { type: "integer" } }, required: ["value"] },
      ],
    },
  },
};

function unionOf(...kinds: string[]): Schema {
  const branches = kinds.map((kind) => ({
    type: "object",
    properties: { kind: { const: kind }, [kind]: { type: "string" } },
    required: ["kind", kind],
    additionalProperties: false,
  }));
  return { oneOf: branches };
}

describe("what is filled is valid", () => {
  test.each<[string, Schema]>([
    ["a plain object", person],
    ["an array of objects", { type: "array", items: person, minItems: 2, maxItems: 3 }],
    ["a tuple", { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], items: false, minItems: 2 }],
    ["several types", { type: ["integer", "null", "boolean"] }],
    ["a constant", { type: "object", properties: { kind: { const: "x" } }, required: ["kind"] }],
    ["an enum of mixed values", { enum: [1, "two", null, true] }],
    ["a tagged union", unionOf("a", "b", "c")],
    [
      "allOf",
      {
        allOf: [
          { type: "object", properties: { a: { type: "number", minimum: 3 } }, required: ["a"] },
          { type: "object", properties: { a: { type: "number", maximum: 4 }, b: { type: "string" } }, required: ["b"] },
        ],
      },
    ],
    ["a list that refers to itself", list],
    ["an expression that refers to itself twice", expression],
    [
      "a tree that refers to its root",
      {
        type: "object",
        properties: { name: { type: "string" }, children: { type: "array", items: { $ref: "#" } } },
        required: ["name", "children"],
      },
    ],
    ["a map", { type: "object", additionalProperties: { type: "integer" } }],
    ["numbers with open limits", { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 0.001 }],
    ["negative integers", { type: "integer", maximum: -7 }],
    ["64-bit integers", { type: "integer", minimum: -(2 ** 63), maximum: 2 ** 63 }],
    ["a fixed length", { type: "array", items: { type: "null" }, minItems: 4, maxItems: 4 }],
    ["multiples", { type: "integer", multipleOf: 7, minimum: 50, maximum: 60 }],
    ["a long string", { type: "string", minLength: 300, maxLength: 301 }],
    ["an empty string", { type: "string", maxLength: 0 }],
    ...["date-time", "date", "time", "email", "uuid", "uri", "ipv4", "ipv6"].map((format): [string, Schema] => [
      format,
      { type: "string", format },
    ]),
  ])("%s", (_name, schema) => {
    expect(invalidAmong(schema, fillMany(schema))).toEqual([]);
  });

  test("references to #/definitions are followed, and escapes in them", () => {
    const schema = { $ref: "#/definitions/a~1b%20c", definitions: { "a/b c": { const: 7 } } };
    expect(new Set(fillMany(schema))).toEqual(new Set([7]));
  });

  test("properties come in the schema's order, and optional ones only sometimes", () => {
    const schema = { type: "object", properties: { a: true, b: true, c: true }, required: ["c", "a"] };
    const keys = fillMany(schema).map((value) => Object.keys(value as object).join(""));
    expect(new Set(keys)).toEqual(new Set(["abc", "ac"]));
  });

  test("uniqueItems, minProperties and maxProperties hold", () => {
    const unique = { type: "array", items: { enum: [1, 2, 3] }, uniqueItems: true, minItems: 3 };
    for (const value of fillMany(unique)) expect(new Set(value as number[])).toEqual(new Set([1, 2, 3]));
    const some = { type: "object", properties: { a: {}, b: {}, c: {} }, minProperties: 2, maxProperties: 2 };
    for (const value of fillMany(some)) expect(Object.keys(value as object)).toHaveLength(2);
    for (const value of fillMany({ type: "object", minProperties: 3 })) {
      expect(Object.keys(value as object)).toHaveLength(3);
    }
  });

  test("fractions are exact multiples as they are written", () => {
    for (const value of fillMany({ type: "number", multipleOf: 0.1, minimum: 0, maximum: 1 })) {
      expect(JSON.stringify(value)).toMatch(/^(?:[01]|0\.\d)$/);
    }
  });

  test("a branch that cannot be filled is passed over", () => {
    const schema = {
      type: "object",
      properties: { kind: { enum: ["a"] } },
      required: ["kind"],
      anyOf: [{ properties: { kind: { const: "b" } } }, false, { properties: { kind: { const: "a" } } }],
    };
    for (const value of fillMany(schema)) expect(value).toEqual({ kind: "a" });
  });

  test("names that objects have anyway are ordinary names", () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"integer"}},"required":["__proto__","constructor"]}',
    ) as Schema;
    for (const value of fillMany(schema)) {
      expect(Object.keys(value as object)).toEqual(["__proto__", "constructor"]);
    }
  });

  test("any schema made of the supported keywords", () => {
    fc.assert(
      fc.property(anySchema, fc.string(), (schema, seed) => {
        const value = fillSchema(schema, new SeededRandom(seed));
        expect(invalidAmong(schema, [value])).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  const { schema: anySchema } = fc.letrec<{ schema: Schema; scalar: Schema; object: Schema }>((tie) => ({
    schema: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      tie("scalar"),
      tie("object"),
      fc.record({ type: fc.constant("array"), items: tie("schema"), minItems: fc.nat(2) }),
      fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    ),
    scalar: fc.oneof(
      fc.constantFrom<Schema>({ type: "null" }, { type: "boolean" }, { enum: ["x", 1] }, { const: false }),
      fc.tuple(fc.nat(20), fc.nat(20)).map(([a, b]) => ({ type: "string", minLength: a, maxLength: a + b })),
      fc.tuple(fc.integer(), fc.nat()).map(([a, b]) => ({ type: "integer", minimum: a, maximum: a + b })),
    ),
    object: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie("schema"), { maxKeys: 4 }).chain((properties) =>
      fc.record({
        type: fc.constant("object"),
        properties: fc.constant(properties),
        required: fc.subarray(Object.keys(properties)),
        additionalProperties: fc.constant(false),
      }),
    ),
  }));
});

describe("patterns", () => {
  test.each([
    "^[A-Z]{3}-\\d{4}$",
    "^#[0-9a-fA-F]{6}$",
    "^(?:red|green|blue)+$",
    "^(?<year>\\d{4})/(0[1-9]|1[0-2])$",
    "colou?r",
    "^a|b$",
    "^[^\\s@]+@[^\\s@]+\\.[a-z]{2,}$",
    "^\\+?[1-9]\\d{1,14}$",
    "^[\\w.-]+$",
    "^[\\s-x]{5}$",
    "^\\u0041\\x42{2}.\\/\\W$",
    "^$",
    "",
  ])("%s", (pattern) => {
    for (const value of fillMany({ type: "string", pattern })) expect(value).toMatch(new RegExp(pattern));
  });

  test("both limits of the length are kept", () => {
    const schema = { type: "string", pattern: "^[a-z]+-[0-9]+$", minLength: 9, maxLength: 9 };
    for (const value of fillMany(schema)) expect(value).toMatch(/^(?=.{9}$)[a-z]+-[0-9]+$/);
  });

  test.each([
    ["^(?=.*\\d).+$", "look-around"],
    ["^(a)\\1$", "'\\1'"],
    ["\\bword\\b", "'\\b'"],
    ["a^b", "'^' in the middle"],
    ["[a-z", "an unexpected end"],
    ["^[a-z]{2000}{2000}$", "no string of that length"],
  ])("%s is refused, and says why", (pattern, why) => {
    const fill = () => fillSchema({ type: "string", pattern }, new SeededRandom("x"));
    expect(fill).toThrow(UnfillableSchemaError);
    expect(fill).toThrow(why);
  });

  test("an expression that would take ages to run is not run", () => {
    const pattern = `^${"(a+)+".repeat(20)}b$`;
    for (const value of fillMany({ type: "string", pattern, minLength: 60 })) expect(value).toMatch(/^a+b$/);
  });
});

describe("what cannot be filled is refused in bounded time", () => {
  const selfish = { type: "object", properties: { me: { $ref: "#" } }, required: ["me"] };
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [
      `d${i}`,
      { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
    ]),
  );
  const manyMisfits = {
    properties: Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`p${i}`, {}])),
    required: ["p0"],
    anyOf: Array.from({ length: 2_000 }, () => ({ properties: { p0: { enum: [] } } })),
  };
  test.each<[string, unknown]>([
    ["the schema false", false],
    ["no schema at all", "string"],
    ["limits that cross", { type: "integer", minimum: 2, maximum: 1 }],
    ["a range without an integer", { type: "integer", exclusiveMinimum: 1, exclusiveMaximum: 2 }],
    ["lengths that cross", { type: "string", minLength: 2, maxLength: 1 }],
    ["an enormous string", { type: "string", minLength: 1e9 }],
    ["an enormous array", { type: "array", items: {}, minItems: 1e9 }],
    ["an empty enum", { enum: [] }],
    ["types that exclude each other", { allOf: [{ type: "string" }, { type: "null" }] }],
    ["a required property that is forbidden", { type: "object", required: ["a"], additionalProperties: false }],
    ["an object that needs itself", selfish],
    ["a reference to itself", { $ref: "#" }],
    ["a reference to nothing", { $ref: "#/$defs/nothing" }],
    ["a reference to elsewhere", { $ref: "https://example.com/schema" }],
    ["references that double at every step", { $ref: "#/$defs/d0", $defs: { ...doubling, d40: {} } }],
    ["a value that is repeated without end", { type: "array", items: { const: "x".repeat(9_999) }, minItems: 9_999 }],
    ["many alternatives to many properties, none of which fits", manyMisfits],
    ["too few different items", { type: "array", items: { type: "boolean" }, uniqueItems: true, minItems: 3 }],
    ["not", { not: {} }],
    ["an unknown type", { type: "any" }],
    ["no type at all", { type: [] }],
  ])("%s", (_name, schema) => {
    expect(() => fillSchema(schema, new SeededRandom("x"))).toThrow(UnfillableSchemaError);
  });
});
