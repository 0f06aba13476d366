/**
 * A call of 100 KB that a client runs: the run holds it and records it in one append, compared with a run with
 * STREAM_CALL_ARGUMENTS, which records each delta. Both end with the response.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { newId } from "../../src/protocol/id.ts";
import { AttemptControl } from "../../workers/attempt/attempt.ts";
import type { Upstream, UpstreamEvent } from "../../workers/upstreams/upstream.ts";
import { USAGE } from "../support/samples.ts";
import { createResponse, runOnce } from "../support/tool-runs.ts";
import { compare, type Figure, takeTurns } from "./figure.ts";
import { type Bench, nowMs } from "./measurement.ts";
import { type BenchStorage, openBenchStorage } from "./recording.ts";

const TURNS = 15;
const CALL_BYTES = 100 * 1024;
/** As models write them. */
const DELTA_BYTES = 4;

export async function measureHeldCall(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "held-call");
  // The first of each warms up.
  const turns = await takeTurns(
    TURNS + 1,
    () => timed(storage, true),
    () => timed(storage, false),
  );
  const figure = {
    name: "a call of 100 KB, held until it is whole",
    unit: "ms",
    limitName: "the same, streamed as it is written",
    turns: turns.slice(1),
    of: (ms: number) => ms,
    target: { kind: "ratio-at-most", value: 1 } as const,
  };
  return [compare(figure)];
}

async function timed(storage: BenchStorage, streamsCalls: boolean): Promise<number> {
  const id = await createResponse(storage, {
    model: "bench/egret",
    tools: [{ type: "function", name: "write_file", parameters: { type: "object" } }],
  });
  const startedMs = nowMs();
  const upstream: Upstream = { run: () => longCall() };
  const outcome = await runOnce(
    { storage, kinds: [], upstream, streamsCalls, isStrict: false },
    id,
    new AttemptControl(),
  );
  const tookMs = nowMs() - startedMs;
  const last = await storage.visibleLogReader.readLast(id);
  if (outcome !== "ended" || last?.data.includes('"status":"completed"') !== true) throw new Error("The run failed.");
  return tookMs;
}

async function* longCall(): AsyncGenerator<UpstreamEvent, void, undefined> {
  const json = `{"text":"${"x".repeat(CALL_BYTES - 11)}"}`;
  const id = newId("fc");
  const at = { item_id: id, output_index: 0 };
  const item = { type: "function_call" as const, id, call_id: "call_1", name: "write_file" };
  const added: ItemEventDraft = {
    type: "response.output_item.added",
    output_index: 0,
    item: { ...item, arguments: "", status: "in_progress" },
  };
  yield added;
  for (let from = 0; from < json.length; from += DELTA_BYTES) {
    yield { type: "response.function_call_arguments.delta", ...at, delta: json.slice(from, from + DELTA_BYTES) };
  }
  yield { type: "response.function_call_arguments.done", ...at, arguments: json };
  yield {
    type: "response.output_item.done",
    output_index: 0,
    item: { ...item, arguments: json, status: "completed" },
  };
  yield { type: "finish", status: "completed", usage: USAGE };
}
