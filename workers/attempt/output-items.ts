/** The output items of a response as one attempt finds, closes and reports them. */
import { createItemClosingEvents } from "../../src/lifecycle/lifecycle-events.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Attempt } from "./attempt.ts";
import { findUnfinishedIndex } from "./unfinished-item.ts";

export class OutputItems {
  readonly #attempt: Attempt;
  /** Indices that the final output leaves out. */
  readonly #discarded = new Set<number>();

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  /** The response's items, without discarded and open ones. */
  completedItems(): OutputItem[] {
    const { response, openIndices } = this.#attempt.writer.state;
    const output: readonly OutputItem[] = response.output;
    return output.filter((_item, index) => !this.#discarded.has(index) && !openIndices.has(index));
  }

  /**
   * Closes items that an earlier attempt or model call left open, as incomplete. New items follow them, because clients
   * reject an index that is added twice (contract.md#crash-recovery). A text stays open: the next model call continues it.
   */
  async closeInterrupted(): Promise<void> {
    const { openIndices } = this.#attempt.writer.state;
    const unfinished = findUnfinishedIndex(this.#attempt.writer.state);
    for (const index of openIndices) if (index !== unfinished) await this.discard(index);
    const output: readonly OutputItem[] = this.#attempt.writer.state.response.output;
    for (const [index, item] of output.entries()) {
      if (item.status === "incomplete" && !openIndices.has(index)) this.#discarded.add(index);
    }
  }

  /** Closes every open item as incomplete, before the terminal event. */
  async closeAll(): Promise<void> {
    for (const index of this.#attempt.writer.state.openIndices) await this.discard(index);
  }

  /** Closes one item as incomplete. The final output leaves it out. */
  async discard(index: number): Promise<void> {
    const { writer } = this.#attempt;
    await writer.writeAll(createItemClosingEvents(writer.state.response, new Set([index])));
    this.#discarded.add(index);
  }
}
