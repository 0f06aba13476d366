/**
 * Decides which turns without a result are retried:
 *   - The model wrote a call that its provider could not parse, after other output: up to twice.
 *   - The model asked only for rejected calls (workers/turn/rejected-calls.ts): it sees the rejections. If it keeps asking
 *     for rejected calls, the response fails.
 *   - The model answered with nothing, blanks, or reasoning alone: once. The second time that is the answer.
 *   - The model used up a turn's tokens before answering, with tools available: once, without tools.
 */
import type { OutputItem } from "../../../src/protocol/item.ts";
import { MAX_REJECTED_TURNS, type RejectedCall } from "../../turn/rejected-calls.ts";
import { failedFinish, type FailedFinish, type UpstreamFinish } from "../../upstreams/upstream.ts";

export interface TurnSummary {
  finish: UpstreamFinish;
  rejected: readonly RejectedCall[];
  /** Whether the turn called the server's tools. */
  hasCalls: boolean;
  /** Whether it was allowed to. */
  mayCall: boolean;
  /** The items that the turn added to the log. */
  output: readonly OutputItem[];
  endsBlank: boolean;
}

const MAX_UNREADABLE_OUTPUTS = 2;

export const UNANSWERED_FINISH: FailedFinish = failedFinish(
  "server_error",
  "The model gave no answer: it kept calling tools that it may not call.",
);

export class TurnRetries {
  #unreadableOutputs = 0;
  #rejectedTurns = 0;
  #hasBeenEmpty = false;
  #mustAnswer = false;
  #rejected: readonly RejectedCall[] = [];

  /** Calls whose rejection the next turn shows to the model. */
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

  /** Whether the turn consists of rejected calls alone. */
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
