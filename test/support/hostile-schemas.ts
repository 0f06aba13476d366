/** JSON schemas that cost far more work than their length. Each is built to a given number of bytes. */

type Schema = Record<string, unknown>;

const times = (count: number, what: (index: number) => unknown): unknown[] =>
  Array.from({ length: Math.max(1, Math.floor(count)) }, (_, index) => what(index));
const repeat = (text: string, bytes: number): string => text.repeat(Math.max(1, Math.floor(bytes / text.length)));
const record = (count: number, what: (index: number) => unknown): Schema =>
  Object.fromEntries(times(count, what).map((value, index) => [`p${index}`, value]));
const pattern = (text: string): Schema => ({ type: "string", pattern: text });
const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });

/** Half of the bytes are one value, the other half are references to it. */
const referred = (name: string, bytes: number, thing: (bytes: number) => unknown): Schema => ({
  $defs: { [name]: thing(bytes / 2) },
  allOf: times(bytes / 2 / 22, () => ref(name)),
});
const eachBranch = (name: string, bytes: number, thing: (bytes: number) => unknown): Schema => ({
  $defs: { [name]: thing(bytes / 2) },
  anyOf: times(bytes / 2 / 22, () => ref(name)),
});

export const HOSTILE_SCHEMAS: Record<string, (bytes: number) => Schema> = {
  "ranges in a character class": (bytes) => pattern(`[${repeat("Ā-ȁ", bytes / 2)}]`),
  "classes in a character class": (bytes) => pattern(`[${repeat("\\W\\S\\D", bytes)}]`),
  "a negated class of ranges": (bytes) => pattern(`[^${repeat("Ā-ȁ", bytes / 2)}]`),
  "many classes of ranges": (bytes) => pattern(repeat("[Ā-ȁ一-龥]", bytes)),
  "empty groups, repeated": (bytes) => pattern(repeat("(?:){999999}", bytes)),
  "groups nested, each repeated": () => pattern(`${"(?:".repeat(60)}a${"{9}){9}".repeat(60)}`),
  "alternatives of nested empty groups": (bytes) => ({
    anyOf: times(Math.min(bytes / 40, 5_000), () => pattern("(?:(?:(?:){999999}){999999}){999999}b{3000}")),
  }),
  "a pattern whose strings are never long enough": (bytes) => ({
    anyOf: times(bytes / 60, () => ({ type: "string", pattern: "^(?:ab|c)+$", minLength: 2_500, maxLength: 2_500 })),
  }),
  "a pattern without an end": (bytes) => pattern(repeat("(a|", bytes)),
  "a pattern of alternatives": (bytes) => ({ ...pattern(repeat("a|", bytes)), minLength: 50 }),
  "a long pattern for every item": (bytes) => ({
    type: "array",
    items: pattern(repeat("(?:a|b)?", bytes)),
    minItems: 10_000,
  }),
  "a long pattern that is refused, in each branch": (bytes) =>
    eachBranch("long", bytes, (half) => pattern(`${repeat("a", half)}^`)),
  "a long required, referred to often": (bytes) =>
    referred("long", bytes, (half) => ({ required: times(half / 10, (index) => `p${index}`) })),
  "many properties, referred to often": (bytes) =>
    referred("many", bytes, (half) => ({ properties: record(half / 12, () => ({})) })),
  "many keywords that mean nothing": (bytes) => referred("many", bytes, (half) => record(half / 10, () => 1)),
  "a long enum, referred to often": (bytes) =>
    referred("long", bytes, (half) => ({ enum: times(half / 6, (index) => index) })),
  "an enum of long values beside a const": (bytes) => ({
    enum: times(bytes / 2 / 20, (index) => `value ${index}`),
    const: "x".repeat(bytes / 2),
  }),
  "a long const, referred to often": (bytes) => referred("long", bytes, (half) => ({ const: "x".repeat(half) })),
  "a const that is nested deeply": (bytes) =>
    referred("deep", bytes, (half) => {
      let value: unknown = 1;
      for (let depth = 0; depth < Math.min(half / 2, 1_000); depth++) value = [value];
      return { const: value };
    }),
  "a long const for every item": (bytes) => ({ type: "array", items: { const: "x".repeat(bytes) }, minItems: 9_999 }),
  "prefixItems, referred to often": (bytes) =>
    referred("long", bytes, (half) => ({ prefixItems: times(half / 3, () => ({})) })),
  "types without end": (bytes) => ({
    type: times(bytes / 2 / 9, () => "object"),
    required: times(bytes / 2 / 8, (index) => `p${index}`),
  }),
  "different types without end, and values of none": (bytes) => ({
    type: times(bytes / 2 / 8, (index) => `t${index}`),
    enum: times(bytes / 2 / 6, (index) => index),
  }),
  "many types that must all hold": (bytes) =>
    referred("many", bytes, (half) => ({ type: times(half / 8, (index) => `t${index}`) })),
  "lists of alternatives, side by side": (bytes) => ({ allOf: times(bytes / 15, () => ({ anyOf: [{}] })) }),
  "lists of alternatives, all misfits": (bytes) => ({
    allOf: times(bytes / 40, () => ({ anyOf: [{ type: "null" }, { enum: [] }] })),
  }),
  "alternatives that are one list": (bytes) =>
    eachBranch("list", bytes, (half) => ({ anyOf: times(half / 6, () => false) })),
  "oneOf inside oneOf": (bytes) =>
    eachBranch("list", bytes, (half) => ({ oneOf: times(half / 15, () => ({ enum: [] })) })),
  "allOf that begins with false": (bytes) =>
    eachBranch("list", bytes, (half) => ({ allOf: [false, ...times(half / 3, () => ({}))] })),
  "references that double": (bytes) => ({
    $defs: record(bytes / 60, (index) => ({ allOf: [ref(`p${index + 1}`), ref(`p${index + 1}`)] })),
    ...ref("p0"),
  }),
  "a chain of references, backwards": (bytes) => ({
    $defs: record(bytes / 40, (index) => ({ items: index === 0 ? {} : ref(`p${index - 1}`), minItems: 1 })),
    type: "array",
    items: ref(`p${Math.max(0, Math.floor(bytes / 40) - 1)}`),
  }),
  "a chain of references, forwards": (bytes) => ({
    $defs: record(bytes / 40, (index) => ({ anyOf: [ref(`p${index + 1}`)] })),
    ...ref("p0"),
  }),
  "a long reference, often": (bytes) => ({
    a: { b: {} },
    anyOf: times(300, () => ({ $ref: `#/a${"/b".repeat(bytes / 600)}` })),
  }),
  "properties that are wanted, and long": (bytes) => ({
    properties: { ["x".repeat(bytes)]: {} },
    required: ["x".repeat(bytes)],
    additionalProperties: false,
  }),
  "many properties for every item": (bytes) => ({
    type: "array",
    items: { type: "object", properties: record(bytes / 12, () => ({})) },
    minItems: 20_000,
  }),
  "a long required for every item": (bytes) => ({
    type: "array",
    items: { type: "object", required: times(bytes / 8, () => "a") },
    minItems: 20_000,
  }),
  "minItems inside minItems": () => {
    let schema: Schema = { type: "null" };
    for (let depth = 0; depth < 90; depth++) schema = { type: "array", items: schema, minItems: 1e6 };
    return schema;
  },
  "minLength for every item": () => ({ type: "array", items: { minLength: 100_000 }, minItems: 20_000 }),
  "minProperties without end": () => ({ minProperties: 1e15 }),
  "minProperties of what is long": () => ({ minProperties: 9_000, additionalProperties: { minLength: 90_000 } }),
  "unique items of few values": (bytes) => ({
    type: "array",
    items: { type: "array", uniqueItems: true, minItems: 2, items: { const: "x".repeat(bytes) } },
    minItems: 1_000,
  }),
  "numbers that are hard to find": () => ({
    type: "array",
    items: { anyOf: times(100, () => ({ type: "integer", minimum: 0.1, maximum: 1e6, multipleOf: 0.3000001 })) },
    minItems: 20_000,
  }),
  "multiples that must all hold": (bytes) => ({
    allOf: times(bytes / 24, (index) => ({ multipleOf: 1 + index / 1e7 })),
  }),
  "items of items of items": (bytes) => ({
    allOf: times(bytes / 24, () => ({ items: { minLength: 1 }, minItems: 1 })),
  }),
  formats: (bytes) => ({ allOf: times(bytes / 24, (index) => ({ format: `f${index}` })), minLength: 99_999 }),
};
