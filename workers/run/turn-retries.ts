/**
 * Which turns are taken again, because nothing came of them:
 *   - the model wrote a call that its provider could not read, after other output: twice at the most
 *   - it only asked for calls that are not made (refused-calls.ts): it is told so, and fails the response if it goes on
 *   - it answered nothing, or blanks, or thoughts alone: once. A second time it is the answer, and the response is completed
 *   - it used up the tokens of a turn with tools without a word: once, for an answer without tools
 */
import type { OutputItem } from "../../src/protocol/item.ts";
import { MAX_REJECTED_TURNS, type RejectedCall } from "../turn/rejected-calls.ts";
import { failedFinish, type FailedFinish, type UpstreamFinish } from "../upstreams/upstream.ts";

export interface TurnSummary {
  finish: UpstreamFinish;
  rejected: readonly RejectedCall[];
  /** Calls of this server's tools. */
  hasCalls: boolean;
  /** Whether it could have made some. */
  mayCall: boolean;
  /** What it added to the log. */
  output: readonly OutputItem[];
  endsBlank: boolean;
}

const MAX_UNREADABLE_OUTPUTS = 2;

export const UNANSWERED_FINISH: FailedFinish = failedFinish(
  "server_error",
  "The model gave no answer: it kept calling tools that it cannot call.",
);

export class TurnRetries {
  #unreadableOutputs = 0;
  #rejectedTurns = 0;
  #hasBeenEmpty = false;
  #mustAnswer = false;
  #rejected: readonly RejectedCall[] = [];

  /** Calls that the model is to be told of. */
  get rejected(): readonly RejectedCall[] {
    return this.#rejected;
  }

  get mustAnswer(): boolean {
    return this.#mustAnswer;
  }

  shouldRetry(turn: TurnSummary): boolean {
    const { finish, hasCalls } = turn;
    if (finish.status === "failed")
      return finish.isUnreadableOutput === true && ++this.#unreadableOutputs <= MAX_UNREADABLE_OUTPUTS;
    if (finish.status === "incomplete") return this.#shouldRetryWithoutTools(turn, finish.details.reason);
    if (finish.status !== "completed") return false;
    this.#rejected = hasCalls ? turn.rejected : [...this.#rejected, ...turn.rejected];
    if (hasCalls) this.#rejectedTurns = 0;
    if (hasCalls || turn.output.some(isAnswer)) return false;
    if (turn.rejected.length > 0) return ++this.#rejectedTurns < MAX_REJECTED_TURNS;
    const isFirst = !this.#hasBeenEmpty;
    this.#hasBeenEmpty = true;
    return isFirst;
  }

  /** Whether all that the model has to say is calls that are not made. */
  isUnanswered({ finish, rejected, hasCalls, output }: TurnSummary): boolean {
    return finish.status === "completed" && !hasCalls && rejected.length > 0 && !output.some(isAnswer);
  }

  #shouldRetryWithoutTools({ mayCall, output }: TurnSummary, reason: string): boolean {
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
