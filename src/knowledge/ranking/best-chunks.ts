/** Keeps the best of any number of chunks, in a heap whose first entry is the worst kept. */

export interface RankedChunk {
  /** In the order of the store's blocks. */
  block: number;
  /** Place in the block. */
  row: number;
  score: number;
}

export class BestChunks {
  readonly #limit: number;
  readonly #heap: RankedChunk[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A chunk needs a higher score than this to be kept. */
  get threshold(): number {
    return this.#heap.length < this.#limit ? -Infinity : this.#heap[0]!.score;
  }

  add(block: number, row: number, score: number): void {
    if (score <= this.threshold) return;
    const heap = this.#heap;
    const entry = { block, row, score };
    if (heap.length < this.#limit) {
      heap.push(entry);
      this.#raise(heap.length - 1);
    } else {
      heap[0] = entry;
      this.#lower();
    }
  }

  /** Best first. Among equals, the first block and row. */
  sorted(): RankedChunk[] {
    return this.#heap.toSorted((a, b) => b.score - a.score || a.block - b.block || a.row - b.row);
  }

  #raise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (this.#heap[parent]!.score <= this.#heap[at]!.score) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #lower(): void {
    for (let at = 0; ;) {
      let lowest = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#heap[child]!.score < this.#heap[lowest]!.score) lowest = child;
      }
      if (lowest === at) return;
      this.#swap(at, lowest);
      at = lowest;
    }
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}
