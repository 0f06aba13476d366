/**
 * Compacts a conversation: the model writes a summary, which replaces it (contract.md#compaction). The log has the
 * item's start before the model is called, and its end before the summary is used. After a crash, a worker either finds
 * the finished item and uses it, or finds it open and compacts again.
 */
import {
  chooseKeptMessages,
  expandCompaction,
  keptTokenBudget,
  SUMMARY_PROMPT,
} from "../../../src/context-window/compaction.ts";
import type { ContextCount } from "../../../src/context-window/count-context.ts";
import { truncateItems } from "../../../src/context-window/truncate.ts";
import { addUsage, NO_USAGE } from "../../../src/lifecycle/usage.ts";
import { ItemGrammar } from "../../../src/lifecycle/event-grammar/item-grammar.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import { newId } from "../../../src/protocol/id.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { Usage } from "../../../src/protocol/response.ts";
import { unsealCompaction, sealCompaction } from "../../../src/responses/content/compacted-context.ts";
import type { Storage } from "../../../src/responses/storage.ts";
import { UnreadableContentError } from "../../../src/sealing/content-sealer.ts";
import { deriveBoundary } from "./boundary.ts";
import { trackModelCall } from "../track-model-call.ts";
import type { Attempt } from "../../attempt/attempt.ts";
import {
  contextExceededFinish,
  countTurnTokens,
  createMissingFinish,
  type TurnInput,
  type Unserved,
} from "../turn-input.ts";
import {
  type ContextItem,
  failedFinish,
  type FinalFinish,
  type UpstreamCall,
  type UpstreamEvent,
  type UpstreamFinish,
} from "../../upstreams/upstream.ts";

export interface CompactionPass extends TurnInput {
  /** The whole context, including the response's items. */
  items: readonly ContextItem[];
  count: ContextCount;
  /** Maximum tokens of messages that stay verbatim. */
  keepTokens: number;
}

export type CompactionResult = { kind: "compacted"; context: ContextItem[] } | Unserved;

/** The context that replaces the conversation, or the reason why there is no summary. */
export async function compactContext(pass: CompactionPass): Promise<CompactionResult> {
  const fitting = fitForSummary(pass);
  if (fitting === undefined) return { kind: "unserved", finish: contextExceededFinish() };
  const release = pass.attempt.control.deferHandOver();
  try {
    return await recordSummary(pass, fitting);
  } finally {
    release();
  }
}

async function recordSummary(pass: CompactionPass, fitting: readonly ContextItem[]): Promise<CompactionResult> {
  const { storage, attempt, project, items, count, keepTokens } = pass;
  const { writer } = attempt;
  const output_index = writer.state.response.output.length;
  const item = { type: "compaction", id: newId("cmp"), encrypted_content: "" } as const;
  // No `response.compaction.compacting` follows: the API publishes it for a compaction trigger only, and the stream
  // helper of openai 6.49 throws on it.
  await writer.write({ type: "response.output_item.added", output_index, item });
  const written = await writeSummary(pass, fitting);
  if (written.kind === "unserved") return written;
  const { summary, usage } = written;
  const content = { summary, usage, ...chooseKeptMessages(items, count.items, keepTokens) };
  const encrypted_content = sealCompaction(storage, project, content);
  await writer.write({ type: "response.output_item.done", output_index, item: { ...item, encrypted_content } });
  await writer.flush();
  return { kind: "compacted", context: expandCompaction(content, items) };
}

/** Runs a `compaction_trigger` or `POST /responses/compact`: one compaction and nothing else. */
export async function runCompaction(turn: TurnInput): Promise<UpstreamFinish> {
  const { resolved } = turn;
  const input = turn.render(turn.history);
  const isDone = turn.responseItems.some((item) => item.type === "compaction");
  if (!isDone) {
    const count = await countTurnTokens(turn, input);
    const keepTokens = keptTokenBudget(resolved.contextWindow);
    const compacted = await compactContext({ ...turn, items: input, count, keepTokens });
    if (compacted.kind === "unserved") return compacted.finish;
  }
  return { type: "finish", status: "completed", usage: NO_USAGE };
}

/** The share of the window that is reserved for the summary: 1/8. */
const SUMMARY_WINDOW_DIVISOR = 8;

/** Drops the oldest items of a conversation that exceeds the window. */
function fitForSummary({ items, count, resolved }: CompactionPass): ContextItem[] | undefined {
  const window = resolved.contextWindow;
  if (window === undefined) return [...items];
  const promptTokens = SUMMARY_PROMPT.length / 4;
  const budget = window - window / SUMMARY_WINDOW_DIVISOR - count.settings - promptTokens;
  return truncateItems(items, count.items, budget);
}

const UNFINISHED_SUMMARY = "The conversation could not be compacted: its summary was not finished.";

type SummaryResult = { kind: "written"; summary: string; usage: Usage } | Unserved;

async function writeSummary(
  { storage, project, upstream, resolved, request, preamble, attempt, turn, isStrict }: CompactionPass,
  items: readonly ContextItem[],
): Promise<SummaryResult> {
  const prompt: ContextItem = { type: "message", role: "user", content: SUMMARY_PROMPT };
  const call: UpstreamCall = {
    responseId: attempt.id,
    model: resolved.model,
    request: summaryRequest(request),
    history: [...preamble, ...items, prompt],
    completedItems: [],
    firstOutputIndex: attempt.writer.state.response.output.length,
    boundary: deriveBoundary(storage, project, items),
  };
  const texts: string[] = [];
  const finish = await trackModelCall(attempt.progress, { turn, resolved }, async (tracker) => {
    const grammar = isStrict ? new ItemGrammar() : undefined;
    const { generating } = attempt.control;
    return await readItemEvents(upstream.run({ ...call, observer: tracker }, generating), (event) => {
      generating.throwIfAborted();
      tracker.noteEvent();
      grammar?.accept(event);
      if (event.type === "response.output_item.done") texts.push(textOf(event.item));
    });
  });
  if (finish.status === "failed" || finish.status === "postponed") return { kind: "unserved", finish };
  const summary = texts.join("").trim();
  if (finish.status === "completed" && summary !== "") return { kind: "written", summary, usage: finish.usage };
  const failure = failedFinish("server_error", UNFINISHED_SUMMARY);
  return { kind: "unserved", finish: { ...failure, usage: finish.usage } };
}

/** Passes on the item events of a call, and returns its finish. */
async function readItemEvents(
  events: AsyncIterable<UpstreamEvent>,
  accept: (event: ItemEventDraft) => void,
): Promise<UpstreamFinish> {
  for await (const event of events) {
    if (event.type === "finish") return event;
    if (event.type !== "hidden_reasoning") accept(event);
  }
  return createMissingFinish();
}

/**
 * Keeps the settings that identify the caller, and those that let the provider's cache recognize the conversation. The
 * tools stay, but none may be called. Settings that shape the answer are dropped.
 */
function summaryRequest(request: TurnInput["request"]): TurnInput["request"] {
  const { tools } = request;
  return {
    model: request.model,
    instructions: request.instructions,
    metadata: request.metadata,
    image: request.image,
    access_programs: request.access_programs,
    prompt_cache_key: request.prompt_cache_key,
    prompt_cache_options: request.prompt_cache_options,
    prompt_cache_retention: request.prompt_cache_retention,
    safety_identifier: request.safety_identifier,
    service_tier: request.service_tier,
    user: request.user,
    // These may restrict the region in which the provider processes a request, and the data that it stores.
    ...(request.extra_parameters !== undefined && { extra_parameters: request.extra_parameters }),
    ...(tools != null && tools.length > 0 && { tools, tool_choice: "none" as const }),
  };
}

function textOf(item: OutputItem): string {
  if (item.type !== "message") return "";
  return item.content.map((part) => (part.type === "output_text" ? part.text : "")).join("");
}

/** Adds the tokens of the response's compactions. Each item contains its own usage, so that a crash loses none. */
export function addCompactionUsage(storage: Storage, attempt: Attempt, finish: FinalFinish): FinalFinish {
  const output: readonly OutputItem[] = attempt.writer.state.response.output;
  const items = output.filter((item) => item.type === "compaction");
  if (items.length === 0) return finish;
  const usages = items.flatMap((item) => usageOf(storage, attempt.record.project, item) ?? []);
  return usages.length === 0 ? finish : { ...finish, usage: usages.reduce(addUsage, finish.usage ?? NO_USAGE) };
}

/** Undefined if the usage is unknown: the item is incomplete, comes from another server, or its key was removed. */
function usageOf(storage: Storage, project: string, item: OutputItem): Usage | undefined {
  try {
    return item.type === "compaction" ? unsealCompaction(storage, project, item.encrypted_content)?.usage : undefined;
  } catch (error) {
    if (error instanceof UnreadableContentError) return undefined;
    throw error;
  }
}
