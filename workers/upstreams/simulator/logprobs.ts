/**
 * Invented logprobs for clients that request them. They are the same for the same position in a text, and plausible: the
 * chosen token is among its alternatives, which are sorted and whose probabilities add up to at most 1.
 */
import type { OutputContent } from "../../../src/protocol/content.ts";
import type { UpstreamCall } from "../upstream.ts";
import type { PlannedItem } from "./plan.ts";
import { SeededRandom } from "./schema-filler/seeded-random.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";

type Logprob = NonNullable<Extract<OutputContent, { type: "output_text" }>["logprobs"]>[number];

/** Logprobs are in memory several times while a text's last events are written. */
const MAX_LOGPROBS = 200_000;
const MIN_LIKELIHOOD = 0.3;

const OTHER_TOKENS =
  " the, a, one, no, this, that, its, it, and, or, then, when, of, to, in, on, is, was, what, who, how".split(",");

/** Undefined if the client did not request logprobs. Throws if there would be too many. */
export function readAlternatives(call: UpstreamCall, plan: readonly PlannedItem[]): number | undefined {
  const { include, top_logprobs: alternatives } = call.request;
  if (include?.includes("message.output_text.logprobs") !== true) return undefined;
  const count = alternatives ?? 0;
  const tokens = plan.reduce((sum, item) => (item.type === "message" ? sum + item.deltas.length : sum), 0);
  if (tokens * (1 + count) > MAX_LOGPROBS) {
    throw new InvalidPromptError(`The simulator gives at most ${MAX_LOGPROBS} logprobs, alternatives counted.`);
  }
  return count;
}

/** The logprobs of one text, token by token. */
export class TextLogprobs {
  readonly emitted: Logprob[] = [];
  readonly #alternatives: number | undefined;
  readonly #random = new SeededRandom("logprobs");

  constructor(alternatives: number | undefined) {
    this.#alternatives = alternatives;
  }

  /** The logprobs of the next token's event: one, or none if the client requested none. */
  next(token: string): Logprob[] {
    if (this.#alternatives === undefined) return [];
    const likelihood = MIN_LIKELIHOOD + (1 - MIN_LIKELIHOOD) * this.#random.next();
    const logprob = {
      ...createTokenLogprob(token, likelihood),
      top_logprobs: this.#topAlternatives(token, likelihood, this.#alternatives),
    };
    this.emitted.push(logprob);
    return [logprob];
  }

  /** Each other token gets half of the remaining probability, so the chosen token need not be the most likely. */
  #topAlternatives(token: string, likelihood: number, count: number): Logprob["top_logprobs"] {
    if (count === 0) return [];
    const others = OTHER_TOKENS.filter((other) => other !== token).slice(0, count - 1);
    const all = [createTokenLogprob(token, likelihood)];
    let rest = 1 - likelihood;
    for (const other of others) {
      rest /= 2;
      all.push(createTokenLogprob(other, rest));
    }
    return all.sort((a, b) => b.logprob - a.logprob);
  }
}

function createTokenLogprob(token: string, likelihood: number): { token: string; bytes: number[]; logprob: number } {
  return { token, bytes: [...Buffer.from(token)], logprob: Number(Math.log(likelihood).toFixed(6)) };
}

/** Events omit the bytes of tokens. */
export function toEventLogprob({ token, logprob, top_logprobs }: Logprob) {
  return { token, logprob, top_logprobs: top_logprobs.map((each) => ({ token: each.token, logprob: each.logprob })) };
}
