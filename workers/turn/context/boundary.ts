/**
 * Derives the mark that shows a text's authority to vendors without a role for it
 * (workers/upstreams/ai-sdk/text-marks.ts).
 */
import type { Storage } from "../../../src/responses/storage.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";

/**
 * Each conversation has its own boundary, derived from its first message. A boundary that a model reveals is useless in
 * another conversation. It stays the same in every call, whether the client sends the whole conversation or continues a
 * response, so that the vendor's cache recognizes the prefix.
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
