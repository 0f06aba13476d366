/** Counts the bytes of conversations against their project's storage limit, and lists conversations until they expire. */
import { storageFull } from "../../lifecycle/errors/limits.ts";
import type { ConversationItem } from "../../protocol/conversation.ts";
import { countItemBytes } from "../../store/conversations.ts";
import { metadataTokens } from "../../store/lists/list-index.ts";
import type { Storage } from "../storage.ts";

type UsageStorage = Pick<Storage, "conversations" | "conversationList" | "storedBytes" | "conversationIdleSeconds">;

interface ConversationAddition {
  id: string;
  project: string;
  items: readonly ConversationItem[];
  /** Maximum bytes of a project without a limit of its own; 0 means no limit. */
  bound: number;
}

/** Counts the items and adds them. Throws the contract's 429 at the limit. Afterwards the count matches what was added. */
export async function addWithinStorageLimit<T>(
  storage: UsageStorage,
  addition: ConversationAddition,
  add: () => Promise<T>,
): Promise<T> {
  const { id, project, items, bound } = addition;
  const bytes = countItemBytes(items);
  const { isAdded, storedBytes, limit } = await storage.storedBytes.addWithinLimit(bound, project, id, bytes);
  if (!isAdded) throw storageFull(limit, storedBytes, bytes);
  try {
    return await add();
  } finally {
    if (!(await updateConversationUsage(storage, id))) await storage.storedBytes.remove(project, id);
  }
}

/** Call after every use: updates the conversation's size and expiry. False if it is gone. */
export async function updateConversationUsage(
  storage: UsageStorage,
  id: string,
  { hasNewMetadata = false } = {},
): Promise<boolean> {
  const usage = await storage.conversations.updateUsage(id, storage.conversationIdleSeconds);
  if (usage === undefined) return false;
  const { project, bytes, expiresAtMs } = usage;
  const [, isListed] = await Promise.all([
    storage.storedBytes.set(project, id, bytes, expiresAtMs),
    storage.conversationList.setExpiry(project, id, expiresAtMs),
  ]);
  if (hasNewMetadata || !isListed) await listConversation(storage, id, expiresAtMs);
  return true;
}

/** Reads metadata and revision together, so that of two concurrent changes the later one stays listed. */
async function listConversation(storage: UsageStorage, id: string, expiresAtMs: number | undefined): Promise<void> {
  const record = await storage.conversations.read(id);
  if (record === undefined) return;
  const { project, createdAt, createdAtMs = createdAt * 1000, metadata, revision } = record;
  await storage.conversationList.add(project, id, {
    createdAtMs,
    tokens: metadataTokens(metadata),
    revision,
    expiresAtMs,
  });
}
