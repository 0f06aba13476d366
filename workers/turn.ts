/** A call of the model that is about to be made: what it is given before it is known what the model is shown. */
import type { CreateRequest } from "../src/protocol/create-request.ts";
import type { OutputItem } from "../src/protocol/item.ts";
import type { ResolvedModel } from "../src/providers/catalog.ts";
import type { Storage } from "../src/responses/storage.ts";
import type { Run } from "./run.ts";
import { type ContextItem, failed, type FailedFinish, type Upstream } from "./upstream.ts";

export interface Turn {
  storage: Storage;
  /** Whose response it is. */
  project: string;
  run: Run;
  upstream: Upstream;
  resolved: ResolvedModel;
  request: Omit<CreateRequest, "input">;
  /** The conversation before this response, and its own input. */
  input: readonly ContextItem[];
  /** What this response has produced before. */
  produced: readonly OutputItem[];
  isStrict: boolean;
}

/** The hosted API's sentence. Its code, `context_length_exceeded`, is not among those that clients know of a response. */
export function contextExceeded(): FailedFinish {
  const message = "Your input exceeds the context window of this model. Please adjust your input and try again.";
  return failed("invalid_prompt", message, "input");
}
