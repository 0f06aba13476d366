/** The containers of a run's project. What the run writes to them waits out a Redis that is away, and lives for its time after its last use, or as long as the run may. */
import { untilTaken } from "../../src/redis/patience.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { longestLifetimeSeconds } from "../../src/store/encoded-record.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { Run } from "../attempt/run.ts";
import type { ContainerStates } from "./tool.ts";

export function containersOf(
  { clock, containers, records, containerIdleSeconds }: Storage,
  run: Run,
  project: string,
): ContainerStates {
  const patiently = <T>(send: () => Promise<T>): Promise<T> => untilTaken(send, run.control.writing);
  return {
    readVersion: (id) => patiently(() => containers.readVersion(project, id)),
    read: (id) => patiently(() => containers.read(project, id)),
    write: (id, change) =>
      patiently(async () => {
        const record = await records.readEvenDeleted(run.id);
        if (record === undefined) throw new LeaseLostError(`The response ${run.id} is gone.`);
        const { deadlineMs } = record;
        const lifetimeSeconds = longestLifetimeSeconds({ deadlineMs, retentionSeconds: 0 }, clock.nowMs());
        return await containers.write(project, id, change, Math.max(containerIdleSeconds, lifetimeSeconds));
      }),
  };
}
