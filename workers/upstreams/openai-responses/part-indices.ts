/**
 * Where the parts of one item go. Providers count them in their own ways: some begin above 0, and vLLM counts each delta as a
 * part of its own (https://github.com/vllm-project/vllm/pull/35184). Here a part is what was added, or what a text of
 * another kind begins, and parts are counted from 0 in each list.
 */
import type { PartType } from "./part-events.ts";

interface ProviderPart {
  type: PartType;
  /** The provider's index of it. */
  providerIndex: number;
  index: number;
  isDone: boolean;
}

export class PartIndices {
  readonly #parts: ProviderPart[] = [];

  /** Undefined if it was added before. */
  add(type: PartType, providerIndex: number): number | undefined {
    const list = this.#parts.filter((part) => isSummary(part.type) === isSummary(type));
    if (list.some((part) => part.providerIndex === providerIndex && part.type === type)) return undefined;
    this.#parts.push({ type, providerIndex, index: list.length, isDone: false });
    return list.length;
  }

  /** The part that an event of this kind and index belongs to: if none has the index, the one that is being written. */
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
