/** A response followed from its first event to its last, and the errors in the results of programs that trust it. */
import { isTerminalEventType } from "../../src/protocol/event.ts";
import type { Response } from "../../src/protocol/response.ts";
import { actOnStream, actOnFinalResponse, incompleteCalls } from "../support/acting-client.ts";
import { type ReceivedEvent, subscribeToEnd } from "../support/subscriber.ts";

/** Each must be 0. */
export interface ErrorCounts {
  /** Calls that the log shows in part: left open, or closed as incomplete. */
  incompleteCalls: number;
  /** Calls that a client acting at `output_item.done` has executed twice, wrongly, or never. */
  wrongCalls: number;
  /** Responses whose deltas, joined, differ from their final text. */
  differentTexts: number;
  notCompleted: number;
}

export class FollowedResponse {
  readonly number: number;
  readonly id: string;
  readonly #log: string[] = [];
  #openDeltas = 0;

  constructor(number: number, id: string) {
    this.number = number;
    this.id = id;
  }

  /** The number of deltas of the message in progress; 0 if there is none. */
  get openDeltas(): number {
    return this.#openDeltas;
  }

  async follow(url: string, onChange: () => void): Promise<void> {
    await subscribeToEnd(() => url, this.id, {
      onEvent: (event) => {
        this.#accept(event);
        onChange();
      },
    });
  }

  #accept({ type, data }: ReceivedEvent): void {
    this.#log.push(data);
    if (type === "response.output_text.delta") this.#openDeltas += 1;
    if (type === "response.output_item.done" || isTerminalEventType(type)) this.#openDeltas = 0;
  }

  /** `calls`: the calls of its model, as `<name> <arguments>`. */
  countErrors(calls: readonly string[]): ErrorCounts {
    const { response, type } = JSON.parse(this.#log.at(-1)!) as { response: Response; type: string };
    const acted = actOnStream(this.#log);
    return {
      incompleteCalls: incompleteCalls(this.#log),
      wrongCalls: countWrong(acted.calls, calls),
      differentTexts: acted.text === actOnFinalResponse(response).text ? 0 : 1,
      notCompleted: type === "response.completed" ? 0 : 1,
    };
  }
}

function countWrong(executed: readonly string[], wanted: readonly string[]): number {
  const missing = [...wanted];
  let wrong = 0;
  for (const call of executed) {
    const index = missing.indexOf(call);
    if (index === -1) wrong += 1;
    else missing.splice(index, 1);
  }
  return wrong + missing.length;
}
