/**
 * Shares the slots of one worker, or the permits of a semaphore, among projects. A single project may hold all regular
 * slots. Beyond them the worker has a reserve, from which a project may take a slot only while it holds fewer slots
 * than the reserve has left. The first project to arrive next to a busy one gets several, the next one fewer, and small
 * projects never wait for a project that is itself waiting. (This is the dynamic threshold algorithm of shared packet
 * buffers.)
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

  get used(): number {
    return this.#used;
  }

  /** Whether running jobs block a waiting one. */
  get isFull(): boolean {
    return this.#used >= this.slots;
  }

  /** Slots that the project holds. */
  countOf(project: string): number {
    return this.#running.get(project) ?? 0;
  }

  mayTakeReserve(project: string): boolean {
    return this.countOf(project) < this.#reserveLeft;
  }

  /** Projects that `mayTakeReserve` denies a slot. Undefined if no project may have one. */
  get projectsBeyondReserve(): string[] | undefined {
    return this.#reserveLeft <= 0 ? undefined : this.#projectsWithAtLeast(this.#reserveLeft);
  }

  /**
   * Projects that hold as many slots as `project`, including itself. When one of its runs ends, all other projects come
   * first.
   */
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
