/** One call of the model, written to the log as it comes. Calls of the server's functions stay behind in the relay. */
import { responseError } from "../src/lifecycle/end-response.ts";
import { ItemGrammar } from "../src/lifecycle/event-grammar/item-grammar.ts";
import type { RecordedForm } from "./recorded-form.ts";
import type { Run } from "./run.ts";
import type { TurnRelay } from "./turn-relay.ts";
import type { Upstream, UpstreamCall, UpstreamFinish } from "./upstream.ts";

/** What an event goes through on its way to the log. */
export interface TurnStages {
  form: RecordedForm;
  relay: TurnRelay;
  /** Whether the upstream is held to the contract's orders of events. */
  isStrict: boolean;
}

/**
 * An upstream counts its items from 0; the relay puts them where the log stands. With `isStrict` every event is
 * held against the contract's orders before it is written, and the first that breaks one rejects with IllegalEventError.
 */
export async function runTurn(
  run: Run,
  upstream: Upstream,
  call: UpstreamCall,
  { form, relay, isStrict }: TurnStages,
): Promise<UpstreamFinish> {
  const { writer, control } = run;
  const grammar = isStrict ? new ItemGrammar() : undefined;
  for await (const event of upstream.run(call, control.generating)) {
    control.generating.throwIfAborted();
    if (event.type === "finish") {
      // What a failure leaves open is closed by whoever ends the response.
      if (event.status !== "failed") grammar?.checkAllDone(event);
      return event;
    }
    if (event.type !== "hidden_reasoning") grammar?.accept(event);
    const recorded = form.of(event);
    if (recorded !== undefined) await writer.write(...relay.accept(recorded));
  }
  const error = responseError("server_error", "The provider's stream ended without a result.");
  return { type: "finish", status: "failed", error };
}
