/** What a response may still spend, over its turns and the attempts at it: by its journal, what the turns behind it took. */
import { addUsage } from "../src/lifecycle/usage.ts";
import type { Usage } from "../src/protocol/response.ts";
import type { RunJournal } from "./run-journal.ts";
import { usageOf } from "./turn-history.ts";
import type { UpstreamCall, UpstreamFinish } from "./upstream.ts";

/** The least that a request may ask for (contract 03 §3.1): with less left, there is nothing to ask for. */
const OUTPUT_TOKENS_MINIMUM = 16;

type Bounds = Pick<UpstreamCall["request"], "max_output_tokens" | "max_tool_calls">;

export class RunBudget {
  readonly #bounds: Bounds;
  readonly #maxToolCalls: number;
  readonly #journal: RunJournal;

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

  get hasTokensForTurn(): boolean {
    return (this.outputTokensLeft ?? Infinity) >= OUTPUT_TOKENS_MINIMUM;
  }

  get #usage(): Usage {
    return usageOf(this.#journal.turns);
  }

  /** The response ends without another turn. */
  completed(): UpstreamFinish {
    return { type: "finish", status: "completed", usage: this.#usage };
  }

  /** The response ends because there are no tokens for another turn. */
  outOfTokens(): UpstreamFinish {
    return { type: "finish", status: "incomplete", details: { reason: "max_output_tokens" }, usage: this.#usage };
  }

  /** The end of the response's last turn, as that of the response. */
  withUsage(finish: UpstreamFinish): UpstreamFinish {
    if (finish.status === "postponed" || finish.usage === undefined) return finish;
    return { ...finish, usage: addUsage(this.#usage, finish.usage) };
  }
}
