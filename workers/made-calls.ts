/** Calls that were made in this response and in those before it, by the ids of the items that show them. */
import type { Conversation } from "../src/responses/conversation.ts";
import type { Storage } from "../src/responses/storage.ts";
import type { RecordedTurn, ToolResult } from "../src/store/tool-journal.ts";
import type { MadeCall } from "./model-context.ts";

/** Items of tools whose results are not in the item itself, or not as the model was shown them. */
export const SHOWN_APART: ReadonlySet<string> = new Set([
  "web_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
]);

interface Journal {
  turns: readonly RecordedTurn[];
  resultOf: (callId: string) => ToolResult | undefined;
}

export function madeCalls(responseId: string, { turns, resultOf }: Journal): Map<string, MadeCall> {
  const made = new Map<string, MadeCall>();
  for (const [place, { segments }] of turns.entries()) {
    for (const segment of segments) {
      const result = segment.kind === "call" ? resultOf(segment.call.callId) : undefined;
      if (segment.kind !== "call" || result === undefined) continue;
      for (const id of segment.itemIds) made.set(id, { call: segment.call, result, turn: `${responseId} ${place}` });
    }
  }
  return made;
}

/** Of the chain behind a response. Nothing is read where no item of a tool is. */
export async function readMadeCalls(
  storage: Storage,
  { ancestors, input }: Conversation,
): Promise<Map<string, MadeCall>> {
  if (!input.some((item) => SHOWN_APART.has(item.type))) return new Map();
  const journals = await Promise.all(ancestors.map((id) => storage.journals.read(id)));
  return new Map(
    journals.flatMap(({ turns, results }, i) => [
      ...madeCalls(ancestors[i]!, { turns: [...turns.values()], resultOf: (callId) => results.get(callId) }),
    ]),
  );
}
