/**
 * Who has the slots of one worker, or the places of a line in it, and who may have one more. A project alone may have all of them. Beyond them the worker
 * has some in reserve, of which a project may only take one while it runs less here than is left of the reserve: so the
 * first that comes beside a hog gets some, the next fewer, and a few at a time of many projects are never kept waiting by
 * one that waits for something itself. (This is the dynamic threshold of shared packet buffers.)
 */
export class SlotShares {
  readonly slots: number;
  readonly reserved: number;
  readonly #running = new Map<string, number>();
  #used = 0;

  constructor(slots: number, reservePercent: number) {
    this.slots = slots;
    this.reserved = reservePercent === 0 ? 0 : Math.max(1, Math.ceil((slots * reservePercent) / 100));
  }

  begin(project: string): void {
    this.#used += 1;
    this.#running.set(project, this.countOf(project) + 1);
  }

  end(project: string): void {
    this.#used -= 1;
    const left = this.countOf(project) - 1;
    if (left > 0) this.#running.set(project, left);
    else this.#running.delete(project);
  }

  /** Whether a job that waits is kept waiting by those that run here. */
  get isFull(): boolean {
    return this.#used >= this.slots;
  }

  /** Slots that the project has. */
  countOf(project: string): number {
    return this.#running.get(project) ?? 0;
  }

  mayTakeReserve(project: string): boolean {
    return this.countOf(project) < this.#reserveLeft;
  }

  /** Those that `mayTakeReserve` denies one. Undefined if there is none left for anybody. */
  get projectsBeyondReserve(): string[] | undefined {
    return this.#reserveLeft <= 0 ? undefined : this.#projectsWithAtLeast(this.#reserveLeft);
  }

  /** Those that run as much as `project`, itself included: when a run of it ends, all others come before these. */
  projectsRunningAsMuch(project: string): string[] {
    return this.#projectsWithAtLeast(this.countOf(project));
  }

  get #reserveLeft(): number {
    return this.reserved === 0 ? 0 : this.slots + this.reserved - this.#used;
  }

  #projectsWithAtLeast(count: number): string[] {
    return [...this.#running].flatMap(([project, running]) => (running >= count ? [project] : []));
  }
}
