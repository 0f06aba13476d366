/**
 * Compaction: a conversation is replaced by a summary of it and by some of its messages, word for word. What the sealed
 * content of a `compaction` item holds is enough by itself, so a client may leave out everything before the item.
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

/** What is sealed in `encrypted_content`. */
export const compactionContentSchema = z.object({
  summary: z.string(),
  /** Messages kept word for word, in their order; of images and files only that they were there. */
  kept: z.array(keptMessageSchema),
  /** How many of them, at the end, still wait for an answer: they come after the summary. */
  pending: z.int().nonnegative(),
  /** What the summary cost: a worker that goes on after a crash must know it. */
  usage: usageSchema,
});
export type CompactionContent = z.infer<typeof compactionContentSchema>;
type KeptMessage = z.infer<typeof keptMessageSchema>;

/** At most so many tokens of messages are kept, and less of a small window. */
const KEPT_TOKENS_MAX = 20_000;
const KEPT_SHARE = 4;

/** `limit` is what the compacted context should stay well below: a threshold or a window. */
export function keptTokenBudget(limit: number | undefined): number {
  return limit === undefined ? KEPT_TOKENS_MAX : Math.min(KEPT_TOKENS_MAX, Math.floor(limit / KEPT_SHARE));
}

/** Asked after the conversation, as the user: the role that every model takes there. The simulator knows it by these words. */
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
 * Which messages of `items` stay word for word: the user's last one always; then, as far as `budget` tokens go, what the
 * system and the developer said, and the user's other messages from the latest back. `tokens` are those of each item.
 */
export function chooseKeptMessages(
  items: readonly ContextItem[],
  tokens: readonly number[],
  budget: number,
): Pick<CompactionContent, "kept" | "pending"> {
  const last = items.findLastIndex((item) => item.type === "message" && item.role === "user");
  const chosen = new Set<number>(last < 0 ? [] : [last]);
  let left = budget - (tokens[last] ?? 0);
  const candidates = [...items.keys()].filter((place) => canBeKept(items[place]!) && place !== last);
  const instructions = candidates.filter((place) => isInstruction(items[place]!));
  const messages = candidates.filter((place) => !isInstruction(items[place]!)).toReversed();
  for (const place of [...instructions, ...messages]) {
    left -= tokens[place]!;
    if (left < 0) break;
    chosen.add(place);
  }
  const kept = items.filter((_item, place) => chosen.has(place)).map((item) => keptMessage(item as UserOrInstruction));
  const isAnswered = items.slice(last + 1).some((item) => item.type === "message" && item.role === "assistant");
  const pending = last < 0 || isAnswered ? 0 : [...chosen].filter((place) => place >= last).length;
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
 * `items` as a model is shown them: the last compaction that `open` can read replaces all that comes before it. `open`
 * answers undefined for content that is not this server's; such items are their provider's to understand.
 */
export function applyCompaction(
  items: readonly ContextItem[],
  unseal: (sealed: string) => CompactionContent | undefined,
): ContextItem[] {
  for (let place = items.length - 1; place >= 0; place -= 1) {
    const item = items[place]!;
    const content = item.type === "compaction" ? unseal(item.encrypted_content) : undefined;
    if (content === undefined) continue;
    return [...expandCompaction(content, items.slice(0, place)), ...items.slice(place + 1)];
  }
  return [...items];
}

/** What the compaction leaves of the items before it. */
export function expandCompaction(content: CompactionContent, before: readonly ContextItem[]): ContextItem[] {
  const { kept, summary, pending } = content;
  const messages = restoreKeptMessages(kept, before);
  const unanswered = messages.splice(messages.length - pending);
  const text = `${SUMMARY_HEADING}\n\n${summary}`;
  // The model's own words: what tools and users brought into them has no more authority than the model had.
  const summaryMessage: ContextItem = {
    type: "message",
    role: "assistant",
    content: [{ type: "output_text", text, annotations: [] }],
  };
  return [...messages, summaryMessage, ...unanswered];
}

/** The messages as they were sent, with their images and files, where they are still at hand. */
export function restoreKeptMessages(kept: readonly KeptMessage[], before: readonly ContextItem[]): ContextItem[] {
  const byId = new Map(before.map((item) => [item.id, item]));
  return kept.map(({ id, role, text }) => {
    const original = id === undefined ? undefined : byId.get(id);
    if (original?.type === "message" && original.role === role) return original;
    return { type: "message", ...(id !== undefined && { id }), role, content: [{ type: "input_text", text }] };
  });
}
