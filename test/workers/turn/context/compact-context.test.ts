/** Compactions within a run: their trigger, their limits, their cost, and that they are recorded before use. */
import { describe, expect, test } from "vitest";
import type { ResolvedRequest } from "../../../../src/protocol/create-request.ts";
import { type EventDraft, type ItemEventDraft } from "../../../../src/protocol/event.ts";
import type { StoredInputItem } from "../../../../src/protocol/item.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import type { Upstream } from "../../../../workers/upstreams/upstream.ts";
import { COUNTING_TOOL, countingTool } from "../../../support/counting-tool.ts";
import { messageEvents, USAGE } from "../../../support/samples.ts";
import { openTestStorage } from "../../../support/storage.ts";
import {
  type PriorContext,
  createResponse,
  finalResponse,
  RecordingUpstream,
  runOnce,
  scriptSteps,
} from "../../../support/tool-runs.ts";

const LONG: StoredInputItem[] = [{ type: "message", role: "user", content: "word ".repeat(3_000), id: "msg_long" }];
const AT_1000 = { context_management: [{ type: "compaction" as const, compact_threshold: 1_000 }] };

async function run(
  request: Partial<ResolvedRequest>,
  { before = { input: LONG }, contextWindow }: { before?: PriorContext; contextWindow?: number } = {},
) {
  await using storage = await openTestStorage();
  const upstream = new RecordingUpstream();
  const id = await createResponse(storage, { metadata: scriptSteps(), ...request }, before);
  const setup = { storage, kinds: [countingTool().kind], upstream, ...(contextWindow && { contextWindow }) };
  expect(await runOnce(setup, id, new AttemptControl())).toBe("ended");
  return { ...(await finalResponse(storage, id)), upstream };
}

describe("a compaction", () => {
  test("starts at the lowest of several thresholds", async () => {
    const higher = { type: "compaction" as const, compact_threshold: 100_000 };
    const { response } = await run({ context_management: [higher, ...AT_1000.context_management, higher] });
    expect(response.output.map(({ type }) => type)).toEqual(["compaction", "message"]);
  });

  test("sees the tools and may call none", async () => {
    const { upstream } = await run({ ...AT_1000, tools: [COUNTING_TOOL], tool_choice: "required" });
    const [summary, answer] = upstream.calls;
    expect(summary!.request.tools).toHaveLength(2);
    expect([summary!.request.tool_choice, answer!.request.tool_choice]).toEqual(["none", "required"]);
  });

  test("is logged before the model sees its result", async () => {
    await using storage = await openTestStorage();
    const id = await createResponse(storage, { ...AT_1000, metadata: scriptSteps() }, { input: LONG });
    const simulator = new RecordingUpstream();
    const recorded: string[][] = [];
    const upstream: Upstream = {
      async *run(call, signal) {
        const log = (await storage.visibleLogReader.read(id, 0, 1_000)).map(
          ({ data }) => JSON.parse(data) as EventDraft,
        );
        recorded.push(log.flatMap((event) => ("item" in event ? [event.type] : [])));
        yield* simulator.run(call, signal);
      },
    };
    await runOnce({ storage, kinds: [], upstream }, id, new AttemptControl());
    expect(recorded.at(-1)).toEqual(["response.output_item.added", "response.output_item.done"]);
  });

  test("that is unfinished fails the response and counts its usage", async () => {
    await using storage = await openTestStorage();
    const upstream: Upstream = {
      async *run() {
        yield* messageEvents(0, ["Half a summ"]) as ItemEventDraft[];
        yield { type: "finish", status: "incomplete", details: { reason: "max_output_tokens" }, usage: USAGE };
      },
    };
    const id = await createResponse(storage, AT_1000, { input: LONG });
    await runOnce({ storage, kinds: [], upstream }, id, new AttemptControl());
    expect((await finalResponse(storage, id)).response).toMatchObject({ status: "failed", usage: USAGE });
  });

  test("that was requested is not repeated by a later worker", async () => {
    await using storage = await openTestStorage();
    const upstream = new RecordingUpstream();
    const id = await createResponse(storage, { metadata: scriptSteps() }, { input: LONG, purpose: "compact" });
    await runOnce({ storage, kinds: [], upstream }, id, new AttemptControl());
    const { response } = await finalResponse(storage, id);
    // As if the worker had crashed before it recorded the end.
    const { events, meta } = storage.layout;
    const logged = (await storage.visibleLogReader.read(id, 0, 1_000)).slice(0, -1);
    await storage.redis.del(events(id));
    for (const { sequenceNumber, data } of logged) {
      await storage.redis.xadd(events(id), `${sequenceNumber}-1`, "d", data);
    }
    await storage.redis.hset(meta(id), { last: logged.length - 1, status: "in_progress" });
    expect(await runOnce({ storage, kinds: [], upstream }, id, new AttemptControl())).toBe("ended");
    const again = (await finalResponse(storage, id)).response;
    expect([again.output, again.usage]).toEqual([response.output, response.usage]);
    expect(upstream.calls).toHaveLength(1);
  });
});

test("a prompt's messages count toward the window", async () => {
  const content = [{ type: "input_text" as const, text: "word ".repeat(400) }];
  const instructions = [{ type: "message" as const, role: "developer" as const, content }];
  const { response, upstream } = await run({ instructions }, { before: {}, contextWindow: 300 });
  expect(response).toMatchObject({ status: "failed", error: { code: "invalid_prompt" } });
  expect(upstream.calls).toEqual([]);
});
