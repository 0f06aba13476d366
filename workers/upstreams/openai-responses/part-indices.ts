/**
 * Maps a provider's part indices to ours. Providers count differently: some start above 0, and vLLM counts each delta as
 * a part (https://github.com/vllm-project/vllm/pull/35184). Here a part starts when it is added, or when text of another
 * type starts, and indices count from 0 in each list.
 */
import type { PartType } from "./part-events.ts";

interface ProviderPart {
  type: PartType;
  /** The provider's index of the part. */
  providerIndex: number;
  index: number;
  isDone: boolean;
}

export class PartIndices {
  readonly #parts: ProviderPart[] = [];

  /** Returns the new part's index, or undefined if it exists. */
  add(type: PartType, providerIndex: number): number | undefined {
    const list = this.#parts.filter((part) => isSummary(part.type) === isSummary(type));
    if (list.some((part) => part.providerIndex === providerIndex && part.type === type)) return undefined;
    this.#parts.push({ type, providerIndex, index: list.length, isDone: false });
    return list.length;
  }

  /** The part for an event of this type and index, or the part being written if none has the index. */
  find(type: PartType, providerIndex: number): number | undefined {
    const named = this.#parts.find((part) => part.type === type && part.providerIndex === providerIndex);
    const last = this.#parts.at(-1);
    return (named ?? (last?.type === type && !last.isDone ? last : undefined))?.index;
  }

  close(type: PartType, index: number): void {
    for (const part of this.#parts) if (part.type === type && part.index === index) part.isDone = true;
  }
}

function isSummary(type: PartType): boolean {
  return type === "summary_text";
}
