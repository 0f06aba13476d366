/**
 * Keeps the lists of responses and conversations complete beside processes of the last release, which do not know them, and
 * after crashes and failovers. The sweeper calls it.
 */
import type { Logger } from "pino";
import type { Response } from "../../protocol/response.ts";
import { isRedisUnavailable } from "../../redis/connect.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import type { ResponseRecord } from "../../store/response-record.ts";
import { extractResponseJson } from "../reading/read-response.ts";
import type { ResponseContext } from "../storage.ts";
import { settleEndedResponse } from "./settle-ended-response.ts";

type InFlightResponse = Pick<ResponseRecord, "project" | "readable" | "deleted" | "createdAtMs"> & { id: string };

type ListContext = Pick<ResponseContext, "storage" | "logger">;

/** Adds responses in flight that the list lacks. */
export async function listInFlight(
  { storage, logger }: ListContext,
  responses: readonly InFlightResponse[],
): Promise<void> {
  const { responseList } = storage;
  const listable = responses.filter(({ readable, deleted }) => readable && !deleted);
  for (const [project, ofProject] of Map.groupBy(listable, (response) => response.project)) {
    const ids = ofProject.map(({ id }) => id);
    const unlisted = new Set(await responseList.findUnlisted(project, ids));
    for (const { id, createdAtMs } of ofProject.filter((response) => unlisted.has(response.id))) {
      await attempt(logger, id, async () => {
        const [opening] = await storage.fullLogReader.read(id, 0, 1);
        if (opening === undefined) return;
        const properties = await parseInSlices<Response>(extractResponseJson(opening));
        await responseList.addOpen(project, id, createdAtMs, properties);
      });
    }
  }
}

/** Settles responses that ended without the list, and removes what has expired. */
export async function reconcileLists({ storage, logger }: ListContext): Promise<void> {
  const { responseList, conversationList, records } = storage;
  for (const project of await responseList.index.listProjects()) {
    await responseList.forEachLeftOpen(project, async (id) => {
      await attempt(logger, id, async () => {
        const record = await records.read(id);
        if (record === undefined) await responseList.index.forget(project, id);
        else await settleEndedResponse(storage, id);
      });
    });
  }
  await responseList.index.trim();
  await conversationList.trim();
}

/** An unreadable response must not prevent the others. */
async function attempt(logger: Logger, responseId: string, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (err) {
    if (isRedisUnavailable(err)) throw err;
    logger.warn({ err, responseId }, "Could not list a response as it is");
  }
}
