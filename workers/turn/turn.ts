/** A call of the model that is about to be made: what it is given before it is known what the model is shown. */
import { type ContextCount, countContext } from "../../src/context-window/count-context.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { Attempt } from "../attempt/attempt.ts";
import {
  type ContextItem,
  failedFinish,
  type FailedFinish,
  type Upstream,
  type UpstreamCall,
} from "../upstreams/upstream.ts";

export interface Turn {
  storage: Storage;
  /** Whose response it is. */
  project: string;
  run: Attempt;
  upstream: Upstream;
  resolved: ResolvedModel;
  /** As the model is given it: the server's tools are functions by now. */
  request: UpstreamCall["request"];
  /** The messages of the prompt: shown before all else, and not the conversation's. */
  preamble: readonly ContextItem[];
  /** The conversation before this response, and its own input. */
  history: readonly ContextItem[];
  /** What this response has produced before. */
  responseItems: readonly OutputItem[];
  /** What the model is shown of items: for calls of the server's tools, what they came to. */
  render: (items: readonly ContextItem[]) => ContextItem[];
  isStrict: boolean;
}

/** The prompt's messages count as settings: like them they can neither be compacted nor left out. */
export async function countTurnTokens(
  { request, preamble, run }: Pick<Turn, "request" | "preamble" | "run">,
  items: readonly ContextItem[],
): Promise<ContextCount> {
  const count = await countContext(request, [...preamble, ...items], run.control.generating);
  const own = count.items.slice(0, preamble.length).reduce((sum, each) => sum + each, 0);
  return { ...count, settings: count.settings + own, items: count.items.slice(preamble.length) };
}

/** The hosted API's sentence. Its code, `context_length_exceeded`, is not among those that clients know of a response. */
export function contextExceededFinish(): FailedFinish {
  const message = "Your input exceeds the context window of this model. Please adjust your input and try again.";
  return failedFinish("invalid_prompt", message, "input");
}
