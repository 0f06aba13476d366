/**
 * The sweeper's part: deletes expired files, ends expired uploads, condemns blobs whose processes were lost while their bytes arrived, and
 * deletes condemned blobs. Every step can be repeated.
 */
import type { Logger } from "pino";
import type { FileContext } from "./file-context.ts";

const PAGE = 100;
/** Pages of one sweep. The next sweep continues. */
const MAX_PAGES = 50;
/** Deletions at a time. */
const AT_A_TIME = 8;

export async function sweepFiles(context: FileContext & { readonly logger: Logger }): Promise<void> {
  const { files, uploads, blobCustody, clock } = context.storage;
  await forEachPage(async () => await files.deleteExpired(clock.nowMs(), PAGE));
  await forEachPage(async () => await uploads.endExpired(clock.nowMs(), PAGE));
  await forEachPage(async () => await blobCustody.condemnLost(PAGE));
  await forEachPage(async () => await deletePage(context));
  await files.trimList();
}

/** Until a page is not full. */
async function forEachPage(sweepPage: () => Promise<number>): Promise<void> {
  for (let page = 0; page < MAX_PAGES; page += 1) {
    if ((await sweepPage()) < PAGE) return;
  }
}

/** A blob that cannot be deleted stays condemned. Stops at the first failure: the store may be away. */
async function deletePage({ storage, blobs, logger }: Parameters<typeof sweepFiles>[0]): Promise<number> {
  const condemned = await storage.blobCustody.listCondemned(storage.clock.nowMs(), PAGE);
  for (let from = 0; from < condemned.length; from += AT_A_TIME) {
    const some = condemned.slice(from, from + AT_A_TIME);
    const results = await Promise.allSettled(some.map(({ key }) => blobs.delete(key)));
    const deleted = some.filter((_, i) => results[i]!.status === "fulfilled");
    await storage.blobCustody.forget(deleted.map(({ member }) => member));
    const failure = results.find((result) => result.status === "rejected");
    if (failure === undefined) continue;
    logger.warn(
      { err: failure.reason as unknown },
      "Could not delete the bytes of deleted files; the next sweep tries again",
    );
    return 0;
  }
  return condemned.length;
}
