/**
 * What a turn of the model is shown, made to fit: before every call the conversation is compacted if it has grown over
 * the threshold that the client set, and truncated if it was asked for and the window is known. Called before each turn
 * of a run, with what the run has produced so far.
 */
import { keptTokens } from "../src/context-window/compaction.ts";
import { type ContextCount, countContext, surelyFits } from "../src/context-window/count-context.ts";
import { truncateItems } from "../src/context-window/truncate.ts";
import type { OutputItem } from "../src/protocol/item.ts";
import { openCompaction, openCompactions } from "../src/responses/compacted-context.ts";
import { compactContext } from "./compact-context.ts";
import { contextExceeded, type Turn } from "./turn.ts";
import type { ContextItem, FailedFinish } from "./upstream.ts";

/** The parts of a call that depend on its context (see UpstreamCall). */
export interface TurnContext {
  input: readonly ContextItem[];
  produced: readonly OutputItem[];
}

/** Of a window that nobody stated, and what share of a window may be used before it is compacted. */
const USUAL_WINDOW = 128_000;
const USUAL_SHARE = 0.8;

export async function prepareContext(turn: Turn): Promise<TurnContext | FailedFinish> {
  const context = await compactIfDue(turn, replaceCompacted(turn));
  return "type" in context ? context : await fitIntoWindow(turn, context);
}

/** A compaction that this response made before, in an earlier turn or attempt, replaces what came before it. */
function replaceCompacted({ storage, project, input, produced }: Turn): TurnContext {
  const place = produced.findLastIndex(
    (item) => item.type === "compaction" && openCompaction(storage, project, item.encrypted_content) !== undefined,
  );
  if (place < 0) return { input, produced };
  const before = [...input, ...produced.slice(0, place + 1)];
  return { input: openCompactions(storage, project, before), produced: produced.slice(place + 1) };
}

async function compactIfDue(turn: Turn, context: TurnContext): Promise<TurnContext | FailedFinish> {
  const { request, run } = turn;
  const threshold = thresholdOf(turn);
  const items = [...context.input, ...context.produced];
  if (threshold === undefined || surelyFits(request, items, threshold)) return context;
  const count = await countContext(request, items, run.control.generating);
  if (count.total <= threshold || !isWorthwhile(turn, context, count, threshold)) return context;
  const keep = keptTokens(threshold);
  const compacted = await compactContext({ ...turn, items, count, keep });
  return "type" in compacted ? compacted : { input: compacted.context, produced: [] };
}

/** The lowest that the request names; undefined if it asks for no compaction. */
function thresholdOf({ request, resolved }: Turn): number | undefined {
  const entries = request.context_management ?? [];
  const usual = Math.floor((resolved.contextWindow ?? USUAL_WINDOW) * USUAL_SHARE);
  const thresholds = entries.map((entry) => entry.compact_threshold ?? usual);
  return thresholds.length === 0 ? undefined : Math.min(...thresholds);
}

/**
 * A compaction leaves what it must keep, which may be over the threshold again. The next one of the same response is
 * made only when there is something new to gain, or every turn would make one.
 */
function isWorthwhile(turn: Turn, { produced }: TurnContext, count: ContextCount, threshold: number): boolean {
  const isFirst = !turn.produced.some((item) => item.type === "compaction");
  const grown = count.items.slice(count.items.length - produced.length).reduce((sum, each) => sum + each, 0);
  return isFirst || grown > keptTokens(threshold);
}

async function fitIntoWindow(turn: Turn, context: TurnContext): Promise<TurnContext | FailedFinish> {
  const { request, resolved, run } = turn;
  if (resolved.contextWindow === undefined) return context;
  const limit = resolved.contextWindow - (request.max_output_tokens ?? 0);
  const { input, produced } = context;
  const items = [...input, ...produced];
  if (surelyFits(request, items, limit)) return context;
  const count = await countContext(request, items, run.control.generating);
  if (count.total <= limit) return context;
  if (request.truncation !== "auto") return contextExceeded();
  const ofInput = count.items.slice(0, input.length);
  const others = count.total - ofInput.reduce((sum, each) => sum + each, 0);
  const left = truncateItems(input, ofInput, limit - others);
  return left === undefined ? contextExceeded() : { input: left, produced };
}
