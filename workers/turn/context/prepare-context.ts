/**
 * What a turn of the model is shown, made to fit: before every call the conversation is compacted if it has grown over
 * the threshold that the client set, and truncated if it was asked for and the window is known. Called before each turn
 * of a run, with what the run has produced so far.
 */
import { keptTokens } from "../../../src/context-window/compaction.ts";
import { type ContextCount, surelyFits } from "../../../src/context-window/count-context.ts";
import { truncateItems } from "../../../src/context-window/truncate.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { openCompaction, openCompactions } from "../../../src/responses/content/compacted-context.ts";
import { compactContext } from "./compact-context.ts";
import { contextExceeded, countTurn, type Turn } from "../turn.ts";
import type { ContextItem, UnmadeFinish } from "../../upstreams/upstream.ts";

/** What the model is shown, in two parts. */
export interface TurnContext {
  /** Rendered, once it was measured. */
  input: readonly ContextItem[];
  /** What the response has produced since, as it stands in the log. */
  produced: readonly OutputItem[];
}

/** Of a window that nobody stated, and what share of a window may be used before it is compacted. */
const USUAL_WINDOW = 128_000;
const USUAL_SHARE = 0.8;

export async function prepareContext(turn: Turn): Promise<TurnContext | UnmadeFinish> {
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

async function compactIfDue(turn: Turn, context: TurnContext): Promise<TurnContext | UnmadeFinish> {
  const threshold = thresholdOf(turn);
  if (threshold === undefined) return context;
  const items = turn.render([...context.input, ...context.produced]);
  if (surelyFits(turn.request, [...turn.preamble, ...items], threshold)) return context;
  const count = await countTurn(turn, items);
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
  return thresholds.length === 0 ? undefined : thresholds.reduce((a, b) => Math.min(a, b));
}

/**
 * A compaction leaves what it must keep, which may be over the threshold again. The next one of the same response is
 * made only when there is something new to gain, or every turn would make one.
 */
function isWorthwhile(turn: Turn, { produced }: TurnContext, count: ContextCount, threshold: number): boolean {
  const isFirst = !turn.produced.some((item) => item.type === "compaction");
  const added = turn.render(produced).length;
  const grown = count.items.slice(count.items.length - added).reduce((sum, each) => sum + each, 0);
  return isFirst || grown > keptTokens(threshold);
}

async function fitIntoWindow(turn: Turn, context: TurnContext): Promise<TurnContext | UnmadeFinish> {
  const { request, resolved, preamble, render } = turn;
  if (resolved.contextWindow === undefined) return { ...context, input: render(context.input) };
  const limit = resolved.contextWindow - (request.max_output_tokens ?? 0);
  const { produced } = context;
  const input = render(context.input);
  const items = [...input, ...render(produced)];
  if (surelyFits(request, [...preamble, ...items], limit)) return { input, produced };
  const count = await countTurn(turn, items);
  if (count.total <= limit) return { input, produced };
  if (request.truncation !== "auto") return contextExceeded();
  const ofInput = count.items.slice(0, input.length);
  const others = count.total - ofInput.reduce((sum, each) => sum + each, 0);
  const left = truncateItems(input, ofInput, limit - others);
  return left === undefined ? contextExceeded() : { input: left, produced };
}
