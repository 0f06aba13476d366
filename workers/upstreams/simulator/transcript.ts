/** Reads a conversation: its words, the last user message, the calls that were just answered. */
import { SUMMARY_PROMPT } from "../../../src/context-window/compaction.ts";
import type { ContextItem } from "../upstream.ts";

export interface CallOutput {
  /** Undefined if the conversation does not contain the call. */
  name: string | undefined;
  text: string;
}

/** The outputs at the end of the conversation, which a model would answer now. */
export function findTrailingOutputs(input: readonly ContextItem[]): CallOutput[] {
  const last = input.findLastIndex((item) => item.type !== "function_call_output");
  return input.slice(last + 1).map((output) => {
    const callId = "call_id" in output ? output.call_id : undefined;
    const call = input.find((item) => item.type === "function_call" && item.call_id === callId);
    return { name: call?.type === "function_call" ? call.name : undefined, text: extractItemText(output) };
  });
}

export function findLastUserMessage(input: readonly ContextItem[]): string | undefined {
  const message = input.findLast((item) => item.type === "message" && item.role === "user");
  return message && extractItemText(message);
}

/** Whether the conversation ends with the request to summarize it (src/context-window/compaction.ts). */
export function asksForSummary(input: readonly ContextItem[]): boolean {
  const last = input.at(-1);
  return last?.type === "message" && last.role === "user" && extractItemText(last) === SUMMARY_PROMPT;
}

/** All text of an item that a model would read. Ids are omitted, because they differ between runs. */
export function extractItemText(item: ContextItem): string {
  switch (item.type) {
    case "message":
      return extractContentText(item.content);
    case "function_call":
      return `${item.name} ${item.arguments}`;
    case "function_call_output":
      return extractContentText(item.output);
    case "reasoning":
      return `${extractContentText(item.summary)} ${extractContentText(item.content)}`.trim();
    default:
      return "";
  }
}

function extractContentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: { text?: unknown; refusal?: unknown }) => part.text ?? part.refusal)
    .filter((text) => typeof text === "string")
    .join(" ");
}

/** Counts the simulator's input tokens. Splitting the text would copy a conversation of megabytes. */
export function countWords(items: readonly ContextItem[]): number {
  let words = 0;
  for (const item of items) {
    const text = extractItemText(item);
    let inWord = false;
    for (let i = 0; i < text.length; i++) {
      const isLetter = text.charCodeAt(i) > 0x20;
      if (isLetter && !inWord) words++;
      inWord = isLetter;
    }
  }
  return words;
}
