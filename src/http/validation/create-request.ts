/** The body of `POST /responses`. */
import type { z } from "zod";
import { checkCompletionWindow } from "../../lifecycle/completion-window.ts";
import { missingParameter } from "../../lifecycle/errors/api-error.ts";
import { modelNotFound } from "../../lifecycle/errors/state.ts";
import { type CreateRequest, createRequestSchema } from "../../protocol/create-request.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";
import { extraParameterNames } from "../../providers/extra-parameters.ts";
import { isWide } from "../middleware/json-body.ts";
import { checkMetadataNames, toFields } from "./parse-body.ts";
import { checkContextParameters, emptyInputError, hasNoInput } from "./context-parameters.ts";
import { extractExtraParameters } from "./extra-parameters.ts";
import { UnknownParameters } from "./unknown-parameters.ts";

const KNOWN_PARAMETERS = Object.keys(createRequestSchema.shape);

/** Each gives the model context, so `input` is optional with it. */
const CONTEXT_PARAMETERS = ["previous_response_id", "prompt", "conversation"] as const;

/** Rules for names that the published API does not have. */
interface NameRules {
  unknown?: UnknownParameters;
  /** Finds the model of a request whose prompt names it. */
  prompts?: { modelOf(prompt: unknown): string | undefined };
}

/** Throws the first error in the contract's order (contract.md#order-of-errors). */
export function parseCreateRequest(body: unknown, catalog: ProviderCatalog, rules: NameRules = {}): CreateRequest {
  const { unknown, fields, finish } = prepareCreateRequest(body, catalog, rules);
  return finish(unknown.parse(createRequestSchema, fields));
}

/** Checks a large body in slices, so that other requests are served meanwhile. */
export async function parseCreateRequestInSlices(
  body: unknown,
  catalog: ProviderCatalog,
  rules: NameRules = {},
): Promise<CreateRequest> {
  if (!isWide(body)) return parseCreateRequest(body, catalog, rules);
  const { unknown, fields, finish } = prepareCreateRequest(body, catalog, rules);
  return finish(await unknown.parseInSlices(createRequestSchema, fields));
}

/** Runs the checks before the schema's, and returns those after it as `finish`. */
function prepareCreateRequest(
  body: unknown,
  catalog: ProviderCatalog,
  { unknown = new UnknownParameters(), prompts }: NameRules,
) {
  const sent = toFields(body);
  if (sent["model"] === undefined && sent["prompt"] == null) throw missingParameter("model");
  const hasContext = CONTEXT_PARAMETERS.some((name) => sent[name] != null);
  if (sent["input"] === undefined && !hasContext) throw missingParameter("input");
  checkMetadataNames(sent);
  const extra = extractExtraParameters(
    sent,
    extraParameterNames(catalog, sent["model"] ?? prompts?.modelOf(sent["prompt"])),
  );
  const fields = unknown.dropUnknown(extra.rest, KNOWN_PARAMETERS);
  const finish = (parsed: z.infer<typeof createRequestSchema>): CreateRequest => {
    const { client_metadata: _dropped, ...request } = parsed;
    checkContextParameters(request);
    checkCompletionWindow(request);
    if (!hasContext && hasNoInput(request.input)) throw emptyInputError();
    const { model } = request;
    if (model !== undefined && catalog.resolve(model) === undefined) throw modelNotFound(model);
    return { ...request, ...extra.parameters };
  };
  return { unknown, fields, finish };
}
