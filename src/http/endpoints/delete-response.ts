/** `DELETE /responses/:id` (contract.md#deleting). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { eraseResponse } from "../../responses/ending/erase-response.ts";
import { recordAudit } from "../replies/record-audit.ts";
import { loadReadableRecord } from "../resources/load-readable-response.ts";
import { parseResponseId } from "../validation/path-ids.ts";

export function deleteResponse(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseResponseId(request);
    const record = await loadReadableRecord(context, id, response.locals);
    await eraseResponse(context.storage, id, record);
    await recordAudit(context, response, { type: "response.deleted", project: record.project, resource: { id } });
    response.json({ id, object: "response", deleted: true });
  };
}
