/** Waiting for a condition that other code signals. */
export class Condition {
  readonly #waiting = new Set<() => void>();
  #changes = 0;

  /** Signals a change: every waiter checks its condition again. */
  notify(): void {
    this.#changes += 1;
    for (const wake of this.#waiting) wake();
  }

  /** The number of `notify` calls. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves at once if there were more changes than that. */
  async waitForChangeAfter(changes: number): Promise<void> {
    if (this.#changes > changes) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
  }

  async waitUntil(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.waitForChangeAfter(this.#changes);
  }
}
