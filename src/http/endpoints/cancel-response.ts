/** `POST /responses/:id/cancel` (contract.md#cancelling). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { cannotCancelSynchronous, responseNotFound } from "../../lifecycle/errors/state.ts";
import { nextStatus } from "../../lifecycle/status.ts";
import { endFromOutside } from "../../responses/ending/end-from-outside.ts";
import { readResponse } from "../../responses/reading/read-response.ts";
import { recordAudit } from "../replies/record-audit.ts";
import { sendResponseJson } from "../replies/send-json.ts";
import { loadReadableRecord } from "../resources/load-readable-response.ts";
import { parseResponseId } from "../validation/path-ids.ts";

export function cancelResponse(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseResponseId(request);
    const record = await loadReadableRecord(context, id, response.locals);
    if (!record.background) throw cannotCancelSynchronous();
    const outcome = await endFromOutside(context.storage, id, "cancel");
    if (outcome.kind === "gone") throw responseNotFound(id);
    const status = outcome.kind === "over" ? outcome.status : outcome.response.status;
    // Throws the contract's error if the response ended in another way first.
    nextStatus(status, "cancel");
    if (outcome.kind !== "over") {
      await recordAudit(context, response, { type: "response.cancelled", project: record.project, resource: { id } });
    }
    const read = await readResponse(context.storage, id);
    if (read === undefined) throw responseNotFound(id);
    sendResponseJson(response, read.json);
  };
}
