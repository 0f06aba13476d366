/** The body of `POST /responses/compact`. */
import type { z } from "zod";
import { missingParameter } from "../../lifecycle/errors/api-error.ts";
import { modelNotFound } from "../../lifecycle/errors/state.ts";
import { type CompactRequest, compactRequestSchema } from "../../protocol/compaction.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";
import { extraParameterNames } from "../../providers/extra-parameters.ts";
import { isWide } from "../middleware/json-body.ts";
import { parseBody, parseBodyInSlices, toFields } from "./parse-body.ts";
import { checkTrigger, emptyInputError, hasNoInput } from "./context-parameters.ts";
import { extractExtraParameters } from "./extra-parameters.ts";
import { UnknownParameters } from "./unknown-parameters.ts";

type ParsedCompactRequest = CompactRequest & Pick<CreateRequest, "extra_parameters">;

export function parseCompactRequest(
  body: unknown,
  catalog: ProviderCatalog,
  unknown = new UnknownParameters(),
): ParsedCompactRequest {
  const { rest, parameters } = prepareCompactRequest(body, catalog);
  return { ...checkCompactRequest(parseBody(compactRequestSchema, rest, unknown), catalog), ...parameters };
}

/** Checks a large body in slices, so that other requests are served meanwhile. */
export async function parseCompactRequestInSlices(
  body: unknown,
  catalog: ProviderCatalog,
  unknown: UnknownParameters,
): Promise<ParsedCompactRequest> {
  const { rest, parameters } = prepareCompactRequest(body, catalog);
  const parsed = await parseBodyInSlices(compactRequestSchema, rest, unknown, isWide(body));
  return { ...checkCompactRequest(parsed, catalog), ...parameters };
}

function prepareCompactRequest(body: unknown, catalog: ProviderCatalog) {
  const fields = toFields(body);
  if (fields["model"] === undefined) throw missingParameter("model");
  if (fields["input"] == null && fields["previous_response_id"] == null) throw missingParameter("input");
  return extractExtraParameters(fields, extraParameterNames(catalog, fields["model"]));
}

function checkCompactRequest(parsed: z.infer<typeof compactRequestSchema>, catalog: ProviderCatalog): CompactRequest {
  const {
    client_metadata: _metadata,
    parallel_tool_calls: _parallel,
    reasoning: _reasoning,
    text: _text,
    tools: _tools,
    ...request
  } = parsed;
  checkTrigger(request.input);
  if (request.previous_response_id == null && hasNoInput(request.input)) throw emptyInputError();
  if (catalog.resolve(request.model) === undefined) throw modelNotFound(request.model);
  return request;
}
