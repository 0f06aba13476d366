/** The tokens and tool calls that a response may still spend, over all its turns and attempts. The journal has the past ones. */
import { addUsage, NO_USAGE } from "../../../src/lifecycle/usage.ts";
import type { Usage } from "../../../src/protocol/response.ts";
import type { RunJournal } from "../../attempt/run-journal.ts";
import { sumUsage } from "./journaled-turns.ts";
import type { UpstreamCall, UpstreamFinish } from "../../upstreams/upstream.ts";

/** The minimum that a request may ask for (contract.md#parameters). */
const MIN_OUTPUT_TOKENS = 16;
/**
 * Maximum number of tokens reserved for the answer when the server runs tools. The reserve is a quarter of the response's
 * tokens, up to this. A turn that may call tools gets the rest. If nothing is left but the reserve, the next turn may call no tools and
 * must answer.
 */
const MAX_ANSWER_RESERVE = 1_024;

type Bounds = Pick<UpstreamCall["request"], "max_output_tokens" | "max_tool_calls">;

/** The budget of one turn. */
export interface TurnLimits {
  /** Calls of the server's tools. */
  callsLeft: number;
  /** Whether the turn may call any of them. */
  mayCall: boolean;
  /** Undefined if the request sets no limit. */
  outputTokensLeft: number | undefined;
}

export class RunBudget {
  readonly #bounds: Bounds;
  readonly #maxToolCalls: number;
  readonly #journal: RunJournal;
  #spent: Usage = NO_USAGE;
  #hasSpent = false;

  /** `maxToolCalls` applies even if the request allows more. */
  constructor(bounds: Bounds, maxToolCalls: number, journal: RunJournal) {
    this.#bounds = bounds;
    this.#maxToolCalls = maxToolCalls;
    this.#journal = journal;
  }

  /** Calls of the server's tools. */
  get callsLeft(): number {
    return Math.min(this.#bounds.max_tool_calls ?? Infinity, this.#maxToolCalls) - this.#journal.callCount;
  }

  /** After the first turn, any remainder is enough for a last turn: it gets the minimum, and may exceed the bound by less. */
  get hasTokensForTurn(): boolean {
    const minimum = this.#journal.turns.length > 0 || this.#hasSpent ? 1 : MIN_OUTPUT_TOKENS;
    return (this.#outputTokensLeft ?? Infinity) >= minimum;
  }

  /** No calls are left once the remaining tokens are reserved for the answer. */
  turnLimits({ hasFunctions, mustAnswer }: { hasFunctions: boolean; mustAnswer: boolean }): TurnLimits {
    const isAnswerDue = mustAnswer || (this.#toolTokensLeft ?? Infinity) < MIN_OUTPUT_TOKENS;
    const callsLeft = isAnswerDue && hasFunctions ? 0 : this.callsLeft;
    const mayCall = callsLeft > 0 && hasFunctions;
    return { callsLeft, mayCall, outputTokensLeft: mayCall ? this.#toolTokensLeft : this.#answerTokensLeft };
  }

  /** Adds the usage of a turn that is retried, and therefore in no journal. */
  spend(usage: Usage | undefined): void {
    if (usage === undefined) return;
    this.#spent = addUsage(this.#spent, usage);
    this.#hasSpent = true;
  }

  get #outputTokensLeft(): number | undefined {
    const bound = this.#bounds.max_output_tokens;
    return bound == null ? undefined : bound - this.#usage.output_tokens;
  }

  /** Tokens for a turn that may call tools. */
  get #toolTokensLeft(): number | undefined {
    const left = this.#outputTokensLeft;
    if (left === undefined) return undefined;
    const quarter = Math.floor((this.#bounds.max_output_tokens ?? 0) / 4);
    return left - Math.min(MAX_ANSWER_RESERVE, Math.max(MIN_OUTPUT_TOKENS, quarter));
  }

  /** Tokens for a turn that can only answer. */
  get #answerTokensLeft(): number | undefined {
    const left = this.#outputTokensLeft;
    return left === undefined ? undefined : Math.max(MIN_OUTPUT_TOKENS, left);
  }

  get #usage(): Usage {
    return addUsage(sumUsage(this.#journal.turns), this.#spent);
  }

  /** The total usage, if the response ends without another turn. */
  completedFinish(): UpstreamFinish {
    return { type: "finish", status: "completed", usage: this.#usage };
  }

  /** The finish of a response without tokens for another turn. */
  outOfTokensFinish(): UpstreamFinish {
    return { type: "finish", status: "incomplete", details: { reason: "max_output_tokens" }, usage: this.#usage };
  }

  /** The finish of the response's last turn, with the usage of all turns. */
  withUsage(finish: UpstreamFinish): UpstreamFinish {
    if (finish.status === "postponed" || finish.usage === undefined) return finish;
    return { ...finish, usage: addUsage(this.#usage, finish.usage) };
  }
}
