/** Every input item: accepted, listed with an id, and sent to the provider. */
import { expect, test } from "vitest";
import { includableSchema } from "../../../src/protocol/request-options.ts";
import { ITEMS } from "../../support/sdk-samples/items.ts";
import type { EchoServer, Json } from "./server.ts";

type Server = () => EchoServer;
type Kind = keyof typeof ITEMS;

/** A function call must have an output, or the provider rejects the conversation. */
const ANSWER = { type: "function_call_output", call_id: "call_1", output: "42" };

const REJECTED: Partial<Record<Kind, [item: Json, param: string, code: string]>> = {
  message: [{ role: "user" }, "input[0].content", "missing_required_parameter"],
  function_call: [
    { type: "function_call", call_id: "c", name: "", arguments: "" },
    "input[0].name",
    "string_below_min_length",
  ],
  function_call_output: [
    { type: "function_call_output", call_id: "x".repeat(65), output: "" },
    "input[0].call_id",
    "string_above_max_length",
  ],
  item_reference: [{ type: "item_reference" }, "input[0].id", "missing_required_parameter"],
  compaction_trigger: [{ type: "compaction_trigger", id: "" }, "input[0].id", "string_below_min_length"],
  mcp_approval_response: [
    { type: "mcp_approval_response", approval_request_id: "mcpr_1", approve: "yes" },
    "input[0].approve",
    "invalid_type",
  ],
};

/** Ids are this server's, a status means nothing to a model, and null equals absence: none has to be sent. */
function meant(item: Json): Json {
  const isMeant = ([name, value]: [string, unknown]) => name !== "id" && name !== "status" && value !== null;
  return Object.fromEntries(Object.entries(item).filter(isMeant));
}

/** They describe the input, and are no part of it. */
const NOT_SENT: ReadonlySet<Kind> = new Set(["item_reference", "compaction_trigger"]);

/** A listing shows a message's text as a part. */
function listed(item: Json): Json {
  const { content, role } = item;
  const type = role === "assistant" ? "output_text" : "input_text";
  return typeof content === "string" && role !== undefined ? { ...item, content: [{ type, text: content }] } : item;
}

export function testInputItems(server: Server): void {
  const kinds = (Object.keys(ITEMS) as Kind[]).filter((kind) => !NOT_SENT.has(kind));

  test.each(kinds)("input item %s: is listed, and sent to the provider", async (kind) => {
    const samples = ITEMS[kind] as unknown as Json[];
    const input = kind === "function_call" ? [...samples, ANSWER] : samples;
    const { shown, sent } = await server().accepted({ input });
    // Listings leave out fields that are not included.
    const included = includableSchema.options.map((value) => `&include[]=${value}`).join("");
    const path = `/responses/${String(shown["id"])}/input_items?order=asc${included}`;
    const { data } = (await server().send("GET", path)).body as { data: Json[] };
    expect(data).toMatchObject(input.map(listed));
    for (const item of data) expect(item["id"]).toEqual(expect.any(String));
    expect(sent["input"]).toMatchObject(input.map(meant));
  });

  test("input item compaction_trigger: compacts the context, and is neither listed nor sent", async () => {
    const userMessage = { role: "user", content: "Hello" };
    const { shown, sent } = await server().accepted({ input: [userMessage, ...ITEMS.compaction_trigger] });
    expect(shown["output"]).toMatchObject([{ type: "compaction" }]);
    // The last request asks for the summary.
    expect(sent["input"]).toMatchObject([userMessage, { type: "message", role: "user" }]);
    const { data } = (await server().send("GET", `/responses/${String(shown["id"])}/input_items`)).body as {
      data: Json[];
    };
    expect(data).toMatchObject([listed(userMessage)]);
  });

  test("input item item_reference: is replaced by the item it names", async () => {
    const first = await server().accepted({});
    const [item] = first.shown["output"] as [Json];
    const input = [
      { type: "item_reference", id: item["id"] },
      { role: "user", content: "And?" },
    ];
    const { sent } = await server().accepted({ input });
    expect(sent["input"]).toMatchObject([meant(item), { role: "user", content: "And?" }]);
  });

  test.each(Object.entries(REJECTED))("input item %s: is rejected if invalid", async (_kind, [item, param, code]) => {
    expect(await server().post({ input: [item] })).toMatchObject({ status: 400, body: { error: { param, code } } });
  });
}
