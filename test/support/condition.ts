/** Waiting for something that other code brings about and makes known. */
export class Condition {
  readonly #waiting = new Set<() => void>();
  #changes = 0;

  /** Something has changed: everything that waits looks again. */
  notify(): void {
    this.#changes += 1;
    for (const wake of this.#waiting) wake();
  }

  /** How often `notify` was called. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves at once if there was a change after that many. */
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
