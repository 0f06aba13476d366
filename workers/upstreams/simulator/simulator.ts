/**
 * An upstream without a provider or a model. It answers the same request with the same items, texts and deltas every time.
 * `simulator.*` metadata (settings.ts) makes it stream, reason, call functions, fill JSON schemas, refuse, fail or hang.
 * The demo, load tests and clients' tests use it.
 *
 * One delta is one token. A call is planned first (plan.ts) and then performed.
 */
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { Usage } from "../../../src/protocol/response.ts";
import {
  failedFinish,
  type Upstream,
  type UpstreamCall,
  type UpstreamEvent,
  type UpstreamFinish,
} from "../upstream.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";
import { createItemEvents } from "./item-events.ts";
import { readAlternatives } from "./logprobs.ts";
import { Pace } from "./pace.ts";
import { countCompletedItems, type PlannedItem, planItems } from "./plan.ts";
import { readSettings, type SimulatorSettings } from "./settings.ts";
import { countWords, extractItemText } from "./transcript.ts";

export class SimulatorUpstream implements Upstream {
  async *run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    signal.throwIfAborted();
    const prepared = prepareRun(call);
    if (prepared.kind === "invalid") {
      yield failedFinish("invalid_prompt", prepared.message);
      return;
    }
    const { settings, plan, alternatives } = prepared;
    const pace = new Pace({ delayMs: settings.delay_ms, hangs: settings.hang, signal });
    const failAfter = settings.fail_after ?? (settings.error === undefined ? Infinity : 0);
    let events = 0;
    for await (const event of perform(call, plan, pace, alternatives)) {
      signal.throwIfAborted();
      if (events >= failAfter) {
        yield failedFinish(
          settings.error ?? "server_error",
          `The simulator failed after ${events} events, as requested.`,
        );
        return;
      }
      yield event;
      if (event.type !== "hidden_reasoning") events++;
    }
  }
}

type PreparedRun =
  | {
      kind: "valid";
      settings: SimulatorSettings;
      plan: PlannedItem[];
      /** Alternatives per token, if the client requested logprobs. */
      alternatives: number | undefined;
    }
  | { kind: "invalid"; message: string };

/** Finds every error in the request, before the first event. */
function prepareRun(call: UpstreamCall): PreparedRun {
  try {
    const settings = readSettings(call.request.metadata ?? {});
    const plan = planItems(call, settings);
    return { kind: "valid", settings, plan, alternatives: readAlternatives(call, plan) };
  } catch (error) {
    if (error instanceof InvalidPromptError) return { kind: "invalid", message: error.message };
    throw error;
  }
}

async function* perform(
  call: UpstreamCall,
  plan: readonly PlannedItem[],
  pace: Pace,
  alternatives: number | undefined,
): AsyncGenerator<UpstreamEvent, void, undefined> {
  const done = countCompletedItems(plan, call.completedItems);
  const spent = countSpent(plan.slice(0, done));
  // The budget is the response's. Without subtracting the tokens of earlier attempts, a text that was cut off after a crash
  // would be longer than without one.
  let budget =
    (call.request.max_output_tokens ?? Infinity) - sum(plan.slice(0, done).map((item) => item.deltas.length));
  let replayedDeltas = countReplayedDeltas(plan[done], call.unfinishedItem);
  for (const [output_index, item] of plan.slice(done).entries()) {
    if (budget <= 0 && item.deltas.length > 0) return yield incompleteFinish(call, spent);
    const absoluteIndex = call.firstOutputIndex + output_index;
    const events = createItemEvents(item, { output_index, responseId: call.responseId, absoluteIndex }, alternatives);
    const deltas = item.deltas.slice(0, budget);
    yield* events.open;
    for (const delta of deltas) {
      if (replayedDeltas > 0) replayedDeltas -= 1;
      else await pace.beforeDelta();
      const event = events.delta(delta);
      if (event !== undefined) yield event;
    }
    budget -= deltas.length;
    spent.output += deltas.length;
    if (item.type === "reasoning") spent.reasoning += deltas.length;
    const isCut = deltas.length < item.deltas.length;
    yield* events.close(deltas.join(""), isCut ? "incomplete" : "completed");
    if (isCut) return yield incompleteFinish(call, spent);
  }
  await pace.beforeEnd();
  yield { type: "finish", status: "completed", usage: computeUsage(call, spent) };
}

/** Number of the item's deltas that an earlier attempt has written. They are yielded without delay. */
function countReplayedDeltas(item: PlannedItem | undefined, unfinished: OutputItem | undefined): number {
  if (item === undefined || unfinished?.type !== item.type) return 0;
  const written = extractItemText(unfinished).length;
  let length = 0;
  const next = item.deltas.findIndex((delta) => (length += delta.length) > written);
  return next < 0 ? item.deltas.length : next;
}

/** A continued answer has the usage of an uninterrupted one. */
function countSpent(done: readonly PlannedItem[]): Spent {
  const count = (items: readonly PlannedItem[]): number => sum(items.map((item) => item.deltas.length));
  return { output: count(done), reasoning: count(done.filter((item) => item.type === "reasoning")) };
}

interface Spent {
  output: number;
  /** Part of `output`. */
  reasoning: number;
}

function incompleteFinish(call: UpstreamCall, spent: Spent): UpstreamFinish {
  const details = { reason: "max_output_tokens" } as const;
  return { type: "finish", status: "incomplete", details, usage: computeUsage(call, spent) };
}

/** Input tokens are roughly words. Output tokens are the deltas of the whole answer, including earlier attempts. */
function computeUsage(call: UpstreamCall, spent: Spent): Usage {
  const input_tokens = countWords(call.history);
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: spent.output,
    output_tokens_details: { reasoning_tokens: spent.reasoning },
    total_tokens: input_tokens + spent.output,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
