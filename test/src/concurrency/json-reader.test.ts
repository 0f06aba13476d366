/** Bodies read in pieces equal JSON.parse, in their values and in their errors. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonReader } from "../../../src/concurrency/json-reader.ts";
import type { JsonReadError } from "../../../src/concurrency/json-limits.ts";

const SEED = 20_261_128;
const DEPTH = 256;
const FIELDS = 10_000;
const utf8 = new TextDecoder("utf-8", { fatal: true });

type Outcome = { value: unknown } | { reason: string };

function read(bytes: Buffer, pieceValues: number, count = 7, maxValues = 1_000_000): Outcome {
  try {
    const reader = new JsonReader(bytes, { limits: { depth: DEPTH, fields: FIELDS, values: maxValues }, pieceValues });
    while (!reader.read(count));
    return { value: reader.value() };
  } catch (error) {
    return { reason: (error as JsonReadError).reason };
  }
}

function expected(bytes: Buffer): Outcome {
  try {
    return { value: JSON.parse(utf8.decode(bytes)) };
  } catch {
    return { reason: "malformed" };
  }
}

/** Compares the order of keys too, and own properties named `__proto__`. */
const shown = (outcome: Outcome): string => JSON.stringify(outcome);

/** No escapes: V8 13.6 can mistake a name of one escaped character for another name that it has read before. */
const names = fc.constantFrom("a", "b", "", "__proto__", "7", "0", "é", "[", "{,:}]");
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom("1", "-0", "0.5", "1e400", "null", "true", '""', '"\\"],{"', '"\\\\"', '"\\ud800"', '"😀"', " 7\n"),
    fc.array(tie("json"), { maxLength: 6 }).map((values) => `[${values.join(" ,")}]`),
    fc
      .array(fc.tuple(names, tie("json")), { maxLength: 6 })
      .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(",")}} `),
  ),
}));

const piece = fc.integer({ min: 1, max: 12 });
const count = fc.integer({ min: 1, max: 40 });

describe("a body read in pieces", () => {
  test("equals what JSON.parse returns", () => {
    const check = (text: string, pieceValues: number, bytes: number): void => {
      const body = Buffer.from(text);
      expect(shown(read(body, pieceValues, bytes))).toBe(shown(expected(body)));
    };
    fc.assert(fc.property(json, piece, count, check), { seed: SEED, numRuns: 3_000 });
  });

  const damaged = fc
    .tuple(
      json,
      fc.nat(),
      fc.constantFrom("", ",", ":", "]", "}", "[", "{", '"', "0", "\\", "\ufeff", "\u00a0"),
      fc.nat(2),
    )
    .map(([text, at, put, without]) => {
      const position = at % (text.length + 1);
      return text.slice(0, position) + put + text.slice(position + without);
    });

  test("is rejected exactly when JSON.parse rejects it", () => {
    const check = (text: string, pieceValues: number): void => {
      const body = Buffer.from(text);
      expect(shown(read(body, pieceValues))).toBe(shown(expected(body)));
    };
    fc.assert(fc.property(damaged, piece, check), { seed: SEED, numRuns: 6_000 });
  });

  test("is rejected for invalid UTF-8, wherever the bytes are cut", () => {
    const check = (text: string, pieceValues: number, at: number, byte: number): void => {
      const bytes = Buffer.from(text);
      const position = at % (bytes.length + 1);
      const body = Buffer.concat([bytes.subarray(0, position), Buffer.of(byte), bytes.subarray(position)]);
      expect(shown(read(body, pieceValues))).toBe(shown(expected(body)));
    };
    const byte = fc.integer({ min: 0x80, max: 0xff });
    fc.assert(fc.property(json, piece, fc.nat(), byte, check), { seed: SEED, numRuns: 2_000 });
  });

  test.each([
    ",",
    "[,1]",
    "[1,,2]",
    "[1,2,]",
    '{"a":1,}',
    '{,"a":1}',
    "[1}",
    '{"a":1]',
    "[1][2]",
    "[1,2],3",
    "[[1,2]3,4]",
  ])("is rejected: %s", (text) => {
    for (const pieceValues of [1, 2, 3, 100]) expect(read(Buffer.from(text), pieceValues)).toHaveProperty("reason");
  });
});

describe("bounds", () => {
  test("the maximum of values passes, one more does not", () => {
    const body = (values: number): Buffer =>
      Buffer.from(JSON.stringify({ a: Array.from({ length: values - 4 }, () => 1) }));
    // The object, the name, the list and its elements; the body itself counts as one.
    expect(read(body(1_000), 100, 50, 1_000)).toHaveProperty("value");
    expect(read(body(1_002), 100, 50, 1_000)).toEqual({ reason: "values" });
  });

  test("the maximum of fields applies to each object", () => {
    const object = (fields: number): string => `{${Array.from({ length: fields }, (_, i) => `"${i}":1`).join(",")}}`;
    const two = Buffer.from(`[${object(FIELDS)},${object(FIELDS)}]`);
    expect(read(two, 5_000, 1_000)).toEqual(expected(two));
    expect(read(Buffer.from(`[1,${object(FIELDS + 1)}]`), 5_000, 1_000)).toEqual({ reason: "fields" });
  });

  test("depth is bounded, in pieces and at once", () => {
    const nested = (depth: number): Buffer => Buffer.from(`${"[1,".repeat(depth)}1${"]".repeat(depth)}`);
    expect(read(nested(DEPTH), 10)).toEqual(expected(nested(DEPTH)));
    expect(read(nested(DEPTH + 1), 10)).toEqual({ reason: "depth" });
  });

  test("characters inside strings are not counted", () => {
    const body = Buffer.from(JSON.stringify({ a: '[{,:"\\'.repeat(10_000) }));
    expect(read(body, 1, 1_000, 10)).toEqual(expected(body));
  });
});
