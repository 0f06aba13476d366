/** The containers of a run's project. What the run writes to them waits out a Redis that is away, and lives as long as it does at the longest. */
import { untilTaken } from "../src/redis/patience.ts";
import type { Storage } from "../src/responses/storage.ts";
import { longestLifetimeSeconds } from "../src/store/response-record.ts";
import { LeaseLostError } from "../src/stream/event-writer.ts";
import type { Run } from "./run.ts";
import type { ContainerStates } from "./tool.ts";

export function containersOf({ containers, records }: Storage, run: Run, project: string): ContainerStates {
  const patiently = <T>(send: () => Promise<T>): Promise<T> => untilTaken(send, run.control.writing);
  return {
    readVersion: (id) => patiently(() => containers.readVersion(project, id)),
    read: (id) => patiently(() => containers.read(project, id)),
    write: (id, change) =>
      patiently(async () => {
        const record = await records.readEvenDeleted(run.id);
        if (record === undefined) throw new LeaseLostError(`The response ${run.id} is gone.`);
        return await containers.write(project, id, change, longestLifetimeSeconds(record, Date.now()));
      }),
  };
}
