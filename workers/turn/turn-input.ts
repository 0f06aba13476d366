/** A model call that is being prepared, before its context is chosen. */
import { type ContextCount, countContext } from "../../src/context-window/count-context.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { Attempt } from "../attempt/attempt.ts";
import {
  type ContextItem,
  failedFinish,
  type FailedFinish,
  type UnservedFinish,
  type Upstream,
  type UpstreamCall,
} from "../upstreams/upstream.ts";

export interface TurnInput {
  storage: Storage;
  /** The response's project. */
  project: string;
  attempt: Attempt;
  /** The number of the turn, from 1. */
  turn: number;
  upstream: Upstream;
  resolved: ResolvedModel;
  /** The request for the model. The server's tools are functions in it. */
  request: UpstreamCall["request"];
  /** The prompt's messages. They come first, and are not part of the conversation. */
  preamble: readonly ContextItem[];
  /** The conversation before this response, then the request's input. */
  history: readonly ContextItem[];
  /** The response's items so far. */
  responseItems: readonly OutputItem[];
  /** Converts items to what the model sees: calls of the server's tools become function calls with outputs. */
  render: (items: readonly ContextItem[]) => ContextItem[];
  isStrict: boolean;
}

/** A turn that ends before its model call, or instead of it. */
export interface Unserved {
  kind: "unserved";
  finish: UnservedFinish;
}

/** Counts the prompt's messages as settings: they too can be neither compacted nor dropped. */
export async function countTurnTokens(
  { request, preamble, attempt }: Pick<TurnInput, "request" | "preamble" | "attempt">,
  items: readonly ContextItem[],
): Promise<ContextCount> {
  const count = await countContext(request, [...preamble, ...items], attempt.control.generating);
  const preambleTokens = count.items.slice(0, preamble.length).reduce((sum, each) => sum + each, 0);
  return { ...count, settings: count.settings + preambleTokens, items: count.items.slice(preamble.length) };
}

/** The hosted API's sentence. Its code, `context_length_exceeded`, is not a code that clients know for a response. */
export function contextExceededFinish(): FailedFinish {
  const message = "Your input exceeds the context window of this model. Please adjust your input and try again.";
  return failedFinish("invalid_prompt", message, "input");
}

/** The finish of an upstream that ends without one. */
export function createMissingFinish(): FailedFinish {
  return failedFinish("server_error", "The provider's stream ended without a result.");
}
