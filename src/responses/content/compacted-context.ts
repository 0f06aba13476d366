/** The compactions of this server in a conversation: sealed for their project, opened for the model. */
import { applyCompaction, type CompactionContent, compactionContentSchema } from "../../context-window/compaction.ts";
import type { ContextItem } from "../../context-window/measure.ts";
import { isSealed, UnreadableContentError } from "../../sealing/content-sealer.ts";
import type { Storage } from "../storage.ts";

/** The conversation with what its last compaction replaced. Throws UnreadableContentError if that is not the project's. */
export function unsealCompactions(storage: Storage, project: string, items: readonly ContextItem[]): ContextItem[] {
  return applyCompaction(items, (sealed) => unsealCompaction(storage, project, sealed));
}

/** Undefined if another server made it: only that one understands it. Throws UnreadableContentError as above. */
export function unsealCompaction(storage: Storage, project: string, sealed: string): CompactionContent | undefined {
  if (!isSealed(sealed)) return undefined;
  const content = compactionContentSchema.safeParse(storage.sealer.unseal(project, "compaction", sealed));
  if (!content.success) throw new UnreadableContentError({ cause: content.error });
  return content.data;
}

export function sealCompaction(storage: Storage, project: string, content: CompactionContent): string {
  return storage.sealer.seal(project, "compaction", content);
}
