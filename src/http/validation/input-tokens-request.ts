/** The body of `POST /responses/input_tokens`. */
import { modelNotFound } from "../../lifecycle/errors/state.ts";
import { type InputTokensRequest, inputTokensRequestSchema } from "../../protocol/input-tokens.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";
import { extraParameterNames } from "../../providers/extra-parameters.ts";
import { isWide } from "../middleware/json-body.ts";
import { parseBodyInSlices, toFields } from "./parse-body.ts";
import { checkContextParameters } from "./context-parameters.ts";
import { extractExtraParameters } from "./extra-parameters.ts";
import type { UnknownParameters } from "./unknown-parameters.ts";

/** A provider's own parameters are accepted, as for a response, and count nothing. */
export async function parseInputTokensRequestInSlices(
  body: unknown,
  catalog: ProviderCatalog,
  unknown: UnknownParameters,
): Promise<InputTokensRequest> {
  const fields = toFields(body);
  const { rest } = extractExtraParameters(fields, extraParameterNames(catalog, fields["model"]));
  return await parseBodyInSlices(inputTokensRequestSchema, rest, unknown, isWide(body));
}

export function checkInputTokensRequest(request: InputTokensRequest, catalog: ProviderCatalog): void {
  checkContextParameters({ ...request, input: request.input ?? undefined });
  if (request.model != null && catalog.resolve(request.model) === undefined) throw modelNotFound(request.model);
}
