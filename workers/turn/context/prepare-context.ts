/**
 * What a turn of the model is shown, made to fit: before every call the conversation is compacted if it has grown over
 * the threshold that the client set, and truncated if it was asked for and the window is known. Called before each turn
 * of a run, with what the run has produced so far.
 */
import { keptTokenBudget } from "../../../src/context-window/compaction.ts";
import { type ContextCount, certainlyFits } from "../../../src/context-window/count-context.ts";
import { truncateItems } from "../../../src/context-window/truncate.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { unsealCompaction, unsealCompactions } from "../../../src/responses/content/compacted-context.ts";
import { compactContext } from "./compact-context.ts";
import { contextExceededFinish, countTurnTokens, type Turn } from "../turn.ts";
import type { ContextItem, UnservedFinish } from "../../upstreams/upstream.ts";

/** What the model is shown, in two parts. */
export interface TurnContext {
  /** Rendered, once it was measured. */
  history: readonly ContextItem[];
  /** What the response has produced since, as it stands in the log. */
  responseItems: readonly OutputItem[];
}

/** Of a window that nobody stated, and what share of a window may be used before it is compacted. */
const DEFAULT_WINDOW = 128_000;
const DEFAULT_THRESHOLD_SHARE = 0.8;

export async function prepareContext(turn: Turn): Promise<TurnContext | UnservedFinish> {
  const context = await compactIfDue(turn, replaceCompacted(turn));
  return "type" in context ? context : await fitIntoWindow(turn, context);
}

/** A compaction that this response made before, in an earlier turn or attempt, replaces what came before it. */
function replaceCompacted({ storage, project, history, responseItems }: Turn): TurnContext {
  const place = responseItems.findLastIndex(
    (item) => item.type === "compaction" && unsealCompaction(storage, project, item.encrypted_content) !== undefined,
  );
  if (place < 0) return { history, responseItems };
  const before = [...history, ...responseItems.slice(0, place + 1)];
  return { history: unsealCompactions(storage, project, before), responseItems: responseItems.slice(place + 1) };
}

async function compactIfDue(turn: Turn, context: TurnContext): Promise<TurnContext | UnservedFinish> {
  const threshold = findThreshold(turn);
  if (threshold === undefined) return context;
  const items = turn.render([...context.history, ...context.responseItems]);
  if (certainlyFits(turn.request, [...turn.preamble, ...items], threshold)) return context;
  const count = await countTurnTokens(turn, items);
  if (count.total <= threshold || !isWorthwhile(turn, context, count, threshold)) return context;
  const keepTokens = keptTokenBudget(threshold);
  const compacted = await compactContext({ ...turn, items, count, keepTokens });
  return "type" in compacted ? compacted : { history: compacted.context, responseItems: [] };
}

/** The lowest that the request names; undefined if it asks for no compaction. */
function findThreshold({ request, resolved }: Turn): number | undefined {
  const entries = request.context_management ?? [];
  const usual = Math.floor((resolved.contextWindow ?? DEFAULT_WINDOW) * DEFAULT_THRESHOLD_SHARE);
  const thresholds = entries.map((entry) => entry.compact_threshold ?? usual);
  return thresholds.length === 0 ? undefined : thresholds.reduce((a, b) => Math.min(a, b));
}

/**
 * A compaction leaves what it must keep, which may be over the threshold again. The next one of the same response is
 * made only when there is something new to gain, or every turn would make one.
 */
function isWorthwhile(turn: Turn, { responseItems }: TurnContext, count: ContextCount, threshold: number): boolean {
  const isFirst = !turn.responseItems.some((item) => item.type === "compaction");
  const added = turn.render(responseItems).length;
  const grown = count.items.slice(count.items.length - added).reduce((sum, each) => sum + each, 0);
  return isFirst || grown > keptTokenBudget(threshold);
}

async function fitIntoWindow(turn: Turn, context: TurnContext): Promise<TurnContext | UnservedFinish> {
  const { request, resolved, preamble, render } = turn;
  if (resolved.contextWindow === undefined) return { ...context, history: render(context.history) };
  const limit = resolved.contextWindow - (request.max_output_tokens ?? 0);
  const { responseItems } = context;
  const history = render(context.history);
  const items = [...history, ...render(responseItems)];
  if (certainlyFits(request, [...preamble, ...items], limit)) return { history, responseItems };
  const count = await countTurnTokens(turn, items);
  if (count.total <= limit) return { history, responseItems };
  if (request.truncation !== "auto") return contextExceededFinish();
  const ofInput = count.items.slice(0, history.length);
  const others = count.total - ofInput.reduce((sum, each) => sum + each, 0);
  const left = truncateItems(history, ofInput, limit - others);
  return left === undefined ? contextExceededFinish() : { history: left, responseItems };
}
