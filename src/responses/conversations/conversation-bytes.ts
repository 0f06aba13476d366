/** What conversations take counts for their project: before items are added, and as it is once they were. */
import { storageFull } from "../../lifecycle/errors/limits.ts";
import type { ConversationItem } from "../../protocol/conversation.ts";
import { countItemBytes } from "../../store/conversations.ts";
import type { Storage } from "../storage.ts";

interface ConversationAddition {
  id: string;
  project: string;
  items: readonly ConversationItem[];
  /** 0 is none. */
  bound: number;
}

/** Throws the contract's 429 if there is no room. What is not added after all, or not known to be, is not counted. */
export async function addWithinStorageLimit<T>(
  storage: Storage,
  addition: ConversationAddition,
  add: () => Promise<T>,
): Promise<T> {
  const { id, project, items, bound } = addition;
  const bytes = countItemBytes(items);
  const { isAdded, kept } = await storage.storedBytes.addWithinLimit(bound, project, id, bytes);
  if (!isAdded) throw storageFull(bound, kept, bytes);
  try {
    return await add();
  } finally {
    if (!(await updateConversationUsage(storage, id))) await storage.storedBytes.remove(project, id);
  }
}

/** After every use: sets what it takes by now, and until when it is kept. False if it is gone. */
export async function updateConversationUsage(storage: Storage, id: string): Promise<boolean> {
  const kept = await storage.conversations.updateUsage(id, storage.conversationIdleSeconds);
  if (kept === undefined) return false;
  await storage.storedBytes.set(kept.project, id, kept.bytes, kept.expiresAtMs);
  return true;
}
