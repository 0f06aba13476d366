/** What a response may still spend, over its turns and the attempts at it: by its journal, what the turns behind it took. */
import { addUsage, NO_USAGE } from "../../src/lifecycle/usage.ts";
import type { Usage } from "../../src/protocol/response.ts";
import type { RunJournal } from "../attempt/run-journal.ts";
import { sumUsage } from "./journaled-turns.ts";
import type { UpstreamCall, UpstreamFinish } from "../upstreams/upstream.ts";

/** The least that a request may ask for (contract.md#parameters): with less left, there is nothing to ask for. */
const MIN_OUTPUT_TOKENS = 16;
/**
 * Of the tokens of a response whose tools this server runs, a quarter is kept for the answer, and no more than this. A turn
 * that may call tools is given what is left but for that; when nothing is, the next turn may call none and must answer.
 */
const MAX_ANSWER_RESERVE = 1_024;

type Bounds = Pick<UpstreamCall["request"], "max_output_tokens" | "max_tool_calls">;

export class RunBudget {
  readonly #bounds: Bounds;
  readonly #maxToolCalls: number;
  readonly #journal: RunJournal;
  #spent: Usage = NO_USAGE;
  #hasSpent = false;

  /** `maxToolCalls` holds whatever the request says. */
  constructor(bounds: Bounds, maxToolCalls: number, journal: RunJournal) {
    this.#bounds = bounds;
    this.#maxToolCalls = maxToolCalls;
    this.#journal = journal;
  }

  /** Calls of the server's tools. */
  get callsLeft(): number {
    return Math.min(this.#bounds.max_tool_calls ?? Infinity, this.#maxToolCalls) - this.#journal.callCount;
  }

  /** Undefined if there is no bound. */
  get outputTokensLeft(): number | undefined {
    const bound = this.#bounds.max_output_tokens;
    return bound == null ? undefined : bound - this.#usage.output_tokens;
  }

  /** With less than the minimum left the model still has its last word, of the minimum: the bound is exceeded by less. */
  get hasTokensForTurn(): boolean {
    const least = this.#journal.turns.length > 0 || this.#hasSpent ? 1 : MIN_OUTPUT_TOKENS;
    return (this.outputTokensLeft ?? Infinity) >= least;
  }

  /** For a turn that may call tools. Undefined if there is no bound. */
  get toolTokensLeft(): number | undefined {
    const left = this.outputTokensLeft;
    if (left === undefined) return undefined;
    const quarter = Math.floor((this.#bounds.max_output_tokens ?? 0) / 4);
    return left - Math.min(MAX_ANSWER_RESERVE, Math.max(MIN_OUTPUT_TOKENS, quarter));
  }

  /** Whether the tokens that are left are those of the answer. */
  get mustAnswer(): boolean {
    return (this.toolTokensLeft ?? Infinity) < MIN_OUTPUT_TOKENS;
  }

  /** For a turn that can only answer. */
  get answerTokensLeft(): number | undefined {
    const left = this.outputTokensLeft;
    return left === undefined ? undefined : Math.max(MIN_OUTPUT_TOKENS, left);
  }

  /** A turn that is in no journal, because nothing came of it, has cost what it did. */
  spend(usage: Usage | undefined): void {
    if (usage === undefined) return;
    this.#spent = addUsage(this.#spent, usage);
    this.#hasSpent = true;
  }

  get #usage(): Usage {
    return addUsage(sumUsage(this.#journal.turns), this.#spent);
  }

  /** The response ends without another turn. */
  completedFinish(): UpstreamFinish {
    return { type: "finish", status: "completed", usage: this.#usage };
  }

  /** The response ends because there are no tokens for another turn. */
  outOfTokensFinish(): UpstreamFinish {
    return { type: "finish", status: "incomplete", details: { reason: "max_output_tokens" }, usage: this.#usage };
  }

  /** The end of the response's last turn, as that of the response. */
  withUsage(finish: UpstreamFinish): UpstreamFinish {
    if (finish.status === "postponed" || finish.usage === undefined) return finish;
    return { ...finish, usage: addUsage(this.#usage, finish.usage) };
  }
}
