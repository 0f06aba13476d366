/**
 * Several models in the place of one: when the first cannot serve a call now, after its own tries, the next is asked, and
 * so on. Only before the first event: what was yielded stands in a log. Another model is asked rather than waited for.
 *
 * A request that is itself wrong is not shown to anybody else. What a fallback has against it does not matter to the
 * client, who did not ask for that model: told is what was wrong with the first.
 */
import type { Logger } from "pino";
import type { PostponedFinish, Upstream, UpstreamCall, UpstreamEvent, UpstreamFinish } from "../upstream.ts";

export interface Candidate {
  /** As a request would name it. */
  name: string;
  upstream: Upstream;
  /** The vendor's own name of the model. */
  model: string;
}

type UnservedFinish = Extract<UpstreamFinish, { status: "failed" }> | PostponedFinish;

export class FallbackUpstream implements Upstream {
  readonly #first: Candidate;
  readonly #others: readonly Candidate[];
  readonly #logger: Logger;

  constructor(first: Candidate, others: readonly Candidate[], logger: Logger) {
    this.#first = first;
    this.#others = others;
    this.#logger = logger;
  }

  async *run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    const first = yield* tryCandidate(this.#first, call, signal);
    if (first === undefined) return;
    const isUnavailable = first.status === "postponed" || first.isUnavailable === true;
    const unserved: UnservedFinish[] = [first];
    const others = isUnavailable ? this.#others : [];
    for (const candidate of others) {
      this.#logger.warn(
        {
          responseId: call.responseId,
          model: this.#first.name,
          fallback: candidate.name,
          reason: unserved.at(-1)?.error,
        },
        "Model not available, asking its fallback",
      );
      await call.remoteRun?.forget();
      const finish = yield* tryCandidate(candidate, call, signal);
      if (finish === undefined) return;
      unserved.push(finish);
    }
    yield findShortestWait(unserved) ?? first;
  }
}

/** Passes on what the candidate yields. Answers its finish instead if it yielded nothing before and did not serve the call. */
async function* tryCandidate(
  { upstream, model }: Candidate,
  call: UpstreamCall,
  signal: AbortSignal,
): AsyncGenerator<UpstreamEvent, UnservedFinish | undefined> {
  let hasOutput = false;
  for await (const event of upstream.run({ ...call, model }, signal)) {
    if (!hasOutput && event.type === "finish" && (event.status === "failed" || event.status === "postponed")) {
      return event;
    }
    hasOutput = true;
    yield event;
  }
  return undefined;
}

/** If any of them only has to be waited for. One that asked for nothing may be free at once. */
function findShortestWait(unserved: readonly UnservedFinish[]): PostponedFinish | undefined {
  const postponed = unserved.filter((finish) => finish.status === "postponed");
  return postponed.toSorted((a, b) => (a.retryAfterMs ?? 0) - (b.retryAfterMs ?? 0))[0];
}
