/** A run reads the calls of other responses: only those that its model sees, and few at a time. */
import { afterAll, describe, expect, test } from "vitest";
import { newId, newItemId } from "../../../../src/protocol/id.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import { readExecutedCalls } from "../../../../workers/run/loop/read-executed-calls.ts";
import { TOOL_ITEMS } from "../../../../workers/tools/registry.ts";
import { renderContext } from "../../../../workers/turn/context/render-context.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { COUNTING_TOOL, countingTool } from "../../../support/counting-tool.ts";
import { sampleRecord } from "../../../support/samples.ts";
import { createLeasedResponse, openTestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";

const storage = await openTestStorage();
afterAll(() => storage[Symbol.asyncDispose]());

type McpCall = Extract<OutputItem, { type: "mcp_call" }>;

const mcpCall = (): McpCall => ({
  type: "mcp_call",
  id: newItemId("mcp_call"),
  server_label: "counting",
  name: "look",
  arguments: "{}",
  output: "as the item has it",
});

/** A response that made one call per item. */
async function recordCalls(items: readonly McpCall[]): Promise<string> {
  const { id, lease } = await createLeasedResponse(storage, sampleRecord());
  const call = (item: McpCall) => ({ callId: `call ${item.id}`, name: "look", arguments: "{}" });
  const segments = items.map((item) => ({ kind: "call" as const, call: call(item), itemIds: [item.id] }));
  await storage.journals.writeTurn(id, lease, 0, { usage: null, segments });
  for (const item of items) {
    await storage.journals.writeCallResult(id, lease, `call ${item.id}`, {
      output: item.id,
      isError: false,
      details: null,
    });
  }
  return id;
}

/** The storage, the journals that were read of it, and the peak number of parallel reads. */
function noting() {
  const noted = { read: [] as string[], atOnce: 0 };
  let reading = 0;
  const journals = Object.assign(Object.create(storage.journals) as typeof storage.journals, {
    read: async (id: string) => {
      noted.read.push(id);
      noted.atOnce = Math.max(noted.atOnce, ++reading);
      try {
        return await storage.journals.read(id);
      } finally {
        reading--;
      }
    },
  });
  return { noted, storage: { ...storage, journals } };
}

const conversation = (input: OutputItem[], origins: [string, string][]) => ({
  project: "default",
  request: { model: "simulator/default" },
  preamble: [],
  origins: new Map(origins),
  input,
  requestItems: [],
});

test.each<[string, Partial<McpCall>, string]>([
  ["its output", {}, "as the item has it"],
  ["its error", { output: null, error: { type: "http_error", code: 500, message: "no" } }, '"code":500'],
  [
    "that the result is unknown",
    { output: null, error: null, status: "incomplete" },
    "The result is no longer available.",
  ],
])("a call without a journal shows the model %s", (_name, fields, expected) => {
  const item = { ...mcpCall(), ...fields };
  const [call, output] = renderContext([item], { tools: TOOL_ITEMS, executed: new Map(), isHosted: () => false });
  expect(call).toMatchObject({ type: "function_call", name: "counting__look", arguments: "{}" });
  expect(output).toMatchObject({ type: "function_call_output", output: expect.stringContaining(expected) });
});

test("a run reads only the journals that its input needs, eight at a time", async () => {
  const turns = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const items = [mcpCall(), mcpCall()];
      return { id: await recordCalls(items), items };
    }),
  );
  // A compaction has replaced the first two turns, and of the others one item.
  const visibleItems = turns.slice(2).map(({ items }) => items[1]!);
  const origins = turns.flatMap(({ id, items }) => items.map((item): [string, string] => [item.id, id]));
  const { noted, storage: notingStorage } = noting();
  const executed = await readExecutedCalls(notingStorage, conversation(visibleItems, origins), TOOL_ITEMS);
  expect([...executed].map(([id, { result }]) => [id, result.output])).toEqual(visibleItems.map(({ id }) => [id, id]));
  expect(noted.read).toEqual(turns.slice(2).map(({ id }) => id));
  expect(noted.atOnce).toBe(8);
});

test("a run looks up the responses of the newest hundred items", async () => {
  const items = Array.from({ length: 101 }, mcpCall);
  const id = await recordCalls(items);
  await storage.itemIndex.add(
    "default",
    id,
    items.map((item) => item.id),
    60,
  );
  // The response that received one of these items later made none of the calls.
  await storage.itemIndex.add("default", newId("resp"), [items.at(-1)!.id], 60);
  const { noted, storage: notingStorage } = noting();
  const executed = await readExecutedCalls(notingStorage, conversation(items, []), TOOL_ITEMS);
  expect([...executed.keys()]).toEqual(items.slice(1).map((item) => item.id));
  expect(noted.read).toEqual([id]);
  const foreign = await readExecutedCalls(storage, { ...conversation(items, []), project: "another" }, TOOL_ITEMS);
  expect(foreign.size).toBe(0);
});

describe("an earlier response's call shows the model", () => {
  /** What the second response's model sees of the first one's call, whose item has another output. */
  async function visibleOutputs(where: "conversation" | "input", erase = false) {
    const tool = countingTool();
    const upstream = new RecordingUpstream();
    const run = async (id: string) => {
      await runOnce({ storage, kinds: [tool.kind], upstream }, id, new AttemptControl());
      return await finalResponse(storage, id);
    };
    const request = { tools: [COUNTING_TOOL], metadata: scriptSteps({ call: "look", arguments: { x: 1 } }) };
    const first = await run(await createResponse(storage, request));
    const [executed] = first.response.output as readonly OutputItem[];
    const item = { ...(executed as McpCall), output: "as the item has it" };
    const conversationId = newId("conv");
    const described = { id: conversationId, object: "conversation" as const, created_at: 1, metadata: {} };
    await storage.conversations.create(described, "default", where === "conversation" ? [item] : []);
    // As listing the items returns them: the conversation has this item, too.
    await storage.itemIndex.add("default", conversationId, [item.id], 60);
    if (erase) await storage.records.erase(first.response.id, 0);
    const before = { input: where === "input" ? [item] : [] };
    await run(await createResponse(storage, { conversation: conversationId }, before));
    return upstream.calls
      .at(-1)!
      .history.flatMap((each) => (each.type === "function_call_output" ? [each.output] : []));
  }

  test("the executed result, also in a conversation", async () => {
    expect(await visibleOutputs("conversation")).toEqual(["look 1 is done"]);
  });

  test("the item's output once its response is deleted", async () => {
    expect(await visibleOutputs("conversation", true)).toEqual(["as the item has it"]);
  });

  test("the client's output if the client sends one", async () => {
    expect(await visibleOutputs("input")).toEqual(["as the item has it"]);
  });
});
