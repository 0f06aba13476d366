/**
 * Which turns are taken again, because nothing came of them:
 *   - the model wrote a call that its provider could not read, after other output: twice at the most
 *   - it only asked for calls that are not made (refused-calls.ts): it is told so, and fails the response if it goes on
 *   - it answered nothing, or blanks, or thoughts alone: once. A second time it is the answer, and the response is completed
 *   - it used up the tokens of a turn with tools without a word: once, for an answer without tools
 */
import type { OutputItem } from "../../src/protocol/item.ts";
import { REFUSALS_MAXIMUM, type RefusedCall } from "../turn/refused-calls.ts";
import { failed, type FailedFinish, type UpstreamFinish } from "../upstreams/upstream.ts";

export interface TakenTurn {
  finish: UpstreamFinish;
  refused: readonly RefusedCall[];
  /** Calls of this server's tools. */
  hasCalls: boolean;
  /** Whether it could have made some. */
  mayCall: boolean;
  /** What it added to the log. */
  output: readonly OutputItem[];
  endsBlank: boolean;
}

const SAMPLES_MAXIMUM = 2;

export const UNANSWERED: FailedFinish = failed(
  "server_error",
  "The model gave no answer: it kept calling tools that it cannot call.",
);

export class TurnsAgain {
  #samples = 0;
  #refusals = 0;
  #hasBeenEmpty = false;
  #mustAnswer = false;
  #refused: readonly RefusedCall[] = [];

  /** Calls that the model is to be told of. */
  get refused(): readonly RefusedCall[] {
    return this.#refused;
  }

  get mustAnswer(): boolean {
    return this.#mustAnswer;
  }

  mayTake(turn: TakenTurn): boolean {
    const { finish, hasCalls } = turn;
    if (finish.status === "failed") return finish.isFailedSample === true && ++this.#samples <= SAMPLES_MAXIMUM;
    if (finish.status === "incomplete") return this.#mayAnswerStill(turn, finish.details.reason);
    if (finish.status !== "completed") return false;
    this.#refused = hasCalls ? turn.refused : [...this.#refused, ...turn.refused];
    if (hasCalls) this.#refusals = 0;
    if (hasCalls || turn.output.some(isAnswer)) return false;
    if (turn.refused.length > 0) return ++this.#refusals < REFUSALS_MAXIMUM;
    const isFirst = !this.#hasBeenEmpty;
    this.#hasBeenEmpty = true;
    return isFirst;
  }

  /** Whether all that the model has to say is calls that are not made. */
  isUnanswered({ finish, refused, hasCalls, output }: TakenTurn): boolean {
    return finish.status === "completed" && !hasCalls && refused.length > 0 && !output.some(isAnswer);
  }

  #mayAnswerStill({ mayCall, output }: TakenTurn, reason: string): boolean {
    const isFirst = !this.#mustAnswer;
    if (reason !== "max_output_tokens" || !isFirst || !mayCall || output.some(isAnswer)) return false;
    this.#mustAnswer = true;
    return true;
  }
}

function isAnswer(item: OutputItem): boolean {
  if (item.type === "message") return item.content.some((part) => part.type === "refusal" || part.text.trim() !== "");
  return item.type !== "reasoning" && item.status !== "incomplete" && item.status !== "in_progress";
}
