/**
 * A compaction pass: the model itself summarises the conversation, and the summary takes its place (contract.md#compaction). The
 * item is announced before the summary is asked for and recorded before anything is made of it, so a worker that goes
 * on after a crash either finds it and does not make it again, or finds it open and makes another.
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
import { newId } from "../../../src/protocol/id.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { Usage } from "../../../src/protocol/response.ts";
import { unsealCompaction, sealCompaction } from "../../../src/responses/content/compacted-context.ts";
import type { Storage } from "../../../src/responses/storage.ts";
import { UnreadableContentError } from "../../../src/sealing/content-sealer.ts";
import { deriveBoundary } from "./boundary.ts";
import type { Attempt } from "../../attempt/attempt.ts";
import { contextExceededFinish, countTurnTokens, type Turn } from "../turn.ts";
import {
  type ContextItem,
  failedFinish,
  type FinalFinish,
  type UnservedFinish,
  type UpstreamCall,
  type UpstreamFinish,
} from "../../upstreams/upstream.ts";

export interface CompactionPass extends Omit<Turn, "input" | "produced"> {
  /** The whole context, with what the response has produced. */
  items: readonly ContextItem[];
  count: ContextCount;
  /** Tokens of messages to keep word for word. */
  keepTokens: number;
}

/** What the model is shown from here on; or why the summary could not be written. */
export async function compactContext(pass: CompactionPass): Promise<{ context: ContextItem[] } | UnservedFinish> {
  const shown = fitForSummary(pass);
  if (shown === undefined) return contextExceededFinish();
  const release = pass.run.control.deferHandOver();
  try {
    return await compactShown(pass, shown);
  } finally {
    release();
  }
}

async function compactShown(
  pass: CompactionPass,
  shown: readonly ContextItem[],
): Promise<{ context: ContextItem[] } | UnservedFinish> {
  const { storage, run, project, items, count, keepTokens } = pass;
  const { writer } = run;
  const output_index = writer.state.response.output.length;
  const item = { type: "compaction", id: newId("cmp"), encrypted_content: "" } as const;
  // No `response.compaction.compacting` after it: that is published as a compaction trigger's, and the stream helper of
  // openai 6.49 throws at it.
  await writer.write({ type: "response.output_item.added", output_index, item });
  const written = await writeSummary(pass, shown);
  if ("type" in written) return written;
  const content = { ...written, ...chooseKeptMessages(items, count.items, keepTokens) };
  const encrypted_content = sealCompaction(storage, project, content);
  await writer.write({ type: "response.output_item.done", output_index, item: { ...item, encrypted_content } });
  await writer.flush();
  return { context: expandCompaction(content, items) };
}

/** The run of a `compaction_trigger` and of `POST /responses/compact`: a pass and nothing else. */
export async function runCompaction(turn: Turn): Promise<UpstreamFinish> {
  const { resolved } = turn;
  const input = turn.render(turn.history);
  const isDone = turn.responseItems.some((item) => item.type === "compaction");
  if (!isDone) {
    const count = await countTurnTokens(turn, input);
    const keepTokens = keptTokenBudget(resolved.contextWindow);
    const compacted = await compactContext({ ...turn, items: input, count, keepTokens });
    if ("type" in compacted) return compacted;
  }
  return { type: "finish", status: "completed", usage: NO_USAGE };
}

/** For the summary itself, of a window. */
const SUMMARY_WINDOW_DIVISOR = 8;

/** A conversation that has outgrown the window is summarised without its beginning. */
function fitForSummary({ items, count, resolved }: CompactionPass): ContextItem[] | undefined {
  const window = resolved.contextWindow;
  if (window === undefined) return [...items];
  const promptTokens = SUMMARY_PROMPT.length / 4;
  const budget = window - window / SUMMARY_WINDOW_DIVISOR - count.settings - promptTokens;
  return truncateItems(items, count.items, budget);
}

async function writeSummary(
  { storage, project, upstream, resolved, request, preamble, run, isStrict }: CompactionPass,
  shown: readonly ContextItem[],
): Promise<{ summary: string; usage: Usage } | UnservedFinish> {
  const prompt: ContextItem = { type: "message", role: "user", content: SUMMARY_PROMPT };
  const call: UpstreamCall = {
    responseId: run.id,
    model: resolved.model,
    request: summaryRequest(request),
    history: [...preamble, ...shown, prompt],
    completedItems: [],
    firstOutputIndex: run.writer.state.response.output.length,
    boundary: deriveBoundary(storage, project, shown),
  };
  const { generating } = run.control;
  const grammar = isStrict ? new ItemGrammar() : undefined;
  const texts: string[] = [];
  for await (const event of upstream.run(call, generating)) {
    generating.throwIfAborted();
    if (event.type === "hidden_reasoning") continue;
    if (event.type !== "finish") {
      grammar?.accept(event);
      if (event.type === "response.output_item.done") texts.push(textOf(event.item));
      continue;
    }
    if (event.status === "failed" || event.status === "postponed") return event;
    const summary = texts.join("").trim();
    if (event.status === "completed" && summary !== "") return { summary, usage: event.usage };
    const error = failedFinish(
      "server_error",
      "The conversation could not be compacted: its summary was not finished.",
    );
    return { ...error, usage: event.usage };
  }
  return failedFinish("server_error", "The provider's stream ended without a result.");
}

/**
 * The settings that say who asks, and what makes the provider's cache find the conversation again: the tools stay,
 * though none may be called. Not what shapes the answer, which comes later.
 */
function summaryRequest(request: Turn["request"]): Turn["request"] {
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
    // Some say where the provider may have a request answered, and what it may keep of it.
    ...(request.extra_parameters !== undefined && { extra_parameters: request.extra_parameters }),
    ...(tools != null && tools.length > 0 && { tools, tool_choice: "none" as const }),
  };
}

function textOf(item: OutputItem): string {
  if (item.type !== "message") return "";
  return item.content.map((part) => (part.type === "output_text" ? part.text : "")).join("");
}

/** A response pays for its compactions too. What each cost is in the item, so that a crash in between forgets none. */
export function addCompactionUsage(storage: Storage, run: Attempt, finish: FinalFinish): FinalFinish {
  const output: readonly OutputItem[] = run.writer.state.response.output;
  const items = output.filter((item) => item.type === "compaction");
  if (items.length === 0) return finish;
  const usages = items.flatMap((item) => usageOf(storage, run.record.project, item) ?? []);
  return usages.length === 0 ? finish : { ...finish, usage: usages.reduce(addUsage, finish.usage ?? NO_USAGE) };
}

/** Undefined if the item was cut off, is another server's, or its key was taken away since: what it cost is then not known. */
function usageOf(storage: Storage, project: string, item: OutputItem): Usage | undefined {
  try {
    return item.type === "compaction" ? unsealCompaction(storage, project, item.encrypted_content)?.usage : undefined;
  } catch (error) {
    if (error instanceof UnreadableContentError) return undefined;
    throw error;
  }
}
