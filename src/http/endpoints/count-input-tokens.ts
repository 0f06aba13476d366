/** `POST /responses/input_tokens` (contract.md#input-tokens): what a request would show its model, in tokens, without running it. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { countContext } from "../../context-window/count-context.ts";
import type { ContextItem } from "../../context-window/measure.ts";
import { modelNotFound } from "../../lifecycle/errors/state.ts";
import { type InputTokens, type InputTokensRequest, inputTokensRequestSchema } from "../../protocol/input-tokens.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";
import { extraParameterNames } from "../../providers/extra-parameters.ts";
import { InputTokenCounters } from "../../providers/input-token-counters.ts";
import { previewModelInput } from "../../responses/admission/preview-model-input.ts";
import { isWide } from "../middleware/json-body.ts";
import { whenClosed } from "../replies/event-stream.ts";
import { UnknownParameters } from "../validation/unknown-parameters.ts";
import { checkContextParameters, toFields, parseBodyInSlices, extractExtraParameters } from "../validation/validate.ts";

/** Not the error itself: providers quote the keys that they refuse. */
function describeError(provider: string, error: unknown): object {
  if (!(error instanceof Error)) return { provider };
  return { provider, fault: error.name, ...("status" in error && { status: error.status }) };
}

export function countInputTokens(context: ApiContext): RequestHandler {
  const { catalog, config, limits, logger, storage } = context;
  const counters = new InputTokenCounters(config);

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
    checkContextParameters({ ...body, input: body.input ?? undefined });
    if (body.model != null && catalog.resolve(body.model) === undefined) throw modelNotFound(body.model);
    const { previous_response_id, conversation, input } = body;
    const asked = { model: body.model ?? "", previous_response_id, conversation, input: input ?? undefined };
    const items = await previewModelInput(storage, limits, response.locals.project, asked);
    const left = new AbortController();
    whenClosed(response, () => left.abort());
    try {
      const told = await askProvider(body, items, left.signal);
      const input_tokens = told ?? (await countContext(body, items, left.signal)).total;
      response.json({ object: "response.input_tokens", input_tokens } satisfies InputTokens);
    } catch (error) {
      // Nobody is there to be told.
      if (!left.signal.aborted) throw error;
    }
  };
}

/** A provider's own parameters may come with what will be created; they count nothing. */
async function parseInputTokensRequestInSlices(
  body: unknown,
  catalog: ProviderCatalog,
  unknown: UnknownParameters,
): Promise<InputTokensRequest> {
  const fields = toFields(body);
  const { rest } = extractExtraParameters(fields, extraParameterNames(catalog, fields["model"]));
  return parseBodyInSlices(inputTokensRequestSchema, rest, unknown, isWide(body));
}
