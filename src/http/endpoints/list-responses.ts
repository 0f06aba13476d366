/** `GET /responses` (contract.md#lists-of-responses). */
import type { RequestHandler, Response as HttpResponse } from "express";
import type { ApiContext } from "../../context.ts";
import { adminNeedsProject, notAnAdmin } from "../../lifecycle/errors/access.ts";
import { type DescribeMore, listResponses as readPage } from "../../responses/reading/list-responses.ts";
import { readRun } from "../../responses/reading/read-run.ts";
import { runReadingOf } from "../resources/run-reading.ts";
import { sendResponseJson } from "../replies/send-json.ts";
import { parseResponseListQuery } from "../validation/queries.ts";

export function listResponses(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseResponseListQuery(request.query);
    const project = projectOf(response, query.project);
    const describeMore = query.include?.includes("run") === true ? describeRun(context) : undefined;
    sendResponseJson(response, await readPage(context.storage, project, query, describeMore));
  };
}

function describeRun(context: ApiContext): DescribeMore {
  const reading = runReadingOf(context);
  return async (id) => {
    const run = await readRun(reading, id);
    return run && `"run":${JSON.stringify(run)}`;
  };
}

const ALL_PROJECTS = "*";

/** The project to list; undefined for all. Only admins name one: an admin's key belongs to none. */
function projectOf({ locals }: HttpResponse, named: string | undefined): string | undefined {
  if (named === undefined) {
    if (locals.isAdmin && locals.project === "") throw adminNeedsProject();
    return locals.project;
  }
  if (!locals.isAdmin) throw notAnAdmin();
  return named === ALL_PROJECTS ? undefined : named;
}
