/** A text that arrives in deltas and then whole. Both must be equal. */
import { IllegalEventError } from "../apply-event.ts";

type Event = { type: string };

export class StreamedText {
  #text: string | undefined;
  #isFinished = false;

  appendDelta(event: Event, delta: string): void {
    this.checkUnfinished(event);
    this.#text = (this.#text ?? "") + delta;
  }

  /** A text may finish without deltas; then this text is authoritative. */
  finish(event: Event, text: string): void {
    this.checkUnfinished(event);
    this.checkSame(event, text);
    this.#text = text;
    this.#isFinished = true;
  }

  checkUnfinished(event: Event): void {
    if (this.#isFinished) throw new IllegalEventError(event, "the text was finished before.");
  }

  checkFinished(event: Event): void {
    if (!this.#isFinished) throw new IllegalEventError(event, "the text was not finished before.");
  }

  checkSame(event: Event, text: string): void {
    if (this.#text !== undefined && this.#text !== text) {
      throw new IllegalEventError(event, "the text is not what was streamed.");
    }
  }
}
