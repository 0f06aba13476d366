/** `GET /files`, and `GET` and `DELETE /files/:id` (contract.md#files). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { deleteFile as erase, describeFile } from "../../../files/files.ts";
import { fileNotFound } from "../../../lifecycle/errors/files.ts";
import { listCursorNotFound } from "../../../lifecycle/errors/state.ts";
import { toPage } from "../../../protocol/list.ts";
import { recordAudit } from "../../replies/record-audit.ts";
import { loadOwnedFile } from "../../resources/load-owned-file.ts";
import { parseFileId } from "../../validation/path-ids.ts";
import { parseFileListQuery } from "../../validation/queries.ts";

export function listFiles({ storage }: ApiContext): RequestHandler {
  return async (request, response) => {
    const { after, order, limit, purpose } = parseFileListQuery(request.query);
    const { project } = response.locals;
    const page = await storage.files.list(project, { after, order, limit, purpose }, storage.clock.nowMs());
    if (page === undefined) throw listCursorNotFound(after!);
    response.json(toPage(page.files.map(describeFile), page.hasMore));
  };
}

export function retrieveFile(context: ApiContext): RequestHandler {
  return async (request, response) => {
    response.json(describeFile(await loadOwnedFile(context, request, response.locals.project)));
  };
}

/** A second delete answers 404. */
export function deleteFile(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseFileId(request);
    const { project } = response.locals;
    if (!(await erase(context, project, id))) throw fileNotFound(id);
    await recordAudit(context, response, { type: "file.deleted", project, resource: { id } });
    response.json({ id, object: "file", deleted: true });
  };
}
