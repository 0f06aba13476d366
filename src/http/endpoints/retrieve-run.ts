/** `GET /responses/:id/run`: what the response's run does, waits for and has done (contract.md#the-run). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { responseNotFound } from "../../lifecycle/errors/state.ts";
import { readRun } from "../../responses/reading/read-run.ts";
import { runReadingOf } from "../resources/run-reading.ts";
import { loadReadableRecord } from "../resources/load-readable-response.ts";
import { parseResponseId } from "../validation/path-ids.ts";

export function retrieveRun(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseResponseId(request);
    await loadReadableRecord(context, id, response.locals);
    const run = await readRun(runReadingOf(context), id);
    if (run === undefined) throw responseNotFound(id);
    response.json(run);
  };
}
