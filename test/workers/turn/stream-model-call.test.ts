/** An upstream that breaks the event grammar, with and without STRICT_EVENTS. */
import { runFactsSchema } from "../../../src/lifecycle/run-facts.ts";
import { expect, test } from "vitest";
import { IllegalEventError } from "../../../src/lifecycle/apply-event.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { Upstream } from "../../../workers/upstreams/upstream.ts";
import { openAttempt, AttemptControl } from "../../../workers/attempt/attempt.ts";
import { streamModelCall } from "../../../workers/turn/stream-model-call.ts";
import { TurnPipeline } from "../../../workers/turn/turn-pipeline.ts";
import { OutputRouter } from "../../../workers/turn/output-router.ts";
import { CitablePages } from "../../../workers/turn/citations/citable-pages.ts";
import { sampleCall } from "../../support/openai-responses.ts";
import { openingState, sampleRecord, sampleResponse, USAGE } from "../../support/samples.ts";
import { createLeasedResponse, openTestStorage } from "../../support/storage.ts";
import { added, done } from "../../support/upstream-server.ts";

const SEARCH = { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "tea" } };
const AT = { item_id: "ws_1", output_index: 0 };

/** It sends a search's end without its start. */
const ILLEGAL = [
  added(0, { ...SEARCH, status: "in_progress" }),
  { type: "response.web_search_call.completed", ...AT },
  done(0, SEARCH),
] as unknown as ItemEventDraft[];

const UPSTREAM: Upstream = {
  async *run() {
    yield* ILLEGAL;
    yield { type: "finish", status: "completed", usage: USAGE };
  },
};

async function turn(isStrict: boolean) {
  await using storage = await openTestStorage();
  const record = sampleRecord();
  const { id, lease, last } = await createLeasedResponse(storage, record);
  const state = openingState(sampleResponse({}, id));
  const facts = runFactsSchema.parse({});
  const start = { id, lease, last, state, attempt: 1, facts, record: { ...record, waits: 0 } };
  const run = openAttempt(storage, start, new AttemptControl());
  const nextIndex = () => run.writer.state.response.output.length;
  const router = new OutputRouter({
    functions: new Map(),
    callsLeft: 0,
    mayCall: () => true,
    nextIndex,
    usedIds: new Set(),
  });
  const pipeline = new TurnPipeline(run, {
    request: {},
    citablePages: new CitablePages(),
    isStrict,
    seal: () => "sealed",
    discardUnfinished: () => Promise.resolve(),
    streamsCalls: false,
    functions: new Map(),
    router,
  });
  return await streamModelCall(run, UPSTREAM, sampleCall(), pipeline, () => {});
}

test("its events are accepted by default", async () => {
  await expect(turn(false)).resolves.toMatchObject({ status: "completed" });
});

test("its first illegal event is rejected under STRICT_EVENTS", async () => {
  const rejected = turn(true);
  await expect(rejected).rejects.toThrow(IllegalEventError);
  await expect(rejected).rejects.toThrow("response.web_search_call.completed: does not come after added.");
});
