/**
 * The embedded upstream: no network, no model, and no claim to be one. It answers the same request with the same items,
 * texts and deltas every time, and does what `simulator.*` metadata asks (simulator/settings.ts): stream, reason, call
 * functions, fill JSON schemas, refuse, fail, hang. It serves the demo, the load tests and the tests of clients.
 *
 * One delta is one token. The plan of a call is made first (simulator/plan.ts) and then performed.
 */
import { responseError } from "../../../src/lifecycle/end-response.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { ResponseErrorCode, Usage } from "../../../src/protocol/response.ts";
import type { Upstream, UpstreamCall, UpstreamEvent, UpstreamFinish } from "../upstream.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";
import { itemEvents } from "./item-events.ts";
import { alternativesOf } from "./logprobs.ts";
import { Pace } from "./pace.ts";
import { countProduced, type PlannedItem, planItems } from "./plan.ts";
import { readSettings, type SimulatorSettings } from "./settings.ts";
import { countWords, itemText } from "./transcript.ts";

export class SimulatorUpstream implements Upstream {
  async *run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    signal.throwIfAborted();
    const prepared = prepare(call);
    if ("type" in prepared) {
      yield prepared;
      return;
    }
    const { settings, plan, alternatives } = prepared;
    const pace = new Pace({ delayMs: settings.delay_ms, hangs: settings.hang, signal });
    const failAfter = settings.fail_after ?? (settings.error === undefined ? Infinity : 0);
    let events = 0;
    for await (const event of perform(call, plan, pace, alternatives)) {
      signal.throwIfAborted();
      if (events >= failAfter) {
        yield failed(
          settings.error ?? "server_error",
          `The simulator failed after ${events} events, as it was told to.`,
        );
        return;
      }
      yield event;
      if (event.type !== "hidden_reasoning") events++;
    }
  }
}

interface Prepared {
  settings: SimulatorSettings;
  plan: PlannedItem[];
  /** To each token, where the client includes logprobs. */
  alternatives: number | undefined;
}

/** Everything that a request can get wrong is found here, before the first event. */
function prepare(call: UpstreamCall): Prepared | UpstreamFinish {
  try {
    const settings = readSettings(call.request.metadata ?? {});
    const plan = planItems(call, settings);
    return { settings, plan, alternatives: alternativesOf(call, plan) };
  } catch (error) {
    if (error instanceof InvalidPromptError) return failed("invalid_prompt", error.message);
    throw error;
  }
}

async function* perform(
  call: UpstreamCall,
  plan: readonly PlannedItem[],
  pace: Pace,
  alternatives: number | undefined,
): AsyncGenerator<UpstreamEvent, void, undefined> {
  const done = countProduced(plan, call.produced);
  const spent = spentOn(plan.slice(0, done));
  // The budget is the response's: what an earlier attempt spent on the same plan is gone, or a text that was cut off
  // after a crash would be longer than without one.
  let budget =
    (call.request.max_output_tokens ?? Infinity) - sum(plan.slice(0, done).map((item) => item.deltas.length));
  let told = toldDeltas(plan[done], call.unfinished);
  for (const [output_index, item] of plan.slice(done).entries()) {
    if (budget <= 0 && item.deltas.length > 0) return yield incomplete(call, spent);
    const absoluteIndex = call.firstOutputIndex + output_index;
    const events = itemEvents(item, { output_index, responseId: call.responseId, absoluteIndex }, alternatives);
    const deltas = item.deltas.slice(0, budget);
    yield* events.open;
    for (const delta of deltas) {
      if (told > 0) told -= 1;
      else await pace.beforeDelta();
      const event = events.delta(delta);
      if (event !== undefined) yield event;
    }
    budget -= deltas.length;
    spent.output += deltas.length;
    if (item.type === "reasoning") spent.reasoning += deltas.length;
    const isCut = deltas.length < item.deltas.length;
    yield* events.close(deltas.join(""), isCut ? "incomplete" : "completed");
    if (isCut) return yield incomplete(call, spent);
  }
  await pace.beforeEnd();
  yield { type: "finish", status: "completed", usage: usageOf(call, spent) };
}

/** How many of the item's deltas an earlier attempt has written. They are yielded at once. */
function toldDeltas(item: PlannedItem | undefined, unfinished: OutputItem | undefined): number {
  if (item === undefined || unfinished?.type !== item.type) return 0;
  const written = itemText(unfinished).length;
  let length = 0;
  const next = item.deltas.findIndex((delta) => (length += delta.length) > written);
  return next < 0 ? item.deltas.length : next;
}

/** An answer that is continued costs what it would have cost in one go. */
function spentOn(done: readonly PlannedItem[]): Spent {
  const count = (items: readonly PlannedItem[]): number => sum(items.map((item) => item.deltas.length));
  return { output: count(done), reasoning: count(done.filter((item) => item.type === "reasoning")) };
}

interface Spent {
  output: number;
  /** Part of `output`. */
  reasoning: number;
}

function incomplete(call: UpstreamCall, spent: Spent): UpstreamFinish {
  const details = { reason: "max_output_tokens" } as const;
  return { type: "finish", status: "incomplete", details, usage: usageOf(call, spent) };
}

function failed(code: ResponseErrorCode, message: string): UpstreamFinish {
  return { type: "finish", status: "failed", error: responseError(code, message) };
}

/** Input tokens are words, roughly; output tokens are the deltas of the whole answer, whoever yielded them. */
function usageOf(call: UpstreamCall, spent: Spent): Usage {
  const input_tokens = countWords(call.input);
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
