/** `POST /responses/input_tokens` (contract.md#input-tokens): the tokens that a request's context would have. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { countContext } from "../../context-window/count-context.ts";
import type { ContextItem } from "../../context-window/measure.ts";
import type { InputTokens, InputTokensRequest } from "../../protocol/input-tokens.ts";
import { InputTokenCounters } from "../../providers/input-token-counters.ts";
import { previewModelInput } from "../../responses/admission/preview-model-input.ts";
import { whenClosed } from "../replies/event-stream.ts";
import { checkInputTokensRequest, parseInputTokensRequestInSlices } from "../validation/input-tokens-request.ts";
import { UnknownParameters } from "../validation/unknown-parameters.ts";

export function countInputTokens(context: ApiContext): RequestHandler {
  const { catalog, config, limits, logger, storage } = context;
  const counters = new InputTokenCounters(config);

  /** Undefined if the provider cannot count, or there is no provider. */
  async function askProvider(body: InputTokensRequest, items: readonly ContextItem[], signal: AbortSignal) {
    const resolved = body.model == null ? undefined : catalog.resolve(body.model);
    if (resolved === undefined) return undefined;
    try {
      return await counters.count(resolved, body, items, signal);
    } catch (err) {
      if (!signal.aborted)
        logger.warn(describeError(resolved.provider.name, err), "The provider could not count tokens");
      return undefined;
    }
  }

  return async (request, response) => {
    const unknown = new UnknownParameters(config.UNKNOWN_PARAMETERS);
    const body = await parseInputTokensRequestInSlices(request.body, catalog, unknown);
    unknown.setHeader(response);
    checkInputTokensRequest(body, catalog);
    const { model, previous_response_id, conversation, input } = body;
    const previewed = { model: model ?? "", previous_response_id, conversation, input: input ?? undefined };
    const items = await previewModelInput(storage, limits, response.locals.project, previewed);
    const disconnected = new AbortController();
    whenClosed(response, () => disconnected.abort());
    const { signal } = disconnected;
    try {
      const counted = await askProvider(body, items, signal);
      const input_tokens = counted ?? (await countContext(body, items, signal)).total;
      response.json({ object: "response.input_tokens", input_tokens } satisfies InputTokens);
    } catch (error) {
      // After a disconnect the error is the aborted count.
      if (!signal.aborted) throw error;
    }
  };
}

/** Leaves out the error itself: providers quote rejected keys in its message. */
function describeError(provider: string, error: unknown): object {
  if (!(error instanceof Error)) return { provider };
  return { provider, error: error.name, ...("status" in error && { status: error.status }) };
}
