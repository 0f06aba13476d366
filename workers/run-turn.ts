/** One call of the model, written to the log as it comes. */
import { responseError } from "../src/lifecycle/end-response.ts";
import type { Run } from "./run.ts";
import type { Upstream, UpstreamCall, UpstreamFinish } from "./upstream.ts";

/** An upstream counts its items from 0; the log goes on counting where the response is. */
export async function runTurn(run: Run, upstream: Upstream, call: UpstreamCall): Promise<UpstreamFinish> {
  const { writer, control } = run;
  for await (const event of upstream.run(call, control.generating)) {
    control.generating.throwIfAborted();
    if (event.type === "finish") return event;
    await writer.write({ ...event, output_index: event.output_index + call.firstOutputIndex });
  }
  const error = responseError("server_error", "The provider's stream ended without a result.");
  return { type: "finish", status: "failed", error };
}
