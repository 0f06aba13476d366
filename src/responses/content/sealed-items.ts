/**
 * Input items whose content this server sealed: reasoning and compactions. Admission verifies them, Redis stores them
 * sealed, and a run unseals them for the model. Content that a provider encrypted passes through unchanged.
 */
import { z } from "zod";
import { encryptedContentUnverified } from "../../lifecycle/errors/requests.ts";
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import { type ContentSealer, isSealed, type SealedKind, UnreadableContentError } from "../../sealing/content-sealer.ts";
import { mapInSlices, TimeSlice } from "../../concurrency/time-slice.ts";
import type { Storage } from "../storage.ts";

type Item = InputItem | OutputItem;

/**
 * Throws the contract's 400 for content that this project did not receive from this server: another project's content is
 * as invalid as a forgery (contract.md#ownership). `param` is the parameter that holds the items.
 */
export async function verifySealedItems(
  sealer: ContentSealer,
  project: string,
  items: readonly Item[],
  param: string,
): Promise<void> {
  const slice = new TimeSlice();
  for (const [index, item] of items.entries()) {
    const sealed = sealedContentOf(item);
    if (sealed === undefined) continue;
    if (slice.isOver) await slice.yieldToOthers();
    try {
      sealer.verify(project, sealed.kind, sealed.text);
    } catch (error) {
      if (!(error instanceof UnreadableContentError)) throw error;
      throw encryptedContentUnverified(item.id ?? `${param}[${index}]`, param);
    }
  }
}

/** A model's reasoning before sealing. */
const reasoningSchema = z.object({ summary: z.array(z.string()), content: z.array(z.string()) });

export function sealReasoning(sealer: ContentSealer, project: string, texts: z.infer<typeof reasoningSchema>): string {
  return sealer.seal(project, "reasoning", texts);
}

/** Replaces sealed reasoning with its text, for the model. */
export async function unsealReasoning<T extends Item>(
  { sealer }: Pick<Storage, "sealer">,
  project: string,
  items: readonly T[],
): Promise<T[]> {
  return await mapInSlices(items, (item) => {
    const sealed = sealedContentOf(item);
    if (item.type !== "reasoning" || sealed?.kind !== "reasoning") return item;
    const { encrypted_content: _sealed, ...visible } = item;
    const unsealed = sealer.tryUnseal(project, "reasoning", sealed.text, item.id ?? undefined);
    // The conversation continues with the visible part.
    if (unsealed === undefined) return visible as T;
    const { summary, content } = reasoningSchema.parse(unsealed);
    return {
      ...visible,
      ...(summary.length > 0 && { summary: summary.map((text) => ({ type: "summary_text", text })) }),
      ...(content.length > 0 && { content: content.map((text) => ({ type: "reasoning_text", text })) }),
    } as T;
  });
}

function sealedContentOf(item: Item): { kind: SealedKind; text: string } | undefined {
  if (item.type !== "reasoning" && item.type !== "compaction") return undefined;
  const { encrypted_content: text, type: kind } = item;
  return text != null && isSealed(text) ? { kind, text } : undefined;
}
