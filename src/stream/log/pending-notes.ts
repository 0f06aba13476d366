/** Facts about a run that wait for events to carry them. */
import type { RunNotes } from "../../lifecycle/run-facts.ts";

/** Notes wait this long for events, and are then due to be written alone. */
const NOTE_DELAY_MS = 250;

export class PendingNotes {
  readonly #onDue: () => void;
  #notes: RunNotes = {};
  #timer: NodeJS.Timeout | undefined;
  #areDue = false;

  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /** Whether no events came in time. */
  get areDue(): boolean {
    return this.#areDue;
  }

  /** Later values replace earlier ones. */
  add(notes: RunNotes): void {
    this.#notes = { ...this.#notes, ...notes };
    this.#timer ??= setTimeout(() => {
      this.#areDue = true;
      this.#onDue();
    }, NOTE_DELAY_MS).unref();
  }

  take(): RunNotes {
    const notes = this.#notes;
    this.#notes = {};
    this.#areDue = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return notes;
  }
}
