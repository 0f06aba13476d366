/**
 * A model with fallbacks. If the first model cannot serve a call after its own retries, the next one is asked. This
 * happens only before the first event, because yielded events are in the log. A fallback is preferred to waiting.
 *
 * An invalid request goes to no other provider. If no model serves the call, and none is worth waiting for, the client
 * gets the first model's error: it did not ask for the others.
 */
import type { ResolvedModel } from "../../../src/providers/catalog.ts";
import { isUnserved } from "../upstream.ts";
import type { PostponedFinish, UnservedFinish, Upstream, UpstreamCall, UpstreamEvent } from "../upstream.ts";

export interface Candidate {
  /** The name that a request would use. */
  name: string;
  upstream: Upstream;
  resolved: ResolvedModel;
}

export class FallbackUpstream implements Upstream {
  readonly #first: Candidate;
  readonly #others: readonly Candidate[];

  constructor(first: Candidate, others: readonly Candidate[]) {
    this.#first = first;
    this.#others = others;
  }

  async *run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    const first = yield* tryCandidate(this.#first, call, signal);
    if (first === undefined) return;
    const isUnavailable = first.status === "postponed" || first.isUnavailable === true;
    const unserved: UnservedFinish[] = [first];
    const others = isUnavailable ? this.#others : [];
    for (const candidate of others) {
      call.observer?.onFallback(candidate.resolved, unserved.at(-1)!.error);
      await call.remoteRun?.forget();
      const finish = yield* tryCandidate(candidate, call, signal);
      if (finish === undefined) return;
      unserved.push(finish);
    }
    yield findShortestWait(unserved) ?? first;
  }
}

/** Yields the candidate's events. If the candidate did not serve the call, returns its finish instead of yielding it. */
async function* tryCandidate(
  { upstream, resolved }: Candidate,
  call: UpstreamCall,
  signal: AbortSignal,
): AsyncGenerator<UpstreamEvent, UnservedFinish | undefined> {
  let hasOutput = false;
  for await (const event of upstream.run({ ...call, model: resolved.model }, signal)) {
    if (!hasOutput && event.type === "finish" && isUnserved(event)) return event;
    hasOutput = true;
    yield event;
  }
  return undefined;
}

/** The shortest postponement, if there is one. A provider that named no wait may be available at once. */
function findShortestWait(unserved: readonly UnservedFinish[]): PostponedFinish | undefined {
  const postponed = unserved.filter((finish) => finish.status === "postponed");
  return postponed.toSorted((a, b) => (a.retryAfterMs ?? 0) - (b.retryAfterMs ?? 0))[0];
}
