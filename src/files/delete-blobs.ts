/** Deletes condemned blobs: the process that condemned them does it at once, and the sweeper what is left. */
import type { FileContext } from "./file-context.ts";

/** A request does not wait for more; the sweeper deletes them. */
const MAX_AT_ONCE = 16;

/** Never rejects: the blobs are condemned, and the sweeper deletes those that this call cannot. */
export async function deleteCondemned({ storage, blobs }: FileContext, keys: readonly string[]): Promise<void> {
  const deleted = await Promise.all(
    keys.slice(0, MAX_AT_ONCE).map(
      async (key) =>
        await blobs.delete(key).then(
          () => [key],
          () => [],
        ),
    ),
  );
  await storage.blobCustody.forget(deleted.flat()).catch(() => {});
}
