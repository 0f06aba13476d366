/** Requests of every kind: valid and nearly valid bodies, broken as clients and strangers break them. */
import fc from "fast-check";
import { compactRequestSchema } from "../../src/protocol/compaction.ts";
import {
  createConversationSchema,
  createItemsSchema,
  updateConversationSchema,
} from "../../src/protocol/conversation.ts";
import { createRequestSchema } from "../../src/protocol/create-request.ts";
import { inputTokensRequestSchema } from "../../src/protocol/input-tokens.ts";
import { objectsOf, orAbsent, valuesOf } from "./schema-values.ts";
import { wideBodies } from "./wide-values.ts";

/** An accepted id, by its index, or these characters. */
export type ErrorName = { accepted: number } | { text: string };

export interface OddRequest {
  method: "GET" | "POST" | "DELETE" | "PATCH" | "PUT";
  /** Below `/v1`; `RESP` and `CONV` are placeholders for the name. */
  path: string;
  name: ErrorName;
  query: string;
  headers: Record<string, string>;
  body?: Buffer;
}

const among = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

type Json = unknown;
type Fields = Record<string, Json>;

// --- what JSON.stringify cannot write ----------------------------------------------------------------------

/** Placeholders in a body that are replaced by a text once the body is serialized. */
const RAW: Record<string, string> = {
  "@huge number@": "1e400",
  "@beyond 2^53@": "9007199254740993",
  "@long number@": "9".repeat(400),
  "@minus zero@": "-0",
  "@tiny@": "1e-400",
  "@deep@": `${"[".repeat(10_000)}${"]".repeat(10_000)}`,
  "@deep objects@": `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`,
  "@nearly deep@": `${'{"a":['.repeat(120)}${"]}".repeat(120)}`,
  "@NaN@": "NaN",
  "@large string@": `"${"x".repeat(200_000)}"`,
  "@surrogate@": '"\\udc00\\ud800"',
};
/** Too expensive to send often. */
const HUGE: Record<string, string> = {
  "@too long@": `"${"x".repeat(10_485_761)}"`,
  "@too large@": `"${"x".repeat(33_554_432)}"`,
};

const oddValue: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 40,
    arbitrary: among([
      null,
      true,
      false,
      0,
      -1,
      1.5,
      2 ** 53,
      Number.MAX_VALUE,
      "",
      "NaN",
      "Infinity",
      "1",
      "null",
      [],
      {},
      [null],
      [[]],
      { type: null },
      { type: "constructor" },
      { type: "message" },
      { id: {} },
      { role: "user" },
      [{}],
      " ",
    ]),
  },
  { weight: 12, arbitrary: fc.constantFrom(...Object.keys(RAW)) },
  { weight: 8, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

const oddKey = among([
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "length",
  "type",
  "id",
  "role",
  "",
  "0",
  "\ud800",
  "a.b",
  "modell",
  "x".repeat(3_000),
]);

// --- mutations ---------------------------------------------------------------------------------------------

type Mutation = { kind: "replace" | "drop" | "add" | "rename"; at: number; key: string; value: Json };

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("replace", "replace", "drop", "add", "rename"),
  at: fc.nat(),
  key: oddKey,
  value: oddValue,
});

type JsonPath = { parent: Fields; key: string };

function pathsIn(value: Json, paths: JsonPath[] = []): JsonPath[] {
  if (typeof value !== "object" || value === null) return paths;
  for (const key of Object.keys(value)) {
    paths.push({ parent: value as Fields, key });
    pathsIn((value as Fields)[key], paths);
  }
  return paths;
}

/** An own property even if it is called `__proto__`. */
function define(object: Fields, key: string, value: Json): void {
  if (Array.isArray(object) && !/^\d+$/.test(key)) object.push(value);
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function mutate(body: Json, { kind, at, key, value: shared }: Mutation): Json {
  const value = structuredClone(shared);
  const paths = pathsIn(body);
  const target = paths[at % Math.max(1, paths.length)];
  if (target === undefined) return value;
  const { parent } = target;
  if (kind === "replace") define(parent, target.key, value);
  else if (kind === "add") define(parent, key, value);
  else {
    const before = parent[target.key];
    if (Array.isArray(parent)) parent.splice(Number(target.key), 1);
    else delete parent[target.key];
    if (kind === "rename") define(parent, key, before);
  }
  return body;
}

function mutated(bodies: fc.Arbitrary<unknown>): fc.Arbitrary<Json> {
  const mutations = fc.oneof(
    { weight: 1, arbitrary: fc.constant<Mutation[]>([]) },
    { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 2 }) },
  );
  return fc.tuple(bodies, mutations).map(([body, steps]) => steps.reduce(mutate, structuredClone(body)));
}

// --- bytes -------------------------------------------------------------------------------------------------

type Damage =
  | "none"
  | "truncated"
  | "not UTF-8"
  | "duplicate keys"
  | "byte order mark"
  | "trailing"
  | "huge"
  | "larger";

const damage = fc.oneof(
  { weight: 2_000, arbitrary: fc.constant<Damage>("none") },
  {
    weight: 200,
    arbitrary: fc.constantFrom<Damage[]>("truncated", "not UTF-8", "duplicate keys", "byte order mark", "trailing"),
  },
  { weight: 1, arbitrary: fc.constantFrom<Damage[]>("huge", "larger") },
);

function write(body: Json, kind: Damage, at: number): Buffer {
  let json = JSON.stringify(body);
  if (kind === "huge" || kind === "larger") {
    const text = HUGE[kind === "huge" ? "@too long@" : "@too large@"];
    json = `{"model":"simulator/default","background":true,"input":${text}}`;
  }
  if (json.includes('"@')) {
    for (const [mark, text] of Object.entries(RAW)) json = json.replaceAll(`"${mark}"`, () => text);
  }
  if (kind === "duplicate keys") json = json.replace(/^\{(?=")/, '{"model":7,"input":null,"metadata":{"a":1},');
  if (kind === "byte order mark") json = `\ufeff${json}`;
  if (kind === "trailing") json += "]";
  const bytes = Buffer.from(json);
  const target = at % Math.max(1, bytes.length);
  if (kind === "truncated") return bytes.subarray(0, target);
  return kind === "not UTF-8" ? Buffer.concat([bytes.subarray(0, target), Buffer.of(0xc3, 0x28), bytes]) : bytes;
}

const written = (bodies: fc.Arbitrary<Json>): fc.Arbitrary<Buffer> =>
  fc.tuple(bodies, damage, fc.nat()).map(([body, kind, at]) => write(body, kind, at));

// --- requests ----------------------------------------------------------------------------------------------

const text = among([
  "resp_",
  "resp_1",
  "resp_../open",
  "resp_%7Bx%7D:meta",
  "conv_1",
  "conv_",
  "gen-1",
  "%00",
  "%zz",
  "%ff",
  "*",
  "__proto__",
  "..%2f..",
  `resp_${"a".repeat(129)}`,
  `resp_${"a".repeat(4_000)}`,
  "%F0%9F%90%A6",
  "0",
  "a%0d%0ab",
]);
const name: fc.Arbitrary<ErrorName> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ accepted: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ text }) },
);

const headers = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Record<string, string>>({}) },
  {
    weight: 3,
    arbitrary: fc
      .oneof(
        fc.constantFrom("a", "k".repeat(5_000), "{}", "\u00e9\u00ff", '"quoted"', "a, b", "0", "__proto__"),
        fc.nat(2_000).map(String),
      )
      .map((key): Record<string, string> => ({ "idempotency-key": key })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Record<string, string>[]>(
      { "content-type": "text/plain" },
      { "content-type": "application/json; charset=latin1" },
      { "content-type": "application/json; charset=nonsense" },
      { "content-type": "multipart/form-data" },
      { "content-encoding": "gzip" },
      { "content-encoding": "nonsense" },
      { "last-event-id": "-1" },
      { "last-event-id": "9".repeat(400) },
      { authorization: "Bearer \u00ff" },
      { accept: "image/png" },
      { "x-request-id": "\u00ff".repeat(100) },
    ),
  },
);

const queryValue = among([
  "1",
  "0",
  "2",
  "-1",
  "100",
  "101",
  "1e2",
  "0x10",
  "NaN",
  "",
  "%20",
  "true",
  "false",
  "TRUE",
  "asc",
  "desc",
  "9007199254740993",
  "9".repeat(400),
  "item_1",
  "%ff",
  "null",
  "%E2%80%A8",
  "__proto__",
]);
const queryKey = among([
  "limit",
  "order",
  "after",
  "stream",
  "starting_after",
  "include_obfuscation",
  "include[]",
  "include",
  "limit[a]",
  "after[]",
  "stream[__proto__]",
  "__proto__",
  "constructor",
  "a[b][c][d][e][f][g]",
  "limit[0]",
]);
const query = fc
  .array(fc.tuple(queryKey, queryValue), { maxLength: 3 })
  .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join("&"));

/** Without a worker, anything else would never be answered. */
function inBackground(body: Json): Json {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const fields = body as Fields;
  if (fields["background"] == null || fields["background"] === false) fields["background"] = true;
  return body;
}

/** Fields that cause most rejections are mostly omitted, so that other errors are reached. */
const createBodies = objectsOf(createRequestSchema.shape, {
  model: fc.oneof(
    { weight: 20, arbitrary: fc.constant("simulator/default") },
    { weight: 1, arbitrary: fc.constantFrom("nobody/none", "", "/", "simulator/", "__proto__", "constructor/x") },
  ),
  background: fc.constant(true),
  previous_response_id: orAbsent(fc.constantFrom(null, "resp_1", "gen-1", "RESP", "resp_{a}:x")),
  conversation: orAbsent(fc.constantFrom(null, "conv_1", "CONV", { id: "CONV" }, { id: "" }, "x")),
  prompt: orAbsent(
    fc.oneof(
      { weight: 9, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: valuesOf(createRequestSchema.shape.prompt) },
    ),
  ),
});

/** Small ones with few parameters that are seldom rejected. */
const { model, background, input, metadata } = createRequestSchema.shape;
const plainBodies = objectsOf(
  { model, background, input, metadata },
  {
    model: fc.constant("simulator/default"),
    background: fc.constant(true),
    input: fc.oneof(fc.constant("Tell me about herons."), valuesOf(input)),
  },
);

const bodiesAt = (path: string, bodies: fc.Arbitrary<unknown>): fc.Arbitrary<OddRequest> =>
  fc.record({
    method: fc.constant("POST" as const),
    path: fc.constant(path),
    name,
    query: fc.constant(""),
    headers,
    body: written(mutated(bodies).map((body) => (path === "/responses" ? inBackground(body) : body))),
  });

const asked = fc.record({
  method: fc.constantFrom("GET" as const, "GET" as const, "GET" as const, "DELETE" as const),
  path: among([
    "/responses/RESP",
    "/responses/RESP",
    "/responses/RESP/input_items",
    "/responses/RESP/input_items",
    "/responses/RESP/run",
    "/responses/RESP/event_times",

    "/conversations/CONV",
    "/conversations/CONV/items",
    "/conversations/CONV/items",
    "/conversations/CONV/items/RESP",
  ]),
  name,
  query,
  headers,
});

const astray = fc.record({
  method: fc.constantFrom("GET" as const, "POST" as const, "PATCH" as const, "PUT" as const),
  path: among([
    "/responses/RESP/cancel",
    "/models",
    "/models/RESP",
    "/responses/",
    "//responses",
    "/nothing",
    "/%zz",
    "/responses/RESP/RESP",
    "/conversations/RESP/items/CONV",
    "/models/a/b/%ff",
  ]),
  name,
  query,
  headers,
});

/** For the endpoints that run nothing. Without a worker, a compaction would never be answered. */
export const oddContextRequests: fc.Arbitrary<OddRequest> = fc.oneof(
  bodiesAt("/responses/input_tokens", valuesOf(inputTokensRequestSchema)),
  bodiesAt("/responses/compact", objectsOf(compactRequestSchema.shape, { model: fc.constant("simulator/default") })),
);

/** Each costs as much as hundreds of others. */
const wideRequests: fc.Arbitrary<OddRequest> = fc.oneof(
  {
    weight: 3,
    arbitrary: bodiesAt(
      "/responses",
      wideBodies(createRequestSchema).map((body) => ({ model: "simulator/default", input: "a", ...(body as object) })),
    ),
  },
  { weight: 1, arbitrary: bodiesAt("/conversations", wideBodies(createConversationSchema)) },
  { weight: 1, arbitrary: bodiesAt("/conversations/CONV/items", wideBodies(createItemsSchema)) },
  { weight: 1, arbitrary: bodiesAt("/responses/input_tokens", wideBodies(inputTokensRequestSchema)) },
);

export const oddRequests: fc.Arbitrary<OddRequest> = fc.oneof(
  { weight: 80, arbitrary: bodiesAt("/responses", createBodies) },
  { weight: 50, arbitrary: bodiesAt("/responses", plainBodies) },
  { weight: 20, arbitrary: bodiesAt("/conversations", valuesOf(createConversationSchema)) },
  { weight: 10, arbitrary: bodiesAt("/conversations/CONV", valuesOf(updateConversationSchema)) },
  { weight: 20, arbitrary: bodiesAt("/conversations/CONV/items", valuesOf(createItemsSchema)) },
  { weight: 30, arbitrary: asked },
  { weight: 20, arbitrary: astray },
  { weight: 1, arbitrary: wideRequests },
);
