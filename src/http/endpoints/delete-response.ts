/** `DELETE /responses/:id` (contract.md#deleting). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { deleteResponse as eraseResponse } from "../../responses/ending/delete-response.ts";
import { readableRecord } from "./retrieve-response.ts";
import { responseIdOf } from "../validation/validate.ts";

export function deleteResponse(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = responseIdOf(request);
    const record = await readableRecord(context, id, response.locals.project);
    await eraseResponse(context.storage, id, record);
    response.json({ id, object: "response", deleted: true });
  };
}
