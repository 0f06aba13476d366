/**
 * `POST /responses/compact` (contract.md#compaction). The summary is written by a response of its own, which nobody can read: it is
 * admitted, leased, recovered, bounded and cancelled like any other, and this handler follows it to its end.
 */
import type { RequestHandler } from "express";
import type { z } from "zod";
import type { ApiContext } from "../../context.ts";
import { restoreKeptMessages } from "../../context-window/compaction.ts";
import { missingParameter } from "../../lifecycle/errors/api-error.ts";
import { internalError, runFailed } from "../../lifecycle/errors/server.ts";
import { modelNotFound } from "../../lifecycle/errors/state.ts";
import { type CompactedResponse, type CompactRequest, compactRequestSchema } from "../../protocol/compaction.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import { newItemId } from "../../protocol/id.ts";
import type { OutputItem } from "../../protocol/item.ts";
import type { Response } from "../../protocol/response.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";
import { extraParameterNames } from "../../providers/extra-parameters.ts";
import { admitResponse } from "../../responses/admission/admit-response.ts";
import { unsealCompaction } from "../../responses/content/compacted-context.ts";
import { loadModelInput } from "../../responses/conversations/model-input.ts";
import { normalizeConversationItem } from "../../responses/conversations/conversation-items.ts";
import { extractResponseJson } from "../../responses/reading/read-response.ts";
import type { Storage } from "../../responses/storage.ts";
import { followResponse, reportReplay, createTerminalSink } from "./create-response.ts";
import { isWide } from "../middleware/json-body.ts";
import { UnknownParameters } from "../validation/unknown-parameters.ts";
import {
  checkTrigger,
  emptyInputError,
  toFields,
  parseBody,
  parseBodyInSlices,
  hasNoInput,
  extractExtraParameters,
} from "../validation/validate.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";

export function compactResponse(context: ApiContext): RequestHandler {
  const { catalog, config, limits, prompts, storage } = context;
  return async (request, response, next) => {
    const unknown = new UnknownParameters(config.UNKNOWN_PARAMETERS);
    const { input, ...settings } = await parseCompactRequestInSlices(request.body, catalog, unknown);
    unknown.setHeader(response);
    const { project } = response.locals;
    const asked = { ...settings, input: input ?? undefined, store: false };
    const { rateLimitPermit: allowance } = response.locals;
    const idempotencyKey = request.get("idempotency-key") || undefined;
    const admission = { project, request: asked, idempotencyKey, purpose: "compact" as const, prompts, allowance };
    const admitted = await admitResponse(context, limits, admission);
    response.locals.responseId = admitted.id;
    if (admitted.isReplay) await reportReplay(response);
    const sink = createTerminalSink(response, (terminal) => {
      parseInSlices<Response>(extractResponseJson(terminal))
        .then((ended) => describeCompacted(storage, project, ended))
        .then((compacted) => response.json(compacted), next);
    });
    followResponse(context, response, sink, {
      admitted,
      cancelOnDisconnect: idempotencyKey === undefined,
      isReadable: false,
    });
  };
}

type CompactionRequest = CompactRequest & Pick<CreateRequest, "extra_parameters">;

export function parseCompactRequest(
  body: unknown,
  catalog: ProviderCatalog,
  unknown = new UnknownParameters(),
): CompactionRequest {
  const { rest, parameters } = prepareCompactRequest(body, catalog);
  return { ...checkCompactRequest(parseBody(compactRequestSchema, rest, unknown), catalog), ...parameters };
}

/** The same, of a body of any size, without holding up other requests. */
async function parseCompactRequestInSlices(
  body: unknown,
  catalog: ProviderCatalog,
  unknown: UnknownParameters,
): Promise<CompactionRequest> {
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

async function describeCompacted(storage: Storage, project: string, ended: Response): Promise<CompactedResponse> {
  if (ended.status === "failed") throw runFailed(ended.error);
  const item = (ended.output as OutputItem[]).find((each) => each.type === "compaction");
  const content = item && unsealCompaction(storage, project, item.encrypted_content);
  const conversation = await loadModelInput(storage, ended.id);
  if (ended.status !== "completed" || item === undefined || content === undefined || conversation === undefined) {
    throw internalError();
  }
  const kept = restoreKeptMessages(content.kept, conversation.input).map((message) =>
    normalizeConversationItem({ ...message, id: message.id ?? newItemId(message.type) }),
  );
  return {
    id: ended.id,
    object: "response.compaction",
    created_at: ended.created_at,
    output: [...kept, item],
    usage: ended.usage,
    ...(ended.image && { image: ended.image }),
  };
}
