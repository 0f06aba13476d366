/** Every string in a request has a maximum length. */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseBody } from "../../../src/http/validation/parse-body.ts";
import { parseCreateRequest } from "../../../src/http/validation/create-request.ts";
import { ApiError } from "../../../src/lifecycle/errors/api-error.ts";
import { bounded, MAX_LENGTHS } from "../../../src/protocol/bounded.ts";
import { compactRequestSchema } from "../../../src/protocol/compaction.ts";
import {
  createConversationSchema,
  createItemsSchema,
  updateConversationSchema,
} from "../../../src/protocol/conversation.ts";
import { createRequestSchema } from "../../../src/protocol/create-request.ts";
import { inputTokensRequestSchema } from "../../../src/protocol/input-tokens.ts";
import { listQuerySchema } from "../../../src/protocol/list.ts";
import { ProviderCatalog } from "../../../src/providers/catalog.ts";
import { type StringLocation, findStrings } from "../../support/strings-in.ts";

const SCHEMAS = {
  "POST /responses": createRequestSchema,
  "POST /responses/input_tokens": inputTokensRequestSchema,
  "POST /responses/compact": compactRequestSchema,
  "POST /conversations": createConversationSchema,
  "POST /conversations/{id}": updateConversationSchema,
  "POST /conversations/{id}/items": createItemsSchema,
  "a list's query": listQuerySchema,
};

const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);

function errorOf(parse: () => unknown): ApiError {
  try {
    parse();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("It was accepted.");
}

test.each(Object.entries(SCHEMAS))("%s", (_name, schema) => {
  const locations = findStrings(schema);
  const unbounded = locations.filter(({ maximum }) => maximum === null).map(({ path }) => path);
  expect(unbounded).toEqual([]);
  expect(locations.length).toBeGreaterThan(0);
});

test("the walk finds every unbounded string", () => {
  const free = z.string();
  const schema = z.object({
    plain: free.nullish(),
    list: z.array(free),
    map: z.record(z.string(), bounded.name),
    either: z.union([z.int(), free]),
    tagged: z.discriminatedUnion("type", [z.object({ type: z.literal("a"), text: free })]),
    before: z.preprocess((value) => value, free),
    refined: free.refine(() => true).default(""),
    later: z.lazy(() => free),
  });
  const paths = findStrings(schema).flatMap(({ path, maximum }) => (maximum === null ? [path] : []));
  expect(paths).toEqual(["plain", "list[]", "map.*", "either", "tagged.text", "before", "refined", "later"]);
});

const input = (item: object) => ({ input: [item] });
const tool = (fields: object) => ({ tools: [fields] });
const text = (length: number) => "x".repeat(length);
const part = (fields: object) => input({ role: "user", content: [fields] });

/** One of each class, and of each kind of position. */
const PLACES: [param: string, keyof typeof MAX_LENGTHS, (value: string) => object][] = [
  ["instructions", "text", (instructions) => ({ instructions })],
  ["user", "address", (user) => ({ user })],
  ["model", "name", (model) => ({ model })],
  ["input[0].id", "identifier", (id) => input({ type: "message", role: "user", content: "x", id })],
  ["input[0].content", "text", (content) => input({ role: "user", content })],
  ["input[0].content[0].text", "text", (value) => part({ type: "input_text", text: value })],
  ["input[0].content[0].filename", "name", (filename) => part({ type: "input_file", file_data: "eA==", filename })],
  ["input[0].content[0].image_url", "data", (image_url) => part({ type: "input_image", image_url })],
  [
    "input[0].arguments",
    "text",
    (args) => input({ type: "function_call", call_id: "call_1", name: "look", arguments: args }),
  ],
  ["input[0].output", "text", (output) => input({ type: "function_call_output", call_id: "call_1", output })],
  [
    "input[0].encrypted_content",
    "data",
    (encrypted_content) => input({ type: "reasoning", summary: [], encrypted_content }),
  ],
  ["tools[0].description", "description", (description) => tool({ type: "function", name: "look", description })],
  ["tools[0].server_url", "address", (server_url) => tool({ type: "mcp", server_label: "docs", server_url })],
  [
    "tools[0].headers.x-key",
    "address",
    (value) => tool({ type: "mcp", server_label: "docs", server_url: "https://x.org", headers: { "x-key": value } }),
  ],
  ["prompt.variables.city", "text", (city) => ({ prompt: { id: "pmpt_1", variables: { city } } })],
  ["conversation", "identifier", (end) => ({ conversation: `conv${end.slice(4)}` })],
];

describe("the bound is accepted, and one character more is rejected", () => {
  test.each(PLACES)("%s: %s", (param, kind, fieldsOf) => {
    const maximum = MAX_LENGTHS[kind];
    const body = (length: number) => ({ model: "simulator/default", input: "Hi", ...fieldsOf(text(length)) });
    const error = errorOf(() => parseCreateRequest(body(maximum + 1), catalog));
    const message = `Invalid '${param}': string too long. Expected a string with maximum length ${maximum}, but got a string with length ${maximum + 1} instead.`;
    expect(error).toMatchObject({ status: 400, param, code: "string_above_max_length", message });
    // No model has that name; everything else is accepted.
    const parse = () => parseCreateRequest(body(maximum), catalog);
    expect(param === "model" ? errorOf(parse).code : parse().model).toBe(
      param === "model" ? "model_not_found" : "simulator/default",
    );
  });

  test("items of conversations are bounded too", () => {
    const items = [{ type: "message", role: "user", content: "x", id: text(MAX_LENGTHS.identifier + 1) }];
    const error = errorOf(() => parseBody(createItemsSchema, { items }));
    expect(error).toMatchObject({ status: 400, param: "items[0].id", code: "string_above_max_length" });
  });

  test("names in maps are bounded too", () => {
    const name = text(MAX_LENGTHS.name + 1);
    const variables = { [name]: "x" };
    const error = errorOf(() =>
      parseCreateRequest({ model: "simulator/default", input: "Hi", prompt: { id: "p", variables } }, catalog),
    );
    expect(error).toMatchObject({ status: 400, code: "property_name_above_max_length" });
  });
});

/** A string without a published bound has its table's class; a published bound is at least as narrow. */
test("each bound is a class's, or a published one below 513", () => {
  const classes = new Set<number>(Object.values(MAX_LENGTHS));
  const others = Object.values(SCHEMAS)
    .flatMap((schema) => findStrings(schema))
    .filter(({ maximum }: StringLocation) => maximum !== null && !classes.has(maximum) && maximum > 512);
  expect(others).toEqual([]);
});

test("docs/limits.md has each class with its length", async () => {
  const page = await readFile(new URL("../../../docs/limits.md", import.meta.url), "utf8");
  const [classes] = page.split("Some fields have a shorter length");
  const rows = classes!.matchAll(/^\| `(\w+)` +\| ([\d,]+) +\|/gm);
  const shown = Object.fromEntries([...rows].map(([, name, length]) => [name, Number(length!.replaceAll(",", ""))]));
  expect(shown).toEqual(MAX_LENGTHS);
});
