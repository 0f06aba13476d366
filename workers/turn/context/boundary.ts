/** What marks a text's authority where a vendor has no place for it (upstreams/ai-sdk/text-marks.ts). */
import type { Storage } from "../../../src/responses/storage.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";

/**
 * One for each conversation, by how it begins: what a model tells of one is of no use in another, and the vendor's cache
 * knows the conversation again, whether its client sends it whole or names what it is the continuation of.
 */
export function deriveBoundary(
  { sealer }: Pick<Storage, "sealer">,
  project: string,
  items: readonly ContextItem[],
): string {
  const isOfUser = (item: ContextItem) => item.type === "message" && item.role === "user";
  const { id: _, ...beginning } = items.find(isOfUser) ?? items[0] ?? { id: null };
  return sealer.nameOf(project, JSON.stringify(beginning));
}
