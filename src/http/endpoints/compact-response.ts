/**
 * `POST /responses/compact` (contract.md#compaction). A response of its own writes the summary. No client can read that
 * response; it is admitted, leased, recovered, bounded and cancelled like any other, and this handler follows it.
 */
import type { RequestHandler } from "express";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import type { ApiContext } from "../../context.ts";
import { restoreKeptMessages } from "../../context-window/compaction.ts";
import { internalError, runFailed } from "../../lifecycle/errors/server.ts";
import type { CompactedResponse } from "../../protocol/compaction.ts";
import { newItemId } from "../../protocol/id.ts";
import type { OutputItem } from "../../protocol/item.ts";
import type { Response } from "../../protocol/response.ts";
import { unsealCompaction } from "../../responses/content/compacted-context.ts";
import { normalizeConversationItem } from "../../responses/conversations/conversation-items.ts";
import { loadModelInput } from "../../responses/conversations/model-input.ts";
import { extractResponseJson } from "../../responses/reading/read-response.ts";
import type { Storage } from "../../responses/storage.ts";
import { admitRequest, readIdempotencyKey } from "../replies/admit-request.ts";
import { createTerminalSink, followResponse } from "../replies/follow.ts";
import { parseCompactRequestInSlices } from "../validation/compact-request.ts";
import { UnknownParameters } from "../validation/unknown-parameters.ts";

export function compactResponse(context: ApiContext): RequestHandler {
  const { catalog, config, storage } = context;
  return async (request, response, next) => {
    const unknown = new UnknownParameters(config.UNKNOWN_PARAMETERS);
    const { input, ...settings } = await parseCompactRequestInSlices(request.body, catalog, unknown);
    unknown.setHeader(response);
    const { project } = response.locals;
    const idempotencyKey = readIdempotencyKey(request);
    const admitted = await admitRequest(context, response, {
      request: { ...settings, input: input ?? undefined, store: false },
      idempotencyKey,
      purpose: "compact",
    });
    const sink = createTerminalSink(response, (terminal) => {
      parseInSlices<Response>(extractResponseJson(terminal))
        .then((ended) => describeCompacted(storage, project, ended))
        .then((compacted) => response.json(compacted), next);
    });
    followResponse(context, response, sink, {
      responseId: admitted.id,
      cancelOnDisconnect: idempotencyKey === undefined,
      isReadable: false,
    });
  };
}

async function describeCompacted(storage: Storage, project: string, ended: Response): Promise<CompactedResponse> {
  if (ended.status === "failed") throw runFailed(ended.error);
  const item = (ended.output as OutputItem[]).find((each) => each.type === "compaction");
  const content = item && unsealCompaction(storage, project, item.encrypted_content);
  const modelInput = await loadModelInput(storage, ended.id);
  if (ended.status !== "completed" || item === undefined || content === undefined || modelInput === undefined) {
    throw internalError();
  }
  const kept = restoreKeptMessages(content.kept, modelInput.input).map((message) =>
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
