/**
 * Prepares the context of a model call. If the conversation exceeds the client's threshold, it is compacted. If it
 * exceeds a known window and the client allows truncation, its oldest items are dropped. Called before each turn of a
 * run.
 */
import { keptTokenBudget } from "../../../src/context-window/compaction.ts";
import { type ContextCount, certainlyFits } from "../../../src/context-window/count-context.ts";
import { truncateItems } from "../../../src/context-window/truncate.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { unsealCompaction, unsealCompactions } from "../../../src/responses/content/compacted-context.ts";
import { compactContext } from "./compact-context.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";
import { contextExceededFinish, countTurnTokens, type TurnInput, type Unserved } from "../turn-input.ts";

/** The items that the model sees, in two parts. */
export interface TurnContext {
  /** Rendered for the model, once `prepareContext` returns it. */
  history: readonly ContextItem[];
  /** The response's items since then, as the log has them. */
  responseItems: readonly OutputItem[];
}

/** The window of a model whose window is unknown, and the share of a window that is used before compaction. */
const DEFAULT_WINDOW = 128_000;
const DEFAULT_THRESHOLD_SHARE = 0.8;

export type PreparedContext = ({ kind: "prepared" } & TurnContext) | Unserved;

export async function prepareContext(turn: TurnInput): Promise<PreparedContext> {
  const context = await compactIfDue(turn, replaceCompacted(turn));
  return context.kind === "unserved" ? context : await fitIntoWindow(turn, context);
}

/** An earlier compaction of this response, in an earlier turn or attempt, replaces the items before it. */
function replaceCompacted({ storage, project, history, responseItems }: TurnInput): TurnContext {
  const index = responseItems.findLastIndex(
    (item) => item.type === "compaction" && unsealCompaction(storage, project, item.encrypted_content) !== undefined,
  );
  if (index < 0) return { history, responseItems };
  const before = [...history, ...responseItems.slice(0, index + 1)];
  return { history: unsealCompactions(storage, project, before), responseItems: responseItems.slice(index + 1) };
}

async function compactIfDue(turn: TurnInput, context: TurnContext): Promise<PreparedContext> {
  const unchanged = { kind: "prepared", ...context } as const;
  const threshold = findThreshold(turn);
  if (threshold === undefined) return unchanged;
  const items = turn.render([...context.history, ...context.responseItems]);
  if (certainlyFits(turn.request, [...turn.preamble, ...items], threshold)) return unchanged;
  const count = await countTurnTokens(turn, items);
  if (count.total <= threshold || !isWorthwhile(turn, context, count, threshold)) return unchanged;
  const keepTokens = keptTokenBudget(threshold);
  const compacted = await compactContext({ ...turn, items, count, keepTokens });
  if (compacted.kind === "unserved") return compacted;
  return { kind: "prepared", history: compacted.context, responseItems: [] };
}

/** The lowest threshold of the request. Undefined if it requests no compaction. */
function findThreshold({ request, resolved }: TurnInput): number | undefined {
  const entries = request.context_management ?? [];
  const defaultThreshold = Math.floor((resolved.contextWindow ?? DEFAULT_WINDOW) * DEFAULT_THRESHOLD_SHARE);
  const thresholds = entries.map((entry) => entry.compact_threshold ?? defaultThreshold);
  return thresholds.length === 0 ? undefined : thresholds.reduce((a, b) => Math.min(a, b));
}

/**
 * The items that a compaction must keep may exceed the threshold again. A response compacts again only if there is
 * enough to gain, or else it would compact in every turn.
 */
function isWorthwhile(
  turn: TurnInput,
  { responseItems }: TurnContext,
  count: ContextCount,
  threshold: number,
): boolean {
  const isFirst = !turn.responseItems.some((item) => item.type === "compaction");
  const added = turn.render(responseItems).length;
  const grown = count.items.slice(count.items.length - added).reduce((sum, each) => sum + each, 0);
  return isFirst || grown > keptTokenBudget(threshold);
}

async function fitIntoWindow(
  turn: TurnInput,
  { history: whole, responseItems }: TurnContext,
): Promise<PreparedContext> {
  const { request, resolved, preamble, render } = turn;
  const history = render(whole);
  const untruncated = { kind: "prepared", history, responseItems } as const;
  if (resolved.contextWindow === undefined) return untruncated;
  const limit = resolved.contextWindow - (request.max_output_tokens ?? 0);
  const items = [...history, ...render(responseItems)];
  if (certainlyFits(request, [...preamble, ...items], limit)) return untruncated;
  const count = await countTurnTokens(turn, items);
  if (count.total <= limit) return untruncated;
  const historyTokens = count.items.slice(0, history.length);
  const otherTokens = count.total - historyTokens.reduce((sum, each) => sum + each, 0);
  const truncated =
    request.truncation === "auto" ? truncateItems(history, historyTokens, limit - otherTokens) : undefined;
  if (truncated === undefined) return { kind: "unserved", finish: contextExceededFinish() };
  return { kind: "prepared", history: truncated, responseItems };
}
