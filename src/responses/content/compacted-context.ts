/** Compactions written by this server: sealed for their project, unsealed for the model. */
import { applyCompaction, type CompactionContent, compactionContentSchema } from "../../context-window/compaction.ts";
import type { ContextItem } from "../../context-window/measure.ts";
import { isSealed, UnreadableContentError } from "../../sealing/content-sealer.ts";
import type { Storage } from "../storage.ts";

/** Applies the last compaction. Throws UnreadableContentError if another project sealed it. */
export function unsealCompactions(
  storage: Pick<Storage, "sealer">,
  project: string,
  items: readonly ContextItem[],
): ContextItem[] {
  return applyCompaction(items, (sealed) => unsealCompaction(storage, project, sealed));
}

/** Undefined if another server wrote it, which alone can read it. Throws UnreadableContentError as above. */
export function unsealCompaction(
  { sealer }: Pick<Storage, "sealer">,
  project: string,
  sealed: string,
): CompactionContent | undefined {
  if (!isSealed(sealed)) return undefined;
  const content = compactionContentSchema.safeParse(sealer.unseal(project, "compaction", sealed));
  if (!content.success) throw new UnreadableContentError({ cause: content.error });
  return content.data;
}

export function sealCompaction(
  { sealer }: Pick<Storage, "sealer">,
  project: string,
  content: CompactionContent,
): string {
  return sealer.seal(project, "compaction", content);
}
