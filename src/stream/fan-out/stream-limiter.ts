/**
 * The event streams that are open in this process, by project. Each costs a connection and its buffers here, in this
 * process and in no other: so they are counted here, exactly, and no crash can leave a place taken.
 */
export class StreamLimiter {
  readonly #bound: number;
  readonly #counts = new Map<string, number>();

  /** `bound`: how many one project may have; 0 is no bound. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  get bound(): number {
    return this.#bound;
  }

  /** A place for one more, as the function that gives it back; undefined if the project has as many as it may. */
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
