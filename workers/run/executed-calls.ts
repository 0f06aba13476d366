/** Calls that were made in this response and in others, by the ids of the items that show them. */
import type { ModelInput } from "../../src/responses/conversations/model-input.ts";
import { isResponseId } from "../../src/protocol/id.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { RecordedTurn, ToolResult } from "../../src/store/tool-journal.ts";
import type { ExecutedCall, ToolItemSet } from "../tools/tool-items.ts";

interface JournalView {
  turns: readonly RecordedTurn[];
  findResult: (callId: string) => ToolResult | undefined;
}

export function collectExecutedCalls(
  responseId: string,
  { turns, findResult }: JournalView,
): Map<string, ExecutedCall> {
  const made = new Map<string, ExecutedCall>();
  for (const [place, { segments }] of turns.entries()) {
    for (const segment of segments) {
      const result = segment.kind === "call" ? findResult(segment.call.callId) : undefined;
      if (segment.kind !== "call" || result === undefined) continue;
      for (const id of segment.itemIds) made.set(id, { call: segment.call, result, turn: `${responseId} ${place}` });
    }
  }
  return made;
}

/** Journals read at a time: each may hold megabytes. */
const MAX_PARALLEL_READS = 8;
/** Items beyond the chain whose response is looked up: the newest. */
const MAX_LOOKUPS = 100;

/**
 * Of the calls that `input` still shows, wherever they were made: in the chain, in the conversation, or in a response
 * whose items the client sent again. What a compaction replaced is not read, nor what is gone with its response.
 */
export async function readExecutedCalls(
  storage: Storage,
  conversation: ModelInput,
  tools: ToolItemSet,
): Promise<Map<string, ExecutedCall>> {
  const itemIds = await itemsByResponse(storage, conversation, tools);
  const made = new Map<string, ExecutedCall>();
  const responseIds = [...itemIds.keys()];
  for (let from = 0; from < responseIds.length; from += MAX_PARALLEL_READS) {
    const group = responseIds.slice(from, from + MAX_PARALLEL_READS);
    const calls = await Promise.all(group.map((id) => readCalls(storage, id, itemIds.get(id)!)));
    for (const [itemId, call] of calls.flat()) made.set(itemId, call);
  }
  return made;
}

async function readCalls(
  storage: Storage,
  id: string,
  itemIds: ReadonlySet<string>,
): Promise<[string, ExecutedCall][]> {
  const { turns, results } = await storage.journals.read(id);
  const made = collectExecutedCalls(id, { turns: [...turns.values()], findResult: (callId) => results.get(callId) });
  return [...made].filter(([itemId]) => itemIds.has(itemId));
}

/** The items of `input` that have a result elsewhere, by the responses that may have it. */
async function itemsByResponse(
  storage: Storage,
  { project, origins, input, requestItems }: ModelInput,
  tools: ToolItemSet,
): Promise<Map<string, Set<string>>> {
  const journaledItems = input.filter((item) => tools.isCall(item));
  // The result that a client sends with a call counts, even if the journal has another.
  const sent = new Set(requestItems.flatMap((item) => (tools.includesResult(item) ? (item.id ?? []) : [])));
  const ids = new Set(journaledItems.flatMap((item) => item.id ?? []));
  const unexplained = [...ids].filter((id) => !origins.has(id) && !sent.has(id)).slice(-MAX_LOOKUPS);
  const found = await Promise.all(unexplained.map(async (id) => [id, await findOrigin(storage, project, id)] as const));
  const itemIds = new Map<string, Set<string>>();
  for (const [id, origin] of [...[...ids].map((each) => [each, origins.get(each)] as const), ...found]) {
    if (origin !== undefined) itemIds.set(origin, (itemIds.get(origin) ?? new Set()).add(id));
  }
  return itemIds;
}

/** Who put an item out has it first; later owners were sent it. */
async function findOrigin(storage: Storage, project: string, itemId: string): Promise<string | undefined> {
  return (await storage.itemIndex.findOwners(project, itemId)).findLast(isResponseId);
}
