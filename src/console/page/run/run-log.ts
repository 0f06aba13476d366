/**
 * Folds the events of a run into the steps that the page shows. It is pure, applies the server's own rules to items
 * (src/lifecycle/change-item.ts), and keeps no event: its size is that of the output, however long the log is.
 */
import type { ResponseStreamEvent } from "../../../protocol/event.ts";
import type { OutputItem } from "../../../protocol/item.ts";
import type { Response } from "../../../protocol/response.ts";
import { changeItem } from "../../../lifecycle/change-item.ts";

/** One item of the output. Its beginning and end are sequence numbers. */
export interface Step {
  readonly index: number;
  readonly item: OutputItem;
  readonly addedAt: number;
  /** Undefined while events may still change it. */
  readonly doneAt: number | undefined;
}

export interface Changes {
  /** Indices of steps that are new or changed. */
  steps: ReadonlySet<number>;
  response: boolean;
}

/** Some events are missing: the stream has to be read again after the last one. */
export class GapError extends Error {
  override readonly name = "GapError";
}

export class RunLog {
  /** As the last event with a response had it, without its output, which the steps have. */
  response: Response | undefined;
  readonly steps: Step[] = [];
  /** Sequence number of the last event; -1 before the first. */
  last = -1;
  isOver = false;
  #changed = new Set<number>();
  #hasNewResponse = false;

  /** Ignores an event that it has. */
  add(event: ResponseStreamEvent): void {
    const { sequence_number: number } = event;
    if (number <= this.last) return;
    if (number > this.last + 1) throw new GapError(`Event ${number} followed event ${this.last}.`);
    this.last = number;
    switch (event.type) {
      case "response.created":
      case "response.queued":
      case "response.in_progress":
        this.#setResponse(event.response);
        return;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        this.#setResponse(event.response);
        this.#end(event.response.output);
        return;
      case "response.output_item.added":
        this.#set({ index: event.output_index, item: event.item, addedAt: number, doneAt: undefined });
        return;
      case "response.output_item.done":
        this.#change(event.output_index, { item: event.item, doneAt: number });
        return;
      default:
        if ("output_index" in event) this.#changeItem(event);
    }
  }

  /** The changes since the last call. */
  takeChanges(): Changes {
    const changes = { steps: this.#changed, response: this.#hasNewResponse };
    this.#changed = new Set();
    this.#hasNewResponse = false;
    return changes;
  }

  #setResponse(response: Response): void {
    // The items would be kept twice.
    const shown: Response = { ...response };
    shown.output = [];
    this.response = shown;
    this.#hasNewResponse = true;
  }

  #changeItem(event: Extract<ResponseStreamEvent, { output_index: number }>): void {
    if (event.type === "response.output_item.added" || event.type === "response.output_item.done") return;
    const step = this.steps[event.output_index];
    if (step === undefined) return;
    const item = changeItem(step.item, event);
    if (item !== step.item) this.#change(event.output_index, { item });
  }

  /** The last event has the output, without items that a lost worker left behind. They stay steps of the run. */
  #end(output: readonly OutputItem[]): void {
    this.isOver = true;
    const final = new Map(output.map((item) => [item.id, item]));
    for (const step of this.steps) {
      const item = final.get(step.item.id) ?? step.item;
      if (step.doneAt === undefined) this.#set({ ...step, item, doneAt: this.last });
    }
  }

  #change(index: number, change: Partial<Step>): void {
    const step = this.steps[index];
    if (step !== undefined) this.#set({ ...step, ...change });
  }

  #set(step: Step): void {
    this.steps[step.index] = step;
    this.#changed.add(step.index);
  }
}
