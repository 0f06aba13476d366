/**
 * Counts the open event streams of this process by project. A stream costs a connection and buffers in this process
 * only, so the count is local and exact, and no crash can leave a permit taken.
 */
export class StreamLimiter {
  readonly #bound: number;
  readonly #counts = new Map<string, number>();

  /** `bound`: maximum streams per project; 0 means no maximum. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  get bound(): number {
    return this.#bound;
  }

  /** Open streams of all projects. */
  get openCount(): number {
    let count = 0;
    for (const each of this.#counts.values()) count += each;
    return count;
  }

  /**
   * Acquires a permit and returns the function that releases it; returns undefined if the project has reached its
   * maximum.
   */
  acquire(project: string): (() => void) | undefined {
    const count = this.#counts.get(project) ?? 0;
    if (this.#bound > 0 && count >= this.#bound) return undefined;
    this.#counts.set(project, count + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = this.#counts.get(project)! - 1;
      if (left > 0) this.#counts.set(project, left);
      else this.#counts.delete(project);
    };
  }
}
