/** `DELETE /responses/:id` (contract.md#deleting). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { removeResponse as eraseResponse } from "../../responses/ending/remove-response.ts";
import { loadReadableRecord } from "../resources/owned-response.ts";
import { parseResponseId } from "../validation/path-ids.ts";

export function deleteResponse(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseResponseId(request);
    const record = await loadReadableRecord(context, id, response.locals.project);
    await eraseResponse(context.storage, id, record);
    response.json({ id, object: "response", deleted: true });
  };
}
