/**
 * Compaction replaces a conversation with a summary and some of its messages, verbatim. The sealed content of a
 * `compaction` item is self-sufficient, so a client may drop everything before the item.
 */
import { z } from "zod";
import { usageSchema } from "../protocol/response.ts";
import type { ContextItem } from "./measure.ts";
import { isInstruction } from "./truncate.ts";

const keptMessageSchema = z.object({
  id: z.string().optional(),
  role: z.enum(["user", "system", "developer"]),
  text: z.string(),
});

/** The plaintext of `encrypted_content`. */
export const compactionContentSchema = z.object({
  summary: z.string(),
  /** Messages kept verbatim, in order. For images and files, only a note that they existed. */
  kept: z.array(keptMessageSchema),
  /** Number of trailing messages that still await an answer. They come after the summary. */
  pending: z.int().nonnegative(),
  /** Cost of the summary. A worker that resumes after a crash needs it. */
  usage: usageSchema,
});
export type CompactionContent = z.infer<typeof compactionContentSchema>;
type KeptMessage = z.infer<typeof keptMessageSchema>;

/** Maximum tokens of kept messages. A small context window keeps fewer. */
const KEPT_TOKENS_MAX = 20_000;
const KEPT_SHARE = 4;

/** `limit`: the threshold or window that the compacted context must stay well below. */
export function keptTokenBudget(limit: number | undefined): number {
  return limit === undefined ? KEPT_TOKENS_MAX : Math.min(KEPT_TOKENS_MAX, Math.floor(limit / KEPT_SHARE));
}

/**
 * Sent after the conversation as a user message, because every model accepts that role there. The simulator recognizes
 * this text.
 */
export const SUMMARY_PROMPT = [
  "The conversation above is about to be replaced by a summary, because it has become too long. Write that summary now,",
  "for the model that will go on with the conversation and will see nothing else of it but the summary and a few of the",
  "user's messages. Say what was asked for and why, what was decided, found out and done, what tools were called and",
  "what they answered, every name, number, identifier and constraint that may matter later, and what remains to be done.",
  "Answer nothing, call no tools, and write nothing but the summary.",
].join(" ");

const SUMMARY_HEADING = "Summary of the conversation up to here:";

type UserOrInstruction = Extract<ContextItem, { type: "message" }> & { role: KeptMessage["role"] };

/**
 * Chooses the messages of `items` to keep verbatim: always the last user message, then, within `budget` tokens, system
 * and developer messages, then earlier user messages from newest to oldest. `tokens` holds the size of each item.
 */
export function chooseKeptMessages(
  items: readonly ContextItem[],
  tokens: readonly number[],
  budget: number,
): Pick<CompactionContent, "kept" | "pending"> {
  const last = items.findLastIndex((item) => item.type === "message" && item.role === "user");
  const chosen = new Set<number>(last < 0 ? [] : [last]);
  let left = budget - (tokens[last] ?? 0);
  const candidates = [...items.keys()].filter((index) => canBeKept(items[index]!) && index !== last);
  const instructions = candidates.filter((index) => isInstruction(items[index]!));
  const messages = candidates.filter((index) => !isInstruction(items[index]!)).toReversed();
  for (const index of [...instructions, ...messages]) {
    left -= tokens[index]!;
    if (left < 0) break;
    chosen.add(index);
  }
  const kept = items.filter((_item, index) => chosen.has(index)).map((item) => keptMessage(item as UserOrInstruction));
  const isAnswered = items.slice(last + 1).some((item) => item.type === "message" && item.role === "assistant");
  const pending = last < 0 || isAnswered ? 0 : [...chosen].filter((index) => index >= last).length;
  return { kept, pending };
}

function canBeKept(item: ContextItem): boolean {
  return item.type === "message" && item.role !== "assistant";
}

function keptMessage({ id, role, content }: UserOrInstruction): KeptMessage {
  const text = typeof content === "string" ? content : content.map(partText).join("\n");
  return { ...(id != null && { id }), role, text };
}

function partText(part: { type: string; text?: string }): string {
  return part.text ?? (part.type === "input_image" ? "[an image]" : "[a file]");
}

/**
 * Items as the model sees them: the last compaction that `open` can read replaces everything before it. `open` returns
 * undefined for content that this server did not seal; the provider interprets such items.
 */
export function applyCompaction(
  items: readonly ContextItem[],
  unseal: (sealed: string) => CompactionContent | undefined,
): ContextItem[] {
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index]!;
    const content = item.type === "compaction" ? unseal(item.encrypted_content) : undefined;
    if (content === undefined) continue;
    return [...expandCompaction(content, items.slice(0, index)), ...items.slice(index + 1)];
  }
  return [...items];
}

/** The items that replace everything before the compaction. */
export function expandCompaction(content: CompactionContent, before: readonly ContextItem[]): ContextItem[] {
  const { kept, summary, pending } = content;
  const messages = restoreKeptMessages(kept, before);
  const unanswered = messages.splice(messages.length - pending);
  const text = `${SUMMARY_HEADING}\n\n${summary}`;
  // The summary is the model's own text, so nothing that tools or users wrote gains authority by it.
  const summaryMessage: ContextItem = {
    type: "message",
    role: "assistant",
    content: [{ type: "output_text", text, annotations: [] }],
  };
  return [...messages, summaryMessage, ...unanswered];
}

/** Restores the original messages, with images and files, where they are still available. */
export function restoreKeptMessages(kept: readonly KeptMessage[], before: readonly ContextItem[]): ContextItem[] {
  const byId = new Map(before.map((item) => [item.id, item]));
  return kept.map(({ id, role, text }) => {
    const original = id === undefined ? undefined : byId.get(id);
    if (original?.type === "message" && original.role === role) return original;
    return { type: "message", ...(id !== undefined && { id }), role, content: [{ type: "input_text", text }] };
  });
}
