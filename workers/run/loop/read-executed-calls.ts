/** Executed tool calls of this and earlier responses, by the ids of the items that show them. */
import type { ModelInput } from "../../../src/responses/conversations/model-input.ts";
import { isResponseId } from "../../../src/protocol/id.ts";
import type { Storage } from "../../../src/responses/storage.ts";
import type { RecordedTurn, ToolResult } from "../../../src/store/run-journals.ts";
import type { ExecutedCall, ToolItemSet } from "../../tools/tool-items.ts";

interface JournalView {
  turns: readonly RecordedTurn[];
  findResult: (callId: string) => ToolResult | undefined;
}

export function collectExecutedCalls(
  responseId: string,
  { turns, findResult }: JournalView,
): Map<string, ExecutedCall> {
  const executed = new Map<string, ExecutedCall>();
  for (const [index, { segments }] of turns.entries()) {
    for (const segment of segments) {
      const result = segment.kind === "call" ? findResult(segment.call.callId) : undefined;
      if (segment.kind !== "call" || result === undefined) continue;
      for (const id of segment.itemIds)
        executed.set(id, { call: segment.call, result, turn: `${responseId} ${index}` });
    }
  }
  return executed;
}

/** Journals read in parallel. Each may hold megabytes. */
const MAX_PARALLEL_READS = 8;
/** Maximum number of items from outside the chain whose response is looked up: the newest ones. */
const MAX_LOOKUPS = 100;

/**
 * Reads the calls that the input shows, from the journals of the responses that executed them: in the chain, in the
 * conversation, or any other whose items the client sent. A compaction hides the calls before it, and a deleted response
 * takes its journal along.
 */
export async function readExecutedCalls(
  storage: Storage,
  input: ModelInput,
  tools: ToolItemSet,
): Promise<Map<string, ExecutedCall>> {
  const itemIds = await groupByResponse(storage, input, tools);
  const executed = new Map<string, ExecutedCall>();
  const responseIds = [...itemIds.keys()];
  for (let from = 0; from < responseIds.length; from += MAX_PARALLEL_READS) {
    const group = responseIds.slice(from, from + MAX_PARALLEL_READS);
    const calls = await Promise.all(group.map((id) => readCalls(storage, id, itemIds.get(id)!)));
    for (const [itemId, call] of calls.flat()) executed.set(itemId, call);
  }
  return executed;
}

async function readCalls(
  storage: Storage,
  id: string,
  itemIds: ReadonlySet<string>,
): Promise<[string, ExecutedCall][]> {
  const { turns, results } = await storage.journals.read(id);
  const executed = collectExecutedCalls(id, {
    turns: [...turns.values()],
    findResult: (callId) => results.get(callId),
  });
  return [...executed].filter(([itemId]) => itemIds.has(itemId));
}

/** Groups the input's call items by the response whose journal may have their results. */
async function groupByResponse(
  storage: Storage,
  { project, origins, input, requestItems }: ModelInput,
  tools: ToolItemSet,
): Promise<Map<string, Set<string>>> {
  const journaledItems = input.filter((item) => tools.isCall(item));
  // The result that a client sends with a call counts, even if the journal has another.
  const sent = new Set(requestItems.flatMap((item) => (tools.includesResult(item) ? (item.id ?? []) : [])));
  const ids = new Set(journaledItems.flatMap((item) => item.id ?? []));
  const unknown = [...ids].filter((id) => !origins.has(id) && !sent.has(id)).slice(-MAX_LOOKUPS);
  const found = await Promise.all(unknown.map(async (id) => [id, await findOrigin(storage, project, id)] as const));
  const itemIds = new Map<string, Set<string>>();
  for (const [id, origin] of [...[...ids].map((each) => [each, origins.get(each)] as const), ...found]) {
    if (origin !== undefined) itemIds.set(origin, (itemIds.get(origin) ?? new Set()).add(id));
  }
  return itemIds;
}

/** An item's oldest owner is the response that produced it. Later owners received it as input. */
async function findOrigin(storage: Storage, project: string, itemId: string): Promise<string | undefined> {
  return (await storage.itemIndex.findOwners(project, itemId)).findLast(isResponseId);
}
