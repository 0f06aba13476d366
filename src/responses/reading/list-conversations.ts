/** `GET /conversations` (contract.md#lists-of-conversations). The index finds the ids of a page. */
import type { DatedListQuery } from "../../protocol/response-list.ts";
import type { ConversationRecord } from "../../store/conversations.ts";
import { metadataTokens } from "../../store/lists/list-index.ts";
import type { Storage } from "../storage.ts";
import { findListBounds } from "./list-bounds.ts";

interface ListedConversation {
  id: string;
  record: ConversationRecord;
}

/** Throws the contract's error for an unknown cursor. */
export async function listConversations(
  { conversations, conversationList }: Pick<Storage, "conversations" | "conversationList">,
  project: string,
  query: DatedListQuery,
): Promise<{ listed: ListedConversation[]; hasMore: boolean }> {
  const { start, isReversed, ...bounds } = await findListBounds(conversationList, project, query);
  const filters = metadataTokens(query.metadata ?? {}).map((token) => [token]);
  const found: ListedConversation[] = [];
  // One more than the page, to learn whether more follow.
  for (let from = start; ;) {
    const wanted = query.limit + 1 - found.length;
    const positions = await conversationList.find({ project, filters, ...bounds, start: from }, wanted);
    const records = await Promise.all(positions.map(({ id }) => conversations.readOwned(id, project)));
    for (const [i, record] of records.entries()) {
      // The index learns of a change or an end after the record.
      if (record !== undefined && hasMetadata(record, query)) found.push({ id: positions[i]!.id, record });
    }
    if (found.length > query.limit || positions.length < wanted) break;
    from = positions.at(-1);
  }
  const listed = found.slice(0, query.limit);
  return { listed: isReversed ? listed.toReversed() : listed, hasMore: found.length > query.limit };
}

function hasMetadata({ metadata }: ConversationRecord, query: DatedListQuery): boolean {
  return Object.entries(query.metadata ?? {}).every(([key, value]) => metadata[key] === value);
}
