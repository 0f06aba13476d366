/** The containers of a run's project. What the run writes to them waits out a Redis that is away, and lives for its time after its last use, or as long as the run may. */
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { maxLifetimeSecondsOf } from "../../src/store/encoded-record.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { ProjectContainers } from "./tool.ts";

export function openProjectContainers(
  { clock, containers, records, containerIdleSeconds }: Storage,
  run: Attempt,
  project: string,
): ProjectContainers {
  const retry = <T>(send: () => Promise<T>): Promise<T> => retryUntilAvailable(send, run.control.writing);
  return {
    readVersion: (id) => retry(() => containers.readVersion(project, id)),
    read: (id) => retry(() => containers.read(project, id)),
    write: (id, change) =>
      retry(async () => {
        const record = await records.readIncludingDeleted(run.id);
        if (record === undefined) throw new LeaseLostError(`The response ${run.id} is gone.`);
        const { deadlineMs } = record;
        const lifetimeSeconds = maxLifetimeSecondsOf({ deadlineMs, retentionSeconds: 0 }, clock.nowMs());
        return await containers.write(project, id, change, Math.max(containerIdleSeconds, lifetimeSeconds));
      }),
  };
}
