import type { ConversationItem } from "../../protocol/conversation.ts";

/** Lists show every message with a status and its content as parts, even if the client sent plain text. */
export function normalizeConversationItem(item: ConversationItem): ConversationItem {
  if (item.type !== "message") return item;
  const { content } = item;
  const type = item.role === "assistant" ? "output_text" : "input_text";
  const text =
    type === "output_text" ? { type, text: content, annotations: [], logprobs: [] } : { type, text: content };
  const parts = typeof content === "string" ? [text] : content;
  return { ...item, status: item.status ?? "completed", content: parts } as ConversationItem;
}
