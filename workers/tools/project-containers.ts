/**
 * The containers of a run's project. Writes retry until Redis is available. A container lives for its idle time after
 * its last use, or as long as the run may take.
 */
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { maxLifetimeSecondsOf } from "../../src/store/encoded-record.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { Run } from "../attempt/run.ts";
import type { ProjectContainers } from "./tool.ts";

export function openProjectContainers(
  { clock, containers, records, containerIdleSeconds }: Storage,
  run: Run,
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
